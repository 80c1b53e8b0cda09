"""Sealing: sizes, ranges, streams, wrapped keys, and what must not be told."""

import copy
import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.sealing import (
    Dek,
    Kek,
    SealBroken,
    SealedRange,
    SealingStream,
    WrappedKey,
    WrongKey,
    open_sealed,
    plain_size,
    seal,
    sealed_size,
)

DEK = Dek(bytes(range(32)))
LONG = bytes(i * 31 % 256 for i in range(256)) * 2000  # 512,000 bytes
SEALED = seal(DEK, LONG, bound_to=b"b")
SIZES = st.one_of(
    st.integers(0, 200), st.integers(65_400, 65_600), st.integers(130_900, 131_200), st.integers(0, 300_000)
)


def opened() -> SealedRange:
    return SealedRange(DEK, bound_to=b"b", read_at=lambda at, n: SEALED[at : at + n], size=len(SEALED))


@given(size=SIZES)
def test_sizes_are_those_of_the_sealed_bytes(size: int) -> None:
    sealed = seal(DEK, LONG[:size], bound_to=b"b")
    assert len(sealed) == sealed_size(size)
    assert plain_size(len(sealed)) == size
    assert open_sealed(DEK, sealed, bound_to=b"b") == LONG[:size]


@given(sealed=st.integers(0, 400_000))
def test_a_size_is_one_that_sealing_gives_or_is_refused(sealed: int) -> None:
    try:
        plain = plain_size(sealed)
    except SealBroken:
        return
    assert sealed_size(plain) == sealed


@pytest.mark.slow
@given(start=st.integers(0, 520_000), length=st.integers(0, 520_000))
def test_any_range_is_that_range(start: int, length: int) -> None:
    pieces = list(opened().read(start, start + length))
    assert b"".join(pieces) == LONG[start : start + length]
    assert all(0 < len(piece) <= 65536 for piece in pieces)


def test_a_range_reads_its_own_segments_and_the_last_and_no_others() -> None:
    asked: list[tuple[int, int]] = []

    def read_at(at: int, length: int) -> bytes:
        asked.append((at, length))
        return SEALED[at : at + length]

    ranged = SealedRange(DEK, bound_to=b"b", read_at=read_at, size=len(SEALED))
    assert b"".join(ranged.read(200_000, 200_010)) == LONG[200_000:200_010]
    assert asked == [(0, 40), (7 * 65536, len(SEALED) - 7 * 65536), (3 * 65536, 65536)]


@given(cuts=st.lists(st.integers(0, 300_000), max_size=12))
def test_a_stream_seals_the_same_however_it_arrives(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 300_000]
    stream = SealingStream(DEK, bound_to=b"b")
    out = b"".join([stream.update(LONG[a:b]) for a, b in itertools.pairwise(edges)])
    assert open_sealed(DEK, out + stream.finish(), bound_to=b"b") == LONG[:300_000]


def test_an_empty_stream_is_an_empty_object() -> None:
    assert open_sealed(DEK, SealingStream(DEK, bound_to=b"b").finish(), bound_to=b"b") == b""


def test_a_finished_stream_takes_no_more() -> None:
    stream = SealingStream(DEK, bound_to=b"b")
    stream.finish()
    with pytest.raises(ValueError, match="finished"):
        stream.update(b"x")
    with pytest.raises(ValueError, match="finished"):
        stream.finish()


def test_no_two_sealed_objects_share_a_salt() -> None:
    assert len({seal(DEK, b"same", bound_to=b"b")[:40] for _ in range(100)}) == 100


@given(noise=st.binary(max_size=400))
def test_noise_is_broken_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(SealBroken):
        open_sealed(DEK, noise, bound_to=b"b")


def test_a_wrapped_key_unwraps() -> None:
    kek = Kek("k1", bytes(32))
    wrapped = kek.wrap(DEK, b"message/1")
    assert kek.unwrap(wrapped, b"message/1").reveal() == DEK.reveal()
    assert wrapped.wrapped != kek.wrap(DEK, b"message/1").wrapped


def test_another_key_is_told_apart_from_torn_bytes() -> None:
    wrapped = Kek("k1", bytes(32)).wrap(DEK, b"message/1")
    with pytest.raises(WrongKey):
        Kek("k1", b"x" * 32).unwrap(wrapped, b"message/1")
    with pytest.raises(WrongKey):
        Kek("k2", bytes(32)).unwrap(wrapped, b"message/1")
    with pytest.raises(SealBroken):
        Kek("k1", bytes(32)).unwrap(wrapped, b"message/2")


@given(at=st.integers(0, 59), bit=st.integers(0, 7))
def test_a_changed_wrapped_key_is_broken(at: int, bit: int) -> None:
    kek = Kek("k1", bytes(32))
    wrapped = kek.wrap(DEK, b"message/1")
    torn = bytearray(wrapped.wrapped)
    torn[at] ^= 1 << bit
    with pytest.raises(SealBroken):
        kek.unwrap(WrappedKey(1, "k1", bytes(torn), wrapped.commitment), b"message/1")
    with pytest.raises(SealBroken):
        kek.unwrap(WrappedKey(1, "k1", wrapped.wrapped[:at], wrapped.commitment), b"message/1")


def test_a_key_other_than_the_committed_one_is_refused() -> None:
    kek = Kek("k1", bytes(32))
    ours, other = kek.wrap(DEK, b"m"), kek.wrap(Dek.new(), b"m")
    with pytest.raises(WrongKey):
        kek.unwrap(WrappedKey(1, "k1", ours.wrapped, other.commitment), b"m")


def test_a_format_of_the_future_is_named() -> None:
    kek = Kek("k1", bytes(32))
    wrapped = kek.wrap(DEK, b"m")
    with pytest.raises(SealBroken, match="format 9"):
        kek.unwrap(WrappedKey(9, "k1", wrapped.wrapped, wrapped.commitment), b"m")


def test_secrets_do_not_print_pickle_or_copy() -> None:
    dek, kek = Dek(b"\xaaSECRET" + bytes(25)), Kek("k1", b"\xaaSECRET" + bytes(25))
    for text in (repr(dek), str(dek), repr(kek), f"{dek}", repr(kek.wrap(dek, b""))):
        assert "SECRET" not in text
    for secret in (dek, kek):
        with pytest.raises(TypeError):
            pickle.dumps(secret)
        with pytest.raises(TypeError):
            copy.deepcopy(secret)


def test_a_key_of_another_length_is_refused_without_showing_it() -> None:
    for make in (Dek, lambda secret: Kek("k", secret)):
        with pytest.raises(ValueError, match="32 bytes") as error:
            make(b"short-secret")
        assert "secret" not in str(error.value)
