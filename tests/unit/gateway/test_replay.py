"""What `policy replay` reads: where messages lie, and who they were for."""

import mailbox
import os
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from gateway.replay.compare import Outcome, Pair, Replayed
from gateway.replay.envelopes import NoRecipient, Overrides, RecipientsFrom, addresses_in, envelope_of
from gateway.replay.sources import Skipped, Source, sources_in, take
from gateway.replay.tally import Tally
from policy.message import Address, Message
from rules.content import Content

LETTER = b"From: a@example.com\nTo: b@gmail.com\nSubject: x\n\nHello\n"


def found(root: Path) -> list[str]:
    return [one.name for one in sources_in(root) if isinstance(one, Source)]


def skipped(root: Path) -> dict[str, str]:
    return {one.name: one.reason for one in sources_in(root) if isinstance(one, Skipped)}


def test_a_folder_is_walked_and_what_is_no_message_is_told(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "b.eml").write_bytes(b"no header at all")
    (tmp_path / "a.txt").write_bytes(LETTER)
    (tmp_path / "deep" / "er" / "00001.abc").write_bytes(b"\n" + LETTER)
    (tmp_path / "list.json").write_bytes(b'{"from": 1}')
    (tmp_path / "note").write_bytes(b"Note: no mail\n")
    (tmp_path / "empty.eml").write_bytes(b"")
    (tmp_path / ".hidden").write_bytes(LETTER)
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path) == ["a.txt", "b.eml", "deep/er/00001.abc"]
    assert set(skipped(tmp_path)) == {".hidden", "empty.eml", "list.json", "note", "pipe"}
    assert found(tmp_path / "a.txt") == ["a.txt"]
    with pytest.raises(OSError, match="no-such"):
        found(tmp_path / "no-such")


def test_a_maildir_with_folders(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "mail", create=True)
    box.add(LETTER)
    box.add_folder("Sent").add(LETTER)
    (tmp_path / "mail" / "tmp" / "half").write_bytes(LETTER)
    (tmp_path / "mail" / "dovecot-uidlist").write_bytes(LETTER)
    names = found(tmp_path / "mail")
    assert [name.split("/")[:-1] for name in names] == [[".Sent", "new"], ["new"]]


def test_a_mailbox_as_the_stdlib_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "box"
    box = mailbox.mbox(path, create=True)
    for number in range(3):
        letter = mailbox.mboxMessage(LETTER + b"\nFrom here on it is %d o'clock.\n\nFrom Bern\n" % number)
        letter.set_from("bounce@example.com", True)
        box.add(letter)
    box.close()
    sources = [one for one in sources_in(path) if isinstance(one, Source)]
    assert [source.name for source in sources] == ["box#1", "box#2", "box#3"]
    taken = [take(source) for source in sources]
    assert {one.sender for one in taken} == {"bounce@example.com"}
    assert b"\r\nFrom here on it is 1 o'clock.\r\n" in taken[1].raw
    assert b">From" not in b"".join(one.raw for one in taken)
    assert taken[2].raw.startswith(b"From: a@example.com\r\n")


@pytest.mark.parametrize(
    "line",
    [b"From - Mon Jan 05 10:00:00 2026", b"From ???@??? Mon Jan 05 10:00:00 2026", b"From a@b 2026-01-05 10:00:00"],
)
def test_the_first_lines_that_programs_write(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "box"
    path.write_bytes((line + b"\r\n" + LETTER.replace(b"\n", b"\r\n") + b"\r\n") * 2)
    assert found(path) == ["box#1", "box#2"]


def message(*headers: tuple[str, str]) -> Message:
    return Message(10, headers, Content())


def envelope(*headers: tuple[str, str], given: Overrides = Overrides(), sender: str | None = None):  # type: ignore[no-untyped-def]  # noqa: B008 - frozen
    made = envelope_of(message(*headers), given, sender=sender, written=0.0)
    return str(made.sender or "<>"), [str(recipient.address) for recipient in made.recipients], made


HEADERS = (("from", "Ann <ann@example.com>"), ("to", "b@c.example, C <d@e.example>"), ("cc", "B@C.example"))


def test_the_envelope_as_the_server_wrote_it_comes_first() -> None:
    top = (("return-path", "<list@example.com>"), ("x-original-to", "x@y.example"), ("delivered-to", "z@y.example"))
    assert envelope(*HEADERS)[:2] == ("ann@example.com", ["b@c.example", "d@e.example"])
    assert envelope(*top, *HEADERS)[:2] == ("list@example.com", ["x@y.example"])
    assert envelope(*top, *HEADERS, given=Overrides(told=RecipientsFrom.HEADER))[1] == ["b@c.example", "d@e.example"]
    assert envelope(("return-path", "<>"), *HEADERS)[0] == "<>"
    assert envelope(*HEADERS, sender="box@example.com")[0] == "box@example.com"
    resent = (("resent-to", "new@c.example"), ("resent-from", "old@example.com"))
    assert envelope(*resent, *HEADERS)[:2] == ("old@example.com", ["new@c.example"])


def test_what_is_given_holds_for_all() -> None:
    given = Overrides(Address.parse("x@y.example"), False, (Address.parse("q@r.example"),), IPv4Address("192.0.2.9"))
    sender, recipients, made = envelope(*HEADERS, given=given)
    assert (sender, recipients, str(made.client.address)) == ("x@y.example", ["q@r.example"], "192.0.2.9")
    assert envelope(*HEADERS, given=Overrides(empty_sender=True))[0] == "<>"
    with pytest.raises(NoRecipient):
        envelope(("to", "undisclosed-recipients:;"))


def test_client_and_time_are_those_of_the_last_server() -> None:
    line = "from x (y [10.2.3.4]) by z; Fri, 9 May 2025 20:30:00 +0200"
    made = envelope(*HEADERS, ("received", line), ("received", "from [10.9.9.9] by q; x"))[2]
    assert str(made.client.address) == "10.2.3.4"
    assert made.received_at == datetime(2025, 5, 9, 18, 30, tzinfo=UTC)
    assert envelope(*HEADERS, ("date", "Fri, 9 May 2025 20:30:00"))[2].received_at.tzinfo is UTC
    assert envelope(*HEADERS, ("date", "yesterday"))[2].received_at == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Doe, Jane" <jane@example.com>, bob@example.com (Bob <x@y.z>)', ["jane@example.com", "bob@example.com"]),
        ("Müller, Hans <hans@example.com>", ["hans@example.com"]),
        ("friends: a@b.example, <c@d.example>;", ["c@d.example", "a@b.example"]),
        ("<>", []),
        ("@" * 5000, []),
    ],
)
def test_addresses(text: str, expected: list[str]) -> None:
    assert sorted(map(str, addresses_in(text))) == sorted(expected)


def test_a_tally_counts_changes_by_rule_message_and_recipient() -> None:
    relay, held = Outcome("relay", "relay", None, None, "otherwise"), Outcome("hold", "hold", None, None, "Large")
    other = Outcome("relay", "relay", None, None, "Ordinary")
    tally = Tally()
    tally.add(Replayed("1", pairs=(Pair("a@b", relay, held), Pair("c@d", relay, relay), Pair("e@f", relay, held))))
    tally.add(Replayed("2", pairs=(Pair("A@B", relay, held), Pair("c@d", relay, other), Pair("g@h", None, relay))))
    tally.add(Replayed("3", error="no"))
    assert (tally.messages, tally.recipients, tally.failed, tally.renamed) == (2, 6, 1, 1)
    assert (tally.changed_messages, tally.changed_recipients) == (2, 4)
    (first, change), (second, _) = tally.in_order()
    assert first == (("otherwise", "relay"), ("Large", "hold"))
    assert (change.recipients, change.messages, dict(change.addresses)) == (3, 2, {"a@b": 2, "e@f": 1})
    assert second == (None, ("otherwise", "relay"))
    assert tally.after["Large"] == 3
