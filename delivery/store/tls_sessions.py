"""How TLS with other domains' mail servers went, and which days are reported."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, exists, select, update

from delivery.store.inserting import insert_into
from delivery.store.schema_tls import tls_reports, tls_sessions
from delivery.verdicts import PolicyFact, PolicyKind

KEEP: Final = timedelta(days=8)  # sessions and reports of older days are forgotten
RETRY: Final = timedelta(hours=1)
TRIES: Final = 24
_SPREAD: Final = 4 * 3600  # seconds after midnight over which reports are spread (RFC 8460 4.1)


class ReportState(StrEnum):
    """What became of one domain's report of one day."""

    WAITING = "waiting"
    SENT = "sent"
    UNASKED = "unasked"  # the domain wants none
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Session:
    """Sessions that count as one kind. `day` is 2025-03-01 in UTC; `result` empty: it went well."""

    day: str
    domain: str
    policy: PolicyFact
    result: str = ""
    host: str = ""
    address: str = ""
    our_address: str = ""

    @property
    def key(self) -> str:
        """The same for the same kind, and for no other."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DueReport:
    """A report that the caller is to make now, and nobody else for an hour. `tries` counts this one."""

    day: str
    domain: str
    tries: int


def add_sessions(conn: Connection, counts: Mapping[Session, int]) -> None:
    """Count sessions."""
    for session, number in sorted(counts.items(), key=lambda one: one[0].key):  # one order: no two writers block
        values = {
            **{name: getattr(session, name) for name in ("key", "day", "domain", "result", "host", "address")},
            "our_address": session.our_address,
            "policy": asdict(session.policy),
            "sessions": number,
        }
        more = {"sessions": tls_sessions.c.sessions + number}
        adding = insert_into(tls_sessions, conn.dialect.name).values(values)
        conn.execute(adding.on_conflict_do_update(index_elements=[tls_sessions.c.key], set_=more))


def sessions_of(conn: Connection, day: str, domain: str) -> list[tuple[Session, int]]:
    """Everything counted of a domain on a day."""
    wanted = select(tls_sessions).where(tls_sessions.c.day == day, tls_sessions.c.domain == domain)
    return [
        (
            Session(row.day, row.domain, _fact(row.policy), row.result, row.host, row.address, row.our_address),
            row.sessions,
        )
        for row in conn.execute(wanted.order_by(tls_sessions.c.key))
    ]


def claim_reports(conn: Connection, now: datetime, limit: int) -> list[DueReport]:
    """Reports of days that are over. What was tried too often is given up."""
    today = f"{now:%Y-%m-%d}"
    known = exists().where(tls_reports.c.day == tls_sessions.c.day, tls_reports.c.domain == tls_sessions.c.domain)
    fresh = select(tls_sessions.c.day, tls_sessions.c.domain).where(tls_sessions.c.day < today, ~known).distinct()
    for row in conn.execute(fresh.order_by(tls_sessions.c.day, tls_sessions.c.domain).limit(1000)).all():
        values = {"day": row.day, "domain": row.domain, "state": ReportState.WAITING.value, "tries": 0}
        begun = insert_into(tls_reports, conn.dialect.name).values(**values, next_at=_begin(row.day, row.domain))
        conn.execute(begun.on_conflict_do_nothing())
    waiting = and_(tls_reports.c.state == ReportState.WAITING.value, tls_reports.c.next_at <= now)
    claimed = []
    for row in conn.execute(select(tls_reports).where(waiting).order_by(tls_reports.c.next_at).limit(limit)).all():
        state = ReportState.WAITING if row.tries < TRIES else ReportState.FAILED
        mine = _one(row.day, row.domain, row.next_at)
        moved = mine.values(tries=row.tries + 1, next_at=now + RETRY, state=state.value)
        if conn.execute(moved).rowcount == 1 and state is ReportState.WAITING:
            claimed.append(DueReport(row.day, row.domain, row.tries + 1))
    return claimed


def end_report(conn: Connection, report: DueReport, state: ReportState) -> bool:
    """Say what became of a claimed report. False: somebody else has ended it."""
    waiting = and_(
        tls_reports.c.day == report.day,
        tls_reports.c.domain == report.domain,
        tls_reports.c.state == ReportState.WAITING.value,
    )
    return conn.execute(update(tls_reports).where(waiting).values(state=state.value)).rowcount == 1


def forget_sessions(conn: Connection, now: datetime) -> None:
    """Forget days long over."""
    before = f"{now - KEEP:%Y-%m-%d}"
    conn.execute(delete(tls_sessions).where(tls_sessions.c.day < before))
    conn.execute(delete(tls_reports).where(tls_reports.c.day < before))


def _one(day: str, domain: str, next_at: datetime) -> Any:
    where = and_(
        tls_reports.c.day == day,
        tls_reports.c.domain == domain,
        tls_reports.c.next_at == next_at,
        tls_reports.c.state == ReportState.WAITING.value,
    )
    return update(tls_reports).where(where)


def _begin(day: str, domain: str) -> datetime:
    """Some time after midnight, another for each domain, so that not all of the world reports at once."""
    midnight = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)
    return midnight + timedelta(seconds=int.from_bytes(hashlib.sha256(domain.encode()).digest()[:4]) % _SPREAD)


def _fact(kept: Mapping[str, Any]) -> PolicyFact:
    def words(name: str) -> tuple[str, ...]:
        found: Sequence[str] = kept[name]
        return tuple(found)

    return PolicyFact(PolicyKind(kept["kind"]), kept["domain"], words("text"), words("hosts"))
