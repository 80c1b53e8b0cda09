"""What else a guest may prove themselves by in one box: a telephone, a question. Sealed under the box's key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, update

from delivery.store import codes
from delivery.store.inserting import insert_into
from delivery.store.schema_people import proofs, sessions
from delivery.store.statements import Statement


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One guest's. `answer` is an Argon2id hash; a phone that the guest told counts once it is confirmed."""

    participant_id: str
    phone_sealed: bytes | None = field(default=None, repr=False)
    phone_from: str | None = None
    phone_confirmed_at: datetime | None = None
    question_sealed: bytes | None = field(default=None, repr=False)
    answer: str | None = field(default=None, repr=False)


NOTHING = ProofRow("")
_GET: Final = Statement(
    select(*(proofs.c[one.name] for one in fields(ProofRow))).where(
        proofs.c.participant_id == bindparam("of"), proofs.c.namespace == bindparam("in_namespace")
    )
)


def get(conn: Connection, namespace: str, participant_id: str) -> ProofRow:
    """What is kept for a guest; a row of nothing where there is none."""
    row = _GET.row(conn, {"in_namespace": namespace, "of": participant_id})
    return NOTHING if row is None else ProofRow(**row)


def put(conn: Connection, namespace: str, box_id: str, participant_id: str, values: Mapping[str, Any]) -> None:
    """Set columns of a guest's row, and make the row where it is missing."""
    row = {"participant_id": participant_id, "namespace": namespace, "box_id": box_id}
    conn.execute(insert_into(proofs, conn.dialect.name).values(row).on_conflict_do_nothing())
    mine = (proofs.c.participant_id == participant_id) & (proofs.c.namespace == namespace)
    conn.execute(update(proofs).where(mine).values(**values))


def forget_calls(conn: Connection, namespace: str, participant_id: str, now: datetime) -> None:
    """The number is another from now on: what went to the one before, and who came in by it, counts no more."""
    codes.forget_calls(conn, namespace, participant_id, now)
    open_ = (sessions.c.namespace == namespace) & (sessions.c.participant_id == participant_id)
    conn.execute(delete(sessions).where(open_, sessions.c.way.in_(codes.BY_PHONE)))


def forget_answers(conn: Connection, namespace: str, participant_id: str) -> None:
    """The question is another from now on: who came in by the answer to the one before is out."""
    open_ = (sessions.c.namespace == namespace) & (sessions.c.participant_id == participant_id)
    conn.execute(delete(sessions).where(open_, sessions.c.way == "question"))


def confirm_phone(
    conn: Connection, namespace: str, participant_id: str, phone_sealed: bytes | None, now: datetime
) -> bool:
    """The owner says that this very number is right. False: it does not wait, or another one was told meanwhile."""
    mine = (proofs.c.participant_id == participant_id) & (proofs.c.namespace == namespace)
    waiting = mine & (proofs.c.phone_sealed == phone_sealed) & proofs.c.phone_confirmed_at.is_(None)
    return conn.execute(update(proofs).where(waiting).values(phone_confirmed_at=now)).rowcount == 1


def destroy(conn: Connection, namespace: str, box_id: str) -> None:
    """The box is deleted: nothing of it is asked any more."""
    conn.execute(delete(proofs).where(proofs.c.namespace == namespace, proofs.c.box_id == box_id))
