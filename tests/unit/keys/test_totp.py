"""Codes of an authenticator: the vectors of RFC 4226 and RFC 6238, and the drift of clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from keys import totp

SECRET = b"12345678901234567890"  # RFC 4226, appendix D
HOTP = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


def test_the_vectors_of_rfc_4226() -> None:
    assert [totp.code_at(SECRET, step) for step in range(10)] == HOTP


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
    ],
)
def test_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    """Appendix B has eight digits; the last six of them are ours."""
    now = datetime.fromtimestamp(seconds, UTC)
    assert totp.code_at(SECRET, totp.step_of(now)) == code[2:]
    assert totp.matching_step(SECRET, code[2:], now) == seconds // 30


def test_a_clock_may_be_off_by_one_step_and_no_more() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    code = totp.code_at(SECRET, totp.step_of(now))
    for seconds, found in ((-30, True), (30, True), (-60, False), (60, False)):
        assert (totp.matching_step(SECRET, code, now + timedelta(seconds=seconds)) is not None) == found
    assert totp.matching_step(SECRET, code[:5], now) is None and totp.matching_step(SECRET, "", now) is None


def test_what_a_program_reads() -> None:
    link = totp.key_uri(SECRET, issuer="Klinik: Müller & Co", account="maria+x@post.example")
    assert link.startswith("otpauth://totp/Klinik%20%20M%C3%BCller%20%26%20Co:maria%2Bx%40post.example?secret=GEZDGNBV")
    assert len(totp.new_secret()) == 20 and totp.new_secret() != totp.new_secret()
