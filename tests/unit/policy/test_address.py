"""Addresses: one spelling each, and no domain that means something else to the next server."""

import pytest

from policy.message import Address, AddressInvalid


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("bob@Example.COM", "example.com"),
        ("bob@example.com.", "example.com"),
        ("bob@ex_ample.com", "ex_ample.com"),
        ("bob@exämple.com", "xn--exmple-cua.com"),
        ("bob@example\u3002com", "example.com"),
        ("bob@ｅｘａｍｐｌｅ.com", "example.com"),
        ("bob@[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
    ],
)
def test_a_domain_has_one_spelling(text: str, domain: str) -> None:
    assert Address.parse(text) == Address("bob", domain)


@pytest.mark.parametrize("wide", "＠＞＜／＼；，：＂（）％＃＝！［］｜")
def test_no_sign_of_ascii_hides_in_a_wide_one(wide: str) -> None:
    """IDNA turns a wide sign into the sign: `evil.example＠x.example.com` must not be a domain below example.com."""
    for text in (f"bob@evil.example{wide}x.example.com", f"bob@x{wide}.example.com", f"bob@{wide}"):
        with pytest.raises(AddressInvalid):
            Address.parse(text)


@pytest.mark.parametrize(
    "domain",
    ["", ".", "a..b", ".a", "-a.com", "a b", "a,b", "a>b", "a@b:c", "[a b]", "[]", "[x", "a℀.com", "㏂.com", "⑴.com",
     "x" * 64 + ".com"],
)  # fmt: skip
def test_what_is_no_domain(domain: str) -> None:
    with pytest.raises(AddressInvalid):
        Address.parse(f"bob@{domain}")
