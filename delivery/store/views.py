"""What admins ask the queue: what waits, what became of an item, and whether anything was lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select

from delivery.items import ENDS, Attempt, Item, State
from delivery.store.items import read_item
from delivery.store.schema import attempts, finished_items, items, messages
from policy.decision import Route

WAITING: Final = (State.DUE, State.LEASED, State.HELD)
_SHOWN: Final = 50  # violations of one kind that are named


@dataclass(frozen=True, slots=True)
class Line:
    """An item as the queue's list shows it."""

    item: Item
    sender: str | None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemStory:
    """An item with every try to deliver it."""

    line: Line
    attempts: tuple[Attempt, ...]
    size: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Violation:
    """One contradiction that `queue audit` found; there must never be any."""

    problem: str
    message_id: str
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class Conservation:
    """For every recipient of every accepted message exactly one end, or queued, or held: counts, and what breaks it."""

    messages: int
    recipients: int
    counts: Mapping[State, int] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()

    @property
    def holds(self) -> bool:
        """True: nothing was lost, nothing is there twice."""
        return not self.violations and self.recipients == sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items to list: those that meet every condition given here.

    `recipient` and `sender` are addresses or `*@domain`, in any case; `<>` is the sender of reports. `older`: accepted
    longer ago than this. `said`: a part of the last reply, in any case.
    """

    route: Route | None = None
    recipient: str | None = None
    sender: str | None = None
    older: timedelta | None = None
    said: str | None = None

    def conditions(self, table: Table, now: datetime) -> Iterator[ColumnElement[bool]]:
        """The same as conditions on `table` (of items, or of finished ones) joined to the messages."""
        if self.route is not None:
            yield table.c.route == self.route.value
        if self.recipient is not None and self.recipient.startswith("*@"):
            yield table.c.domain == self.recipient[2:].lower()
        elif self.recipient is not None:
            yield func.lower(table.c.recipient) == self.recipient.lower()
        if self.sender == "<>":
            yield messages.c.sender.is_(None)
        elif self.sender is not None and self.sender.startswith("*@"):
            yield func.lower(messages.c.sender).endswith(self.sender[1:].lower(), autoescape=True)
        elif self.sender is not None:
            yield func.lower(messages.c.sender) == self.sender.lower()
        if self.older is not None:
            yield table.c.created_at < now - self.older
        if self.said is not None:
            yield func.lower(table.c.last_reply).contains(self.said.lower(), autoescape=True)


EVERYTHING: Final = ItemFilter()


def list_items(
    conn: Connection, *, states: Sequence[State], item_filter: ItemFilter, limit: int, now: datetime
) -> list[Line]:
    """Items in any of the states, oldest first."""
    lines: list[Line] = []
    for table, wanted in ((items, set(states) - ENDS), (finished_items, set(states) & ENDS)):
        if not wanted:
            continue
        query = (
            select(table, messages.c.sender)
            .join(messages)
            .where(table.c.state.in_([state.value for state in wanted]), *item_filter.conditions(table, now))
        )
        rows = conn.execute(query.order_by(table.c.created_at, table.c.id).limit(limit))
        lines += [_line(row) for row in rows]
    return lines[:limit]


def _line(row: Row[Any]) -> Line:
    return Line(read_item(row), row.sender, row._mapping.get("finished_at"))


def stories(conn: Connection, wanted: str) -> list[ItemStory]:
    """The item of that id, or every item of the message of that id; empty where there is neither."""
    found = []
    for table in (items, finished_items):
        query = (
            select(table, messages.c.sender, messages.c.size, messages.c.received_at)
            .join(messages)
            .where(or_(table.c.id == wanted, table.c.message_id == wanted))
            .order_by(table.c.id)
        )
        for row in conn.execute(query):
            found.append(ItemStory(_line(row), _attempts(conn, row.id), row.size, row.received_at))
    return found


def _attempts(conn: Connection, item_id: str) -> tuple[Attempt, ...]:
    query = select(attempts).where(attempts.c.item_id == item_id).order_by(attempts.c.started_at, attempts.c.id)
    return tuple(
        Attempt(row.number, row.started_at, row.ended_at, row.outcome, row.reply, row.evidence)
        for row in conn.execute(query)
    )


def count_up_to(conn: Connection, most: int) -> int:
    """How many items are in the queue; counting ends at `most`."""
    some = select(items.c.id).limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(some)).scalar_one())


def waits_for(conn: Connection, domain: str) -> bool:
    """Whether anything for a domain waits for its next try."""
    some = select(items.c.id).where(items.c.state == State.DUE.value, items.c.domain == domain).limit(1)
    return conn.execute(some).first() is not None


def conservation(conn: Connection) -> Conservation:
    """Prove, in one read transaction, that nothing was lost and nothing counted twice."""
    counts = dict.fromkeys(State, 0)
    for table in (items, finished_items):
        for state, number in conn.execute(select(table.c.state, func.count()).group_by(table.c.state)):
            counts[State(state)] += number
    accepted, recipients = conn.execute(
        select(func.count(), func.coalesce(func.sum(messages.c.recipients), 0)).select_from(messages)
    ).one()
    return Conservation(accepted, int(recipients), counts, tuple(_violations(conn)))


def _violations(conn: Connection) -> Iterator[Violation]:
    yield from _miscounted(conn)
    yield from _contradictions(conn)
    yield from _unproven_ends(conn)


def _number_of(table: Table) -> Any:
    return select(func.count()).where(table.c.message_id == messages.c.id).scalar_subquery()


def _miscounted(conn: Connection) -> Iterator[Violation]:
    """Messages whose items are fewer or more than were accepted."""
    found = _number_of(items) + _number_of(finished_items)
    query = select(messages.c.id, messages.c.recipients, found.label("found")).where(messages.c.recipients != found)
    for row in conn.execute(query.limit(_SHOWN)):
        yield Violation(f"accepted for {row.recipients}, found {row.found}", row.id)
    both = select(items.c.id, items.c.message_id).join(finished_items, finished_items.c.id == items.c.id)
    for row in conn.execute(both.limit(_SHOWN)):
        yield Violation("queued and ended at once", row.message_id, row.id)


def _contradictions(conn: Connection) -> Iterator[Violation]:
    """Rows that contradict each other."""
    for table, allowed in ((items, WAITING), (finished_items, ENDS)):
        odd = select(table.c.id, table.c.message_id, table.c.state).where(
            table.c.state.not_in([state.value for state in allowed])
        )
        for row in conn.execute(odd.limit(_SHOWN)):
            yield Violation(f"in a state it cannot be in here: {row.state}", row.message_id, row.id)
    waits = select(items.c.id).where(items.c.message_id == messages.c.id).exists()
    empty = and_(messages.c.body_sealed.is_(None), messages.c.blob.is_(None))
    for problem, condition in (
        ("something waits, but its content is gone", and_(waits, or_(messages.c.dek_wrapped.is_(None), empty))),
        ("ended, but its key is still there", and_(~waits, messages.c.dek_wrapped.is_not(None))),
        ("ended, but not marked so", and_(~waits, messages.c.finished_at.is_(None))),
    ):
        for message_id in conn.execute(select(messages.c.id).where(condition).limit(_SHOWN)).scalars():
            yield Violation(problem, message_id)


def _unproven_ends(conn: Connection) -> Iterator[Violation]:
    """Items that count as delivered without an attempt that delivered them."""
    for state in (State.SENT, State.STORED):
        proof = select(attempts.c.id).where(
            attempts.c.item_id == finished_items.c.id, attempts.c.outcome == state.value
        )
        query = select(finished_items.c.id, finished_items.c.message_id).where(
            finished_items.c.state == state.value, ~proof.exists()
        )
        for row in conn.execute(query.limit(_SHOWN)):
            yield Violation(f"counts as {state}, but no attempt says so", row.message_id, row.id)
