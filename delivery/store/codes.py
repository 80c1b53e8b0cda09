"""Codes by mail or telephone: six digits that open one box for one guest, once, in the browser that asked for them.

Five tries a code; then codes of six digits are locked for ten minutes, twice as long each further time; after twenty
wrong ones in a day for the rest of it. Everything is counted in the database, by conditional updates: tries made at
once, or in two workers, cannot pass a limit together.

A lock keeps whoever types wrong codes out, and with them the one whose box it is. So who asks for a code meanwhile gets
a long one (`is_long`): nobody guesses it, so nothing has to be locked. The answer to a sender's question cannot be made
longer: who proves by a long code that they read the guest's mail (`MAILBOX`) has tries of their own.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from delivery.store import throttles
from delivery.store.schema_people import codes
from delivery.store.statements import Statement, Values
from delivery.store.throttles import Limit, key_of
from keys.tokens import constant_time_equal, new_id

_DAY: Final = timedelta(days=1)
_TWICE: Final = timedelta(minutes=1)  # a button pressed again before its answer came
_LOCK: Final = timedelta(minutes=10)
_FOR_GOOD: Final = timedelta(days=365)  # that many wrong answers: until somebody unlocks
_ALL: Final = "all"  # in the place of a guest: everybody together
_LONG: Final = "long"  # stands in the row before the way of a code that is too long to be guessed
_MAILED: Final = "code"
BY_PHONE: Final = ("sms", "voice")
MAILBOX: Final = "mailbox"  # the way of a code by mail that opens nothing, and shows who reads the guest's mail
ASKED: Final = Limit(count=20, window=timedelta(hours=1), lock=timedelta(minutes=30))


# Said for every code, so compiled once.
_MINE: Final[ColumnElement[bool]] = (
    (codes.c.namespace == bindparam("in_namespace"))
    & (codes.c.participant_id == bindparam("guest"))
    & (codes.c.browser == bindparam("by"))
)
_NEWEST: Final = Statement(select(codes).where(_MINE).order_by(codes.c.created_at.desc(), codes.c.id.desc()).limit(1))
_GET: Final = Statement(
    select(codes).where(codes.c.id == bindparam("of"), codes.c.namespace == bindparam("in_namespace"))
)
_KEEP: Final = Statement(insert(codes), codes.c.keys())
_WITHDRAW: Final = Statement(
    update(codes).where(_MINE, codes.c.expires_at > bindparam("now")).values(expires_at=bindparam("now"))
)
_COUNT_TRY: Final = Statement(
    update(codes)
    .where(codes.c.id == bindparam("of"), codes.c.tries < bindparam("most"))
    .where(codes.c.expires_at > bindparam("now"), codes.c.used_at.is_(None))
    .values(tries=codes.c.tries + 1)
)
_USE: Final = Statement(
    update(codes).where(codes.c.id == bindparam("of"), codes.c.used_at.is_(None)).values(used_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class CodeRules:
    """What the profile says of codes."""

    digits: int = 6
    valid: timedelta = timedelta(minutes=15)
    tries: int = 5
    tries_a_day: int = 20
    all_a_day: int = 0  # wrong ones of everybody together, past which none that could be guessed is taken; 0: any
    long_alone: bool = False  # no code that could be guessed is taken, whatever was counted


@dataclass(frozen=True, slots=True)
class Asker:
    """The guest that a code is for, and the browser (its cookie's digest) that asked for it.

    `apart`: a browser that was let in before has limits of its own, which nobody else uses up; empty: those of all.
    """

    namespace: str
    participant_id: str
    browser: bytes = field(repr=False)
    apart: str = ""

    @property
    def counted(self) -> str:
        """Whom its tries count for."""
        return f"{self.participant_id}.{self.apart}" if self.apart else self.participant_id

    def by(self, way: str) -> "Asker":
        """Who asks for a code by this way. A browser is known by mail: that makes it no better known by telephone."""
        return replace(self, apart="") if way != _MAILED else self


@dataclass(frozen=True, slots=True)
class CodeSent:
    """The newest code that this browser asked for; not the code itself."""

    sent_at: datetime
    expires_at: datetime
    tries_left: int
    way: str = _MAILED  # by mail; sms | voice | mailbox
    is_long: bool = False


class Try(StrEnum):
    """What became of a code that was typed in."""

    OPENED = "opened"
    WRONG = "wrong"
    SPENT = "spent"  # too old, used, or tried too often: a new one is needed
    AGAIN = "again"  # right, and used a moment ago: the button was pressed twice
    NONE = "none"  # this browser asked for none
    LOCKED = "locked"  # for some minutes
    LOCKED_FOR_GOOD = "locked_for_good"  # for the rest of the day, or until somebody unlocks


@dataclass(frozen=True, slots=True)
class TryResult:
    """The result of trying a code. `tries_left` goes with WRONG, `locked_until` with LOCKED, `way` with OPENED.

    `locked_now`: it is this try that locked the guest's codes.
    """

    what: Try
    tries_left: int = 0
    locked_until: datetime | None = None
    locked_now: bool = False
    way: str = _MAILED


def wrong_key(namespace: str, participant_id: str) -> str:
    """Where wrong codes of a guest are counted."""
    return key_of(namespace, "code", participant_id)


def asked_key(namespace: str, participant_id: str) -> str:
    """Where codes sent to a guest are counted."""
    return key_of(namespace, "asked", participant_id)


def answer_key(namespace: str, participant_id: str) -> str:
    """Where answers to the sender's question are counted."""
    return key_of(namespace, "answer", participant_id)


def forget_calls(conn: Connection, namespace: str, participant_id: str, now: datetime) -> None:
    """What went to the guest's telephone counts no more."""
    ways = (*BY_PHONE, *(f"{_LONG} {way}" for way in BY_PHONE))
    sent = (codes.c.namespace == namespace) & (codes.c.participant_id == participant_id) & codes.c.way.in_(ways)
    conn.execute(update(codes).where(sent, codes.c.expires_at > now).values(expires_at=now))


def mailed(participant_id: str) -> str:
    """Whom answers count for in browsers that proved to read the guest's mail: all of them together."""
    return f"{participant_id}.mailed"


def clear_throttles(conn: Connection, namespace: str, participant_id: str) -> int:
    """Forget what limits the codes of a guest: the owner or the guest's account unlocked. How many limits it was."""
    counted, whose = (wrong_key, asked_key, answer_key), (participant_id, mailed(participant_id))
    return throttles.forget(conn, *(key(namespace, who) for key in counted for who in whose))


def begin_answer(conn: Connection, namespace: str, who: str, rules: CodeRules, now: datetime) -> TryResult | None:
    """Count an answer before it is looked at, with the wrong codes and by itself. None: it may be tried.

    `who`: the guest, or the guest in browsers that proved to read their mail (`mailed`).
    """
    key = wrong_key(namespace, who)
    throttles.begin_window(conn, namespace, key, _DAY, now)
    if not throttles.raise_count(conn, key, rules.tries_a_day, now):
        until = throttles.locked_until(conn, key, now)
        passes = until is not None and until <= now + _DAY
        return TryResult(Try.LOCKED, locked_until=until) if passes else TryResult(Try.LOCKED_FOR_GOOD)
    limit = Limit(rules.tries, _DAY, _LOCK)
    until = throttles.count_one(conn, namespace, answer_key(namespace, who), limit, now)
    if until is None:
        return None
    throttles.take_back(conn, key)
    return TryResult(Try.LOCKED, locked_until=until)


def end_answer(
    conn: Connection, namespace: str, who: str, rules: CodeRules, now: datetime, *, right: bool
) -> TryResult:
    """What becomes of an answer that `begin_answer` let through."""
    key, mine = wrong_key(namespace, who), answer_key(namespace, who)
    if right:
        throttles.take_back(conn, key)
        throttles.forget(conn, mine)
        return TryResult(Try.OPENED, way="question")
    counted, answers = throttles.read(conn, key), throttles.read(conn, mine)
    if counted is not None and counted.count >= rules.tries_a_day:
        throttles.lock(conn, key, Limit(rules.tries_a_day, _DAY, _FOR_GOOD, _FOR_GOOD), now, keep_count=True)
        return TryResult(Try.LOCKED_FOR_GOOD, locked_now=True)
    until = throttles.locked_until(conn, mine, now)
    if until is not None:  # several were tried at once, and one of them has locked it already
        return TryResult(Try.LOCKED, locked_until=until)
    left = rules.tries - (answers.count if answers else 0)
    if left > 0:
        return TryResult(Try.WRONG, tries_left=left)
    until = throttles.lock(conn, mine, Limit(rules.tries, _DAY, _LOCK), now)
    return TryResult(Try.LOCKED, locked_until=until, locked_now=True)


def locked(conn: Connection, asker: Asker, rules: CodeRules, now: datetime) -> Try | datetime | None:
    """Whether a code that could be guessed would be taken. None: yes. Else until when not, or LOCKED_FOR_GOOD."""
    if rules.long_alone:
        return Try.LOCKED_FOR_GOOD
    row = throttles.read_now(conn, wrong_key(asker.namespace, asker.counted), now)
    if row is not None:
        if row.locked_until and row.locked_until > now:
            return row.locked_until
        if row.count >= rules.tries_a_day and row.window_at > now - _DAY:
            return Try.LOCKED_FOR_GOOD
    return Try.LOCKED_FOR_GOOD if _sprayed(conn, asker, rules, now) else None


def asked(conn: Connection, asker: Asker, now: datetime) -> datetime | None:
    """Count that a code was asked for. None: it may be sent; else from when on."""
    return throttles.count_one(conn, asker.namespace, asked_key(asker.namespace, asker.counted), ASKED, now)


def _sprayed(conn: Connection, asker: Asker, rules: CodeRules, now: datetime) -> bool:
    """Whether somebody goes from one to the next, with few tries at each. Not asked of a browser that is known."""
    if not rules.all_a_day or asker.apart:
        return False
    row = throttles.read_now(conn, wrong_key(asker.namespace, _ALL), now)
    return row is not None and row.count >= rules.all_a_day and row.window_at > now - _DAY


@dataclass(frozen=True, slots=True)
class CodeAdmission:
    """Whether a code may be sent: it may, if `until` and `refused` are None.

    `until`: when a limit on asking allows the next one. `refused`: until when wrong codes have locked this guest's
    codes, or LOCKED_FOR_GOOD. `is_long`: the long code is to be sent.
    """

    until: datetime | None = None
    refused: Try | datetime | None = None
    is_long: bool = False


def keep(
    conn: Connection,
    asker: Asker,
    *,
    code_id: str,
    digest: bytes,
    rules: CodeRules,
    now: datetime,
    way: str = _MAILED,
    is_long: bool = False,
) -> CodeSent:
    """Keep a new code's digest; the one this browser asked for before stops working."""
    withdraw(conn, asker, now)
    expires_at = now + rules.valid
    row = {
        "id": code_id,
        "namespace": asker.namespace,
        "participant_id": asker.participant_id,
        "browser": asker.browser,
        "digest": digest,
        "created_at": now,
        "expires_at": expires_at,
        "tries": 0,
        "way": f"{_LONG} {way}" if is_long else way,
        "used_at": None,
    }
    _KEEP.insert_each(conn, [row])
    return CodeSent(now, expires_at, rules.tries, way, is_long)


def withdraw(conn: Connection, asker: Asker, now: datetime) -> None:
    """The codes of this browser count no more: the newest could not be sent."""
    _WITHDRAW.run(conn, {**_of(asker), "now": now})


def new_code_id() -> str:
    """The id of a code, known before its digest: the digest is bound to it."""
    return new_id()


def sent(conn: Connection, asker: Asker, rules: CodeRules, now: datetime) -> CodeSent | None:
    """The newest code of this browser, if it can still be typed in."""
    row = _NEWEST.row(conn, _of(asker))
    if row is None or row["used_at"] is not None or row["expires_at"] <= now or row["tries"] >= rules.tries:
        return None
    way, is_long = _way(row)
    return CodeSent(row["created_at"], row["expires_at"], rules.tries - row["tries"], way, is_long)


def _way(row: Values) -> tuple[str, bool]:
    """How a code went out, and whether it is a long one."""
    long, _, way = row["way"].rpartition(" ")
    return (_MAILED if way == _LONG else way), bool(long) or way == _LONG


def newest(conn: Connection, asker: Asker) -> tuple[str, bool] | None:
    """The id of the newest code of this browser, whatever became of it, and whether it went to a telephone: what a
    digest has to be made for.
    """
    row = _NEWEST.row(conn, _of(asker))
    return None if row is None else (str(row["id"]), _way(row)[0] in BY_PHONE)


def try_one(
    conn: Connection, asker: Asker, *, code_id: str | None, digest: bytes, rules: CodeRules, now: datetime
) -> TryResult:
    """Try a code. The count goes up before the look, and the code is consumed by one conditional update."""
    row = _row(conn, asker, code_id)
    way, is_long = (_MAILED, False) if row is None else _way(row)
    if row is not None and is_long:
        return _try_long(conn, row, digest, rules, now)
    asker = asker.by(way)
    key = wrong_key(asker.namespace, asker.counted)
    if rules.long_alone or _sprayed(conn, asker, rules, now):
        return TryResult(Try.LOCKED_FOR_GOOD)
    throttles.begin_window(conn, asker.namespace, key, _DAY, now)
    if not throttles.raise_count(conn, key, rules.tries_a_day, now):
        until = throttles.locked_until(conn, key, now)
        return TryResult(Try.LOCKED, locked_until=until) if until else TryResult(Try.LOCKED_FOR_GOOD)
    if row is None or not _count_try(conn, row["id"], rules, now):
        throttles.take_back(conn, key)
        return TryResult(Try.NONE if row is None else _spent(row, digest, now))
    if constant_time_equal(row["digest"], digest):
        if _USE.run(conn, {"of": row["id"], "now": now}) == 1:
            throttles.take_back(conn, key)
            return TryResult(Try.OPENED, way=way)
        return TryResult(Try.AGAIN)
    if rules.all_a_day and not asker.apart:
        throttles.begin_window(conn, asker.namespace, wrong_key(asker.namespace, _ALL), _DAY, now)
        throttles.raise_count(conn, wrong_key(asker.namespace, _ALL), rules.all_a_day, now)
    return _wrong(conn, key, str(row["id"]), rules, now)


def _row(conn: Connection, asker: Asker, code_id: str | None) -> Values | None:
    return _GET.row(conn, {"of": code_id, "in_namespace": asker.namespace})


def _try_long(conn: Connection, row: Values, digest: bytes, rules: CodeRules, now: datetime) -> TryResult:
    """Try a code that nobody guesses: wrong ones count against this code alone, and lock nobody."""
    if not _count_try(conn, row["id"], rules, now):
        return TryResult(_spent(row, digest, now))
    if not constant_time_equal(row["digest"], digest):
        left = rules.tries - row["tries"] - 1
        return TryResult(Try.WRONG, tries_left=left) if left > 0 else TryResult(Try.SPENT)
    is_used = _USE.run(conn, {"of": row["id"], "now": now}) == 1
    return TryResult(Try.OPENED, way=_way(row)[0]) if is_used else TryResult(Try.AGAIN)


def _spent(row: Values, digest: bytes, now: datetime) -> Try:
    used_at = row["used_at"]
    pressed_twice = used_at is not None and now - used_at < _TWICE and constant_time_equal(row["digest"], digest)
    return Try.AGAIN if pressed_twice else Try.SPENT


def _wrong(conn: Connection, key: str, code_id: str, rules: CodeRules, now: datetime) -> TryResult:
    counted = throttles.read(conn, key)
    if counted is not None and counted.count >= rules.tries_a_day:
        return TryResult(Try.LOCKED_FOR_GOOD, locked_now=True)
    tries = conn.execute(select(codes.c.tries).where(codes.c.id == code_id)).scalar_one()
    if tries < rules.tries:
        return TryResult(Try.WRONG, tries_left=rules.tries - tries)
    until = throttles.lock(conn, key, _wrong_limit(rules), now, keep_count=True)
    return TryResult(Try.LOCKED, locked_until=until, locked_now=True)


def _wrong_limit(rules: CodeRules) -> Limit:
    return Limit(rules.tries_a_day, _DAY, _LOCK)


def _count_try(conn: Connection, code_id: str, rules: CodeRules, now: datetime) -> bool:
    return _COUNT_TRY.run(conn, {"of": code_id, "most": rules.tries, "now": now}) == 1


def _of(asker: Asker) -> Values:
    return {"in_namespace": asker.namespace, "guest": asker.participant_id, "by": asker.browser}


def sweep(conn: Connection, now: datetime, older_than: timedelta = timedelta(days=2)) -> int:
    """Remove codes that nobody can use any more."""
    return conn.execute(delete(codes).where(codes.c.expires_at <= now - older_than)).rowcount
