"""One case of the fuzzing: a mutated file is read, and what must never be is looked for."""

import bz2
import gzip
import lzma
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from io import BytesIO
from random import Random
from traceback import extract_tb

from fuzz_mutations import mutate
from fuzz_seeds import Seed, seeds, words_of

from policy.extraction.collected import File
from policy.extraction.message import extract_file, read_message
from rules.content import Content, FileKind

SLOW = 2.0  # seconds of processor time for one case
_WHOLE = {FileKind.DOCUMENT, FileKind.SPREADSHEET, FileKind.PRESENTATION, FileKind.PDF}
_STREAM = re.compile(rb"stream\r?\n(.{0,100000}?)\r?\nendstream", re.DOTALL)
_TAG = re.compile(rb"<[^<>]*>?")
_MOST_NEEDLES = 40
_MARKER = re.compile(r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b")
_INFLATED = 4 * 1024 * 1024

Reads = Callable[[Seed, bytes], Content]


@dataclass(frozen=True)
class Fault:
    """What went wrong with one seed. `kind`: exception, slow, hang, memory, crash, lost, empty, child."""

    seed: int
    item: str
    kind: str
    detail: str

    def __str__(self) -> str:
        return f"seed {self.seed} ({self.item}): {self.kind}: {self.detail}"

    def to_json(self) -> dict[str, object]:
        """For the line that a worker writes."""
        return asdict(self)


def read(seed: Seed, data: bytes) -> Content:
    """As the gateway reads it, but all of it in this process."""
    if seed.mail:
        return read_message(data).content
    return extract_file(File(seed.name.rpartition("/")[2], data, "file"))


@cache
def corpus() -> list[Seed]:
    """The seeds, read once a process."""
    return seeds()


def case(number: int, items: Sequence[Seed] | None = None) -> tuple[Seed, bytes]:
    """The file of a seed's number: the same in every process and run, as long as the corpus is."""
    rng = Random(number)
    if items is None:
        items = corpus()
        if rng.random() < 0.7:  # the mails are many more than the documents, and some formats many more than others
            items = rng.choice(_formats())
    item = rng.choice(items)
    return item, mutate(rng, item.data, mail=item.mail)


@cache
def _formats() -> list[list[Seed]]:
    """The files by what their names end with."""
    found: dict[str, list[Seed]] = {}
    for item in corpus():
        if not item.mail:
            found.setdefault(item.name.rpartition("/")[2].rpartition(".")[2], []).append(item)
    return list(found.values())


def attempt(number: int, reads: Reads = read, items: Sequence[Seed] | None = None) -> Fault | None:
    """Read one case; what is wrong with how it was read."""
    item, data = case(number, items)
    started = time.process_time()
    try:
        content = reads(item, data)
    except MemoryError:
        return Fault(number, item.name, "memory", "ran out of it")
    except Exception as error:  # noqa: BLE001 - any is a fault
        places = extract_tb(error.__traceback__)
        where = next(
            (p for p in reversed(places) if "/site-packages/" not in p.filename and "/lib/python" not in p.filename),
            places[-1],
        )
        return Fault(
            number,
            item.name,
            "exception",
            f"{type(error).__name__} at {where.filename.rpartition('/')[2]}:{where.lineno}",
        )
    took = time.process_time() - started
    if took > SLOW:
        return Fault(number, item.name, "slow", f"{took:.1f} s for {len(data)} bytes")
    return _clean(number, item, data, content, reads)


def _clean(number: int, item: Seed, data: bytes, content: Content, reads: Reads) -> Fault | None:
    """Whether it counts as read, though the text that stands in it was not given."""
    if any(fact.unreadable or fact.encrypted for fact in content.files):
        return None
    text = " ".join(part.text for part in content.parts)
    wanted, markers = needles(item, reads)
    if wanted and not any(marker in text for marker in markers):  # else what is lost is of little weight
        bare = naked(data, mail=item.mail)
        there = [word for word in wanted if word in bare]
        if there and not any(word.decode() in text for word in there):
            return Fault(number, item.name, "lost", f"{there[0].decode()} is there, not given, and nothing is told")
    if not text and len(data) > 400 and not item.mail and any(f.kind in _WHOLE and not f.depth for f in content.files):
        kinds = "/".join(fact.kind.value for fact in content.files)
        return Fault(number, item.name, "empty", f"{kinds} of {len(data)} bytes without text, and nothing is told")
    return None


_NEEDLES: dict[tuple[str, Reads], tuple[list[bytes], list[str]]] = {}


def needles(item: Seed, reads: Reads) -> tuple[list[bytes], list[str]]:
    """Of the words read in the seed itself those that stand plainly in its bytes; and the numbers that were put in."""
    key = (item.name, reads)
    if key not in _NEEDLES:
        bare = naked(item.data, mail=item.mail)
        text = " ".join(part.text for part in reads(item, item.data).parts)
        words = list(dict.fromkeys(words_of(text)))
        _NEEDLES[key] = (
            [word.encode() for word in words if word.encode() in bare][:_MOST_NEEDLES],
            _MARKER.findall(text),
        )
    return _NEEDLES[key]


def naked(data: bytes, *, mail: bool) -> bytes:
    """The bytes, and what a simple program unpacks of them: members of a zip, streams of a PDF, gzip.

    Of a mail what stands behind its header: a mutated header may be one that nobody shows.
    """
    if mail:
        return _TAG.sub(b"", min(data.partition(b"\r\n\r\n")[2], data.partition(b"\n\n")[2], key=len))
    pieces = [
        _TAG.sub(b"", data) if data.lstrip().startswith((b"<", b"PK")) else data
    ]  # what is in a tag, no page shows
    if data.startswith(b"PK"):
        pieces += _members(data)
    elif data.startswith(b"%PDF"):
        pieces += [_inflated(match[1]) for match in _STREAM.finditer(data)]
    elif data.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        pieces.append(_unpacked(data))
    return b"\n".join(pieces)


def _members(data: bytes) -> list[bytes]:
    pieces = []
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for info in archive.infolist()[:50]:
                if info.file_size < _INFLATED:
                    member = archive.read(info)
                    pieces.append(_TAG.sub(b" ", member) if member.startswith(b"<") else member)
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        OSError,
        NotImplementedError,
        EOFError,
        RuntimeError,
        OverflowError,
    ):
        pass
    except Exception:  # noqa: BLE001 - the stdlib raises what it likes on broken archives; then nothing is plain in it
        pass
    return pieces


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _INFLATED)
    except zlib.error:
        return b""


def _unpacked(data: bytes) -> bytes:
    try:
        return (gzip.decompress if data[0] == 0x1F else bz2.decompress if data[0] == 0x42 else lzma.decompress)(data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
        return b""
