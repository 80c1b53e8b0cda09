"""Transfer encodings (RFC 2045 6) bent in every way that programs still undo."""

import base64
import binascii
import quopri
import zlib
from collections.abc import Iterator
from textwrap import wrap

from corpus import TEXT, Evasion, mail, multipart, write

B64 = base64.b64encode(TEXT)
PLAIN = b"Content-Type: text/plain; charset=us-ascii"
CTE = b"Content-Transfer-Encoding: "
XX = b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
UU = bytes(range(32, 96))
HQX = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def part(encoding: bytes, *body: bytes) -> bytes:
    """A text of one part in this encoding."""
    return mail(PLAIN, CTE + encoding, b"", *body)


def lines(data: bytes, width: int) -> bytes:
    """Cut into lines."""
    return "\n".join(wrap(data.decode(), width)).encode()


def uu(data: bytes, begin: bytes = b"begin 644 notes.txt", alphabet: bytes = UU) -> bytes:
    """A uuencoded or xxencoded block."""
    out = [begin]
    for at in range(0, len(data), 45):
        line = binascii.b2a_uu(data[at : at + 45], backtick=False).rstrip(b"\n")
        out.append(line.translate(bytes.maketrans(UU, alphabet)).replace(b" ", b"`"))
    return b"\n".join([*out, b"`" if alphabet is UU else alphabet[:1], b"end"])


def binhex(data: bytes, name: bytes = b"notes.txt") -> bytes:
    """BinHex 4.0 (RFC 1741)."""
    head = bytes([len(name)]) + name + b"\0TEXTttxt\0\0" + len(data).to_bytes(4, "big") + bytes(4)
    forks = (head, data, b"")
    packed = b"".join(fork + binascii.crc_hqx(fork, 0).to_bytes(2, "big") for fork in forks)
    packed = packed.replace(b"\x90", b"\x90\0")
    bits = "".join(f"{byte:08b}" for byte in packed)
    bits += "0" * (-len(bits) % 6)
    text = bytes(HQX[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))
    return b"(This file must be converted with BinHex 4.0)\n\n" + lines_of(b":" + text + b":", 64)


def lines_of(data: bytes, width: int) -> bytes:
    """Cut into lines, whatever the characters."""
    return b"\n".join(data[at : at + width] for at in range(0, len(data), width))


def yenc(data: bytes) -> bytes:
    """One yEnc block (yEnc 1.3)."""
    coded = b"".join(
        bytes([61, (byte + 106) % 256]) if (byte + 42) % 256 in b"\0\r\n=" else bytes([(byte + 42) % 256])
        for byte in data
    )
    head = b"=ybegin line=128 size=%d name=notes.txt\n" % len(data)
    return head + coded + b"\n=yend size=%d crc32=%08x" % (len(data), zlib.crc32(data))


def base64_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Base64 (RFC 2045 6.8)."""
    at = "RFC 2045 6.8"
    yield "base64", part(b"base64", B64), "a plain base64 body", at
    yield "base64-short-lines", part(b"base64", lines(B64, 3)), "lines of three characters, no whole quantum in any", at
    yield (
        "base64-junk",
        part(b"base64", b"!".join(wrap_bytes(B64, 2))),
        "characters outside the alphabet are ignored",
        at,
    )
    yield (
        "base64-high-junk",
        part(b"base64", b"\xff".join(wrap_bytes(B64, 5))),
        "bytes above 127 between the characters",
        at,
    )
    yield "base64-nul-junk", part(b"base64", b"\0".join(wrap_bytes(B64, 5))), "NUL between the characters", at
    yield "base64-no-padding", part(b"base64", B64.rstrip(b"=")), "the padding is missing", at
    yield "base64-much-padding", part(b"base64", B64.rstrip(b"=") + b"====="), "more padding than there can be", at
    streams = base64.b64encode(b"Her SSN is 536-") + b"\n" + base64.b64encode(TEXT[15:])
    yield "base64-two-streams", part(b"base64", streams), "two padded streams, cut within the number", at
    pieces = b"".join(base64.b64encode(TEXT[at : at + 4]) for at in range(0, len(TEXT), 4))
    yield "base64-many-streams", part(b"base64", pieces), "a padding after every four bytes", at
    yield (
        "base64-indented",
        part(b"base64", b"", b"", b"   " + lines(B64, 20).replace(b"\n", b"  \n\t")),
        "blanks around every line",
        at,
    )
    yield "base64-upper-case", part(b"BASE64", B64), "the mechanism is named without regard to case", "RFC 2045 6.1"
    yield "base64-in-quotes", part(b'"base64"', B64), "the mechanism in quotes", "RFC 2045 6.1"
    yield "base64-comment", part(b"base64 (as ever)", B64), "a comment behind the mechanism", "RFC 822 3.4.3"
    yield "base64-comment-before", part(b"(as ever) base64", B64), "a comment before the mechanism", "RFC 822 3.4.3"
    yield "base64-semicolon", part(b"base64;", B64), "a semicolon behind the mechanism", "RFC 2045 6.1"
    yield (
        "base64-folded",
        mail(PLAIN, b"Content-Transfer-Encoding:", b"  base64", b"", B64),
        "the value on a line of its own",
        "RFC 822 3.1.1",
    )
    yield (
        "base64-blank-before-colon",
        mail(PLAIN, b"Content-Transfer-Encoding : base64", b"", B64),
        "a blank between name and colon",
        "RFC 5322 4.5.8",
    )
    yield (
        "encoding-twice",
        mail(PLAIN, CTE + b"base64", CTE + b"7bit", b"", B64),
        "two encodings, programs take the first",
        "RFC 2045 6",
    )
    yield (
        "encoding-twice-last",
        mail(PLAIN, CTE + b"7bit", CTE + b"base64", b"", B64),
        "two encodings, programs take the last",
        "RFC 2045 6",
    )
    yield "encoding-unknown", part(b"x-scrambled", TEXT), "an encoding nobody knows, over plain text", "RFC 2045 6.4"
    yield "encoding-empty", part(b"", TEXT), "an encoding without a name", "RFC 2045 6"
    yield "encoding-binary", part(b"binary", TEXT), "declared binary", "RFC 2045 6.2"
    wide = base64.b64encode(TEXT.decode().encode("utf-16"))
    yield (
        "base64-wide",
        mail(b"Content-Type: text/plain; charset=utf-16", CTE + b"base64", b"", wide),
        "UTF-16 under base64",
        "RFC 2781",
    )


def wrap_bytes(data: bytes, width: int) -> list[bytes]:
    """Pieces of one width."""
    return [data[at : at + width] for at in range(0, len(data), width)]


def quoted_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Quoted-printable (RFC 2045 6.7)."""
    at = "RFC 2045 6.7"
    every = b"".join(b"=%02X" % byte for byte in TEXT)
    yield (
        "quoted-every-character",
        part(b"quoted-printable", b"=\n".join(wrap_bytes(every, 72))),
        "every character encoded",
        at,
    )
    yield (
        "quoted-lower-case",
        part(b"quoted-printable", every.lower()),
        "hexadecimal in lower case, which a robust reader takes",
        at,
    )
    yield (
        "quoted-soft-breaks",
        part(b"quoted-printable", b"Her SSN is 5=", b"3=", b"6-2=", b"2-12=", b"34, please"),
        "soft breaks within the number",
        at,
    )
    yield (
        "quoted-soft-break-blanks",
        part(b"quoted-printable", b"Her SSN is 536-= \t", b"22-1234, please"),
        "blanks behind a soft break",
        at,
    )
    yield (
        "quoted-broken",
        part(b"quoted-printable", b"=ZZ=Her SSN is 536=2D22-=31234=Q, please="),
        "pairs that are no hexadecimal stay as they are",
        at,
    )
    yield (
        "quoted-high",
        part(b"quoted-printable", b"\xe9 Her SSN is 536=2D22=2D1234"),
        "bytes above 127 beside encoded ones",
        at,
    )
    yield (
        "quoted-mixed-ends",
        part(b"quoted-printable", b"Her SSN is 536=").replace(b"536=\r\n", b"536=\n-22-=\r\n1234"),
        "soft breaks with and without CR",
        at,
    )
    yield (
        "quoted-upper-case",
        part(b"Quoted-Printable", quopri.encodestring(TEXT).replace(b"-", b"=2D")),
        "the mechanism without regard to case",
        "RFC 2045 6.1",
    )


def packed_tricks() -> Iterator[tuple[str, bytes, str, str]]:
    """Files written into a text: before MIME, and beside it."""
    yield (
        "uu-in-text",
        mail(PLAIN, b"", b"see below", b"", uu(TEXT)),
        "a uuencoded file in a text",
        "uuencode(5), POSIX.1",
    )
    yield (
        "uu-no-end",
        mail(PLAIN, b"", uu(TEXT).rsplit(b"\n", 2)[0]),
        "a uuencoded file without its end",
        "uuencode(5), POSIX.1",
    )
    yield "uu-declared", part(b"x-uuencode", uu(TEXT)), "a part said to be uuencoded", "x-uuencode"
    yield "uu-declared-short", part(b"uuencode", uu(TEXT)), "a part said to be uuencoded", "uuencode"
    yield (
        "uu-file-name",
        mail(PLAIN, b"", uu(b"hello", b"begin 644 SSN 536-22-1234.txt")),
        "a number in the name of a uuencoded file",
        "uuencode(5)",
    )
    b64 = b"begin-base64 644 notes.txt\n" + B64 + b"\n===="
    yield "uu-base64", mail(PLAIN, b"", b64), "uuencode -m: base64 between its own lines", "uuencode(5), POSIX.1-2001"
    yield (
        "uu-two-files",
        mail(PLAIN, b"", uu(b"hello"), b"", b"and", b"", uu(TEXT)),
        "the second of two files",
        "uuencode(5)",
    )
    yield "binhex-in-text", mail(PLAIN, b"", binhex(TEXT)), "a BinHex file in a text", "RFC 1741"
    hqx = mail(b"Content-Type: application/mac-binhex40; name=notes.hqx", b"", binhex(TEXT))
    yield "binhex-part", hqx, "a BinHex file as a part", "RFC 1741"
    yield "yenc-in-text", mail(PLAIN, CTE + b"8bit", b"", yenc(TEXT)), "a yEnc file in a text", "yEnc 1.3"
    inner = b"--b\n" + PLAIN + b"\n\n" + TEXT + b"\n--b--\n"
    yield (
        "base64-multipart",
        mail(b"Content-Type: multipart/mixed; boundary=b", CTE + b"base64", b"", base64.b64encode(inner)),
        "a whole multipart under base64, against the standard",
        "RFC 2045 6.4",
    )
    yield (
        "base64-said-of-multipart",
        mail(b"Content-Type: multipart/mixed; boundary=b", CTE + b"base64", b"", inner),
        "base64 said of a multipart that is plain",
        "RFC 2045 6.4",
    )
    yield (
        "quoted-multipart",
        mail(
            b"Content-Type: multipart/mixed; boundary=b",
            CTE + b"quoted-printable",
            b"",
            b"--b",
            PLAIN,
            CTE + b"base64",
            b"",
            B64,
            b"--b--",
        ),
        "quoted-printable said of a multipart",
        "RFC 2045 6.4",
    )
    message = b"Subject: inner\n" + PLAIN + b"\n\n" + TEXT
    yield (
        "base64-message",
        mail(b"Content-Type: message/rfc822", CTE + b"base64", b"", base64.b64encode(message)),
        "a message under base64, against the standard",
        "RFC 2046 5.2.1",
    )
    yield (
        "base64-attachment",
        multipart(
            b"mixed; boundary=b",
            b"--b",
            b"Content-Type: application/octet-stream",
            b"Content-Disposition: attachment; filename=notes.txt",
            CTE + b"base64",
            b"",
            B64,
            b"--b--",
        ),
        "a text sent as octets",
        "RFC 2046 4.5.1",
    )
    yield (
        "gzip-part",
        mail(b"Content-Type: application/gzip; name=notes.txt.gz", CTE + b"base64", b"", base64.b64encode(GZIP)),
        "a gzipped text",
        "RFC 1952",
    )


GZIP = (
    b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    + zlib.compress(TEXT)[2:-4]
    + zlib.crc32(TEXT).to_bytes(4, "little")
    + len(TEXT).to_bytes(4, "little")
)


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, raw, why, at in (*base64_tricks(), *quoted_tricks(), *packed_tricks()):
        yield Evasion(f"mime-encodings/{name}", raw, why, at)


if __name__ == "__main__":
    write(evasions())
