"""Structural mutations: what a format says of itself is changed, and its reader asked to believe it."""

import io
import re
import struct
import zipfile
import zlib
from base64 import b64decode, encodebytes
from collections.abc import Callable
from functools import partial
from random import Random

MOST = 1024 * 1024  # bytes that a mutated file may have
Mutator = Callable[[Random, bytes], bytes]

NUMBERS = ("0", "1", "-1", "2", "7", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295",
           "9223372036854775807", "99999999999999999999", "1e308", "0x10", "")  # fmt: skip
INTEGERS = (0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 511, 512, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000,
            0xFFFFFFFA, 0xFFFFFFFC, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip
CHARSETS = (
    "utf-8",
    "utf-7",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "us-ascii",
    "iso-8859-1",
    "iso-2022-jp",
    "iso-2022-kr",
    "hz-gb-2312",
    "gb18030",
    "big5",
    "shift_jis",
    "koi8-r",
    "windows-1252",
    "cp037",
    "ebcdic",
    "unicode_escape",
    "raw_unicode_escape",
    "idna",
    "punycode",
    "rot13",
    "base64",
    *("zlib", "undefined", "mbcs", "x-unknown", "", "utf-8'en'x", "\x00"),
)
ENCODINGS = (
    "7bit",
    "8bit",
    "binary",
    "base64",
    "quoted-printable",
    "x-uuencode",
    "uuencode",
    "x-yenc",
    "base-64",
    *("BASE64 ", "", "base64, 8bit"),
)
TYPES = (
    "text/plain",
    "text/html",
    "multipart/mixed",
    "multipart/digest",
    "multipart/alternative",
    "message/rfc822",
    "multipart/",
    "/",
    "message/partial",
    "message/external-body",
    "application/ms-tnef",
    "application/pkcs7-mime",
    "application/zip",
    "text",
    *("text/calendar", "text/x-vcard", "image/svg+xml", "text/plain; charset"),
)
BOUNDARIES = (b"boundary=", b'boundary="', b"boundary*0=a; boundary*1=b", b"boundary*=utf-8''%41")
TEXTS = tuple(b"&#0; &#x110000; &#xD800; & <![CDATA[ <!-- <?x".split())
PDF_NAMES = tuple(
    b"/Kids /Parent /Length /FlateDecode /LZWDecode /ASCII85Decode /DCTDecode /Encrypt /Prev /ObjStm".split()
)
RTF_WORDS = (
    *rb"\bin \u \u-99999 \' \'zz \* \object \objdata \v \field".split(),
    *(rb"\bin99999999 ", rb"\uc999 "),
)


# --- any bytes ----------------------------------------------------------------------------------------------------


def flip(rng: Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        out[rng.randrange(len(out))] = rng.choice((0, 255, 127, 128, 10, 13, 32, rng.randrange(256)))
    return bytes(out)


def cut(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def truncate(rng: Random, data: bytes) -> bytes:
    return data[: rng.randrange(1, len(data) + 1)]


def double(rng: Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 10, 200)) + data[end:]


def exchange(rng: Random, data: bytes) -> bytes:
    (a, b), (c, d) = sorted((_span(rng, data), _span(rng, data)))
    return data if c < b else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def insert(rng: Random, data: bytes) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.randbytes(rng.choice((1, 2, 4, 64))) + data[place:]


def integer(rng: Random, data: bytes) -> bytes:
    """A field of 1, 2, 4 or 8 bytes says something else."""
    size = rng.choice((1, 2, 2, 4, 4, 4, 8))
    if len(data) < size:
        return data
    place = rng.randrange(len(data) - size + 1)
    head = min(len(data) - size, rng.choice((64, 512, 1536)))
    place = rng.randrange(head + 1) if rng.random() < 0.5 else place
    return _put(
        data, place, size, rng.choice((*INTEGERS, len(data), rng.getrandbits(32))), rng.choice(("little", "big"))
    )


def number(rng: Random, data: bytes) -> bytes:
    """A number in digits is another."""
    return _replace_one(rng, data, rb"[0-9]{1,20}", lambda _: rng.choice(NUMBERS).encode())


def _span(rng: Random, data: bytes) -> tuple[int, int]:
    start = rng.randrange(len(data))
    return start, min(len(data), start + rng.choice((1, 2, 8, 64, 512, 4096)))


def _put(data: bytes, place: int, size: int, value: int, order: str = "little") -> bytes:
    field = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little" if order == "little" else "big")
    return data[:place] + field + data[place + size :]


def _replace_one(rng: Random, data: bytes, pattern: bytes, make: Callable[[re.Match[bytes]], bytes]) -> bytes:
    found = list(re.finditer(pattern, data[: 256 * 1024]))
    if not found:
        return data
    match = rng.choice(found)
    return data[: match.start()] + make(match) + data[match.end() :]


GENERIC: tuple[Mutator, ...] = (flip, cut, truncate, double, exchange, insert, integer, number)


# --- mail -----------------------------------------------------------------------------------------------------------


def boundary(rng: Random, data: bytes) -> bytes:
    """Delimiters: said otherwise, written otherwise, left out, doubled."""
    what = rng.randrange(6)
    if what == 0:
        return _replace_one(
            rng,
            data,
            rb"boundary=[^\r\n;]*",
            lambda m: rng.choice((*BOUNDARIES, m[0] + b"x", m[0] + b"; " + m[0][:-1])),
        )
    if what == 1:
        return _replace_one(rng, data, rb"(?m)^--[^\r\n]+--\r?$", lambda _: b"")
    if what == 2:
        return _replace_one(
            rng, data, rb"(?m)^--[^\r\n]+", lambda m: m[0] + rng.choice((b" ", b"--", b"\t", b"x", b" --", b"\0"))
        )
    if what == 3:
        return _replace_one(rng, data, rb"(?m)^--[^\r\n]+\r?\n", lambda m: m[0] * rng.choice((2, 3, 500)))
    if what == 4:
        return _replace_one(rng, data, rb"(?m)^--[^\r\n]+", lambda m: rng.choice((b" ", b"-", b"\n")) + m[0])
    return _replace_one(rng, data, rb"(?i)multipart/[a-z]+", lambda _: rng.choice(TYPES).encode())


def parameter(rng: Random, data: bytes) -> bytes:
    """Type, charset, encoding and names say something else, or twice."""
    pattern, words = rng.choice(
        (
            (rb"(?i)charset=[^\r\n;]*", CHARSETS),
            (rb"(?i)content-transfer-encoding:[^\r\n]*", ENCODINGS),
            (rb"(?i)content-type:[^\r\n;]*", TYPES),
            (
                rb"(?i)(?:file)?name(?:\*[0-9]*\*?)?=[^\r\n;]*",
                ("name*0*=''", "filename*1*=%ff", 'filename="', "name==?x?b?!!!?="),
            ),
        )
    )

    def other(match: re.Match[bytes]) -> bytes:
        word = rng.choice(words).encode()
        key, sign, _ = re.split(rb"([:=])", match[0], maxsplit=1)
        changed = key + sign + word
        return changed if rng.random() < 0.7 else match[0] + b"\r\n" + changed

    return _replace_one(rng, data, pattern, other)


def lines(rng: Random, data: bytes) -> bytes:
    """Line ends and folds."""
    what = rng.randrange(6)
    if what == 0:
        return data.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r")))
    if what == 1:
        return _replace_one(rng, data, rb"\r\n\r\n", lambda _: b"\r\n")
    if what == 2:
        return _replace_one(
            rng, data, rb"\r\n", lambda _: rng.choice((b"\r\n\r\n", b"\r\n ", b"\r\n\t", b"", b"\0", b"\x0b", b"\x85"))
        )
    if what == 3:
        return _replace_one(rng, data, rb"(?m)^[A-Za-z-]+:[^\r\n]*\r?\n", lambda m: m[0] * rng.choice((2, 3, 300)))
    if what == 4:
        return _replace_one(rng, data, rb": ", lambda _: rng.choice((b":", b" : ", b":\r\n ", b"", b": \0")))
    return _replace_one(
        rng,
        data,
        rb"=\?[^?]*\?[^?]*\?[^?]*\?=",
        lambda m: rng.choice((m[0] * 2, m[0][:-1], m[0].replace(b"?", b"??", 1))),
    )


def wrap(rng: Random, data: bytes) -> bytes:
    """The whole of it inside multiparts and messages."""
    for level in range(rng.choice((1, 2, 5, 60))):
        if rng.random() < 0.5:
            data = b"Content-Type: message/rfc822\r\n\r\n" + data
        else:
            mark = b"b%d" % (level if rng.random() < 0.7 else 0)
            data = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n%b\r\n--%b--\r\n" % (
                mark,
                mark,
                data,
                mark,
            )
    return data


def base64_block(rng: Random, data: bytes) -> bytes:
    """What an attachment holds is mutated and encoded again; or the encoding itself is."""

    def again(match: re.Match[bytes]) -> bytes:
        if rng.random() < 0.3:
            return rng.choice(GENERIC)(rng, match[0])
        try:
            inner = b64decode(match[0])
        except ValueError:
            return match[0]
        return encodebytes(mutate_once(rng, inner, mail=False) if inner else inner).replace(b"\n", b"\r\n")

    return _replace_one(rng, data, rb"(?:[A-Za-z0-9+/]{60,76}\r?\n){2,}(?:[A-Za-z0-9+/]+={0,2}\r?\n)?", again)


MAIL: tuple[Mutator, ...] = (boundary, boundary, parameter, parameter, lines, wrap, base64_block, base64_block)


# --- zip ------------------------------------------------------------------------------------------------------------

_RECORDS = {  # signature: size of each of its fields
    b"PK\x03\x04": (2, 2, 2, 2, 2, 4, 4, 4, 2, 2),
    b"PK\x01\x02": (2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4),
    b"PK\x05\x06": (2, 2, 2, 2, 4, 4, 2),
}


def zip_field(rng: Random, data: bytes) -> bytes:
    """A field of a local header, of the directory or of its end."""
    signature = rng.choice(list(_RECORDS))
    places = [match.start() for match in re.finditer(re.escape(signature), data)]
    if not places:
        return data
    sizes = _RECORDS[signature]
    which = rng.randrange(len(sizes))
    place = rng.choice(places) + 4 + sum(sizes[:which])
    return _put(
        data, place, sizes[which], rng.choice((*INTEGERS, 8, 9, 12, 14, 99, len(data), rng.randrange(len(data))))
    )


def zip_member(rng: Random, data: bytes) -> bytes:
    """A member is mutated and packed again; or renamed, doubled, left out, put into itself."""
    entries = _entries(data)
    if not entries:
        return zip_field(rng, data)
    at = rng.randrange(len(entries))
    name, inner = entries[at]
    what = rng.randrange(8)
    if what == 0:
        entries.append((name, inner[: len(inner) // 2]))
    elif what == 1:
        del entries[at]
    elif what == 2:
        entries[at] = (rng.choice((name.upper(), "../" + name, name + "\0.txt", "/" + name, name * 40, "")), inner)
    elif what == 3:
        entries[at] = (name, data)
    else:
        entries[at] = (name, mutate_once(rng, inner, mail=False) if inner else b"\0" * 100_000)
    return _pack(
        entries, rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    )


def _entries(data: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if info.file_size < MOST and not info.flag_bits & 1]
            return [(info.filename, archive.read(info)) for info in infos[:40]]
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        OSError,
        NotImplementedError,
        EOFError,
        struct.error,
        RuntimeError,
    ):
        return []


def _pack(entries: list[tuple[str, bytes]], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        names = set()
        for name, inner in entries:
            info = zipfile.ZipInfo("x", (2026, 1, 1, 0, 0, 0))
            info.filename = name  # past what the constructor would make of it
            archive.NameToInfo.pop(name, None)  # a second of that name is wanted
            names.add(name)
            archive.writestr(info, inner, method)
    return out.getvalue()


ZIP: tuple[Mutator, ...] = (zip_field, zip_field, zip_member, zip_member, zip_member)


# --- XML and HTML -----------------------------------------------------------------------------------------------------


def xml(rng: Random, data: bytes) -> bytes:
    """Nesting, names, attributes, entities, declarations."""
    what = rng.randrange(10)
    if what == 0:  # deep
        return _replace_one(rng, data, rb"<([A-Za-z:]+)[^<>]*>", lambda m: m[0] * rng.choice((2, 50, 3000)))
    if what == 1:  # never closed, or closed twice
        return _replace_one(rng, data, rb"</[^<>]*>", lambda m: rng.choice((b"", m[0] * 2, b"</x>", b"</")))
    if what == 2:
        values = (b'=""', b"=", b'="' + b"9" * 30 + b'"', b'="-1"')
        return _replace_one(rng, data, rb'="[^"<>]*"', lambda m: rng.choice((*values, m[0] + b" a" + m[0])))
    if what == 3:
        entities = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + b"".join(
            b"<!ENTITY %c '%b'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(rng.choice((2, 8)))
        )
        place = data.find(b"?>") + 2 if data.startswith(b"<?xml") else 0
        return data[:place] + entities + b"]>" + re.sub(rb">([^<>]{2,})<", rb">&b;&i;\1<", data[place:], count=3)
    if what == 4:
        return _replace_one(rng, data, rb">[^<>]+<", lambda m: b">" + rng.choice(TEXTS) + m[0][1:])
    if what == 5:
        declared = f'<?xml version="1.0" encoding="{rng.choice(CHARSETS)}"?>'.encode("utf-8", "replace")
        return declared + data[data.find(b"?>") + 2 :] if data.startswith(b"<?xml") else declared + data
    if what == 6:
        return _replace_one(rng, data, rb"[A-Za-z]+:", lambda _: rng.choice((b"", b"x:", b"w:", b"text:")))
    if what == 7:
        text = data.decode("utf-8", "replace")
        return text.encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")), "replace")
    if what == 8:  # a piece many times over
        return _replace_one(rng, data, rb"<([A-Za-z:]+)[^<>]*>[^<>]*</\1>", lambda m: m[0] * rng.choice((2, 100, 2000)))
    return number(rng, data)


# --- OLE, PDF, RTF, tar, gzip ---------------------------------------------------------------------------------------


def ole_field(rng: Random, data: bytes) -> bytes:
    """The header's fields, entries of the FAT, links and sizes of the directory, records of the streams."""
    what = rng.randrange(4)
    if what == 0:
        place, size = rng.choice(((24, 2), (26, 2), (30, 2), (32, 2), *((at, 4) for at in range(40, 84, 4))))
    elif what == 1:
        shift = 9
        start = (int.from_bytes(data[48:52], "little") + 1) << shift
        if start + 128 > len(data):
            return integer(rng, data)
        entry = start + 128 * rng.randrange(4)
        place, size = rng.choice(((64, 2), (66, 1), (68, 4), (72, 4), (76, 4), (116, 4), (120, 4), (124, 4)))
        place += entry
    elif what == 2:
        start = (int.from_bytes(data[76:80], "little") + 1) << 9
        place, size = start + 4 * rng.randrange(128), 4
    else:
        place, size = rng.randrange(0, len(data), 2), 2
    if place + size > len(data):
        return integer(rng, data)
    return _put(data, place, size, rng.choice((*INTEGERS, rng.randrange(64))))


def pdf(rng: Random, data: bytes) -> bytes:
    what = rng.randrange(6)
    if what == 0:
        return _replace_one(rng, data, rb"[0-9]+ [0-9]+ R", lambda _: b"%d 0 R" % rng.randrange(12))
    if what == 1:
        return _replace_one(
            rng, data, rb"/[A-Za-z0-9]+", lambda _: rng.choice((*PDF_NAMES, b"/JBIG2Decode", b"/AcroForm"))
        )
    if what == 2:
        return _replace_one(rng, data, rb"<<|>>|\[|\]|\(|\)", lambda m: m[0] * rng.choice((0, 2, 4000)))
    if what == 3:
        return _replace_one(rng, data, rb"stream|endstream|obj|endobj|xref|trailer|startxref", lambda _: b"")
    if what == 4:
        return _replace_one(rng, data, rb"stream\r?\n.{1,200}", lambda m: flip(rng, m[0]))
    return number(rng, data)


def rtf(rng: Random, data: bytes) -> bytes:
    what = rng.randrange(5)
    if what == 0:
        return _replace_one(rng, data, rb"\{|\}", lambda m: m[0] * rng.choice((0, 2, 50, 20_000)))
    if what == 1:
        return _replace_one(rng, data, rb"\\[a-z]+-?[0-9]*", lambda _: rng.choice(RTF_WORDS))
    if what == 2:
        return _replace_one(rng, data, rb"\\", lambda m: m[0] * rng.choice((0, 2, 3)))
    return (
        number(rng, data)
        if what == 3
        else _replace_one(rng, data, rb"\\[a-z]+", lambda m: m[0] * rng.choice((2, 5000)))
    )


def tar_field(rng: Random, data: bytes) -> bytes:
    """A field of a header, its sum made right again so that it is believed."""
    headers = [at for at in range(0, len(data) - 511, 512) if data[at + 257 : at + 262] == b"ustar"]
    if not headers:
        return integer(rng, data)
    at = rng.choice(headers)
    place, size = rng.choice(((0, 100), (124, 12), (124, 12), (156, 1), (157, 100), (263, 2), (345, 155)))
    value = rng.choice(
        (b"", b"7" * (size - 1), b"\x80" + b"\xff" * (size - 1), b"\0" * size, b"-1", b"5", b"L", b"x", b"S", b"1")
    )
    head = bytearray(data[at : at + 512])
    head[place : place + size] = value[:size].ljust(size, b"\0")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return data[:at] + bytes(head) + data[at + 512 :]


def repacked(rng: Random, data: bytes) -> bytes:
    """What is compressed is mutated and compressed again, or doubled as a second member."""
    import bz2
    import gzip
    import lzma

    pack: Callable[[bytes], bytes] = lzma.compress
    unpack: Callable[[bytes], bytes] = lzma.decompress
    if data.startswith(b"\x1f\x8b"):
        pack, unpack = partial(gzip.compress, mtime=0), gzip.decompress
    elif data.startswith(b"BZ"):
        pack, unpack = bz2.compress, bz2.decompress
    try:
        inner = unpack(data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
        return integer(rng, data)
    what = rng.randrange(4)
    if what == 0:
        return data + data[: rng.randrange(len(data))]
    if what == 1:
        return pack(data)
    return pack(mutate_once(rng, inner, mail=False) if inner else b"\0" * 100_000)


# --- which fits ------------------------------------------------------------------------------------------------------

_BY_MAGIC: tuple[tuple[bytes, tuple[Mutator, ...]], ...] = (
    (b"PK\x03\x04", ZIP),
    (b"\xd0\xcf\x11\xe0", (ole_field, ole_field, ole_field)),
    (b"%PDF", (pdf, pdf)),
    (b"{\\rtf", (rtf, rtf)),
    (b"\x1f\x8b", (repacked, repacked)),
    (b"BZh", (repacked, repacked)),
    (b"\xfd7zXZ", (repacked, repacked)),
    (b"<", (xml, xml)),
    (b"BEGIN:", (lines, lines, parameter)),
)


def fitting(data: bytes, *, mail: bool) -> tuple[Mutator, ...]:
    """The mutators of what it is."""
    if mail:
        return MAIL
    for magic, mutators in _BY_MAGIC:
        if data.lstrip()[: len(magic)] == magic:
            return mutators
    return (tar_field, tar_field) if data[257:262] == b"ustar" else GENERIC


def mutate_once(rng: Random, data: bytes, *, mail: bool) -> bytes:
    """One step: mostly one that knows the format."""
    if not data:
        return data
    mutator = rng.choice(fitting(data, mail=mail) if rng.random() < 0.75 else GENERIC)
    return mutator(rng, data)[:MOST]


def mutate(rng: Random, data: bytes, *, mail: bool) -> bytes:
    """One to four steps."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        data = mutate_once(rng, data, mail=mail)
    return data
