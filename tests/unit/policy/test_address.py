"""Addresses: one spelling each, and no domain that means something else to the next server."""

import pytest

from delivery.couriers.targets import recipient_domain
from delivery.store.who import address_key
from policy.message import Address, AddressInvalid
from policy.patterns import Addresses


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("bob@Example.COM", "example.com"),
        ("bob@example.com.", "example.com"),
        ("bob@ex_ample.com", "ex_ample.com"),
        ("bob@exämple.com", "xn--exmple-cua.com"),
        ("bob@example\u3002com", "example.com"),
        ("bob@ｅｘａｍｐｌｅ.com", "example.com"),
        ("bob@straße.example", "xn--strae-oqa.example"),  # not strasse.example: that is somebody else
        ("bob@νίκος.example", "xn--kxawhkp.example"),
        ("bob@ex\u00adample.com", "example.com"),
        ("bob@❤.example", "xn--qei.example"),
        ("bob@ক্\u200dষ.example", "xn--p5b2ezc687j.example"),
        ("bob@[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
    ],
)
def test_a_domain_has_one_spelling(text: str, domain: str) -> None:
    assert Address.parse(text) == Address("bob", domain)


@pytest.mark.parametrize("sign", ["\u03f4", "\u2126", "\u212a", "\u212b"])
def test_no_two_mailboxes_are_looked_up_as_one(sign: str) -> None:
    """In lower case the sign of Kelvin is a k: whoever has a mailbox with it would be let in as the one without."""
    with pytest.raises(AddressInvalid):
        Address.parse(f"{sign}im@example.com")
    for text in ("Kim@example.com", "Åsa@example.com", "Ωmega@example.com", "STRAẞE@example.com", "İpek@example.com"):
        assert Address.parse(text).local == text.partition("@")[0]


@pytest.mark.parametrize("wide", "＠＞＜／＼；，：＂（）％＃＝！［］｜")
def test_no_sign_of_ascii_hides_in_a_wide_one(wide: str) -> None:
    """IDNA turns a wide sign into the sign: `evil.example＠x.example.com` must not be a domain below example.com."""
    for text in (f"bob@evil.example{wide}x.example.com", f"bob@x{wide}.example.com", f"bob@{wide}"):
        with pytest.raises(AddressInvalid):
            Address.parse(text)


@pytest.mark.parametrize(
    "domain",
    ["", ".", "a..b", ".a", "-a.com", "a b", "a,b", "a>b", "a@b:c", "[a b]", "[]", "[x", "a℀.com", "㏂.com", "⑴.com",
     "exam\u200dple.com", "\ud800.com",
     "x" * 64 + ".com"],
)  # fmt: skip
def test_what_is_no_domain(domain: str) -> None:
    with pytest.raises(AddressInvalid):
        Address.parse(f"bob@{domain}")


def test_patterns_and_look_ups_know_the_same_spelling() -> None:
    entries = Addresses.of(["straße.example", "*.büro.example", "bob@faß.example"])
    for text in ("a@STRAẞE.example", "a@xn--strae-oqa.example", "a@x.Büro.example", "Bob@fa\u00df.example"):
        assert Address.parse(text) in entries, text
    for text in ("a@strasse.example", "bob@fass.example"):
        assert Address.parse(text) not in entries, text
    assert address_key(" Bob@Straße.example ") == str(Address.parse("bob@straße.example"))
    assert address_key("bob@\ud800.example") == "bob@\ud800.example"
    assert recipient_domain("bob@Straße.example.") == "xn--strae-oqa.example"
