"""Runs many patterns over a text in one pass: the compiled Hyperscan database, its cache, its scratch space.

Hyperscan tells which pattern matched and where the match ends, not where it starts.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from itertools import accumulate
from typing import Final, Protocol, TypeAlias

import hyperscan

from rules.errors import EngineFailed

BLOCK: Final = 1 << 20  # bytes: a long text is scanned in blocks, which bounds the number of matches held at once
# Bytes of the neighbouring blocks that are scanned too: for the widest match and what precedes it, and what follows it.
OVERLAP_BEFORE: Final = 4096 + 64
OVERLAP_AFTER: Final = 64
_LONG_PIECE: Final = 1 << 16  # bytes: a longer piece is scanned by itself
_JOINED_BYTES: Final = 1 << 18  # of shorter pieces, which are scanned together
# Bytes of text per piece up to which it pays to ask whether the whole text is ASCII, rather than at each piece's ends.
_BYTES_PER_ASCII_PIECE: Final = 1 << 12
_SEPARATOR: Final = b"\f\n"  # stands between pieces that are scanned together; no value holds it
_CACHE_FORMAT: Final = 2
_END_MASK: Final = (1 << 40) - 1  # a match is `index << 40 | end`
Bytes: TypeAlias = bytes | memoryview


class Cache(Protocol):
    """Where compiled databases are kept between starts.

    What `get` returns is run as code: an implementation must make sure that it is what `put` was given.
    """

    def get(self, key: str) -> bytes | None:
        """The bytes kept under `key`, or None."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep `value`; a failure to keep is no error."""
        ...


@cache
def _hyperscan_version() -> str:
    return version("hyperscan")


class Bundle:
    """A Cache that keeps many databases as one entry of `cache`.

    It reads the entry when made; `close` writes it anew if other databases were used than it holds.
    """

    def __init__(self, cache: Cache, name: str) -> None:
        self._cache = cache
        self._name = sha256(f"{_CACHE_FORMAT} {name}".encode()).hexdigest()
        self._kept = dict(_unpacked(cache.get(self._name) or b""))
        self._used: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """The bytes kept under `key`, or None."""
        found = self._kept.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` from `close` on."""
        self._used[key] = value

    def close(self) -> None:
        """Put what was used into the cache, if that differs from what is there."""
        if self._used != self._kept:
            self._cache.put(self._name, b"".join(_packed(self._used)))
        self._kept, self._used = {}, {}


def _packed(kept: dict[str, bytes]) -> Iterator[bytes]:
    for key, value in kept.items():
        yield b"%s %d\n" % (key.encode(), len(value))
        yield value


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    place = 0
    while place < len(data):
        line = data.find(b"\n", place)
        key, _, size = data[place : max(line, place)].partition(b" ")
        if not size.isdigit() or len(data) < line + 1 + int(size):
            return
        place = line + 1 + int(size)
        yield key.decode("ascii", "replace"), data[line + 1 : place]


class Mode(StrEnum):
    """How a pattern is run."""

    EXACT = "exact"  # Hyperscan tells the ends of its matches
    PREFILTER = "prefilter"  # Hyperscan tells whether it may match; if so, RE2 reads the text
    ALONE = "alone"  # Hyperscan does not support it: RE2 reads every text


@dataclass(frozen=True, slots=True)
class Expression:
    """One pattern for the engine, of characters or (`bytewise`) of bytes.

    `once`: only one match in each block is reported; `lines`: ^ matches at the start of each line.
    """

    text: str
    caseless: bool = False
    once: bool = False
    lines: bool = False
    bytewise: bool = False

    def flags(self) -> int:
        """These settings as flags of Hyperscan."""
        return int(
            (0 if self.bytewise else hyperscan.HS_FLAG_UTF8)
            | (hyperscan.HS_FLAG_CASELESS if self.caseless else 0)
            | (hyperscan.HS_FLAG_SINGLEMATCH if self.once else 0)
            | (hyperscan.HS_FLAG_MULTILINE if self.lines else 0)
        )


class Engine:
    """Patterns compiled together. Threads may scan at once: each takes scratch space of its own from the pool."""

    def __init__(self, expressions: Sequence[Expression], cache: Cache | None = None) -> None:
        self._flags = [expression.flags() for expression in expressions]
        self._expressions = [expression.text.encode() for expression in expressions]
        self.modes: tuple[Mode, ...] = ()
        self._database: hyperscan.Database | None = None
        if expressions:
            self._load_or_compile(cache)
        # Scratch space is not thread-safe. list.pop and list.append are atomic, so a list is pool enough.
        self._scratches: list[hyperscan.Scratch] = (
            [hyperscan.Scratch(self._database)] if self._database is not None else []
        )
        self._spare_scratch = self._scratches[0].clone() if self._scratches else None

    def _load_or_compile(self, cache: Cache | None) -> None:
        key = self._key()
        kept = cache.get(key) if cache is not None else None
        if kept is None or not self._restore(kept):
            self._compile()
            if cache is not None and self._database is not None:
                cache.put(key, self._dump(self._database))

    def ends(self, data: bytes, seen_as: Callable[[Bytes], Bytes] | None = None) -> "Iterable[array[int]]":
        """For each block of `data` (valid UTF-8) its matches as `index << 40 | end`, unordered; `end` in bytes.

        `index` is the pattern's place in `expressions`. `seen_as` turns a block into bytes of the same length that are
        searched in its place. Raises EngineFailed where Hyperscan fails.
        """
        if self._database is None or not data:
            return ()
        if len(data) > BLOCK:
            return self._ends_by_block(data, seen_as)
        found = self._scan_whole(data if seen_as is None else seen_as(data))
        return (found,) if found else ()

    def _ends_by_block(self, data: bytes, seen_as: Callable[[Bytes], Bytes] | None) -> "Iterator[array[int]]":
        whole = memoryview(data)
        for start in range(0, len(data), BLOCK):
            stop = min(start + BLOCK, len(data))
            first = _boundary(data, max(0, start - OVERLAP_BEFORE))
            last = _boundary(data, min(len(data), stop + OVERLAP_AFTER))
            block: Bytes = whole[first:last]
            found = self._scan_block(block if seen_as is None else seen_as(block), first, start if start else -1, stop)
            if found:
                yield found

    def ends_within(self, data: bytes, spans: Sequence[tuple[int, int]]) -> "Iterable[array[int]]":
        """As `ends`, within `spans` only, which are in order and do not touch; without matches at the end of a span.

        Short pieces are copied one behind the other and scanned together: each call of the engine has a fixed price.
        """
        if self._database is None or not spans:
            return ()
        if spans[0][0] <= 0 and spans[0][1] >= len(data):
            return self.ends(data)
        return self._ends_by_piece(data, spans)

    def _ends_by_piece(self, data: bytes, spans: Sequence[tuple[int, int]]) -> "Iterator[array[int]]":
        together: list[tuple[int, int]] = []
        size = 0
        plain = len(spans) * _BYTES_PER_ASCII_PIECE > len(data) and data.isascii()
        if plain and spans[-1][1] - spans[0][0] <= _LONG_PIECE:
            yield from self._ends_joined(data, spans)
            return
        for start, stop in spans:
            first, last = start, stop
            if not plain:
                if data[first] >= 0x80:
                    first = _boundary(data, first)
                if last < len(data) and data[last] >= 0x80:
                    last = _boundary(data, last)
            if last - first > _LONG_PIECE:
                farthest = last - 1 if last < len(data) else last
                for found in self.ends(data[first:last]):
                    yield array("Q", (event + first for event in found if (event & _END_MASK) + first <= farthest))
                continue
            together.append((first, last))
            size += last - first
            if size > _JOINED_BYTES:
                yield from self._ends_joined(data, together)
                together, size = [], 0
        if together:
            yield from self._ends_joined(data, together)

    def _ends_joined(self, data: bytes, spans: Sequence[tuple[int, int]]) -> "Iterator[array[int]]":
        joined = _SEPARATOR.join([data[first:last] for first, last in spans])
        found = self._scan_whole(joined)
        if not found:
            return
        begins = list(accumulate((last - first + len(_SEPARATOR) for first, last in spans), initial=0))
        events = array("Q")
        for event in found:
            end = event & _END_MASK
            number = bisect_left(begins, end) - 1
            first, last = spans[number]
            end += first - begins[number]
            if end < last or end == last == len(data):
                events.append((event & ~_END_MASK) | end)
        if events:
            yield events

    def _scan_whole(self, block: Bytes) -> "array[int]":
        """The matches of a text that is one block."""
        found = array("Q")
        take = found.append

        def seen(index: int, _start: int, end: int, _flags: int, _context: object) -> None:
            take(index << 40 | end)

        self._scan(block, seen)
        return found

    def _scan_block(self, block: Bytes, first: int, after: int, last: int) -> "array[int]":
        """Of a block that begins at `first` of its text, the matches that end behind `after` and not behind `last`."""
        found = array("Q")
        take = found.append

        def seen(index: int, _start: int, end: int, _flags: int, _context: object) -> None:
            end += first
            if after < end <= last:
                take(index << 40 | end)

        self._scan(block, seen)
        return found

    def _scan(self, block: Bytes, seen: Callable[[int, int, int, int, object], None]) -> None:
        try:
            scratch = self._scratches.pop()
        except IndexError:
            assert self._spare_scratch is not None
            scratch = self._spare_scratch.clone()
        try:
            self._database.scan(block, match_event_handler=seen, scratch=scratch)  # type: ignore[union-attr, type-var]  # it is set, and takes any buffer
        except hyperscan.HyperscanError as cause:
            raise EngineFailed(f"the matching engine failed at a scan: {type(cause).__name__}") from cause
        finally:
            self._scratches.append(scratch)

    def _compile(self) -> None:
        modes = [Mode.EXACT] * len(self._expressions)
        try:
            self._database = self._build(modes)
        except hyperscan.HyperscanError:
            modes = [self._best_mode(index) for index in range(len(self._expressions))]
            try:
                self._database = self._build(modes)
            except hyperscan.HyperscanError as cause:
                raise EngineFailed("the patterns cannot be compiled together") from cause
        self.modes = tuple(modes)

    def _best_mode(self, index: int) -> Mode:
        for mode in (Mode.EXACT, Mode.PREFILTER):
            modes = [Mode.ALONE] * len(self._expressions)
            modes[index] = mode
            try:
                self._build(modes)
            except hyperscan.HyperscanError:
                continue
            return mode
        return Mode.ALONE

    def _build(self, modes: Sequence[Mode]) -> hyperscan.Database | None:
        ids = [index for index, mode in enumerate(modes) if mode is not Mode.ALONE]
        if not ids:
            return None
        flags = [
            self._flags[index]
            | (hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_SINGLEMATCH if modes[index] is Mode.PREFILTER else 0)
            for index in ids
        ]
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[self._expressions[index] for index in ids], ids=ids, elements=len(ids), flags=flags
        )
        return database

    def _key(self) -> str:
        identity = json.dumps(
            [
                _CACHE_FORMAT,
                _hyperscan_version(),
                self._flags,
                [expression.decode() for expression in self._expressions],
            ]
        )
        return sha256(identity.encode()).hexdigest()

    def _dump(self, database: hyperscan.Database) -> bytes:
        head = json.dumps([mode.value for mode in self.modes]).encode()
        return len(head).to_bytes(4, "big") + head + bytes(hyperscan.dumpb(database))

    def _restore(self, kept: bytes) -> bool:
        """Use what the cache gave; False if it was made by another version of the library or for another processor."""
        size = int.from_bytes(kept[:4], "big")
        try:
            modes = tuple(Mode(mode) for mode in json.loads(kept[4 : 4 + size]))
            database = hyperscan.loadb(kept[4 + size :], hyperscan.HS_MODE_BLOCK)
        except (ValueError, TypeError, hyperscan.HyperscanError):
            return False
        if len(modes) != len(self._expressions):
            return False
        self.modes, self._database = modes, database
        return True


def _boundary(data: bytes, place: int) -> int:
    """The start of the UTF-8 character that `place` falls into."""
    while 0 < place < len(data) and data[place] & 0xC0 == 0x80:
        place -= 1
    return place
