"""Whether a recipient is there: which answers count, and for how long they are remembered."""

import asyncio
from dataclasses import dataclass, field

import pytest

from delivery.couriers.callout import Callout
from delivery.couriers.session import Unreachable
from delivery.items import Destination, Reply

GONE = Unreachable(Reply(451, "4.4.1", "Connecting failed"))


@dataclass
class Server:
    """Answers for each recipient; counts the questions."""

    reply: Reply | Exception | None = None
    asked: list[str] = field(default_factory=list)
    now: float = 1000.0

    async def probe_recipient(self, destination: Destination, recipient: str) -> Reply | None:
        assert destination.inside
        self.asked.append(recipient)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    def callout(self) -> Callout:
        return Callout(self.probe_recipient, lambda: self.now)


@pytest.mark.parametrize(
    ("reply", "lacks"),
    [
        (Reply(250, "2.1.5", "OK"), False),
        (Reply(550, "5.1.1", "no such user"), True),
        (Reply(550, "5.0.0", "no such user here"), True),  # it said no enhanced status
        (Reply(550, "5.4.1", "Recipient address rejected: Access denied"), True),
        (Reply(553, "5.1.8", "Sender address rejected"), False),
        (Reply(554, "5.7.1", "Client host rejected"), False),
        (Reply(450, "4.2.0", "Greylisted"), False),
        (None, False),
        (GONE, False),
        (TimeoutError(), False),
    ],
)
async def test_only_what_is_said_of_the_recipient_counts(reply: Reply | Exception | None, lacks: bool) -> None:
    assert await Server(reply).callout().is_unknown("bob@example.com") is lacks


async def test_answers_are_remembered_for_a_while() -> None:
    server = Server(Reply(250, "2.1.5", "OK"))
    callout = server.callout()
    for recipient in ("bob@example.com", "Bob@example.com", "bob@example.com"):
        assert not await callout.is_unknown(recipient)
    assert server.asked == ["bob@example.com"]
    server.reply = Reply(550, "5.1.1", "closed")
    server.now += 1799
    assert not await callout.is_unknown("bob@example.com")
    server.now += 2
    assert await callout.is_unknown("bob@example.com")
    server.reply = Reply(250, "2.1.5", "made again")
    server.now += 299
    assert await callout.is_unknown("bob@example.com")
    server.now += 2
    assert not await callout.is_unknown("bob@example.com")


async def test_a_server_that_does_not_answer_is_left_alone_for_a_moment() -> None:
    server = Server(GONE)
    callout = server.callout()
    for _ in range(3):
        assert not await callout.is_unknown("bob@example.com")
    assert len(server.asked) == 1
    server.now += 31
    server.reply = Reply(550, "5.1.1", "no such user")
    assert await callout.is_unknown("bob@example.com")


async def test_few_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail needs the connections, too. Who waits for a turn in vain proves nothing of the server."""
    monkeypatch.setattr("delivery.couriers.callout._PATIENCE", 0.05)
    under_way, most = 0, 0
    over = asyncio.Event()

    async def probe_recipient(_destination: Destination, _recipient: str) -> Reply | None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            await over.wait()
        finally:
            under_way -= 1
        return Reply(550, "5.1.1", "no such user")

    callout = Callout(probe_recipient, lambda: 0.0)
    assert await asyncio.gather(*(callout.is_unknown(f"{name}@example.com") for name in range(9))) == [False] * 9
    assert most == 3
    assert under_way == 0


async def test_what_ascii_cannot_say_is_not_asked() -> None:
    server = Server(Reply(550, "5.1.1", "no such user"))
    assert not await server.callout().is_unknown("b\u00f6b@example.com")
    assert server.asked == []
