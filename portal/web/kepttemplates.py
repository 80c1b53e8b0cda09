"""Compiled templates, kept from one start to the next: to load them takes a small part of what compiling takes.

What is loaded is run as code: the cache has to prove that it gives back what was put there (`gateway/matchcache.py`).
"""

from hashlib import sha256
from importlib.metadata import version
from sys import implementation, version_info
from typing import Final, Protocol

from jinja2.bccache import Bucket, BytecodeCache

from portal.web.render import TEMPLATES, environment, learn_template, templates

_LENGTH: Final = 4  # bytes that say how long a name or a template is


class Cache(Protocol):
    """Where compiled templates are kept; `gateway.matchcache.FileCache` is the real one."""

    def get(self, key: str) -> bytes | None:
        """The bytes kept under `key`, proven to be those that were put; or None."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep `value`; a failure to keep is no error."""
        ...


def learn_all(cache: Cache) -> None:
    """Every template, from the cache or compiled: before workers are forked, which then share them."""
    names = templates()
    key = _key(names)
    kept = _Kept(cache.get(key) or b"")
    made = environment()
    made.bytecode_cache = kept
    try:
        for name in names:
            learn_template(name)
    finally:
        made.bytecode_cache = None
    if kept.is_new:
        cache.put(key, kept.packed())


def _key(names: list[str]) -> str:
    """Other for every other Python, Jinja or text of a template."""
    told = sha256(f"{implementation.cache_tag} {version_info[:3]} {version('jinja2')}".encode())
    for name in names:
        told.update(b"\0" + name.encode() + b"\0" + (TEMPLATES / name).read_bytes())
    return f"templates {told.hexdigest()}"


class _Kept(BytecodeCache):
    """All of them, by the name that Jinja gives each."""

    def __init__(self, packed: bytes) -> None:
        self._codes: dict[str, bytes] = {}
        self.is_new = False
        pieces = iter(_pieces(packed))
        for name in pieces:
            self._codes[name.decode()] = next(pieces, b"")

    def packed(self) -> bytes:
        """All templates in the form that the constructor reads."""
        pieces = (piece for name, code in self._codes.items() for piece in (name.encode(), code))
        return b"".join(len(piece).to_bytes(_LENGTH, "big") + piece for piece in pieces)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Jinja looks whether it is of the same text."""
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Take a template that had to be compiled."""
        self._codes[bucket.key] = bucket.bytecode_to_string()
        self.is_new = True

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """By its name alone: where the program is installed makes no difference."""
        return name


def _pieces(packed: bytes) -> list[bytes]:
    pieces, at = [], 0
    while at + _LENGTH <= len(packed):
        end = at + _LENGTH + int.from_bytes(packed[at : at + _LENGTH], "big")
        pieces.append(packed[at + _LENGTH : end])
        at = end
    return pieces
