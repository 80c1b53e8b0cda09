"""Relaying: what a peer hears, what each of its replies means, and that no byte is changed."""

import asyncio
import contextlib
import socket
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP as Server
from aiosmtplib.protocol import SMTPProtocol

from delivery.couriers.courier import Deferred, LeaseLost, Refused, Sent
from delivery.couriers.relay import RelayCourier
from delivery.couriers.replies import Client, Replies, WholeReplies
from delivery.couriers.session import Timeouts
from delivery.errors import StoreUnavailable
from delivery.hops import HopSettings
from delivery.items import Destination
from policy.decision import Changes, Route


@pytest.fixture(params=[False, True], ids=["in turn", "at once"])
def pipelining(request) -> bool:
    return request.param


def courier(peer, **more) -> RelayCourier:
    return RelayCourier("gate.example.com", HopSettings(host=f"127.0.0.1:{peer.port}"), **more)


async def test_a_message_arrives_as_it_was(start_peer, delivery) -> None:
    peer = await start_peer()
    raw = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\nplain\r\n\r\n.\r\n"
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", raw=raw))
    sent = outcomes["bob@example.org"]
    assert isinstance(sent, Sent)
    assert (sent.reply.code, sent.reply.status, sent.reply.text) == (250, "2.0.0", "queued as 1")
    assert sent.evidence.host == "127.0.0.1"
    assert sent.evidence.proof == "none"
    [arrived] = peer.arrived
    assert arrived.raw == raw
    assert arrived.mail == f"MAIL FROM:<alice@example.com> SIZE={len(raw)}"
    assert arrived.recipients == ["RCPT TO:<bob@example.org>"]
    assert peer.lines[0] == "EHLO gate.example.com"


async def test_a_recipient_can_be_asked_for_without_a_message(start_peer, delivery) -> None:
    """A yes keeps the connection, a no does not: servers hold each no against who asks."""
    gone = "RCPT TO:<gone@example.com>"
    peer = await start_peer(replies={gone: "550 5.1.1 no such user", "MAIL FROM:<>": ["250 ok"] * 4 + ["553 5.1.8 no"]})
    inside = Destination(Route.RELAY, inside=True)
    async with courier(peer) as out:
        assert str(await out.probe_recipient(inside, "bob@example.com")).startswith("250")
        assert str(await out.probe_recipient(inside, "eve@example.com")).startswith("250")
        assert peer.connections == 1
        assert str(await out.probe_recipient(inside, "gone@example.com")) == "550 5.1.1 no such user"
        assert (await out.probe_recipient(inside, "bob@example.com")).code == 250
        assert peer.connections == 2
        # it does not say what it thinks of the recipient
        assert await out.probe_recipient(inside, "bob@example.com") is None
        assert not any(line.startswith("DATA") for line in peer.lines)
        asked = peer.connections
        for _ in range(51):
            assert (await out.probe_recipient(inside, "bob@example.com")).code == 250
        assert peer.connections == asked + 2
        peer.hang_up()
        assert (await out.probe_recipient(inside, "bob@example.com")).code == 250
        outcomes = await out.deliver(delivery("bob@example.org"))
        assert isinstance(outcomes["bob@example.org"], Sent)


@pytest.mark.parametrize("raw", [b"", b".", b"..\r\n", b"no end", b"a\r\n.", b"\r\n", b".\r\n"])
async def test_odd_ends_end_the_message_once(start_peer, delivery, raw: bytes) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", raw=raw))
        assert isinstance(outcomes["bob@example.org"], Sent)
        again = await out.deliver(delivery("bob@example.org", raw=b"next\r\n"))
        assert isinstance(again["bob@example.org"], Sent)
    assert peer.arrived[0].raw == (raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n")
    assert [each.raw for each in peer.arrived[1:]] == [b"next\r\n"]


@pytest.mark.parametrize("raw", [b"a\n.\nb\r\n", b"a\r.\rb\r\n", b"a\n.\r\nb\r\n", b"a\r\n.\nb\r\n"])
async def test_bare_line_ends_never_leave(start_peer, delivery, raw: bytes) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", raw=raw))
    assert isinstance(outcomes["bob@example.org"], Refused)
    assert outcomes["bob@example.org"].reply.status == "5.6.0"
    assert not [line for line in peer.lines if line.startswith("MAIL")]


async def test_a_large_message_of_dots_arrives_whole(start_peer, delivery) -> None:
    peer = await start_peer()
    raw = (b"." * 70 + b"\r\n") * 40_000
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", raw=raw))
    assert isinstance(outcomes["bob@example.org"], Sent)
    assert peer.arrived[0].raw == raw


async def test_eight_bit_is_said_where_it_is_offered_and_sent_in_any_case(start_peer, delivery) -> None:
    raw = "Subject: x\r\n\r\nGrüße\r\n".encode()
    for extensions, option in ((["8BITMIME"], " BODY=8BITMIME"), (["DSN"], "")):
        peer = await start_peer(extensions=extensions)
        async with courier(peer) as out:
            await out.deliver(delivery("bob@example.org", raw=raw))
        assert peer.arrived[0].mail == f"MAIL FROM:<alice@example.com>{option}"
        assert peer.arrived[0].raw == raw


async def test_each_recipient_has_a_reply_of_their_own(start_peer, delivery) -> None:
    peer = await start_peer(
        replies={
            "RCPT TO:<gone@example.org>": "550-5.1.1 No such\r\n550 5.1.1 user",
            "RCPT TO:<full@example.org>": "452 4.2.2 Mailbox full",
            "RCPT TO:<plain@example.org>": "550 no enhanced code",
            "RCPT TO:<many@example.org>": "552 Too many recipients",
        }
    )
    names = ["bob", "gone", "full", "plain", "many", "carol"]
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery(*(f"{name}@example.org" for name in names)))
    told = {key.partition("@")[0]: (type(each), str(each.reply)) for key, each in outcomes.items()}
    assert told == {
        "bob": (Sent, "250 2.0.0 queued as 1"),
        "gone": (Refused, "550 5.1.1 No such user"),
        "full": (Deferred, "452 4.2.2 Mailbox full"),
        "plain": (Refused, "550 5.0.0 no enhanced code"),
        "many": (Deferred, "452 4.5.3 Too many recipients"),
        "carol": (Sent, "250 2.0.0 queued as 1"),
    }
    assert len(peer.arrived) == 1
    assert peer.arrived[0].recipients == ["RCPT TO:<bob@example.org>", "RCPT TO:<carol@example.org>"]


async def test_nobody_accepted_means_nothing_is_sent(start_peer, delivery, lease) -> None:
    peer = await start_peer(replies={"RCPT": "550 5.1.1 no"})
    claim = lease()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("a@example.org", "b@example.org", lease=claim))
    assert all(isinstance(each, Refused) for each in outcomes.values())
    assert peer.arrived == []
    assert claim.asked == 0


@pytest.mark.parametrize("pipelining", [True])
async def test_a_peer_that_waits_for_a_message_to_nobody_gets_none(start_peer, delivery, lease) -> None:
    peer = await start_peer(replies={"RCPT": ["550 5.1.1 no"], "DATA": ["354 go on"]})
    claim = lease()
    async with courier(peer) as out:
        first = await out.deliver(delivery("a@example.org", lease=claim))
        second = await out.deliver(delivery("b@example.org"))
    assert isinstance(first["a@example.org"], Refused)
    assert claim.asked == 0
    assert isinstance(second["b@example.org"], Sent)
    assert [each.recipients for each in peer.arrived] == [["RCPT TO:<b@example.org>"]]


async def test_what_a_peer_says_unasked_is_no_answer(start_peer, delivery) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        assert isinstance((await out.deliver(delivery("a@example.org")))["a@example.org"], Sent)
        peer.writers[0].write(b"550 5.7.1 for nobody\r\n")
        async with asyncio.timeout(10):
            while peer.open:  # it is cut off
                await asyncio.sleep(0.01)
        assert isinstance((await out.deliver(delivery("b@example.org")))["b@example.org"], Sent)


@pytest.mark.parametrize(
    ("verb", "reply", "kind"),
    [
        ("MAIL", "451 4.7.1 later", Deferred),
        ("MAIL", "550 5.7.1 never", Refused),
        ("DATA", "451 4.3.0 later", Deferred),
        ("DATA", "554 5.5.1 no valid recipients", Refused),
        ("DATA", "250 what", Deferred),
        ("DOT", "451 4.7.0 greylisted", Deferred),
        ("DOT", "554 5.7.1 spam", Refused),
        ("DOT", "354 again?", Deferred),
        ("MAIL", "421 4.3.2 closing", Deferred),
        ("RCPT", "421 4.3.2 closing", Deferred),
        ("DOT", "421 4.3.2 closing", Deferred),
        ("MAIL", "cut", Deferred),
        ("RCPT", "cut", Deferred),
        ("DATA", "cut", Deferred),
        ("DOT", "cut", Deferred),
        ("MAIL", "nonsense", Deferred),
        ("GREETING", "554 5.3.2 not now", Deferred),
        ("GREETING", "421 4.3.2 busy", Deferred),
        ("GREETING", "cut", Deferred),
        ("EHLO", "cut", Deferred),
    ],
)
async def test_what_replies_mean(start_peer, delivery, verb: str, reply: str, kind: type) -> None:
    peer = await start_peer(replies={verb: reply})
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("a@example.org", "b@example.org"))
    assert {type(each) for each in outcomes.values()} == {kind}
    assert not peer.arrived


@pytest.mark.parametrize("reply", ["421 4.3.2 closing", "cut", "nonsense"])
async def test_a_recipient_that_a_peer_hangs_up_at_does_not_keep_the_others(start_peer, delivery, reply: str) -> None:
    peer = await start_peer(replies={"RCPT TO:<b@example.org>": reply})
    first = delivery("a@example.org", "b@example.org", "c@example.org")
    async with courier(peer) as out:
        outcomes = await out.deliver(first)
        assert {type(each) for each in outcomes.values()} == {Deferred}
        later = replace(first, items=tuple(replace(item, attempts=1) for item in first.items))
        outcomes = await out.deliver(later)
    assert {key: type(each) for key, each in outcomes.items()} == {
        "a@example.org": Sent, "b@example.org": Deferred, "c@example.org": Sent,
    }  # fmt: skip
    assert [arrived.recipients for arrived in peer.arrived] == [
        ["RCPT TO:<a@example.org>"], ["RCPT TO:<c@example.org>"],
    ]  # fmt: skip


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    "noise",
    [
        "",
        "250",
        "25O OK",
        "2",
        "-1 x",
        "999 x",
        "000 x",
        "\x00\ufffd",
        "250 " + "x" * 9000,
        "250-a\r\n" * 3000 + "250 b",
        "250-a\r\n550 b",
        "450\tx",
        "250 2.0.0\x1b[31m red\x07",
        "100 wait",
        "599 5.999.999 odd",
        "550 4.1.1 odd",
    ],
)
async def test_noise_is_never_a_surprise(start_peer, delivery, verb: str, noise: str) -> None:
    peer = await start_peer(replies={verb: noise})
    times = Timeouts(greeting=0.2, command=0.2, data_start=0.2, final=0.2)
    async with courier(peer, times=times) as out:
        outcome = (await out.deliver(delivery("bob@example.org")))["bob@example.org"]
    assert not str(outcome.reply).startswith("451 4.3.0")
    assert isinstance(outcome, Sent) <= bool(peer.arrived or verb == "DOT")
    assert outcome.reply.text.isprintable()
    assert len(outcome.reply.text) <= 600
    assert outcome.reply.code >= 200


async def test_after_the_whole_message_a_cut_says_that_it_may_arrive_twice(start_peer, delivery) -> None:
    peer = await start_peer(replies={"DOT": "cut"})
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("a@example.org"))
    assert "may arrive twice" in outcomes["a@example.org"].reply.text
    assert peer.lines.count("DATA") == 1


async def test_refused_recipients_stay_refused_when_the_connection_is_cut_later(start_peer, delivery) -> None:
    peer = await start_peer(replies={"RCPT TO:<gone@example.org>": "550 5.1.1 no", "DATA": "cut"})
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("gone@example.org", "bob@example.org"))
    assert isinstance(outcomes["gone@example.org"], Refused)
    assert isinstance(outcomes["bob@example.org"], Deferred)


async def test_a_refusal_in_the_middle_of_the_content_is_heard(start_peer, delivery) -> None:
    peer = await start_peer(early=(100_000, "552 5.3.4 too large for me"))
    async with courier(peer) as out:
        outcomes = await asyncio.wait_for(
            out.deliver(
                delivery(
                    "a@example.org",
                    raw=b"x" * 998 + b"\r\n",
                )
            ),
            5,
        )
        assert isinstance(outcomes["a@example.org"], Sent)
        raw = (b"x" * 900 + b"\r\n") * 30_000
        outcomes = await asyncio.wait_for(out.deliver(delivery("a@example.org", raw=raw)), 20)
    assert str(outcomes["a@example.org"].reply) == "552 5.3.4 too large for me"
    assert isinstance(outcomes["a@example.org"], Refused)


async def test_a_peer_without_ehlo_is_greeted_with_helo(start_peer, delivery) -> None:
    peer = await start_peer(replies={"EHLO": "502 5.5.1 what"})
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("a@example.org"))
    assert isinstance(outcomes["a@example.org"], Sent)
    assert peer.lines[:2] == ["EHLO gate.example.com", "HELO gate.example.com"]
    assert peer.arrived[0].mail == "MAIL FROM:<alice@example.com>"


async def test_dsn_parameters_are_passed_on(start_peer, delivery, item) -> None:
    peer = await start_peer()
    someone = item("bob@example.org", notify=frozenset({"SUCCESS", "FAILURE"}), orcpt="rfc822;bob+2Bold@example.org")
    never = item("carol@example.org", notify=frozenset({"NEVER"}))
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery(someone, never, ret="HDRS", envid="abc+3D1", sender=None))
    [arrived] = peer.arrived
    assert arrived.mail == "MAIL FROM:<> SIZE=26 RET=HDRS ENVID=abc+3D1"
    assert arrived.recipients == [
        "RCPT TO:<bob@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+2Bold@example.org",
        "RCPT TO:<carol@example.org> NOTIFY=NEVER",
    ]
    assert outcomes["bob@example.org"].dsn_passed


@pytest.mark.parametrize(
    ("orcpt", "smtputf8", "said"),
    [
        ("utf-8;b\\x{FC}cher@example.org", False, " ORCPT=utf-8;b\\x{FC}cher@example.org"),
        ("utf-8;bücher@example.org", True, " ORCPT=utf-8;bücher@example.org"),
        ("utf-8;bücher@example.org", False, ""),
        ("rfc822;bücher@example.org", True, ""),
        ("utf-8;b>\x7f", True, ""),
    ],
)
async def test_addresses_beyond_ascii_are_passed_on_where_they_can_be(
    start_peer, delivery, item, orcpt: str, smtputf8: bool, said: str
) -> None:
    peer = await start_peer(extensions=["DSN", "SMTPUTF8"])
    async with courier(peer) as out:
        await out.deliver(delivery(item("bob@example.org", orcpt=orcpt), smtputf8=smtputf8))
    assert peer.arrived[0].recipients == [f"RCPT TO:<bob@example.org>{said}"]


async def test_dsn_parameters_are_kept_from_who_does_not_offer_dsn(start_peer, delivery, item) -> None:
    peer = await start_peer(extensions=["SIZE"])
    async with courier(peer) as out:
        outcomes = await out.deliver(
            delivery(item("bob@example.org", notify=frozenset({"SUCCESS"}), orcpt="rfc822;b@x"), ret="FULL", envid="a")
        )
    assert peer.arrived[0].recipients == ["RCPT TO:<bob@example.org>"]
    assert not outcomes["bob@example.org"].dsn_passed


@pytest.mark.parametrize("bad", ["x y", "a\r\nRSET", "é", "rfc822;a>b\r\n"])
async def test_nothing_in_a_parameter_becomes_a_command(start_peer, delivery, item, bad: str) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery(item("bob@example.org", orcpt=bad), envid=bad))
    assert isinstance(outcomes["bob@example.org"], Sent)
    assert peer.arrived[0].recipients == ["RCPT TO:<bob@example.org>"]
    assert "ENVID" not in peer.arrived[0].mail


@pytest.mark.parametrize(
    "bad",
    ["bob@example.org>\r\nRSET", "a b@example.org", "<bob@example.org>", "", "bob", "bob@", '"a\r\n"@example.org'],
)
async def test_an_address_that_smtp_cannot_carry_is_refused_alone(start_peer, delivery, item, bad: str) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery(item(bad, id="bad"), "good@example.org"))
    assert isinstance(outcomes["bad"], Refused)
    assert isinstance(outcomes["good@example.org"], Sent)
    assert peer.arrived[0].recipients == ["RCPT TO:<good@example.org>"]


async def test_size_is_checked_before_anything_is_said(start_peer, delivery) -> None:
    peer = await start_peer(extensions=["SIZE 20"])
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org"))
    assert isinstance(outcomes["bob@example.org"], Refused)
    assert outcomes["bob@example.org"].reply.status == "5.3.4"
    assert not [line for line in peer.lines if line.startswith("MAIL")]


async def test_internationalised_addresses(start_peer, delivery) -> None:
    plain, modern = await start_peer(extensions=[]), await start_peer(extensions=["SMTPUTF8", "8BITMIME"])
    async with courier(plain) as out:
        outcomes = await out.deliver(delivery("bücher@example.org", "bob@bücher.example", smtputf8=True))
    assert outcomes["bücher@example.org"].reply.status == "5.6.7"
    assert isinstance(outcomes["bob@bücher.example"], Sent)
    assert plain.arrived[0].recipients == ["RCPT TO:<bob@xn--bcher-kva.example>"]
    async with courier(modern) as out:
        outcomes = await out.deliver(delivery("bücher@example.org", "bob@bücher.example", smtputf8=True))
    assert modern.arrived[0].mail == "MAIL FROM:<alice@example.com> SMTPUTF8"
    assert modern.arrived[0].recipients == ["RCPT TO:<bücher@example.org>", "RCPT TO:<bob@bücher.example>"]


async def test_a_header_in_utf8_needs_smtputf8_for_everyone(start_peer, delivery) -> None:
    peer = await start_peer(extensions=["8BITMIME"])
    raw = "Subject: Grüße\r\n\r\nx\r\n".encode()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", raw=raw, smtputf8=True))
        assert outcomes["bob@example.org"].reply.status == "5.6.7"
        outcomes = await out.deliver(delivery("bob@example.org", raw=b"Subject: x\r\n\r\nx\r\n", smtputf8=True))
        assert isinstance(outcomes["bob@example.org"], Sent)


async def test_changes_are_in_what_arrives(start_peer, delivery, item) -> None:
    peer = await start_peer()
    changes = Changes(subject="Hello", add_headers=(("X-Class", "medical"),), drop_headers=("x-sealgate",))
    raw = b"Received: x\r\nX-Sealgate: secure\r\nSubject: [secure] Hello\r\n\r\nBody\r\n"
    async with courier(peer) as out:
        await out.deliver(delivery(item("bob@example.org", changes=changes), raw=raw))
    assert peer.arrived[0].raw == b"Received: x\r\nSubject: Hello\r\nX-Class: medical\r\n\r\nBody\r\n"


async def test_a_lost_lease_sends_nothing(start_peer, delivery, lease) -> None:
    peer = await start_peer(replies={"RCPT TO:<gone@example.org>": "550 5.1.1 no"})
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", "gone@example.org", lease=lease(ours=False)))
        assert outcomes["bob@example.org"] == LeaseLost()
        assert isinstance(outcomes["gone@example.org"], Refused)
        assert peer.arrived == []
        await out.deliver(delivery("bob@example.org"))
    assert len(peer.arrived) == 1
    assert peer.connections == 2


async def test_a_lease_that_cannot_be_confirmed_sends_nothing(start_peer, delivery) -> None:
    class Gone:
        async def confirm(self) -> bool:
            raise StoreUnavailable("the database is away")

    peer = await start_peer()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", lease=Gone()))
    assert outcomes["bob@example.org"] == LeaseLost()
    assert peer.arrived == []


async def test_a_surprise_in_one_delivery_is_deferred_and_cuts_the_message(start_peer, delivery) -> None:
    class Broken:
        async def confirm(self) -> bool:
            raise ZeroDivisionError

    peer = await start_peer()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org", lease=Broken()))
    assert str(outcomes["bob@example.org"].reply).startswith("451 4.3.0")
    assert peer.arrived == []


async def test_the_lease_is_asked_when_all_but_the_end_is_out(start_peer, delivery) -> None:
    peer = await start_peer()
    seen = []

    class Watching:
        async def confirm(self) -> bool:
            await asyncio.sleep(0.05)
            seen.append((list(peer.lines), list(peer.arrived)))
            return True

    async with courier(peer) as out:
        await out.deliver(delivery("bob@example.org", lease=Watching()))
    [(lines, arrived)] = seen
    assert lines[-1] == "DATA"
    assert arrived == []


async def test_more_recipients_than_one_transaction_takes(start_peer, delivery) -> None:
    peer = await start_peer()
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery(*(f"r{number}@example.org" for number in range(250))))
    assert len(outcomes) == 250
    assert all(isinstance(each, Sent) for each in outcomes.values())
    assert [len(each.recipients) for each in peer.arrived] == [100, 100, 50]


async def test_nobody_listens(delivery, free_port) -> None:
    out = RelayCourier("gate.example.com", HopSettings(host=f"127.0.0.1:{free_port()}"))
    outcomes = await out.deliver(delivery("bob@example.org"))
    deferred = outcomes["bob@example.org"]
    assert isinstance(deferred, Deferred)
    assert deferred.reply.status == "4.4.1"
    assert not deferred.insecure


async def test_a_silent_peer_is_given_up(start_peer, delivery) -> None:
    async def never() -> None:
        await asyncio.sleep(3600)

    peer = await start_peer(before_reply=never)
    async with courier(peer, times=Timeouts(final=0.1)) as out:
        outcomes = await out.deliver(delivery("bob@example.org"))
    assert isinstance(outcomes["bob@example.org"], Deferred)
    assert outcomes["bob@example.org"].reply.status == "4.4.2"


@pytest.mark.parametrize("greeting", ["000 hello", "999 hello", "hello", "220-" + "x" * 40_000])
async def test_a_greeting_that_is_none_is_told_as_that(start_peer, delivery, greeting: str) -> None:
    peer = await start_peer(replies={"GREETING": greeting})
    async with courier(peer) as out:
        outcome = (await out.deliver(delivery("bob@example.org")))["bob@example.org"]
    assert isinstance(outcome, Deferred)
    assert str(outcome.reply) == "451 4.5.0 The mail server's answer is not SMTP"


async def test_hosts_that_are_slow_one_after_another_have_an_end_together(start_peer, delivery) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    peer = await start_peer()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(20), courier(peer, times=Timeouts(dial=0.2)) as out:
        outcome = (await out.deliver(delivery("bob@example.org")))["bob@example.org"]
    assert isinstance(outcome, Deferred)
    assert str(outcome.reply) == "451 4.4.1 Connecting took too long"
    assert outcome.unreached
    for writer in writers:
        writer.close()
    server.close()


class Nowhere(asyncio.Transport):
    """A connection to nobody."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass


async def test_a_reply_in_small_pieces_is_looked_at_once(monkeypatch) -> None:
    read = []
    real = SMTPProtocol._read_response_from_buffer
    monkeypatch.setattr(SMTPProtocol, "_read_response_from_buffer", lambda self: read.append(1) or real(self))
    replies = Replies(Nowhere())
    first, second = replies.next(), replies.next()
    for octet in b"250-a line\r\n" * 100 + b"250 end\r\n354-go\r\n354 on\r\n":
        replies.data_received(bytes([octet]))
    assert (first.result().code, len(first.result().message.split("\n"))) == (250, 101)
    assert (second.result().code, second.result().message) == (354, "go\non")
    assert len(read) == 2


async def test_so_is_the_greeting(start_peer) -> None:
    peer = await start_peer()
    with socket.create_connection(("127.0.0.1", peer.port)) as sock:
        sock.setblocking(False)
        client = Client(start_tls=False, sock=sock)
        await client.connect()
        assert isinstance(client.protocol, WholeReplies)
        client.close()


@pytest.mark.parametrize("limit", ["9" * 5000, "²", "-5", "0x10", "10 20", ""])
async def test_a_limit_that_is_no_number_is_none(start_peer, delivery, limit: str) -> None:
    peer = await start_peer(extensions=[f"SIZE {limit}"])
    async with courier(peer) as out:
        outcomes = await out.deliver(delivery("bob@example.org"))
    assert isinstance(outcomes["bob@example.org"], Sent)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_who_asks_for_more_too_early_is_not_spoken_to_again(start_peer, delivery, verb: str) -> None:
    peer = await start_peer(replies={verb: ["354 go on"]})
    async with courier(peer) as out:
        first = await out.deliver(delivery("bob@example.org"))
        second = await out.deliver(delivery("bob@example.org"))
    assert str(first["bob@example.org"].reply).startswith("451 4.5.0")
    assert isinstance(second["bob@example.org"], Sent)
    assert peer.connections == 2


async def test_who_asks_for_more_behind_the_dot_is_not_spoken_to_again(start_peer, delivery) -> None:
    peer = await start_peer(replies={"DOT": ["354 more"]})
    async with courier(peer) as out:
        first = await out.deliver(delivery("bob@example.org"))
        second = await out.deliver(delivery("bob@example.org"))
    assert str(first["bob@example.org"].reply).startswith("451 4.5.0")
    assert isinstance(second["bob@example.org"], Sent)
    assert peer.connections == 2
    assert "RSET" not in peer.lines


async def test_a_cancellation_before_the_dot_goes_through_and_sends_nothing(start_peer, delivery) -> None:
    peer = await start_peer()
    asked, never = asyncio.Event(), asyncio.Event()

    class Slow:
        async def confirm(self) -> bool:
            asked.set()
            await never.wait()
            return True

    async with courier(peer) as out:
        task = asyncio.ensure_future(out.deliver(delivery("bob@example.org", lease=Slow())))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert peer.arrived == []


@pytest.mark.parametrize("recipients", [["bob@example.org"], [f"r{n}@example.org" for n in range(150)]])
async def test_a_cancellation_after_the_dot_does_not_lose_the_250(start_peer, delivery, recipients: list[str]) -> None:
    dot, go = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        dot.set()
        await go.wait()

    peer = await start_peer(before_reply=wait)
    async with courier(peer) as out:
        task = asyncio.ensure_future(out.deliver(delivery(*recipients)))
        await dot.wait()
        task.cancel()
        await asyncio.sleep(0.05)
        go.set()
        outcomes = await task
    assert task.cancelling() == 1
    assert [type(outcomes[each]) for each in recipients[:100]] == [Sent] * min(100, len(recipients))
    assert [outcomes[each] for each in recipients[100:]] == [LeaseLost()] * len(recipients[100:])
    assert len(peer.arrived) == 1


async def test_a_cancellation_after_the_dot_waits_no_longer_than_it_may(start_peer, delivery) -> None:
    dot, never = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        dot.set()
        await never.wait()

    peer = await start_peer(before_reply=wait)
    async with courier(peer, times=Timeouts(held_back=0.05)) as out:
        task = asyncio.ensure_future(out.deliver(delivery("bob@example.org")))
        await dot.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_real_server_takes_it(delivery) -> None:
    class Keep:
        got: list[bytes]

        def __init__(self) -> None:
            self.got = []

        async def handle_DATA(self, server, session, envelope) -> str:
            self.got.append(envelope.original_content)
            return "250 2.0.0 kept"

    keep = Keep()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(keep, hostname="sink.test", loop=loop), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    raw = b"Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n"
    async with RelayCourier("gate.example.com", HopSettings(host=f"127.0.0.1:{port}")) as out:
        for _ in range(3):
            outcomes = await out.deliver(delivery("bob@example.org", "carol@example.org", raw=raw))
            assert all(isinstance(each, Sent) for each in outcomes.values())
    server.close()
    assert keep.got == [raw] * 3
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0.01)
