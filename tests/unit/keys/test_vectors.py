"""Every vector, through every way of opening; and every way of sealing gives the bytes that the vectors have."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys import sealing
from keys.sealing import Dek, SealBroken, SealedRange, SealingStream, open_sealed, plain_size, seal, sealed_size

VECTORS = sorted((Path(__file__).parent / "vectors").glob("*.txt"))
SEGMENT = 65536


def pattern(size: int) -> bytes:
    return bytes([i * 7 % 251 for i in range(size)])


def read(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split(": ", 1) for line in lines)


def plainly_sealed(key: bytes, header: bytes, bound_to: bytes, plain: bytes) -> bytes:
    """The published layout once more, as plainly as it can be written."""
    gcm = AESGCM(HKDF(algorithm=SHA256(), length=32, salt=header[1:33], info=bound_to).derive(key))
    first = SEGMENT - 40 - 16
    pieces = [plain[:first]] + [plain[at : at + SEGMENT - 16] for at in range(first, len(plain), SEGMENT - 16)]
    sealed = header
    for index, piece in enumerate(pieces):
        last = index == len(pieces) - 1
        sealed += gcm.encrypt(header[33:] + index.to_bytes(4, "big") + bytes([last]), piece, None)
    return sealed


def changed(sealed: bytes, change: str) -> bytes:
    verb, *numbers = change.split()
    segments = [sealed[at : at + SEGMENT] for at in range(0, len(sealed), SEGMENT)]
    match verb:
        case "cut":
            return sealed[: -int(numbers[0])]
        case "keep":
            return sealed[: int(numbers[0])]
        case "append":
            return sealed + bytes.fromhex(numbers[0])
        case "flip":
            at = int(numbers[0]) % len(sealed)
            return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        case "swap":
            a, b = map(int, numbers)
            segments[a], segments[b] = segments[b], segments[a]
        case "repeat":
            segments.insert(int(numbers[0]), segments[int(numbers[0])])
        case "drop":
            del segments[int(numbers[0])]
        case _:
            raise AssertionError(change)
    return b"".join(segments)


@pytest.fixture(params=VECTORS, ids=lambda path: path.stem)
def vector(request: pytest.FixtureRequest) -> tuple[Dek, bytes, bytes, bytes, bool]:
    """(key, bound_to, plain, sealed, opens) of one vector file, its change done."""
    facts = read(request.param)
    key, bound_to, plain = bytes.fromhex(facts["key"]), facts["bound_to"].encode(), pattern(int(facts["plain"]))
    sealed = plainly_sealed(key, bytes.fromhex(facts["header"]), bound_to, plain)
    assert hashlib.sha256(sealed).hexdigest() == facts["sealed_sha256"]  # as Tink wrote it
    assert facts.get("sealed", sealed.hex()) == sealed.hex()
    match facts.get("change"):
        case None:
            pass
        case "key":
            key = bytes(32)
        case "bound":
            bound_to += b"x"
        case change:
            sealed = changed(sealed, change)
    return Dek(key), bound_to, plain, sealed, facts["expect"] == "opens"


def whole(dek: Dek, bound_to: bytes, sealed: bytes) -> bytes:
    return open_sealed(dek, sealed, bound_to=bound_to)


def ranges(dek: Dek, bound_to: bytes, sealed: bytes) -> bytes:
    opened = SealedRange(dek, bound_to=bound_to, read_at=lambda at, length: sealed[at : at + length], size=len(sealed))
    step = 50_000
    return b"".join(b"".join(opened.read(at, at + step)) for at in range(0, max(1, opened.size), step))


@pytest.mark.parametrize("entry", [whole, ranges])
def test_each_entry_point_opens_a_vector_or_finds_it_broken(
    vector: tuple[Dek, bytes, bytes, bytes, bool], entry
) -> None:
    dek, bound_to, plain, sealed, opens = vector
    if opens:
        assert entry(dek, bound_to, sealed) == plain
        assert sealed_size(len(plain)) == len(sealed)
        assert plain_size(len(sealed)) == len(plain)
    else:
        with pytest.raises(SealBroken):
            entry(dek, bound_to, sealed)


@pytest.mark.parametrize("chunk", [None, 100, 1000, 65_480, 65_481, 100_000])
@pytest.mark.parametrize("path", [path for path in VECTORS if "change" not in read(path)], ids=lambda path: path.stem)
def test_sealing_gives_the_bytes_of_the_vector(path: Path, chunk: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = read(path)
    dek, plain, header = Dek(bytes.fromhex(facts["key"])), pattern(int(facts["plain"])), bytes.fromhex(facts["header"])
    bound_to = facts["bound_to"].encode()
    monkeypatch.setattr(sealing, "urandom", lambda size: header[1 : 1 + size])
    if chunk is None:
        sealed = seal(dek, plain, bound_to=bound_to)
    else:
        stream = SealingStream(dek, bound_to=bound_to)
        pieces = [stream.update(plain[at : at + chunk]) for at in range(0, len(plain), chunk)]
        sealed = b"".join([*pieces, stream.finish()])
    assert hashlib.sha256(sealed).hexdigest() == facts["sealed_sha256"]


def test_a_cut_object_is_told_before_its_first_byte_is_given() -> None:
    dek = Dek.new()
    sealed = seal(dek, pattern(300_000), bound_to=b"x")[: 3 * SEGMENT]
    opened = SealedRange(dek, bound_to=b"x", read_at=lambda at, n: sealed[at : at + n], size=len(sealed))
    with pytest.raises(SealBroken):
        next(opened.read(0, 10))


def test_a_reader_that_gives_too_little_is_a_torn_object() -> None:
    dek = Dek.new()
    sealed = seal(dek, pattern(300_000), bound_to=b"x")
    opened = SealedRange(dek, bound_to=b"x", read_at=lambda at, n: sealed[at : at + min(n, 100)], size=len(sealed))
    with pytest.raises(SealBroken):
        list(opened.read())
