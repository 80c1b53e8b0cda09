"""Which language somebody chose to be spoken to in, by their address: for notices, and for the next browser."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select

from delivery.languages import Language, language_named
from delivery.store.inserting import insert_into
from delivery.store.schema_people import languages
from delivery.store.statements import Statement
from delivery.store.who import address_key

KEPT: Final = timedelta(days=400)  # since they were last here: a little longer than their browser keeps it


_CHOSEN: Final = Statement(
    select(languages.c.language).where(
        languages.c.namespace == bindparam("in_namespace"), languages.c.address_key == bindparam("of")
    )
)


def choose(conn: Connection, namespace: str, address: str, language: Language, now: datetime) -> None:
    """Keep what they chose."""
    fresh = {"language": language.value, "used_at": now}
    adding = insert_into(languages, conn.dialect.name).values(
        namespace=namespace, address_key=address_key(address), **fresh
    )
    conn.execute(adding.on_conflict_do_update(index_elements=["namespace", "address_key"], set_=fresh))


def at_sign_in(
    conn: Connection, namespace: str, address: str, chosen: Language | None, now: datetime
) -> Language | None:
    """Somebody signed in with a browser in which a language was chosen, or none: what they are spoken to in now."""
    language = chosen or chosen_by(conn, namespace, address)
    if language is not None:
        choose(conn, namespace, address, language, now)
    return language


def chosen_by(conn: Connection, namespace: str, address: str) -> Language | None:
    """What they chose; None: nothing, or a language that is not spoken any more."""
    found = _CHOSEN.row(conn, {"in_namespace": namespace, "of": address_key(address)})
    return language_named(found["language"]) if found else None


def sweep(conn: Connection, now: datetime) -> int:
    """Forget who has not been here for long."""
    return conn.execute(delete(languages).where(languages.c.used_at < now - KEPT)).rowcount
