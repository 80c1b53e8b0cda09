"""Signatures, verified by another implementation (dkimpy)."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.dkim import HEAVY, Signer, SigningKey, from_domain, sign
from delivery.dkimkeys import (
    DkimKeyInvalid,
    make_key,
    publishes_key,
    read_key,
    record_name,
    record_text,
    signer_of,
    zone_line,
)
from delivery.items import Destination, Item, Kind, OpenMessage, State
from delivery.settings import DkimKeySettings, DkimSettings
from policy.decision import Route

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RSA = SigningKey("example.com", "s1", generate_private_key(65537, 1024))
ED = SigningKey("example.com", "e1", Ed25519PrivateKey.generate())
BOTH = (RSA, ED)
MAIL = b"From: A <a@example.com>\r\nTo: b@there.test\r\nSubject: x\r\n"
MAIL += b"Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\nhello\r\n"


def dns(*keys: SigningKey):
    table = {f"{record_name(key)}.".encode(): record_text(key).encode() for key in keys}
    return lambda name, timeout=5: table.get(name)


def verified(raw: bytes, *keys: SigningKey, index: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(raw).verify(index, dnsfunc=dns(*keys)))
    except dkim.ValidationError:
        return False


@pytest.mark.parametrize(
    "raw",
    [
        MAIL,
        MAIL.replace(b"hello\r\n", b""),
        MAIL.replace(b"hello\r\n", b"no end"),
        MAIL.replace(b"hello\r\n", b"  blanks \t \r\n\r\n\r\n"),
        MAIL.replace(b"\r\n\r\nhello\r\n", b"\r\n"),
        MAIL.replace(b"Subject: x", b"Subject:  folded\r\n\t once \r\n  and again"),
        MAIL.replace(b"Subject: x", b"Subject: \xc3\xa4\xff odd \x01 bytes"),
        MAIL.replace(b"To: b", b"Received: from x\r\n\tby y; z\r\nList-Id: <a.b>\r\nCC:c@d.test\r\nTo: b"),
    ],
    ids=["plain", "no body", "no last line end", "blank end", "header only", "folded", "bytes", "more fields"],
)
def test_another_implementation_verifies_both_signatures(raw: bytes) -> None:
    signed = sign(raw, BOTH, NOW)
    assert signed.endswith(raw)
    assert signed.count(b"DKIM-Signature:") == 2
    assert verified(signed, *BOTH, index=0)
    assert verified(signed, *BOTH, index=1)
    assert all(len(line) < 200 for line in signed[: -len(raw)].split(b"\r\n"))


@given(
    st.lists(
        st.tuples(st.sampled_from([b"To", b"Cc", b"Subject", b"X-Y", b"List-Id", b"Date"]), st.binary(max_size=30))
    ),
    st.binary(max_size=200),
)
@settings(max_examples=15, deadline=None)
def test_whatever_the_header_and_the_body_hold(fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    clean = [(name, value.translate(None, b"\r\n\v\f")) for name, value in fields]  # dkimpy takes \v for a blank
    head = b"".join(name + b": " + value + b"\r\n" for name, value in clean)
    text = body.replace(b"\r", b"").replace(b"\n", b"\r\n")
    signed = sign(b"From: a@example.com\r\n" + head + b"\r\n" + text, (ED,), NOW)
    assert verified(signed, ED)


def test_what_is_changed_or_put_on_top_breaks_it() -> None:
    signed = sign(MAIL, (RSA,), NOW)
    assert not verified(signed.replace(b"hello", b"hullo"), RSA)
    assert not verified(signed + b"more\r\n", RSA)
    for name in (b"From", b"Subject", b"To", b"Cc", b"Reply-To", b"Date"):
        assert not verified(name + b": other@example.com\r\n" + signed, RSA), name


def test_the_nearest_domain_above_signs() -> None:
    above = SigningKey("example.org", "s1", ED.private)
    signer = Signer((RSA, above))
    assert signer.keys_for(b"From: a@example.com\r\n\r\n") == (RSA,)
    assert signer.keys_for(b"From: postmaster@gate.example.org\r\n\r\n") == (above,)
    assert signer.keys_for(b"From: a@notexample.com\r\n\r\n") == ()
    assert signer.keys_for(b"From: a@com\r\n\r\n") == ()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"From: a@example.com\r\nFrom: b@example.com\r\n",
        b"From: a@example.com, b@x.test\r\n",
        b"From: nobody\r\n",
        b"From: " + b"a:" * 4_000 + b"a@example.com\r\n",
        b"From: " + b"(a" * 2_000 + b")a" * 2_000 + b" a@example.com\r\n",
        b"From: (" + b"x" * 20_000 + b") a@example.com\r\n",
    ],
)
def test_who_has_no_single_author_has_no_domain(header: bytes) -> None:
    assert from_domain(header + b"Subject: x\r\n\r\n") is None


def item(kind: Kind = Kind.MAIL, *, inside: bool = False) -> Item:
    return Item(
        *("i", "m", "default", "b@there.test", Destination(Route.RELAY, inside=inside), State.LEASED, 0, NOW, NOW, NOW),
        rule="",
        decision_id="",
        kind=kind,
    )


def message(sender: str | None) -> OpenMessage:
    return OpenMessage("m", "default", sender, "a@example.com", MAIL, NOW)


@pytest.mark.parametrize(
    ("relayed", "sender", "kind", "inside", "does"),
    [
        (False, None, Kind.NOTICE, False, True),
        (False, None, Kind.DSN, True, True),
        (False, "guest@there.test", Kind.ANSWER, True, True),
        (False, "a@example.com", Kind.MAIL, False, False),
        (True, "a@example.com", Kind.MAIL, False, True),
        (True, "a@sub.example.com", Kind.MAIL, False, True),
        (True, "a@partner.test", Kind.MAIL, False, False),  # admitted for another domain: no word of ours for this one
        (True, None, Kind.MAIL, False, False),
        (True, "a@example.com", Kind.MAIL, True, False),  # may have come from outside
    ],
)
async def test_whose_mail_is_signed(relayed: bool, sender: str | None, kind: Kind, inside: bool, does: bool) -> None:
    signed = await Signer((ED,), relayed, lambda: NOW).signed(message(sender), item(kind, inside=inside), MAIL)
    assert (signed != MAIL) is does
    assert signed.endswith(MAIL)


async def test_the_event_loop_turns_while_much_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def in_thread(work, *given):
        asked.append(work)
        return work(*given)

    monkeypatch.setattr(asyncio, "to_thread", in_thread)
    large = MAIL + b"x" * HEAVY
    assert verified(await Signer((RSA,), clock=lambda: NOW).signed(message(None), item(Kind.NOTICE), large), RSA)
    assert asked == [sign]


# -- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1024, None])
def test_a_made_key_is_its_owners_and_signs(tmp_path: Path, bits: int | None) -> None:
    path = tmp_path / "dkim.pem"
    make_key(path, bits=bits)
    assert path.stat().st_mode & 0o777 == 0o600
    key = read_key(path, "example.com", "new")
    assert verified(sign(MAIL, (key,), NOW), key)
    assert publishes_key(record_text(key).replace("; ", " ;\t").replace("v=DKIM1", "v=DKIM1; t=s"), key)
    assert not publishes_key("v=DKIM1; p=", key)
    assert all(len(part) <= 255 for part in zone_line(key).split('"')[1::2])
    with pytest.raises(FileExistsError):
        make_key(path, bits=bits)


def test_keys_that_cannot_sign_are_told(tmp_path: Path) -> None:
    path = tmp_path / "dkim.pem"
    with pytest.raises(DkimKeyInvalid, match="does not exist"):
        read_key(path, "example.com", "s1")
    make_key(path, bits=None)
    path.chmod(0o640)
    with pytest.raises(DkimKeyInvalid, match="others than its owner"):
        read_key(path, "example.com", "s1")
    path.chmod(0o600)
    path.write_text("nothing")
    with pytest.raises(DkimKeyInvalid, match="no private key"):
        read_key(path, "example.com", "s1")


def test_a_credential_stands_in_for_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    make_key(folder / "dkim.pem", bits=None)
    (folder / "dkim.pem").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert read_key(tmp_path / "not-there" / "dkim.pem", "example.com", "s1").algorithm == "ed25519-sha256"


def test_all_keys_of_the_settings_sign(tmp_path: Path) -> None:
    for name in ("old", "new"):
        make_key(tmp_path / name, bits=None)
    more = (DkimKeySettings(selector="new", key=tmp_path / "new"),)
    both = signer_of(DkimSettings(selector="old", key=tmp_path / "old", more=more), "example.com", lambda: NOW)
    assert both is not None
    assert [key.selector for key in both.keys_for(MAIL)] == ["old", "new"]
    assert signer_of(None, "example.com", lambda: NOW) is None
