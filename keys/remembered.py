"""What was worked out about bytes that may come again, kept so that only who has these bytes can read it.

A text that was looked through, a document that was read: if the same comes a second time, the work need not be done
twice. But what was found in it is as secret as it is. So each result is sealed with a key that is made of the content
itself, and of a secret of this process; neither key nor content is kept. A copy of the memory, which holds the secret,
shows how many results there are, how long each is, and whether a content that one has or guesses whole is among them.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf
from os import urandom
from threading import Lock
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SHARE: Final = 8  # a result takes at most so much of the room: 1 / _SHARE
_OVERHEAD: Final = 400  # bytes that keeping one takes beside it
_NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Name:
    """Where a result is kept, and the key to it; made by `Remembered.name`, and dropped with the content."""

    place: bytes
    key: bytes = field(repr=False)


class Remembered:
    """Results by the content they were worked out from, in `room` bytes of memory. Safe for threads.

    Those that nobody asked for the longest are forgotten first; each after so many `seconds`, however often it was
    asked for; all of them with the process. `largest` is the longest result that is kept, in bytes.
    """

    def __init__(self, room: int, seconds: float = inf) -> None:
        self.largest = room // _SHARE
        self._room = room
        self._seconds = seconds
        self._taken = 0
        self._salt = urandom(32)
        self._kept: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()
        self._lock = Lock()

    def name(self, pieces: Iterable[bytes]) -> Name:
        """The name of a content, which is the same only for the same pieces."""
        digest = sha256(self._salt)
        for piece in pieces:
            digest.update(len(piece).to_bytes(8, "big"))
            digest.update(piece)
        made = digest.digest()
        return Name(sha256(b"place" + made).digest(), sha256(b"key" + made).digest())

    def get(self, name: Name) -> bytes | None:
        """What was kept; None if nothing was, or if it is forgotten."""
        with self._lock:
            sealed, made = self._kept.get(name.place, (b"", 0.0))
            if not sealed:
                return None
            if time.monotonic() - made >= self._seconds:
                self._forget(name.place)
                return None
            self._kept.move_to_end(name.place)
        try:
            return AESGCM(name.key).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.place)
        except InvalidTag:
            return None

    def put(self, name: Name, result: bytes) -> None:
        """Keep a result, unless it is too long."""
        if len(result) > self.largest:
            return
        nonce = urandom(_NONCE)
        sealed = nonce + AESGCM(name.key).encrypt(nonce, result, name.place)
        with self._lock:
            self._forget(name.place)
            self._kept[name.place] = sealed, time.monotonic()
            self._taken += len(sealed) + _OVERHEAD
            while self._taken > self._room:
                self._forget(next(iter(self._kept)))

    def _forget(self, place: bytes) -> None:
        sealed, _ = self._kept.pop(place, (b"", 0.0))
        if sealed:
            self._taken -= len(sealed) + _OVERHEAD
