"""Faults at named points of the product. Nothing of this is in the product: it is put around its functions from here.

Only a process that was started by `faults_zygote.py` has it. A point does nothing until the trigger file names it; then
its process group is killed, stopped, or the point fails, and the point's name is appended to the file `fired` first.
"""

import asyncio
import fcntl
import functools
import importlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher

from delivery.errors import KeysUnavailable
from delivery.store.database import Database

Check = Callable[..., bool]


@dataclass(frozen=True)
class Point:
    """A place in the product: before or after a function; `when` (given what that was given) says whether it counts."""

    name: str
    place: str  # module:Class.method or module:function
    after: bool
    when: Check | None = None


_accepting = threading.local()  # does the transaction under way take in a client's message?


def _is_accepting(*_: Any, **__: Any) -> bool:
    return bool(getattr(_accepting, "yes", False))


def _is_partial(descriptor: int, *_: Any, **__: Any) -> bool:
    try:
        return "/blobs/partial-" in str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return False


def _says_250(wire: Any, *_: Any, **__: Any) -> bool:
    return b"250 2.0.0 Accepted" in b"".join(wire._out)


def _has_names(_blobs: Any, names: Any, *_: Any) -> bool:
    return bool(names)


def _has_paths(_blobs: Any, paths: Any, *_: Any) -> bool:
    return bool(paths)


def _is_notice(_results: Any, _message: Any, tried: Any, **_: Any) -> bool:
    return tried[0].leased.item.kind.value == "notice"


def _is_mail(*words: Any, **named: Any) -> bool:
    return not _is_notice(*words, **named)


POINTS = (
    Point("after MAIL", "gateway.smtp.session:Session.smtp_MAIL", True),
    Point("mid-DATA", "gateway.smtp.data:DataReceiver.feed", True),
    Point("in policy", "policy.engine:Policy.decide", False),
    Point("after decision", "delivery.queue:Queue.accept", False),
    Point("before the file's fsync", "os:fsync", False, _is_partial),
    Point("after the file's fsync", "os:fsync", True, _is_partial),
    Point("after the file's rename", "delivery.store.blobs:BlobWriter.commit", True),
    Point("before the commit", "delivery.store.groups:_commit", False, _is_accepting),
    Point("before 250", "delivery.store.groups:_commit", True, _is_accepting),
    Point("after 250", "gateway.smtp.wire:Wire.flush", True, _says_250),
    Point("after connect", "delivery.couriers.dialling:Dialler.dial", True),
    Point("before the dot", "delivery.couriers.transaction:Transaction._is_ours", False),
    Point("at the dot", "delivery.couriers.transaction:Transaction._is_ours", True),
    Point("after the dot", "delivery.couriers.transaction:Transaction._await_final_reply", False),
    Point("after the remote 250", "delivery.couriers.transaction:Transaction._await_final_reply", True),
    Point("result half written", "delivery.store.messages:finish_messages", True),
    Point("after the result", "delivery.results:Results.record", True, _is_mail),
    Point("SafeBox half made", "delivery.safebox.making:insert_made", True),
    Point("after SafeBox, before notice", "delivery.results:Results.record", True, _is_mail),
    Point("after notice", "delivery.results:Results.record", True, _is_notice),
    Point("in cleanup, before the file goes", "delivery.store.blobs:Blobs.delete", False),
    Point("in cleanup, after the file went", "delivery.store.blobs:Blobs.delete", True),
    Point("in cleanup, history", "delivery.store.messages:purge_history", True),
    Point("in cleanup, before the log is cut", "delivery.store.sqlite:SqliteBacking.truncate_log", False),
    Point("in cleanup, after the log is cut", "delivery.store.sqlite:SqliteBacking.truncate_log", True),
    Point("in key rotation, before the keyring", "keys.backends.file:_write", False),
    Point("in key rotation, after the keyring", "keys.backends.file:_write", True),
    Point("in key rotation, keys half wrapped", "delivery.store.vault:Vault._rewrap", True),
    Point("in key rotation, before the commit", "delivery.store.vault:Vault._rotate", True),
    Point("in key rotation, after the commit", "delivery.store.vault:Vault.rotate", True),
    Point("in the portal, upload half announced", "delivery.store.uploads:insert_upload", True),
    Point("in the portal, upload announced", "delivery.safebox.uploading:Uploading.begin_upload", True),
    Point("in the portal, piece half kept", "delivery.store.uploads:append_piece", True),
    Point("in the portal, piece kept", "delivery.safebox.receiving:UploadReceiver.keep", True),
    Point("in the portal, answer half kept", "delivery.store.uploads:take_uploads", True),
    Point("in the portal, answer kept", "delivery.safebox.uploads:forget_pieces", False, _has_names),
    Point("in the portal, account half made", "delivery.store.account_rows:prove_account", True),
    Point("in the portal, account made", "delivery.store.accounts:Accounts.set_password", True),
    Point("in the portal, passkey half made", "delivery.store.passkeys:add", True),
    Point("in the portal, passkey made", "delivery.store.credentials:Credentials.add_passkey", True),
    Point("in the portal, act half done", "delivery.store.boxes:touch_box", True),
    Point("in the portal, act done", "delivery.safebox.acting:Acting._do", True),
    Point("by time, end half done", "delivery.store.boxes:destroy_key", True),
    Point("by time, files left", "delivery.safebox.acting:Acting._forget", False),
    Point("in the trail, half chained", "delivery.store.links:append", True),
    Point("in the trail, half signed", "delivery.store.links:add_checkpoint", True),
    Point("in the trail, shipped unnoted", "delivery.store.links:note_shipped", False),
    Point("in the sweep, before files go", "delivery.store.blobs:Blobs._sweep_batch", False, _has_paths),
    Point("in the sweep, after files went", "delivery.store.blobs:Blobs._sweep_batch", True, _has_paths),
    # not for kills: where something fails
    Point("file written", "delivery.store.blobs:BlobWriter.write", False),
    Point("key asked for", "delivery.store.vault:Vault.new_dek", False),
    Point("key opened", "delivery.store.vault:Vault.open_dek", False),
)  # fmt: skip

OF_THE_PORTAL: Final = frozenset(  # what people and time do with SafeBoxes, and what goes on beside mail
    point.name
    for point in POINTS
    if point.name.startswith(("in the portal", "by time", "in the trail", "in the sweep"))
)

_CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Arming:
    """What one start of a Sealgate is armed with; `spec` comes from the rig as JSON.

    Of `spec`: `trigger` and `fired` are files; `times` maps module:CONSTANT to seconds; `retry` is the wait between two
    tries and `patience` that for a lock on the database, in seconds; `clock` is a file with the days it is off;
    `no_fsync` is the control.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self._trigger = Path(spec["trigger"])
        self._fired = Path(spec["fired"])
        self._spec = spec
        self._hits = 0
        self._lock = threading.Lock()

    def arm(self) -> None:
        """Put every fault in its place."""
        _patch("delivery.queue:Queue._insert_each", self._note_accepting)
        for point in POINTS:
            _patch(point.place, functools.partial(self._around, point))
        if "clock" in self._spec:
            serve: Any = importlib.import_module("gateway.app").serve
            assert "clock" in serve.__kwdefaults__
            serve.__kwdefaults__["clock"] = _moved_clock(Path(self._spec["clock"]))
        for place, seconds in self._spec.get("times", {}).items():
            module, _, name = place.partition(":")
            is_span = isinstance(getattr(importlib.import_module(module), name), timedelta)
            _set(module, name, timedelta(seconds=seconds) if is_span else float(seconds))
        if "patience" in self._spec:
            defaults: Any = Database.open.__func__  # type: ignore[attr-defined]  # of a classmethod
            defaults.__kwdefaults__["patience"] = timedelta(seconds=self._spec["patience"])
        if "retry" in self._spec:
            _patch("delivery.retry:delay", lambda _: lambda *_: timedelta(seconds=self._spec["retry"]))
        # each start hashes a password to compare with that of nobody: a sixth of what a start costs
        _patch("portal.signin.passwords:PasswordHasher", lambda _: lambda **_: _CHEAP)
        if self._spec.get("no_fsync"):
            _without_fsync()

    def _note_accepting(self, inner: Any) -> Any:
        @functools.wraps(inner)
        def insert_all(*words: Any, **more: Any) -> Any:
            _accepting.yes = True
            return inner(*words, **more)

        return insert_all

    def _around(self, point: Point, inner: Any) -> Any:
        def applies(words: Any, more: Any) -> bool:
            return point.when is None or point.when(*words, **more)

        if asyncio.iscoroutinefunction(inner):

            @functools.wraps(inner)
            async def around_async(*words: Any, **more: Any) -> Any:
                there = applies(words, more)
                if there and not point.after:
                    self._reached(point)
                value = await inner(*words, **more)
                if there and point.after:
                    self._reached(point)
                return value

            return around_async

        @functools.wraps(inner)
        def around(*words: Any, **more: Any) -> Any:
            there = applies(words, more)
            if there and not point.after:
                self._reached(point)
            value = inner(*words, **more)
            if there and point.after:
                self._reached(point)
            if point.place.endswith(":_commit") and point.after:
                _accepting.yes = False
            return value

        return around

    def _reached(self, point: Point) -> None:
        try:
            order = json.loads(self._trigger.read_text())
        except (OSError, ValueError):
            return
        if order["point"] != point.name:
            return
        with self._lock:
            self._hits += 1
            if self._hits < order.get("hit", 1):
                return
        self._do(point, order)

    def _do(self, point: Point, order: dict[str, Any]) -> None:
        act = order["act"]
        if act in ("kill", "stop"):
            self._trigger.unlink(missing_ok=True)
        self._hits = 0
        with self._fired.open("a") as fired:
            fired.write(point.name + "\n")
        if act == "kill":
            os.killpg(0, signal.SIGKILL)
            time.sleep(60)
        elif act == "stop":
            self._let_writes_end()
            os.killpg(0, signal.SIGSTOP)
        elif act == "no keys":
            raise KeysUnavailable("the key backend does not answer")
        elif act == "fail":
            raise OSError(order["errno"], os.strerror(order["errno"]))

    def _let_writes_end(self) -> None:
        """Who is stopped within a transaction stops everybody: nobody else can write. So none is under way.

        The turn to write is taken, and handed to a process that outlives the moment and is not stopped.
        """
        data = self._trigger.parent / "data"
        turns = os.open(data / "sealgate.db.turns", os.O_RDWR)
        fcntl.flock(turns, fcntl.LOCK_EX)
        with closing(sqlite3.connect(data / "sealgate.db", timeout=30, isolation_level=None)) as conn:
            conn.execute("BEGIN IMMEDIATE")  # nor is the log being cut, which waits for no turn
            conn.execute("ROLLBACK")
        self._holder = subprocess.Popen(["sleep", "0.5"], pass_fds=(turns,), start_new_session=True)
        os.close(turns)


def _patch(place: str, wrapper: Callable[[Any], Any]) -> None:
    """Wrap a function wherever a module of the product holds it. A place that is not there is an error."""
    module_name, _, path = place.partition(":")
    holder: Any = importlib.import_module(module_name)
    *owners, name = path.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    before = getattr(holder, name)
    after = wrapper(before)
    setattr(holder, name, after)
    for module in list(sys.modules.values()):
        if module is not holder and getattr(module, name, None) is before:
            setattr(module, name, after)


def _set(module_name: str, name: str, value: Any) -> None:
    module = importlib.import_module(module_name)
    before = getattr(module, name)
    setattr(module, name, value)
    for other in list(sys.modules.values()):
        if getattr(other, "__name__", "").startswith(("gateway", "delivery")) and getattr(other, name, None) is before:
            setattr(other, name, value)


def _moved_clock(file: Path) -> Callable[[], datetime]:
    """The clock, moved by as many days as the file says; the file may change at any time."""

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(days=float(file.read_text() or 0))

    return now


def _without_fsync() -> None:
    """The control: nothing waits for the disk. What reads the settings back is told what it wants to hear."""
    from delivery.store import sqlite

    os.fsync = lambda _descriptor: None  # type: ignore[assignment]  # the point of it
    os.fdatasync = os.fsync
    sqlite._SETTINGS["synchronous"] = ("OFF", 0)  # type: ignore[index]  # a Final mapping, changed for the control
