"""Whether the clock may be ahead: then nothing is ended by time that could not be brought back.

A machine whose clock begins in the wrong year, or is set there by a mistake, would close and destroy every SafeBox
within a minute. From inside it looks like a gateway that was off, or idle, for long: the audit trail's checkpoints, of
which one is signed every few minutes while something happens, have a gap. After one, a day is waited.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from delivery.store import throttles
from delivery.store.schema_audit import audit_checkpoints

GAP: Final = timedelta(days=3)  # between two checkpoints: an idle weekend is none
WAIT: Final = timedelta(days=1)  # until the time behind a gap is believed
_signed_at: Final = audit_checkpoints.c.at


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was signed from `began` on for longer than GAP. `ended`: something was since, less than WAIT ago."""

    began: datetime
    ended: bool


def gap_before(conn: Connection, now: datetime) -> Gap | None:
    """The gap behind which nobody had the time yet to see, and mend, what the clock says."""
    began = conn.execute(select(func.max(_signed_at)).where(_signed_at < now - WAIT)).scalar()
    ended = conn.execute(select(func.min(_signed_at)).where(_signed_at >= now - WAIT, _signed_at <= now)).scalar()
    return Gap(began, ended is not None) if began is not None and (ended or now) - began > GAP else None


def has_waited(conn: Connection, namespace: str, gap: Gap, now: datetime) -> bool:
    """Whether it is long enough. Where nothing happens behind the gap, the wait begins when this is first asked."""
    if gap.ended:
        return False
    key = throttles.key_of(namespace, "clock", "doubted")
    found = throttles.read(conn, key)
    if found is not None and gap.began < found.window_at <= now:
        return now - found.window_at >= WAIT
    throttles.forget(conn, key)
    throttles.begin_window(conn, namespace, key, WAIT, now)
    return False
