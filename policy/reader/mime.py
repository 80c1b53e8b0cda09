"""A message taken apart: every plausible reading of every part, within limits, never an exception."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from policy.reader.boundaries import Cut, cut, guess_boundary
from policy.reader.charsetnames import reads_as
from policy.reader.charsets import decode
from policy.reader.fields import Entity, entity_readings, is_unlike
from policy.reader.limits import DEFAULT_LIMITS, Limits
from policy.reader.parameters import Value, parse_value
from policy.reader.transfer import IDENTITY, decode_body, distinct, encoding_name, looks_base64
from policy.reader.turns import copied
from policy.reader.words import header_readings, raw_text
from rules.content import FileFact, FileKind, Part, in_short

# Written and read by machines, never shown; their digits mean nothing to a person.
MACHINE_HEADERS: Final = frozenset(
    {
        "received", "return-path", "received-spf", "x-received", "date", "message-id", "in-reply-to", "references",
        "dkim-signature", "domainkey-signature", "x-google-dkim-signature", "x-gm-message-state",
        "arc-seal", "arc-message-signature", "arc-authentication-results", "authentication-results",
        "mime-version", "content-type", "content-transfer-encoding", "content-disposition",
        "content-length", "content-id", "content-md5",
    }
)  # fmt: skip
_NAMED_HEADERS: Final = 100  # headers that get a place of their own; the others share one
_MOST_TYPES: Final = 4  # declared types tried for one part
_MOST_CHARSETS: Final = 4
_WORK_FLOOR: Final = 512 * 1024
_ENCODED: Final = re.compile(rb"(?:\A|\n)content-transfer-encoding[ \t]*:[ \t]*(?:base64|quoted)", re.I)
_MESSAGE_TYPES: Final = frozenset({"message/rfc822", "message/global", "message/news", "message/rfc2822"})
# Texts that are headers: programs decode the words in them.
_HEADER_TYPES: Final = frozenset(
    {"text/rfc822-headers", "message/delivery-status", "message/disposition-notification", "message/feedback-report"}
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One reading of one part that holds no further parts: decoded bytes, and what was declared of them."""

    place: str
    name: str = field(repr=False)
    media_type: str
    charset: str
    data: bytes = field(repr=False)
    is_file: bool  # has a name, is attached, or is no text
    depth: int  # how many files (messages) it lies in
    flowed: bool = False  # RFC 3676
    delsp: bool = False
    known_as: tuple[str, ...] = field(default=(), repr=False)  # its Content-ID and Content-Location: for other parts

    def __hash__(self) -> int:
        """Of what tells leaves apart."""
        return hash((self.place, self.name, self.media_type, self.charset, in_short(self.data)))


Item = Part | Leaf | FileFact


@dataclass(frozen=True, slots=True)
class MimeReading:
    """`headers` of the outermost message, names lower case, values decoded; `items` in reading order."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Where:
    """How a part is reached."""

    path: str = ""  # "" or "forwarded.eml > "
    nesting: int = 0
    depth: int = 0
    default: str = "text/plain"


def read_mime(raw: bytes, limits: Limits = DEFAULT_LIMITS, *, path: str = "", depth: int = 0) -> MimeReading:
    """Take a message apart. `path` is put before every place; `depth` is that of its attachments."""
    walk = _Walk(limits, len(raw))
    walk.message(raw, _Where(path, 0, depth))
    walk.pieces()
    return MimeReading(walk.headers, walk.result())


class _Walk:
    """One walk through one message: what was found, and what may still be spent."""

    def __init__(self, limits: Limits, size: int) -> None:
        self.headers: tuple[tuple[str, str], ...] = ()
        self._limits = limits
        self._items: list[Item] = []
        self._first = True
        self._parts = 0
        self._readings = 0
        self._work = limits.work * size + _WORK_FLOOR
        self._told: set[str] = set()
        self._pieces: dict[str, dict[int, bytes]] = {}  # of messages sent in several, by their id
        self._totals: dict[str, int] = {}
        self._unnamed = 0

    def result(self) -> tuple[Item, ...]:
        """Everything found; each reading once."""
        return tuple(dict.fromkeys(self._items)) if self._readings else tuple(self._items)

    def message(self, raw: bytes, where: _Where) -> None:
        """A whole message: its headers are shown, its body is read."""
        if b"\n" not in raw[:4096] and b"\r" in raw[:4096]:
            raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for entity in self._entities(raw, where):
            self._headers(entity, where)
            self._body(entity, copied(raw, entity.body), where)

    def pieces(self) -> None:
        """Messages whose pieces (RFC 2046 5.2.2) all stand in this one are read; of others it is told."""
        where = _Where()
        for name, found in list(self._pieces.items()):
            joined = b"".join(found[number] for number in sorted(found))
            if not self._spend(len(joined), where):
                return
            if len(found) < self._totals.get(name, len(found) + 1) or 1 not in found:
                self._tell(where, "a piece of a message that is sent in several")
            label = self._file_place((), "message", where)
            self.message(joined, _Where(f"{label} > ", 1, 1))

    def _part(self, data: bytes, where: _Where) -> None:
        if b"\r" in data[:4096] and b"\n" not in data[:4096]:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for entity in self._entities(data, where):
            texts = _part_texts(entity)
            if texts:
                self._items.append(Part(f"{where.path}part headers", "\n".join(texts)))
            self._body(entity, copied(data, entity.body), where)

    def _entities(self, data: bytes, where: _Where) -> tuple[Entity, ...]:
        if not self._spend(len(data), where):
            return ()
        found = entity_readings(data, self._limits.headers)
        if any(entity.more for entity in found):
            self._tell(where, "more header fields than are read")
        return found if len(found) == 1 or self._another(len(found) - 1, where) else found[:1]

    def _headers(self, entity: Entity, where: _Where) -> None:
        named: list[tuple[str, str]] = []
        others: list[str] = [raw_text(line) for line in entity.stray]
        for name, raw in entity.headers:
            texts = header_readings(raw)
            named.append((name, texts[0]))
            if not raw or (name in MACHINE_HEADERS and not is_unlike(name, raw)):
                continue
            if len(named) > _NAMED_HEADERS:
                others.extend(texts)
                continue
            place = where.path + ("subject" if name == "subject" else f"header {name.title()}")
            self._items += [Part(place, text) for text in texts]
        if others or entity.more:
            self._items.append(Part(f"{where.path}other headers", "\n".join([*others, raw_text(entity.more)])))
        if self._first:
            self.headers = tuple(named)
            self._first = False

    def _body(self, entity: Entity, body: bytes, where: _Where) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            self._rest(body, where, "more parts than are read")
            return
        encodings = _encodings(entity)
        for value in self._types(entity, where):
            head = value.head
            if head.startswith("multipart"):
                self._multipart(value, entity, body, encodings, where)
            elif head in _MESSAGE_TYPES:
                self._nested(value, entity, body, encodings, where)
            else:
                self._leaves(value, entity, body, encodings, where)

    def _types(self, entity: Entity, where: _Where) -> list[Value]:
        """Every type that was declared; what is no type reads as the default."""
        declared = list(dict.fromkeys(entity.all("content-type")))
        values = [parse_value(raw_text(raw)) for raw in declared[: _MOST_TYPES + 1]]
        if len(values) > _MOST_TYPES:
            self._tell(where, "more content types than are tried")
            del values[_MOST_TYPES:]
        if not values:
            return [Value(where.default)]
        if any("/" not in value.head for value in values):
            values.append(Value(where.default))
        return values if len(values) == 1 or self._another(len(values) - 1, where) else values[:1]

    def _multipart(self, value: Value, entity: Entity, body: bytes, encodings: tuple[str, ...], where: _Where) -> None:
        if value.head == "multipart/encrypted":
            self._items.append(
                FileFact("", FileKind.UNKNOWN, len(body), f"{where.path}body", where.depth, encrypted=True)
            )
        for name in _names(value, entity):
            self._items.append(Part(f"{where.path}body", name))
        bodies = [body]
        if any(name.rstrip("?") in {"base64", "quoted-printable", "uuencode"} for name in encodings):
            bodies += decode_body(body, encodings).readings  # against RFC 2045 6.4, yet decoded by some
        found = False
        for data in distinct(bodies):
            cuts = self._cuts(value, data, where)
            found |= bool(cuts)
            for number, reading in enumerate(cuts):
                if number == 0 or self._another(1, where):
                    self._cut(reading, data, value, where)
        if not found:
            self._leaves(Value(where.default), entity, body, encodings, where)

    def _cuts(self, value: Value, body: bytes, where: _Where) -> list[Cut]:
        """Cuts at every boundary that was declared and occurs; else at one that the body shows."""
        found: list[Cut] = []
        for boundary in value.all("boundary")[:8]:
            if not self._spend(len(body), where):
                break
            found += cut(body, boundary.encode("utf-8", "surrogateescape"), self._limits.parts)
        if not found:
            guessed = guess_boundary(body)
            found += () if guessed is None else cut(body, guessed, self._limits.parts)
        return list(dict.fromkeys(found))

    def _cut(self, reading: Cut, body: bytes, value: Value, where: _Where) -> None:
        default = "message/rfc822" if value.head == "multipart/digest" else "text/plain"
        inner = _Where(where.path, where.nesting + 1, where.depth, default)
        for start, end in reading.between:
            self._plain(body[start:end], f"{where.path}text between parts", where)
            self._lost(body[start:end], inner)
        for start, end in reading.parts:
            if inner.nesting > self._limits.nesting:
                self._rest(body[start:end], where, "nested deeper than is read")
            elif end > start:
                self._part(copied(body, start, end), inner)
        if reading.rest is not None:
            self._rest(body[reading.rest :], where, "more parts than are read")

    def _lost(self, between: bytes, inner: _Where) -> None:
        """A part where nobody should look for one: to a program that understands the delimiters otherwise it is one."""
        said = _ENCODED.search(between)
        if said is None or inner.nesting > self._limits.nesting:
            return
        if not self._another(1, inner) or not self._spend(len(between), inner):
            return
        blank = max(between.rfind(b"\n\n", 0, said.start() + 1) + 2, between.rfind(b"\n\r\n", 0, said.start() + 1) + 3)
        self._part(between[blank if blank > 2 else 0 :].lstrip(b"\r\n"), inner)

    def _nested(self, value: Value, entity: Entity, body: bytes, encodings: tuple[str, ...], where: _Where) -> None:
        names = _names(value, entity)
        told = any(name not in IDENTITY for name in encodings)
        decoded = self._decoded(body, encodings, where) if told or looks_base64(body) else (body,)
        if told and body not in decoded and not looks_base64(body) and self._another(1, where):
            decoded = (*decoded, body)  # the standard knows no encoding here, so some undo none (RFC 2046 5.2.1)
        for data in decoded:
            label = self._file_place(names, "message", where)
            fact = FileFact(next(iter(names), ""), FileKind.MESSAGE, len(data), label, where.depth)
            self._items += [fact, *(Part(label, name) for name in names)]
            inner = _Where(f"{label} > ", where.nesting + 1, where.depth + 1)
            if inner.nesting > self._limits.nesting:
                self._rest(data, where, "nested deeper than is read")
            else:
                self.message(data, inner)

    def _leaves(self, value: Value, entity: Entity, body: bytes, encodings: tuple[str, ...], where: _Where) -> None:
        names = _names(value, entity)
        attached = any(raw.lstrip().lower().startswith(b"attachment") for raw in entity.all("content-disposition"))
        is_text = value.head.startswith("text/") or "/" not in value.head
        is_file = bool(names) or attached or not is_text
        if is_file:
            place = self._file_place(names, "attachment", where)
            self._items += [Part(place, name) for name in names]
        else:
            place = f"{where.path}body" + (" (html)" if value.head == "text/html" else "")
        if value.head == "message/partial":
            self._piece(value, body)
        if value.head == "message/external-body":
            self._tell(where, "a part that lies elsewhere", place)
        known_as = _known_as(entity)
        flowed = value.first("format").lower() == "flowed"
        delsp = flowed and value.first("delsp").lower() == "yes"
        charsets = _unlike(value.all("charset"))
        for data in self._decoded(body, encodings, where):
            for charset in charsets:
                name = next(iter(names), "")
                leaf = Leaf(place, name, value.head, charset, data, is_file, where.depth, flowed, delsp, known_as)
                self._items.append(leaf)
            if value.head in _HEADER_TYPES and b"=?" in data:
                self._items.append(Part(place, "\n".join(_decoded_lines(data))))
            self._inside(data, where)

    def _piece(self, value: Value, body: bytes) -> None:
        name, number, total = (value.first(key) for key in ("id", "number", "total"))
        place = int(number) if number.isdecimal() and len(number) < 6 else len(self._pieces.get(name, ())) + 1
        self._pieces.setdefault(name, {})[place] = body
        if total.isdecimal() and len(total) < 6:
            self._totals[name] = int(total)

    def _inside(self, data: bytes, where: _Where) -> None:
        """What some programs find in a text: parts whose multipart header got lost."""
        if b"\n--" in data[:65536] or data.startswith(b"--"):
            guessed = guess_boundary(data)
            if guessed is not None and self._another(1, where) and where.nesting < self._limits.nesting:
                for reading in cut(data, guessed, self._limits.parts):
                    self._cut(reading, data, Value("multipart/mixed"), where)

    def _decoded(self, body: bytes, encodings: tuple[str, ...], where: _Where) -> tuple[bytes, ...]:
        if not self._spend(len(body), where):
            return (body,)
        decoded = decode_body(body, encodings)
        if not decoded.whole:
            self._tell(where, "base64 in more pieces than are tried")
        several = len(decoded.readings) > 1
        return decoded.readings[:1] if several and not self._another(1, where) else decoded.readings

    def _plain(self, data: bytes, place: str, where: _Where) -> None:
        self._items.append(Leaf(place, "", "text/plain", "", data, False, where.depth))

    def _rest(self, data: bytes, where: _Where, reason: str) -> None:
        """What lies past a limit is told, and read as it stands."""
        self._tell(where, reason)
        if self._spend(len(data), where):
            self._plain(data, f"{where.path}rest", where)

    def _file_place(self, names: tuple[str, ...], what: str, where: _Where) -> str:
        if names:
            return where.path + names[0]
        self._unnamed += 1
        return f"{where.path}{what} {self._unnamed}"

    def _spend(self, count: int, where: _Where) -> bool:
        self._work -= count
        if self._work < 0:
            self._tell(where, "more ways to read it than are tried")
            return False
        return True

    def _another(self, count: int, where: _Where) -> bool:
        self._readings += count
        if self._readings > self._limits.readings:
            self._tell(where, "more ways to read it than are tried")
            return False
        return True

    def _tell(self, where: _Where, reason: str, place: str = "") -> None:
        if reason in self._told:
            return
        self._told.add(reason)
        fact = FileFact(
            "", FileKind.MESSAGE, 0, place or f"{where.path}body", where.depth, unreadable=True, reason=reason
        )
        self._items.append(fact)


def _encodings(entity: Entity) -> tuple[str, ...]:
    found = dict.fromkeys(encoding_name(decode(raw)) for raw in entity.all("content-transfer-encoding"))
    return tuple(found)


def _known_as(entity: Entity) -> tuple[str, ...]:
    """By what other parts name it (RFC 2392, RFC 2557)."""
    said = [*entity.all("content-id"), *entity.all("content-location")]
    return tuple("".join(raw_text(raw).split()).strip("<>") for raw in said[:4]) if said else ()


def _names(value: Value, entity: Entity) -> tuple[str, ...]:
    """Every file name a program could show, likeliest first."""
    found: dict[str, None] = {}
    for raw in entity.all("content-disposition"):
        found.update(dict.fromkeys(parse_value(raw_text(raw)).all("filename")))
    found.update(dict.fromkeys(value.all("name")))
    return tuple(name for name in found if name.strip())


def _unlike(charsets: Iterable[str]) -> list[str]:
    """Of charsets' names those by which bytes are read in different ways, likeliest first."""
    found: dict[str | None, str] = {}
    for name in charsets or ("",):
        found.setdefault(reads_as(name), name)
    return list(found.values())[:_MOST_CHARSETS]


def _decoded_lines(data: bytes) -> list[str]:
    lines = data.replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n")
    return [text for line in lines if b"=?" in line for text in header_readings(line)]


def _part_texts(entity: Entity) -> list[str]:
    told = [raw for name, raw in entity.headers if name not in MACHINE_HEADERS or (raw and is_unlike(name, raw))]
    found = [text for raw in told for text in header_readings(raw)]
    found += [raw_text(line) for line in entity.stray]
    if entity.more:
        found.append(raw_text(entity.more))
    return found
