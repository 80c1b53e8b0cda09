"""Open circuits, shared by all workers, and what they do to the mail that waits."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from delivery.circuits import Circuit
from delivery.items import Destination, Lane, Reply, State
from delivery.store.items import of_lane, plain_text
from delivery.store.schema import circuits, items
from policy.decision import Route

SOME: Final = 2000  # items changed in one transaction: others commit between


def open_circuits(conn: Connection) -> list[Circuit]:
    """All of them, the oldest first."""
    return [_circuit(row) for row in conn.execute(select(circuits).order_by(circuits.c.since, circuits.c.id))]


def _circuit(row: Any) -> Circuit:
    lane = Lane(Destination(Route(row.route), row.target, row.inside), row.domain)
    return Circuit(lane, row.since, row.until, row.probes, Reply(row.code, row.status, row.reply))


def _id(lane: Lane) -> str:
    where = lane.destination
    return f"{where.route.value}|{where.name}|{int(where.inside)}|{lane.domain}"


def put_circuit(conn: Connection, circuit: Circuit) -> None:
    """Write a circuit that opened, or stays open for longer."""
    close_circuit(conn, circuit.lane)
    where = circuit.lane.destination
    values = {
        "id": _id(circuit.lane),
        "route": where.route.value,
        "target": where.name,
        "inside": where.inside,
        "domain": circuit.lane.domain,
        "since": circuit.since,
        "until": circuit.until,
        "probes": circuit.probes,
        "code": circuit.reply.code,
        "status": circuit.reply.status,
        "reply": plain_text(circuit.reply.text),
    }
    conn.execute(insert(circuits).values(values))


def close_circuit(conn: Connection, lane: Lane) -> None:
    """The destination answers again, or an admin wants it tried."""
    conn.execute(delete(circuits).where(circuits.c.id == _id(lane)))


def forget_stale(conn: Connection, before: datetime) -> int:
    """Forget circuits whose probe was due before: nothing is left that would probe; how many."""
    return conn.execute(delete(circuits).where(circuits.c.until < before)).rowcount


def close_for(conn: Connection, destination: Destination, domain: str) -> None:
    """Close whatever circuit keeps mail for this destination and domain waiting."""
    same = and_(
        circuits.c.route == destination.route.value,
        circuits.c.target == destination.name,
        circuits.c.inside.is_(destination.inside),
    )
    conn.execute(delete(circuits).where(same, circuits.c.domain.in_(["", domain])))


def close_domain(conn: Connection, domain: str) -> None:
    """Close whatever circuits keep mail for this domain waiting."""
    columns = (items.c.route, items.c.target, items.c.inside)
    for row in conn.execute(select(*columns).where(items.c.domain == domain).distinct()).all():
        close_for(conn, Destination(Route(row.route), row.target, row.inside), domain)


def postpone(circuit: Circuit, now: datetime) -> Callable[[Connection], int]:
    """Let the lane's due items wait for the probe, but for those whose own time comes before; some of them: how many.

    To be called until none are left.
    """
    later = circuit.until
    own_time = or_(
        items.c.expires_at <= later,
        and_(items.c.fallback_at.is_not(None), items.c.fallback_route.is_not(None), items.c.fallback_at <= later),
        and_(items.c.delay_notice_at.is_not(None), items.c.delay_notice_at <= later),
    )
    return _changing(circuit.lane, later, items.c.next_at <= now, ~own_time)


def hurry(lane: Lane, now: datetime) -> Callable[[Connection], int]:
    """Make due what waits because the lane's destination could not be reached; some of it: how many. As `postpone`."""
    unreached = or_(
        items.c.last_reply == "", items.c.last_reply.like("4__ 4.4.%"), items.c.last_reply.like("4__ 4.7.5%")
    )
    return _changing(lane, now, items.c.next_at > now, unreached)


def _changing(lane: Lane, next_at: datetime, *which: ColumnElement[bool]) -> Callable[[Connection], int]:
    waiting = (items.c.state == State.DUE.value, of_lane(lane), *which)

    def change(conn: Connection) -> int:
        ids = conn.execute(select(items.c.id).where(*waiting).limit(SOME)).scalars().all()
        if ids:
            conn.execute(update(items).where(items.c.id.in_(ids), *waiting).values(next_at=next_at))
        return len(ids)

    return change
