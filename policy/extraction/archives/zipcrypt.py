"""Entries of a zip that need a password: the old cipher (APPNOTE 6.1) and AES (WinZip's AE-1 and AE-2)."""

import hashlib
import hmac
import zlib
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_OLD_HEADER: Final = 12
_KEY_BYTES: Final = {1: 16, 2: 24, 3: 32}
_CODE: Final = 10  # bytes that prove the whole
_ROUNDS: Final = 1_000
_BLOCKS: Final = 4_096  # of a cipher's stream at a time
_OLD_MOST: Final = 8 * 1024 * 1024  # bytes of the old cipher, which is slow, per entry
_TABLE: Final = tuple(zlib.crc32(bytes([value]), 0xFFFF_FFFF) ^ 0xFFFF_FFFF for value in range(256))


def spellings(password: str) -> Iterator[bytes]:
    """A password as programs write it."""
    written = dict.fromkeys(
        password.encode(charset) for charset in ("utf-8", "cp437", "cp1252") if _can_write(password, charset)
    )
    yield from written


def _can_write(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def opened_old(data: bytes, password: bytes, proof: int) -> bytes | None:
    """What the old cipher hides, if the password may be the one: `proof` is the last byte of the header (6.1.6)."""
    if len(data) < _OLD_HEADER or len(data) > _OLD_MOST:
        return None
    head, keys = _old(data[:_OLD_HEADER], _keys(password))
    if head[-1] != proof:
        return None
    return _old(data[_OLD_HEADER:], keys)[0]


def _keys(password: bytes) -> tuple[int, int, int]:
    keys = (0x12345678, 0x23456789, 0x34567890)
    for byte in password:
        keys = _turned(keys, byte)
    return keys


def _turned(keys: tuple[int, int, int], byte: int) -> tuple[int, int, int]:
    first, second, third = keys
    first = first >> 8 ^ _TABLE[(first ^ byte) & 0xFF]
    second = (second + (first & 0xFF)) * 134_775_813 + 1 & 0xFFFF_FFFF
    third = third >> 8 ^ _TABLE[(third ^ second >> 24) & 0xFF]
    return first, second, third


def _old(data: bytes, keys: tuple[int, int, int]) -> tuple[bytes, tuple[int, int, int]]:
    """Decrypted, and the keys behind it."""
    table = _TABLE
    first, second, third = keys
    out = bytearray(data)
    for at, byte in enumerate(data):
        word = third | 2
        out[at] = plain = byte ^ word * (word ^ 1) >> 8 & 0xFF
        first = first >> 8 ^ table[(first ^ plain) & 0xFF]
        second = (second + (first & 0xFF)) * 134_775_813 + 1 & 0xFFFF_FFFF
        third = third >> 8 ^ table[(third ^ second >> 24) & 0xFF]
    return bytes(out), (first, second, third)


def opened_aes(data: bytes, password: bytes, strength: int) -> bytes | None:
    """What AES hides, if this is the password: salt, two bytes of proof, the bytes, a code over them."""
    size = _KEY_BYTES.get(strength)
    if size is None or len(data) < size // 2 + 2 + _CODE:
        return None
    salt, rest = data[: size // 2], data[size // 2 :]
    derived = hashlib.pbkdf2_hmac("sha1", password, salt, _ROUNDS, 2 * size + 2)
    if derived[-2:] != rest[:2]:
        return None
    body, code = rest[2:-_CODE], rest[-_CODE:]
    proof = hmac.new(derived[size : 2 * size], body, "sha1").digest()[:_CODE]
    return _decrypted(body, derived[:size]) if hmac.compare_digest(proof, code) else None


def _decrypted(body: bytes, key: bytes) -> bytes:
    """A stream of blocks numbered from 1, the number little end first: unlike the counter mode of libraries."""
    blocks = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 (of numbers, each once: a stream)
    out: list[bytes] = []
    step = _BLOCKS * 16
    for start in range(0, len(body), step):
        piece = body[start : start + step]
        first = start // 16 + 1
        numbers = b"".join(number.to_bytes(16, "little") for number in range(first, first + -(-len(piece) // 16)))
        stream = blocks.update(numbers)[: len(piece)]
        mixed = int.from_bytes(piece, "little") ^ int.from_bytes(stream, "little")
        out.append(mixed.to_bytes(len(piece), "little"))
    return b"".join(out)
