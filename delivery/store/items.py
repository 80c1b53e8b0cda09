"""Items of the queue: their rows, their leases, and each move from one state to another.

A move is one statement that names the state (and, for leased items, the fencing token) it starts from; where no row
changed, someone else was first.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    literal_column,
    not_,
    select,
    union_all,
    update,
)

from delivery.fairness import URGENT, Urgency, shares
from delivery.items import ENDS, MOVES, Attempt, Destination, Item, Kind, Lane, LeasedItem, State
from delivery.store.schema import attempts, finished_items, items, messages
from delivery.store.statements import SET, Statement, execute_plain
from keys.tokens import new_id
from policy.decision import Route

_IDS: Final = 500  # in one statement
_WINDOW: Final = 5000  # due items looked at, where some are not to be leased
_REPLY: Final = 2000  # characters kept of what the other side said
NO_LEASE: Final[dict[str, Any]] = {"lease_worker": None, "lease_until": None}

# For statements that look for items by their state: said as words, since the indexes of what is due and what is leased
# hold these alone. Statements that name items give the state as a value, and so find them by their keys, however many
# others are in the same state.
IS_DUE: Final = items.c.state == literal_column(f"'{State.DUE}'")
IS_LEASED: Final = items.c.state == literal_column(f"'{State.LEASED}'")

# Statements of the hot path are built once: building one costs more than running it.
_INSERT: Final = Statement(insert(items), items.c.keys())
_INSERT_FINISHED: Final = Statement(insert(finished_items), finished_items.c.keys())
_INSERT_ATTEMPT: Final = Statement(insert(attempts), attempts.c.keys())
_SOME: Final = items.c.id.in_(bindparam(SET, expanding=True))
_TAKEN: Final = delete(items).where(_SOME, items.c.state == bindparam("start"))
_TAKE: Final = Statement(_TAKEN)
_TAKE_LEASED: Final = Statement(_TAKEN.where(items.c.lease_token == bindparam("token")))
_IN_TURN: Final = (items.c.next_at, items.c.id)  # as the index has them
LEVELS: Final = tuple(range(Urgency.CODE, Urgency.RETRY + 1))
_NEXT: Final = union_all(  # each of them is one look into the index
    *(
        select(literal(urgency).label("urgency"), func.min(items.c.next_at).label("next_at")).where(
            IS_DUE, items.c.urgency == urgency
        )
        for urgency in LEVELS
    )
)
_CHOSEN: Final = select(items, messages.c.size, messages.c.sender).join(messages)
_OURS: Final = Statement(
    select(items.c.id, items.c.lease_token).where(
        _SOME, items.c.state == State.LEASED.value, items.c.lease_worker == bindparam("worker")
    )
)


def plain_text(reply: str) -> str:
    """What the other side said, fit for any database: no NUL, no lone surrogate, not too long."""
    return reply[:_REPLY].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _values(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "message_id": item.message_id,
        "namespace": item.namespace,
        "kind": item.kind.value,
        "recipient": item.recipient,
        "domain": item.recipient.rpartition("@")[2].lower(),
        "route": item.destination.route.value,
        "target": item.destination.name,
        "inside": item.destination.inside,
        "state": item.state.value,
        "attempts": item.attempts,
        "created_at": item.created_at,
        "next_at": item.next_at,
        "expires_at": item.expires_at,
        "fallback_at": item.fallback_at,
        "delay_notice_at": item.delay_notice_at,
        "fallback_route": item.fallback.value if item.fallback else None,
        "fell_back": item.fell_back,
        "profile": item.profile,
        "rule": item.rule,
        "decision_id": item.decision_id,
        "notify": None if item.notify is None else ",".join(sorted(item.notify)),
        "orcpt": item.orcpt,
        "participant_id": item.participant_id,
        "last_reply": plain_text(item.last_reply),
        "urgency": item.urgency,
    }


def read_item(row: Row[Any]) -> Item:
    """The item of a row of `items` or `finished_items`; its changes stay sealed."""
    return Item(
        id=row.id,
        message_id=row.message_id,
        namespace=row.namespace,
        recipient=row.recipient,
        destination=Destination(Route(row.route), row.target, row.inside),
        state=State(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at,
        expires_at=row.expires_at,
        rule=row.rule,
        decision_id=row.decision_id,
        kind=Kind(row.kind),
        fallback_at=row.fallback_at,
        profile=row.profile,
        notify=None if row.notify is None else frozenset(filter(None, row.notify.split(","))),
        orcpt=row.orcpt,
        fell_back=row.fell_back,
        last_reply=row.last_reply,
        fallback=Route(row.fallback_route) if row.fallback_route else None,
        delay_notice_at=row.delay_notice_at,
        participant_id=row.participant_id,
        urgency=row._mapping.get("urgency", int(Urgency.MAIL)),  # of no account once it has ended
    )


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item to write at a time. `lease` (worker, until) is for one that is LEASED."""

    item: Item
    at: datetime
    changes_sealed: bytes | None = None
    lease: tuple[str, datetime] | None = None


def insert_items(conn: Connection, new: Sequence[ItemRow]) -> None:
    """Write items; those at an end go among the finished."""
    _INSERT.insert_each(conn, [_live(one) for one in new if one.item.state not in ENDS])
    _INSERT_FINISHED.insert_each(conn, [_finished(one.item, one.at) for one in new if one.item.state in ENDS])


def _live(new: ItemRow) -> dict[str, Any]:
    leased = new.item.state is State.LEASED and new.lease is not None
    worker, until = new.lease if new.lease is not None and leased else (None, None)
    return _values(new.item) | {
        "changes_sealed": new.changes_sealed,
        "lease_worker": worker,
        "lease_until": until,
        "lease_token": 1 if leased else 0,
    }


def _finished(item: Item, now: datetime) -> dict[str, Any]:
    return _values(item) | {"finished_at": now, "changes_sealed": None}


# -- leases --------------------------------------------------------------------------------------------------------


def due_at(conn: Connection) -> dict[int, datetime]:
    """When the next waiting item is due, by urgency; nothing for those of which nothing waits."""
    return {row.urgency: row.next_at for row in conn.execute(_NEXT) if row.next_at is not None}


def lease_due(
    conn: Connection,
    worker: str,
    now: datetime,
    *,
    until: datetime,
    limit: int,
    urgent: int = 0,
    levels: Collection[int] = LEVELS,
    busy: Collection[Lane] = (),
    paused: Collection[str] = (),
) -> list[LeasedItem]:
    """Lease due items, but none of the `busy` lanes and `paused` domains: up to `urgent` of ours, up to `limit` others.

    The most urgent come first, and of those alike the longest due; some of each of `levels` in any case.
    """
    waiting: dict[bool, dict[int, list[str]]] = {True: {}, False: {}}
    for level in levels:
        ours = level in URGENT
        lanes = [lane for lane in busy if lane.urgent is ours]
        waiting[ours][level] = _due(conn, now, level, urgent if ours else limit, busy=lanes, paused=paused)
    ids = shares(waiting[True], urgent) + shares(waiting[False], limit)
    leased: list[LeasedItem] = []
    for some in _batches(_locked(conn, ids)):
        conn.execute(
            update(items)
            .where(items.c.id.in_(some), items.c.state == State.DUE.value)
            .values(
                state=State.LEASED.value, lease_worker=worker, lease_until=until, lease_token=items.c.lease_token + 1
            )
        )
        rows = conn.execute(_CHOSEN.where(items.c.id.in_(some), items.c.lease_worker == worker))
        leased += [_leased(row, until) for row in rows]
    return leased


def _due(
    conn: Connection, now: datetime, urgency: int, limit: int, *, busy: Collection[Lane], paused: Collection[str]
) -> list[str]:
    """Ids of due items of one urgency, the longest due first. It looks at some thousands where some are passed over."""
    if limit <= 0:
        return []
    due = select(items).where(IS_DUE, items.c.urgency == urgency, items.c.next_at <= now)
    if not busy and not paused:
        return list(conn.execute(due.with_only_columns(items.c.id).order_by(*_IN_TURN).limit(limit)).scalars())
    columns = (items.c.id, items.c.next_at, items.c.domain, items.c.route, items.c.target, items.c.inside)
    some = due.with_only_columns(*columns).order_by(*_IN_TURN).limit(_WINDOW).subquery()
    free = [not_(of_lane(lane, some.c)) for lane in busy]
    if paused:
        free.append(some.c.domain.not_in(list(paused)))
    return list(conn.execute(select(some.c.id).where(*free).order_by(some.c.next_at, some.c.id).limit(limit)).scalars())


def _locked(conn: Connection, ids: Sequence[str]) -> Sequence[str]:
    """Those that no other transaction is about to lease. SQLite has one writer at a time."""
    if conn.dialect.name == "sqlite" or not ids:
        return ids
    query = select(items.c.id).where(items.c.id.in_(ids), items.c.state == State.DUE.value)
    free = set(conn.execute(query.with_for_update(skip_locked=True)).scalars())
    return [item for item in ids if item in free]


def _leased(row: Row[Any], until: datetime) -> LeasedItem:
    return LeasedItem(read_item(row), row.lease_token, until, row.size, row.changes_sealed, row.sender)


def of_lane(lane: Lane, columns: Any = items.c) -> ColumnElement[bool]:
    """Which items are of a lane; `columns` of the table, or of a query of it."""
    where = lane.destination
    same = and_(columns.route == where.route.value, columns.target == where.name, columns.inside.is_(where.inside))
    return and_(same, columns.domain == lane.domain) if lane.domain else same


def renew(conn: Connection, worker: str, tokens: Mapping[str, int], until: datetime) -> None:
    """Hold leases longer. Those that are no longer ours stay as they are: `confirm` tells."""
    for mine in _under(tokens):
        conn.execute(update(items).where(_leased_by(worker), mine).values(lease_until=until))


def tokens_held(conn: Connection, worker: str, ids: Sequence[str]) -> dict[str, int]:
    """Of these items those that are leased to the worker: fencing tokens by id."""
    return dict(_OURS.rows_for(conn, ids, {"worker": worker}))


def give_back(conn: Connection, worker: str, tokens: Mapping[str, int], next_at: datetime | None = None) -> None:
    """Leased items become due again, uncounted; at `next_at`, else at once."""
    values = NO_LEASE | {"state": State.DUE.value} | ({"next_at": next_at} if next_at else {})
    for mine in _under(tokens):
        conn.execute(update(items).where(_leased_by(worker), mine).values(values))


def _under(tokens: Mapping[str, int]) -> Iterator[ColumnElement[bool]]:
    """Items under the tokens they were leased with, some at a time. Most tokens are alike."""
    alike: dict[int, list[str]] = {}
    for item, token in tokens.items():
        alike.setdefault(token, []).append(item)
    for token, ids in alike.items():
        for some in _batches(ids):
            yield and_(items.c.id.in_(some), items.c.lease_token == token)


def _leased_by(worker: str) -> ColumnElement[bool]:
    return and_(items.c.state == State.LEASED.value, items.c.lease_worker == worker)


# -- moves ---------------------------------------------------------------------------------------------------------


def move(conn: Connection, item_id: str, start: State, to: State, token: int | None = None, **values: Any) -> bool:
    """Move an item between states in which it stays in the queue. False: it is no longer where it was.

    `token` names the lease where `start` is LEASED (None: whoever's, for an admin).
    """
    _allowed(start, to)
    changed = conn.execute(
        update(items).where(_at(item_id, start, token)).values(NO_LEASE | {"state": to.value} | values)
    )
    return changed.rowcount == 1


@dataclass(frozen=True, slots=True)
class Ending:
    """An item and its end. `item` is as it was when it was read or leased; `token` (None: whoever's, for an admin)."""

    item: Item
    to: State
    token: int | None = None
    attempts: int | None = None  # made by now; None: as before
    reply: str | None = None  # that ended it; None: the last one


def end_each(conn: Connection, endings: Sequence[Ending], now: datetime) -> set[str]:
    """Move items to their ends: out of the queue, among the finished. Ids of those that are no longer where they were:
    they stay as they are.
    """
    for ending in endings:
        _allowed(ending.item.state, ending.to)
    gone = _take_out(conn, endings)
    _INSERT_FINISHED.insert_each(conn, [_ended(one, now) for one in endings if one.item.id not in gone])
    return gone


def _ended(ending: Ending, now: datetime) -> dict[str, Any]:
    changed: dict[str, Any] = {"state": ending.to.value}
    if ending.attempts is not None:
        changed["attempts"] = ending.attempts
    if ending.reply is not None:
        changed["last_reply"] = plain_text(ending.reply)
    return _finished(ending.item, now) | changed


def _take_out(conn: Connection, endings: Sequence[Ending]) -> set[str]:
    """Take items out; ids of those that are no longer there. Of two transactions only one takes an item out."""
    if len(endings) == 1:
        return set() if _taken(conn, endings) else {endings[0].item.id}
    execute_plain(conn, "SAVEPOINT ending")
    are_all = _taken(conn, endings) == len(endings)
    if not are_all:
        execute_plain(conn, "ROLLBACK TO SAVEPOINT ending")
    execute_plain(conn, "RELEASE SAVEPOINT ending")
    return set() if are_all else {one.item.id for one in endings if not _taken(conn, [one])}


def _taken(conn: Connection, endings: Sequence[Ending]) -> int:
    alike: dict[tuple[State, int | None], list[str]] = {}
    for ending in endings:
        alike.setdefault((ending.item.state, ending.token), []).append(ending.item.id)
    return sum(
        (_TAKE if token is None else _TAKE_LEASED).run_for(conn, ids, {"start": start.value, "token": token})
        for (start, token), ids in alike.items()
    )


def _allowed(start: State, to: State) -> None:
    if to not in MOVES[start] and start is not to:
        raise ValueError(f"no item goes from {start} to {to}")


def _at(item_id: str, state: State, token: int | None) -> ColumnElement[bool]:
    here = and_(items.c.id == item_id, items.c.state == state.value)
    return here if token is None else and_(here, items.c.lease_token == token)


def add_attempts(conn: Connection, made: Sequence[tuple[str, Attempt]]) -> None:
    """Record tries, each of the item that is named with it."""
    rows = [
        {
            "id": new_id(),
            "item_id": item_id,
            "number": attempt.number,
            "started_at": attempt.started_at,
            "ended_at": attempt.ended_at,
            "outcome": attempt.outcome,
            "reply": plain_text(attempt.reply),
            "evidence": attempt.evidence,
        }
        for item_id, attempt in made
    ]
    _INSERT_ATTEMPT.insert_each(conn, rows)


def find_items(conn: Connection, ids: Sequence[str]) -> list[LeasedItem]:
    """Items that are in the queue, with their tokens, leased or not."""
    found = []
    for some in _batches(ids):
        rows = conn.execute(_CHOSEN.where(items.c.id.in_(some)))
        found += [_leased(row, row.lease_until or row.next_at) for row in rows]
    return found


def _batches(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[at : at + _IDS] for at in range(0, len(values), _IDS)]
