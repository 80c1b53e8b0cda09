"""Dots are doubled piece by piece as they are in one call (RFC 5321 4.5.2)."""

import random

import pytest

from delivery.couriers import transaction


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_a_long_message_is_stuffed_in_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "_LARGE", size)
    rng = random.Random(size)
    for _ in range(300):
        raw = b"".join(rng.choices((b"\r\n", b".", b"a", b"\r\n.", b"\n", b"\r"), k=rng.randrange(12)))
        whole = raw.replace(b"\r\n.", b"\r\n..")
        assert transaction._stuffed(raw) == (b"." + whole if whole.startswith(b".") else whole), raw
