"""What rules with `mode: watch` saw: counted from the audit trail, where each is an event beside its message's."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, func, literal_column, select, type_coerce

from delivery.store.schema_audit import audit_events

_EVENTS: Final = audit_events.c
_WATCHED: Final = literal_column("kind") == literal_column("'rule.watched'")  # literal, so that the index is taken
_DAY: Final = 86_400_000_000  # microseconds
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WatchedEffect:
    """How many copies a watched rule would have done `action` to, while `did` was done. `route` None: an addition."""

    action: str
    route: str | None
    did: str
    recipients: int
    messages: int


@dataclass(frozen=True, slots=True)
class Example:
    """One copy that a rule saw. `recipient` is empty once that person was erased."""

    message_id: str
    recipient: str
    at: datetime
    action: str
    did: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What one rule saw. A message may be told in several of `would`, since its recipients may differ."""

    rule: str
    recipients: int
    messages: int
    first_at: datetime
    last_at: datetime
    would: tuple[WatchedEffect, ...]
    days: tuple[tuple[str, int, int], ...]  # day (UTC), recipients, messages
    examples: tuple[Example, ...]  # the latest


def watches(conn: Connection, since: datetime | None = None, examples: int = 3) -> list[Watch]:
    """Every rule that saw something, those of most copies first."""
    rule = _rule().label("rule")
    first_at, last_at = func.min(_EVENTS.at).label("first_at"), func.max(_EVENTS.at).label("last_at")
    query = _select(since, None, rule, *_counts(), first_at, last_at).group_by(rule)
    found = [
        Watch(
            row.rule,
            row.recipients,
            row.messages,
            row.first_at,
            row.last_at,
            _would(conn, row.rule, since),
            _days(conn, row.rule, since),
            _examples(conn, row.rule, since, examples),
        )
        for row in conn.execute(query)
    ]
    return sorted(found, key=lambda watch: (-watch.recipients, watch.rule))


def began_at(conn: Connection) -> datetime | None:
    """When the audit trail begins; None: there is nothing in it."""
    return conn.execute(select(_EVENTS.at).order_by(_EVENTS.id).limit(1)).scalar()


def _select(since: datetime | None, rule: str | None, *columns: Any) -> Any:
    query = select(*columns).where(_WATCHED)
    query = query if since is None else query.where(_EVENTS.at >= since)
    return query if rule is None else query.where(_rule() == rule)


def _rule() -> Any:
    return _EVENTS.facts["rule"].as_string()


def _counts() -> tuple[Any, Any]:
    return func.count().label("recipients"), func.count(_EVENTS.message_id.distinct()).label("messages")


def _would(conn: Connection, rule: str, since: datetime | None) -> tuple[WatchedEffect, ...]:
    names = ("would", "route", "did")
    columns = [_EVENTS.facts[name].as_string().label(name) for name in names]
    query = _select(since, rule, *columns, *_counts()).group_by(*columns)
    found = [WatchedEffect(row.would, row.route, row.did, row.recipients, row.messages) for row in conn.execute(query)]
    return tuple(sorted(found, key=lambda would: (-would.recipients, would.action, would.did)))


def _days(conn: Connection, rule: str, since: datetime | None) -> tuple[tuple[str, int, int], ...]:
    day = (type_coerce(_EVENTS.at, BigInteger) // literal_column(str(_DAY))).label("day")
    query = _select(since, rule, day, *_counts()).group_by(day).order_by(day)
    return tuple(
        ((_EPOCH + timedelta(days=int(row.day))).date().isoformat(), row.recipients, row.messages)
        for row in conn.execute(query)
    )


def _examples(conn: Connection, rule: str, since: datetime | None, most: int) -> tuple[Example, ...]:
    query = _select(since, rule, _EVENTS.message_id, _EVENTS.persons, _EVENTS.at, _EVENTS.facts)
    query = query.order_by(_EVENTS.at.desc(), _EVENTS.id.desc())
    return tuple(
        Example(
            row.message_id or "",
            ((row.persons or {}).get("recipient") or {}).get("value", ""),
            row.at,
            row.facts["would"],
            row.facts["did"],
        )
        for row in conn.execute(query.limit(most))
    )
