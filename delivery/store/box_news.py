"""What is new in a box since somebody who keeps it last looked: replies, first openings, asks to open it again.

Each box counts them, in the transaction of the act and under the lock of the box's row; each of its keepers has the
counts they saw last. What is new is the difference: no event is read for it, and what is committed after the counts
were read stays new, whatever its time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, Integer, Row, bindparam, func, or_, select, type_coerce, update

from delivery.store.inserting import insert_into
from delivery.store.schema_boxes import box_looks, boxes
from delivery.store.statements import Statement


class News(StrEnum):
    """What counts as new: columns of boxes and of looks."""

    REPLIES = "replies"
    OPENINGS = "openings"  # the first of each guest
    ASKS = "asks"


@dataclass(frozen=True, slots=True)
class Counted:
    """So many of each: in all, or since somebody looked."""

    replies: int = 0
    openings: int = 0
    asks: int = 0

    @property
    def total(self) -> int:
        """The sum over all kinds."""
        return self.replies + self.openings + self.asks

    def since(self, seen: "Counted") -> "Counted":
        """What came after `seen`."""
        return Counted(*(max(0, getattr(self, one) - getattr(seen, one)) for one in News))


NOTHING: Final = Counted()
_COUNT: Final = {
    news: Statement(
        update(boxes)
        .where(boxes.c.namespace == bindparam("in_namespace"), boxes.c.id == bindparam("of"))
        .values({boxes.c[news]: boxes.c[news] + 1, boxes.c.acted_at: bindparam("now")})
    )
    for news in News
}


def count_news(conn: Connection, namespace: str, box_id: str, news: News, now: datetime) -> None:
    """One more, which is an act as well. Locks the box's row until the commit: take it before anything of its people is
    changed.
    """
    _COUNT[news].run(conn, {"in_namespace": namespace, "of": box_id, "now": now})


def counted(conn: Connection, namespace: str, box_id: str) -> Counted:
    """All that happened in a box so far."""
    query = select(*(boxes.c[one] for one in News)).where(boxes.c.namespace == namespace, boxes.c.id == box_id)
    row = conn.execute(query).first()
    return NOTHING if row is None else Counted(*row)


def news_of(conn: Connection, namespace: str, address_key: str, box_ids: Iterable[str]) -> Mapping[str, Counted]:
    """What is new in these boxes for somebody who keeps them."""
    joined = boxes.outerjoin(box_looks, looked_by(address_key))
    seen = (func.coalesce(box_looks.c[one], 0).label(f"seen_{one}") for one in News)
    query = select(boxes.c.id, *(boxes.c[one] for one in News), *seen).select_from(joined)
    where = (boxes.c.namespace == namespace, boxes.c.id.in_(tuple(box_ids)))
    return {row.id: _new(row) for row in conn.execute(query.where(*where))}


def _new(row: Row[tuple[object, ...]]) -> Counted:
    values = row._mapping
    now, seen = Counted(*(values[one] for one in News)), Counted(*(values[f"seen_{one}"] for one in News))
    return now.since(seen)


@dataclass(frozen=True, slots=True)
class KeeperInBox:
    """One of those who keep a box, by their address."""

    namespace: str
    box_id: str
    address_key: str = field(repr=False)


def record_look(conn: Connection, looker: KeeperInBox, saw: Counted, now: datetime) -> None:
    """Note which counts this keeper has seen: of two looks (in two windows) the larger count of each kind."""
    values = {one.value: getattr(saw, one) for one in News}
    row = {**asdict(looker), **values, "looked_at": now}
    adding = insert_into(box_looks, conn.dialect.name).values(row).on_conflict_do_nothing()
    if conn.execute(adding.returning(box_looks.c.box_id)).first():
        return
    larger = {one.value: _larger(box_looks.c[one], getattr(saw, one), conn) for one in News}
    conn.execute(update(box_looks).where(_look_of(looker)).values(**larger, looked_at=now))


def saw_own_reply(conn: Connection, looker: KeeperInBox, now: datetime) -> None:
    """Count a reply as seen by who wrote it. Call it after `count_news`, in the same transaction."""
    record_look(conn, looker, NOTHING, now)
    conn.execute(update(box_looks).where(_look_of(looker)).values(replies=box_looks.c.replies + 1))


def looked_by(address_key: str) -> ColumnElement[bool]:
    """The condition that joins boxes to the looks of one person."""
    return (box_looks.c.box_id == boxes.c.id) & (box_looks.c.address_key == address_key)


def has_news() -> ColumnElement[bool]:
    """The condition that a box has something new, in a query of boxes joined (outer) to somebody's looks."""
    return or_(*(boxes.c[one] > func.coalesce(box_looks.c[one], 0) for one in News))


def _look_of(looker: KeeperInBox) -> ColumnElement[bool]:
    at_box = (box_looks.c.namespace == looker.namespace) & (box_looks.c.box_id == looker.box_id)
    return at_box & (box_looks.c.address_key == looker.address_key)


def _larger(column: ColumnElement[int], value: int, conn: Connection) -> ColumnElement[int]:
    most = func.greatest(column, value) if conn.dialect.name == "postgresql" else func.max(column, value)
    return type_coerce(most, Integer)
