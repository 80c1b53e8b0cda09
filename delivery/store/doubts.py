"""Whether the clock may be ahead: then nothing is ended by time that could not be brought back.

A machine whose clock begins in the wrong year, or is set there by a mistake, would close and destroy every SafeBox
within a minute. From inside it looks like a gateway that was off, or idle, for long: the audit trail's checkpoints, of
which one is signed every few minutes while something happens, have a gap. After one, a day is waited.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select, update

from delivery.store import throttles
from delivery.store.schema_audit import audit_checkpoints
from delivery.store.schema_people import throttles as rows

GAP: Final = timedelta(days=3)  # between two checkpoints, or two looks: an idle weekend is none
WAIT: Final = timedelta(days=1)  # until the time behind a gap is believed
_LOOKS: Final = timedelta(minutes=1)  # between two that are noted
_signed_at: Final = audit_checkpoints.c.at


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was signed from `began` on for longer than GAP. `ended`: something was since, less than WAIT ago."""

    began: datetime
    ended: bool


def gap_before(conn: Connection, now: datetime) -> Gap | None:
    """The gap behind which nobody had the time yet to see, and mend, what the clock says."""
    # By their numbers, from the newest on: there are some hundred thousand of them after a year.
    newest = audit_checkpoints.c.number.desc()
    before = select(audit_checkpoints.c.number, _signed_at).where(_signed_at < now - WAIT).order_by(newest).limit(1)
    if (last := conn.execute(before).first()) is None:
        return None
    later = (audit_checkpoints.c.number > last.number) & (_signed_at >= now - WAIT) & (_signed_at <= now)
    ended = conn.execute(select(_signed_at).where(later).order_by(audit_checkpoints.c.number).limit(1)).scalar()
    return Gap(last.at, ended is not None) if (ended or now) - last.at > GAP else None


def has_waited(conn: Connection, namespace: str, gap: Gap, now: datetime) -> bool:
    """Whether it is long enough. Where nothing happens behind the gap, the wait begins when this is first asked; and
    anew where it was not asked for as long as a gap is: the clock may have been set ahead while nothing happened.
    """
    if gap.ended:
        return False
    key = throttles.key_of(namespace, "clock", "doubted")
    noted = throttles.read_now(conn, key, now)
    until, looked = now + WAIT, gap.began
    if noted is not None and noted.locked_until and gap.began < noted.window_at and now - noted.window_at <= GAP:
        until, looked = noted.locked_until, noted.window_at
    if now - looked >= _LOOKS:
        throttles.begin_window(conn, namespace, key, GAP, now)
        conn.execute(update(rows).where(rows.c.key == key).values(window_at=now, locked_until=until))
    return now >= until
