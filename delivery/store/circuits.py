"""Open circuits, shared by all workers; what they do to the mail that waits is said in `waits`."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from delivery.circuits import Circuit
from delivery.items import Destination, Lane, Reply
from delivery.store.items import plain_text
from delivery.store.schema import circuits, items
from delivery.store.statements import Statement
from policy.decision import Route

_IS_OPEN: Final = Statement(select(circuits.c.id).where(circuits.c.id == bindparam("lane")))


def open_circuits(conn: Connection) -> list[Circuit]:
    """All of them, the oldest first."""
    return [_circuit(row) for row in conn.execute(select(circuits).order_by(circuits.c.since, circuits.c.id))]


def is_open(conn: Connection, lane: Lane) -> bool:
    """Whether its circuit is open."""
    return _IS_OPEN.first(conn, {"lane": _id(lane)}) is not None


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
    conn.execute(delete(circuits).where(circuits.c.domain == domain))
    columns = (items.c.route, items.c.target, items.c.inside)
    if not conn.execute(select(circuits.c.id).where(circuits.c.domain == "").limit(1)).first():
        return  # to find out where the domain's mail is to go takes a look at all items
    for row in conn.execute(select(*columns).where(items.c.domain == domain).distinct()).all():
        close_for(conn, Destination(Route(row.route), row.target, row.inside), domain)
