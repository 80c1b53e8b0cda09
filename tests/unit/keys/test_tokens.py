"""Ids, tokens, codes, references and signed addresses."""

import re

from hypothesis import given
from hypothesis import strategies as st

from keys import tokens

KEY = b"k" * 32
IDENT = "01jd8x5t3v7k2m4n6p8q0r1s2t"


def test_ids_sort_by_time_and_never_repeat(monkeypatch) -> None:
    ids = []
    for millisecond in (1, 1_000, 1_700_000_000_000, 1_700_000_000_001, 2**48 - 1):
        monkeypatch.setattr(tokens.time, "time_ns", lambda at=millisecond: at * 1_000_000)
        ids.append(tokens.new_id())
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{26}", each) for each in ids)
    assert len({tokens.new_id() for _ in range(1000)}) == 1000


def test_tokens_fit_urls_and_have_their_bits() -> None:
    assert re.fullmatch(r"[a-z2-7]{26}", tokens.new_token())
    assert re.fullmatch(r"[a-z2-7]{52}", tokens.new_token(256))
    assert len({tokens.new_token() for _ in range(1000)}) == 1000


def test_a_keyed_digest_depends_on_key_and_purpose() -> None:
    assert tokens.digest("abc").hex().startswith("ba7816bf")
    assert len(tokens.digest("\ud800")) == 32  # whatever a URL held
    assert tokens.keyed_digest(KEY, "a", b"bc") != tokens.keyed_digest(KEY, "ab", b"c")
    assert tokens.keyed_digest(KEY, "a", b"b") != tokens.keyed_digest(b"x" * 32, "a", b"b")
    assert tokens.keyed_digest(KEY, "a", b"b") == tokens.keyed_digest(KEY, "a", b"b")


def test_same_compares_texts_and_bytes() -> None:
    assert tokens.constant_time_equal("é", "é")
    assert tokens.constant_time_equal(b"a", "a")
    assert not tokens.constant_time_equal("a", "b")
    assert not tokens.constant_time_equal("", "b")


def test_codes_keep_their_leading_zeros(monkeypatch) -> None:
    monkeypatch.setattr(tokens.secrets, "randbelow", lambda _below: 42)
    assert tokens.new_code() == "000042"
    assert tokens.new_code(8) == "00000042"


def test_references_are_read_as_people_type_them() -> None:
    for _ in range(100):
        reference = tokens.new_reference()
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", reference)
        assert tokens.normalise_reference(reference) == reference
    for typed in ("7kq4 xn2m 9tpd", "7KQ4XN2M9TPD", " 7KQ4–XN2M—9TPD\n", "7KQ4-XN2M-9TPD", "7kq4.xn2m.9tpd"):
        assert tokens.normalise_reference(typed) == "7KQ4-XN2M-9TPD"
    assert tokens.normalise_reference("oil1-0000-0000") == "0111-0000-0000"
    for wrong in ("", "7KQ4-XN2M-9TP", "7KQ4-XN2M-9TPDD", "7KQ4-XN2M-9TPU", "7KQ4-XN2M-9TP!", "x" * 10_000):
        assert tokens.normalise_reference(wrong) is None


@given(st.text(max_size=300))
def test_whatever_is_typed_is_a_reference_or_none(text: str) -> None:
    found = tokens.normalise_reference(text)
    assert found is None or tokens.normalise_reference(found) == found


def test_a_signed_address_names_its_ident_in_any_case() -> None:
    address = tokens.sign_address(KEY, IDENT, "bounces.Example.com")
    local, _, domain = address.partition("@")
    assert domain == "bounces.example.com"
    assert len(local) <= 64
    for seen in (address, address.upper(), f" {address.title()} "):
        assert tokens.verify_address(KEY, seen) == IDENT
        assert tokens.claimed_ident(seen) == IDENT


def test_a_forged_address_names_nobody() -> None:
    address = tokens.sign_address(KEY, IDENT, "example.com")
    assert tokens.verify_address(b"x" * 32, address) is None
    assert tokens.verify_address(KEY, address, prefix="answer") is None
    assert tokens.verify_address(KEY, address.replace("example", "exampel")) is None
    assert tokens.verify_address(KEY, address.replace(IDENT, IDENT[:-1] + "x")) is None
    at = address.index("@") - 1
    other = "a" if address[at] != "a" else "b"
    assert tokens.verify_address(KEY, address[:at] + other + address[at + 1 :]) is None


def test_only_letters_and_digits_are_signed() -> None:
    for ident in ("", "A", "a-b", "x" * 33, "a@b"):
        try:
            tokens.sign_address(KEY, ident, "example.com")
        except ValueError:
            continue
        raise AssertionError(ident)


@given(st.text(max_size=100))
def test_no_text_breaks_the_check(text: str) -> None:
    assert tokens.verify_address(KEY, text) is None


def test_an_id_made_of_something_is_the_same_each_time_and_has_the_time_of_the_id_before() -> None:
    form = tokens.new_id()
    made = tokens.derive_id(form, b"text", b"scan")
    assert tokens.is_id(form) and tokens.is_id(made) and made[:10] == form[:10]
    assert made == tokens.derive_id(form, b"text", b"scan")
    assert (
        len(
            {
                made,
                form,
                tokens.derive_id(form, b"texts", b"can"),
                tokens.derive_id(form, b"text"),
                tokens.derive_id(tokens.new_id(), b"text"),
            }
        )
        == 5
    )
    assert not any(map(tokens.is_id, ("", form[:-1], form.upper(), f"{form[:-1]}u", f"{form[:-1]}\n")))
