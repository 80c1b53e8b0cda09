"""Signed, packed and encrypted mail: S/MIME (RFC 8551, RFC 5652, RFC 3274) and PGP (RFC 3156, RFC 4880)."""

import base64
import bz2
import datetime
import zlib
from collections.abc import Iterator

from corpus import HEAD, TEXT, Evasion, mail, multipart, write
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

PLAIN = b"Content-Type: text/plain; charset=us-ascii"
ENTITY = (PLAIN + b"\n\n" + TEXT + b"\n").replace(b"\n", b"\r\n")
CODED = (b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(TEXT) + b"\n").replace(
    b"\n", b"\r\n"
)
# The primes of a key that guards nothing.
P = 0xEFE6DF36F31CD338A98B11A20DE43854CB19BFCCA573A56EC5165E83054BD26A1DA41C7C909FD99640E9D596DE9133315D01FF5FCFE93A5520F0960C3A861037  # fmt: skip  # noqa: E501 (a number)
Q = 0xC12DBA67E82647740055D3ABF471431B3838A545B166748C110EF5AC8BCB1A54D970B6C3B40DA769756D7D87CDD1A5D581ABDA5C81537CDA93E4F35D8E802A77  # fmt: skip  # noqa: E501 (a number)
DATA = bytes.fromhex("06092a864886f70d010701")
SIGNED = bytes.fromhex("06092a864886f70d010702")
ENVELOPED = bytes.fromhex("06092a864886f70d010703")
AUTH_ENVELOPED = bytes.fromhex("060b2a864886f70d0109100117")


def der(tag: int, *parts: bytes) -> bytes:
    """One value with its length."""
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


def endless(tag: int, *parts: bytes) -> bytes:
    """One value whose end is marked (X.690 8.1.3.6)."""
    return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"


def inside(data: bytes) -> list[bytes]:
    """The values in a value."""
    found, at = [], 0
    start, _ = span(data, 0)
    data = data[start:]
    while at < len(data):
        start, end = span(data, at)
        found.append(data[at:end])
        at = end
    return found


def span(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the value at this place begins and ends."""
    count = data[at + 1]
    if count < 128:
        return at + 2, at + 2 + count
    size = int.from_bytes(data[at + 2 : at + 2 + (count & 127)], "big")
    return at + 2 + (count & 127), at + 2 + (count & 127) + size


def signed(data: bytes) -> bytes:
    """Signed-data that holds what it signs, by a certificate of its own."""
    numbers = rsa.RSAPublicNumbers(65537, P * Q)
    d = pow(65537, -1, (P - 1) * (Q - 1))
    key = rsa.RSAPrivateNumbers(P, Q, d, d % (P - 1), d % (Q - 1), pow(Q, -1, P), numbers).private_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice@example.com")])
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, when, when + datetime.timedelta(days=9000))
        .add_extension(x509.BasicConstraints(False, None), True)
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.NoAttributes, pkcs7.PKCS7Options.Binary]
    return builder.sign(serialization.Encoding.DER, options)


def streamed(data: bytes) -> bytes:
    """The same as a program writes that does not know the length before: marked ends, the content in pieces."""
    version, digests, _content, *rest = inside(inside(inside(signed(data))[1])[0])
    pieces = [der(4, data[at : at + 20]) for at in range(0, len(data), 20)]
    content = endless(0x30, DATA, endless(0xA0, endless(0x24, *pieces)))
    return endless(0x30, SIGNED, endless(0xA0, endless(0x30, version, digests, content, *rest)))


def enveloped(kind: bytes) -> bytes:
    """The outside of an encrypted message."""
    content = der(0x30, DATA, der(0x30, bytes.fromhex("060960864801650304012a")), der(0x80, bytes(range(64))))
    return der(0x30, kind, der(0xA0, der(0x30, der(2, b"\0"), der(0x31, der(0x30)), content)))


def pkcs7_mail(
    data: bytes, parameters: bytes = b"smime-type=signed-data; name=smime.p7m", kind: bytes = b"pkcs7-mime"
) -> bytes:
    """A message that is one S/MIME part."""
    lines = (b"Content-Type: application/" + kind + b"; " + parameters, b"Content-Transfer-Encoding: base64")
    return mail(
        *lines, b'Content-Disposition: attachment; filename="smime.p7m"', b"", base64.encodebytes(data).rstrip()
    )


def packet(tag: int, body: bytes) -> bytes:
    """A PGP packet with a new header."""
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def old_packet(tag: int, body: bytes) -> bytes:
    """A PGP packet with an old header."""
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def partial_packet(tag: int, body: bytes) -> bytes:
    """A PGP packet in pieces: one of 512 bytes, and the rest."""
    rest = body[512:]
    return bytes([0xC0 | tag, 0xE9]) + body[:512] + b"\xff" + len(rest).to_bytes(4, "big") + rest


def literal(data: bytes) -> bytes:
    """What a literal packet holds."""
    return b"t\x09notes.txt\0\0\0\0" + data


def one_pass(inner: bytes) -> bytes:
    """A signed message: one-pass signature, what it signs, signature (of nobody)."""
    signature = b"\4\1\1\x08\0\6\5\2\x69\5\5\5\0\x0a\x09\x10" + bytes(range(8)) + b"\0\0\0\x08\x99"
    return packet(4, b"\3\1\x08\1" + bytes(range(8)) + b"\1") + inner + packet(2, signature)


def armoured(data: bytes, kind: bytes = b"MESSAGE") -> bytes:
    """ASCII armour (RFC 4880 6)."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    lines = base64.encodebytes(data).rstrip() + b"\n=" + base64.b64encode((crc & 0xFFFFFF).to_bytes(3, "big"))
    return b"-----BEGIN PGP " + kind + b"-----\nVersion: 1\n\n" + lines + b"\n-----END PGP " + kind + b"-----"


def smime() -> Iterator[tuple[str, bytes, str, str]]:
    """S/MIME that anybody can read."""
    at = "RFC 8551 3.5"
    yield "smime-opaque", pkcs7_mail(signed(ENTITY)), "signed-data holds the message", at
    yield "smime-opaque-coded", pkcs7_mail(signed(CODED)), "a part in base64 within signed-data", at
    yield (
        "smime-opaque-old-type",
        pkcs7_mail(signed(ENTITY), b"name=smime.p7m", b"x-pkcs7-mime"),
        "the older type, without smime-type",
        "RFC 2311",
    )
    yield (
        "smime-opaque-streamed",
        pkcs7_mail(streamed(ENTITY)),
        "marked ends, and the content in pieces cut within the number",
        "X.690 8.1.3.6, 8.7.3",
    )
    yield (
        "smime-opaque-octets",
        pkcs7_mail(signed(ENTITY)).replace(b"pkcs7-mime; smime-type=signed-data", b"octet-stream"),
        "known by its name only",
        "RFC 8551 3.2.1",
    )
    twice = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    yield (
        "smime-opaque-twice",
        pkcs7_mail(signed(twice + base64.encodebytes(signed(ENTITY)))),
        "signed-data in signed-data",
        "RFC 8551 3.7",
    )
    head = b'signed; boundary=b; protocol="application/pkcs7-signature"; micalg=sha-256'
    detached = b"Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\n"
    yield (
        "smime-clear",
        multipart(
            head,
            b"--b",
            CODED.replace(b"\r\n", b"\n").rstrip(),
            b"--b",
            detached + base64.encodebytes(signed(b"")).rstrip(),
            b"--b--",
        ),
        "a part with its signature beside it",
        "RFC 8551 3.5.3",
    )


def pgp() -> Iterator[tuple[str, bytes, str, str]]:
    """PGP that anybody can read."""
    at = "RFC 4880 11.3"
    packed = b"\1" + zlib.compress(packet(11, literal(TEXT)))[2:-4]
    yield (
        "pgp-literal",
        mail(PLAIN, b"", armoured(packet(11, literal(TEXT)))),
        "a literal packet in armour: neither signed nor encrypted",
        at,
    )
    yield "pgp-zip", mail(PLAIN, b"", armoured(packet(8, packed))), "a compressed packet (ZIP)", "RFC 4880 5.6"
    yield (
        "pgp-zlib",
        mail(PLAIN, b"", armoured(packet(8, b"\2" + zlib.compress(packet(11, literal(TEXT)))))),
        "a compressed packet (ZLIB)",
        "RFC 4880 5.6",
    )
    yield (
        "pgp-bzip2",
        mail(PLAIN, b"", armoured(packet(8, b"\3" + bz2.compress(packet(11, literal(TEXT)))))),
        "a compressed packet (BZip2)",
        "RFC 4880 5.6",
    )
    yield (
        "pgp-one-pass",
        mail(PLAIN, b"", armoured(one_pass(packet(11, literal(TEXT))))),
        "a signed message in armour",
        at,
    )
    yield (
        "pgp-signed-packed",
        mail(PLAIN, b"", armoured(packet(8, b"\2" + zlib.compress(one_pass(packet(11, literal(TEXT))))))),
        "signed, then compressed: how gpg --sign writes it",
        at,
    )
    yield (
        "pgp-old-header",
        mail(PLAIN, b"", armoured(old_packet(11, literal(TEXT)))),
        "an old packet header",
        "RFC 4880 4.2.1",
    )
    long = b"x" * 490 + b" " + TEXT
    yield (
        "pgp-pieces",
        mail(PLAIN, b"", armoured(partial_packet(11, literal(long)))),
        "partial lengths, cut within the number",
        "RFC 4880 4.2.2.4",
    )
    binary = (
        b"Content-Type: application/pgp; name=notes.gpg\nContent-Disposition: attachment; filename=notes.gpg\n"
        b"Content-Transfer-Encoding: base64\n"
    )
    yield "pgp-binary", mail(binary, base64.b64encode(packet(8, packed))), "a file of packets without armour", at
    clear = (
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
        + TEXT
        + b"\n- --\nAlice\n"
        + armoured(packet(2, bytes(20)), b"SIGNATURE")
    )
    yield "pgp-clear", mail(PLAIN, b"", clear), "a clear-signed text", "RFC 4880 7"
    coded = CODED.replace(b"\r\n", b"\n").rstrip()
    signature = b"Content-Type: application/pgp-signature\n\n" + armoured(packet(2, bytes(20)), b"SIGNATURE")
    yield (
        "pgp-mime-signed",
        multipart(
            b'signed; boundary=b; protocol="application/pgp-signature"; micalg=pgp-sha256',
            b"--b",
            coded,
            b"--b",
            signature,
            b"--b--",
        ),
        "a part with its PGP signature beside it",
        "RFC 3156 5",
    )


def encrypted() -> Iterator[tuple[str, bytes, str, str]]:
    """What nobody can read but the one it is for."""
    yield (
        "smime-enveloped",
        pkcs7_mail(enveloped(ENVELOPED), b"smime-type=enveloped-data; name=smime.p7m"),
        "enveloped-data",
        "RFC 8551 3.3",
    )
    yield (
        "smime-auth-enveloped",
        pkcs7_mail(enveloped(AUTH_ENVELOPED), b"smime-type=authEnveloped-data; name=smime.p7m"),
        "authenticated enveloped-data",
        "RFC 8551 3.4",
    )
    both = (
        HEAD.split(b"\n")[0].replace(b"\n", b"\r\n")
        + b"\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data"
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    yield (
        "smime-signed-enveloped",
        pkcs7_mail(signed(both + base64.encodebytes(enveloped(ENVELOPED)))),
        "encrypted, then signed",
        "RFC 8551 3.7",
    )
    locked = packet(1, b"\3" + bytes(range(8)) + b"\1\0\x08\x99") + packet(18, b"\1" + bytes(range(200)))
    yield "pgp-encrypted", mail(PLAIN, b"", armoured(locked)), "an encrypted message in armour", "RFC 4880 5.13"
    yield (
        "pgp-encrypted-binary",
        mail(
            b"Content-Type: application/octet-stream; name=a.gpg",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.b64encode(locked),
        ),
        "an encrypted file without armour",
        "RFC 4880 5.13",
    )
    parts = (
        b"--b",
        b"Content-Type: application/pgp-encrypted",
        b"",
        b"Version: 1",
        b"--b",
        b"Content-Type: application/octet-stream",
        b"",
        armoured(locked),
        b"--b--",
    )
    yield (
        "pgp-mime-encrypted",
        multipart(b'encrypted; boundary=b; protocol="application/pgp-encrypted"', *parts),
        "multipart/encrypted",
        "RFC 3156 4",
    )


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, raw, why, at in (*smime(), *pgp()):
        yield Evasion(f"mime-signed/{name}", raw, why, at)
    for name, raw, why, at in encrypted():
        yield Evasion(f"mime-signed/{name}", raw, why, at, found={"encrypted": 1})


if __name__ == "__main__":
    write(evasions())
