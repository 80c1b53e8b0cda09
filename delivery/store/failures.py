"""What the database's errors mean to a caller: one of delivery's own errors, never one of a library."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from delivery.errors import DeliveryError, StoreConflict, StoreFull, StoreUnavailable

_SQLITE: Final = {
    5: "the database is locked by another program",
    6: "the database is locked by another program",
    8: "the database is read-only",
    10: "the disk failed under the database",
    11: "the database file is damaged",
    14: "the database file cannot be opened",
    26: "the database file is no database",
}
_BUSY: Final = "another program holds it (`fuser` names it): try again once it is done"
_DAMAGED: Final = "put it back from a backup, as docs/operations.md says; keep what is there beside it"
_HINTS: Final = {5: _BUSY, 6: _BUSY, 11: _DAMAGED, 26: _DAMAGED}
_SQLITE_FULL: Final = 13
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PG_FULL: Final = frozenset({"53100", "53200"})
_PG_BLOCKED: Final = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout


def translate(error: SQLAlchemyError, *, certain: bool = True) -> DeliveryError:
    """The error to raise in place of `error`. `certain`: False where the commit may have happened all the same."""
    if isinstance(error, IntegrityError):
        return StoreConflict(f"a key of the database forbids this ({_constraint(error.orig)})")
    if isinstance(error, DataError):
        return StoreConflict("the database cannot hold this value")
    original = _first(error)
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        if code & 0xFF == _SQLITE_FULL:
            return StoreFull("the disk of the database is full", certain=certain)
        cause, hint = _SQLITE.get(code & 0xFF, "the database failed"), _HINTS.get(code & 0xFF, "")
        return StoreUnavailable(cause, certain=certain, hint=hint)
    if getattr(original, "sqlstate", None) in _PG_FULL:
        return StoreFull("the database server has no room left", certain=certain)
    return StoreUnavailable("the database does not answer", certain=certain)


def _first(error: BaseException) -> BaseException | None:
    """The driver's error that began it: a full disk undoes the transaction, and then the savepoint is missing too."""
    found: BaseException | None = None
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, DBAPIError):
            found = at.orig
        at = at.__context__
    return found


def busy() -> StoreUnavailable:
    """The error where others write for so long that our patience ends."""
    return StoreUnavailable("the database is busy", hint=_BUSY)


def blocked_each_other(error: SQLAlchemyError) -> bool:
    """Did two transactions stand in each other's way? Then this one was undone whole and may run again."""
    return getattr(_first(error), "sqlstate", None) in _PG_BLOCKED


def _constraint(original: BaseException | None) -> str:
    """Its name, or its columns; never the values, which PostgreSQL tells in its details."""
    named = getattr(getattr(original, "diag", None), "constraint_name", None)
    return str(named or str(original).partition(": ")[2] or "unnamed")


def chained(error: DeliveryError, cause: BaseException) -> DeliveryError:
    """`error`, with its cause for the log; but not the cause of a conflict: that tells the values of the row."""
    if isinstance(error, StoreConflict):
        error.__suppress_context__ = True
    else:
        error.__cause__ = cause
    return error


@contextmanager
def translated() -> Iterator[None]:
    """Raise delivery's errors in place of SQLAlchemy's."""
    try:
        yield
    except SQLAlchemyError as cause:
        error = translate(cause)
        raise error from (None if isinstance(error, StoreConflict) else cause)


@contextmanager
def as_unavailable(doing: str) -> Iterator[None]:
    """Raise StoreFull or StoreUnavailable in place of OSError: no room, no descriptor left, a folder that is gone."""
    try:
        yield
    except OSError as cause:
        kind = StoreFull if cause.errno in _FULL else StoreUnavailable
        raise kind(f"{doing}: {os.strerror(cause.errno or 0)}") from cause
