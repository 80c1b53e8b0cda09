"""The intake: what the queue is told for each route, and what the client hears when something fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from delivery.errors import KeysUnavailable, StoreConflict, StoreFull, StoreUnavailable
from delivery.hops import Fallback
from delivery.items import Kind, NewItem, NewMessage, Reply, State
from delivery.notices.notice import Notice
from delivery.safebox.profile import Profile
from delivery.store.audit import Event, EventKind
from gateway.deciding import is_heavy
from gateway.intake import Intake
from gateway.smtp.admission import SenderList
from gateway.telemetry import Metrics
from policy.decision import Action, Changes, Decision, Reason, Route, Verdict, Watched
from policy.message import Address, Client, Envelope, Message, Recipient
from policy.route import Directory
from rules.content import Content, FileFact, FileKind, Part
from rules.finding import Confidence, Finding, Hit, Scanned

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RAW = b"Received: ours\r\nFrom: Alice <alice@example.com>\r\nSubject: Results\r\n\r\nSSN 536-22-1234\r\n"
DIRECTORY = Directory(domains=("*.example.com", "example.com"))


def decision(recipient: str, route: Route, **more: Any) -> Decision:
    action = {Route.PARTNER: Action.SECURE}.get(route) or Action(route.value)
    local = recipient.partition("@")[0]
    return Decision(f"d-{local}", recipient, action, route, more.pop("rule", "Rule"), "ab" * 32, **more)


@dataclass
class FakePolicy:
    decisions: tuple[Decision, ...] = ()
    copies: tuple[Decision, ...] = ()
    notify: tuple[tuple[str, str], ...] = ()
    watched: tuple[Watched, ...] = ()
    passwords: tuple[str, ...] = ()
    directory: Directory = DIRECTORY
    asked: list[Any] = field(default_factory=list)

    def decide(self, envelope: Envelope, message: Message, findings: Sequence[Finding], facts: Any) -> Verdict:
        self.asked.append((envelope, message, findings, facts))
        return Verdict("ab" * 32, self.decisions, self.copies, self.notify, self.watched)


HIT = Hit("536221234", Confidence.HIGH, "body", 4, 15, "SSN *********34")


UNSEEN = FileFact("body", FileKind.TEXT, 1, "body", unreadable=True, reason="too many candidates to check")


class FakeMatcher:
    def scan(self, content: Content) -> Scanned:
        return Scanned(
            (Finding("us.ssn", frozenset({"identity"}), (HIT,)),), replace(content, files=(*content.files, UNSEEN))
        )

    def scan_within(self, contents: Sequence[Content], steps: int) -> list[Scanned]:
        return [self.scan(content) for content in contents if steps]


@dataclass
class FakeWorld:
    """Everything the intake leans on; each can be told to fail."""

    policy: FakePolicy = field(default_factory=FakePolicy)
    accepted: list[tuple[NewMessage, Sequence[NewItem], Sequence[Event], Sequence[Any]]] = field(default_factory=list)
    noted: list[Event] = field(default_factory=list)
    bounced: list[tuple[str, bytes]] = field(default_factory=list)
    our_bounces: frozenset[str] = frozenset({"bounce-1-mac@bounces.example.net"})
    read_error: Exception | None = None
    accept_error: Exception | None = None
    note_error: Exception | None = None
    header_from: str = "Alice <alice@example.com>"

    @property
    def in_force(self) -> Any:
        return SimpleNamespace(policy=self.policy, matcher=FakeMatcher())

    async def read(self, raw: bytes, passwords: Sequence[str] = ()) -> Message:
        if self.read_error:
            raise self.read_error
        headers = (("from", self.header_from), ("subject", "Results"))
        return Message(len(raw), headers, Content((Part("body", "SSN 536-22-1234"),)))

    async def accept(self, message: Any, items: Any, events: Any = (), also: Any = ()) -> str:
        if self.accept_error:
            raise self.accept_error
        self.accepted.append((message, items, events, also))
        return str(message.id)

    async def note(self, events: Sequence[Event]) -> None:
        if self.note_error:
            raise self.note_error
        self.noted.extend(events)

    async def is_return_address(self, address: str) -> bool:
        if self.accept_error:
            raise self.accept_error
        return address in self.our_bounces

    async def take_bounce(self, address: str, raw: bytes) -> bool:
        self.bounced.append((address, raw))
        return address in self.our_bounces

    def rule_applied(self, to_address: str, now: datetime, **facts: Any) -> Notice:
        return Notice(None, to_address, f"Rule {facts['rule']}", b"Subject: notice\r\n\r\n")

    def wishes_untaken(self, to_address: str, now: datetime, **facts: Any) -> Notice:
        return Notice(None, to_address, " ".join(facts["untaken"]), b"Subject: notice\r\n\r\n")


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def intake(world: FakeWorld, metrics: Metrics) -> Intake:
    return Intake(
        reader=world,
        policies=world,
        queue=world,
        composer=world,
        boxes=world,
        note=world.note,
        fallbacks={"st-mary": Fallback.HOLD, "clinic": Fallback.WAIT, "lab": Fallback.SAFEBOX},
        bounces="bounces.example.net",
        metrics=metrics,
        clock=lambda: NOW,
    )


def envelope(*recipients: str, sender: str | None = "alice@example.com", **more: Any) -> Envelope:
    return Envelope(
        "01jid",
        Address.parse(sender) if sender else None,
        tuple(Recipient(Address.parse(r), frozenset({"FAILURE"}), "rfc822;x") for r in recipients),
        Client(ip_address("10.0.0.7"), "client.example", login="alice@example.com", tls="TLSv1.3 X"),
        NOW,
        **more,
    )


async def test_an_accepted_message_carries_all_that_the_client_said(intake: Intake, world: FakeWorld) -> None:
    changes = Changes(subject="Results", drop_headers=("x-sealgate",))
    world.policy.decisions = (decision("bob@gmail.com", Route.SAFEBOX, profile="standard", changes=changes),)
    reply = await intake.take(envelope("bob@gmail.com", smtputf8=True, ret="HDRS", envid="QQ314"), RAW)
    assert reply == Reply(250, "2.0.0", "Accepted as 01jid")
    message, items, _, also = world.accepted[0]
    assert message == NewMessage(
        "default", "alice@example.com", "alice@example.com", "Results", RAW, NOW, "10.0.0.7",
        smtputf8=True, eight_bit=False, ret="HDRS", envid="QQ314", id="01jid",
    )  # fmt: skip
    (item,) = items
    assert (item.recipient, item.destination.route, item.profile) == ("bob@gmail.com", Route.SAFEBOX, "standard")
    assert (item.state, item.kind, item.notify, item.orcpt) == (State.DUE, Kind.MAIL, {"FAILURE"}, "rfc822;x")
    assert item.changes == changes
    assert also == ()


@pytest.mark.parametrize(
    ("made", "fallback"),
    [
        (decision("x@p.example", Route.PARTNER, partner="st-mary"), Route.HOLD),
        (decision("x@p.example", Route.PARTNER, partner="clinic"), None),
        (decision("x@p.example", Route.PARTNER, partner="lab"), Route.SAFEBOX),
        (decision("x@p.example", Route.TLS, tls_else=Route.REJECT), Route.REJECT),
        (decision("x@p.example", Route.TLS, tls_else=Route.SAFEBOX), Route.SAFEBOX),
        (decision("x@p.example", Route.RELAY), None),
        (decision("x@p.example", Route.SAFEBOX), None),
    ],
)
async def test_each_route_has_its_fallback(
    intake: Intake, world: FakeWorld, made: Decision, fallback: Route | None
) -> None:
    world.policy.decisions = (made,)
    await intake.take(envelope("x@p.example"), RAW)
    (item,) = world.accepted[0][1]
    assert item.fallback == fallback
    assert item.destination.route == made.route
    assert item.destination.name == (made.partner or "")


async def test_a_held_item_knows_where_it_goes_once_released(intake: Intake, world: FakeWorld) -> None:
    released = decision("x@p.example", Route.PARTNER, partner="lab", profile="standard", rule="Below")
    world.policy.decisions = (decision("x@p.example", Route.HOLD, released=released, rule="Four eyes"),)
    assert (await intake.take(envelope("x@p.example"), RAW)).code == 250
    (item,) = world.accepted[0][1]
    assert (item.state, item.rule) == (State.HELD, "Four eyes")
    assert (item.destination.route, item.destination.name) == (Route.PARTNER, "lab")
    assert (item.fallback, item.profile) == (Route.SAFEBOX, "standard")


async def test_some_refused_are_accepted_with_their_reason(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (
        decision("a@gmail.com", Route.RELAY),
        decision("b@gmail.com", Route.REJECT, reject_text="Not by mail, please"),
    )
    assert (await intake.take(envelope("a@gmail.com", "b@gmail.com"), RAW)).code == 250
    kept, refused = world.accepted[0][1]
    assert kept.state is State.DUE
    assert (refused.state, refused.reply) == (State.REFUSED, Reply(550, "5.7.1", "Not by mail, please"))
    assert world.noted == []


async def test_all_refused_are_told_so_and_noted(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (decision("b@gmail.com", Route.REJECT, reject_text="Not by mail, please"),)
    reply = await intake.take(envelope("b@gmail.com"), RAW)
    assert reply == Reply(550, "5.7.1", "Not by mail, please")
    assert world.accepted == []
    assert [event.kind for event in world.noted] == [EventKind.MESSAGE_REFUSED, EventKind.DECISION_MADE]


async def test_a_refusal_that_cannot_be_noted_is_no_refusal_yet(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (decision("b@gmail.com", Route.REJECT),)
    world.note_error = StoreUnavailable("locked")
    assert (await intake.take(envelope("b@gmail.com"), RAW)).code == 451


async def test_events_identify_nobody_and_no_content_in_their_facts(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (
        decision("bob@gmail.com", Route.SAFEBOX, reasons=(Reason("Rule", True, "it holds us.ssn"),)),
    )
    world.policy.watched = (Watched("Trial", "bob@gmail.com", "hold", Route.HOLD),)
    await intake.take(envelope("bob@gmail.com"), RAW)
    message, decided, watched = world.accepted[0][2]
    for event in (message, decided, watched):
        shown = str(event.facts) + repr(event)
        for secret in ("bob@", "alice@", "Results", "536", "it holds"):
            assert secret not in shown
    assert watched.kind is EventKind.RULE_WATCHED
    facts = {"rule": "Trial", "would": "hold", "route": "hold", "did": "safebox", "policy": "ab" * 32}
    assert (watched.facts, watched.persons, watched.decision_id) == (facts, {"recipient": "bob@gmail.com"}, "d-bob")
    assert message.private["findings"][0]["places"] == [{"part": "body", "excerpt": "SSN *********34"}]
    assert "536221234" not in str(message.private)
    assert decided.persons == {"recipient": "bob@gmail.com"}
    assert decided.decision_id == "d-bob"
    assert message.persons["login"] == "alice@example.com"


async def test_copies_go_along_and_their_fate_is_nobodys_news(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    world.policy.copies = (decision("archive@example.com", Route.RELAY, inside=True),)
    await intake.take(envelope("bob@gmail.com"), RAW)
    _, copy = world.accepted[0][1]
    assert (copy.recipient, copy.notify, copy.orcpt) == ("archive@example.com", {"NEVER"}, None)
    assert copy.destination.inside


async def test_who_is_to_be_told_gets_a_notice_in_the_same_transaction(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    world.policy.notify = (("alice@example.com", "Rule"), ("audit@partner.example", "Rule"))
    await intake.take(envelope("bob@gmail.com"), RAW)
    (first, (first_item,)), (_, (second_item,)) = world.accepted[0][3]
    assert first.raw == b"Subject: notice\r\n\r\n"
    assert (first_item.recipient, first_item.kind) == ("alice@example.com", Kind.NOTICE)
    assert first_item.destination.inside
    assert not second_item.destination.inside


@pytest.mark.parametrize(
    ("header", "owner"),
    [
        ("Alice <alice@sub.example.com>", "alice@sub.example.com"),
        ("alice@example.com, eve@other.example", "alice@example.com"),
        ("Eve <eve@other.example>", "postmaster@example.com"),
        ("nobody at all", "postmaster@example.com"),
        ("", "postmaster@example.com"),
        ("=?utf-8?q?broken", "postmaster@example.com"),
        ("a:" * 4_000 + "alice@example.com", "postmaster@example.com"),  # groups in groups
        ("," * 20_000 + "alice@example.com", "postmaster@example.com"),  # so much is not looked through
    ],
)
async def test_mail_without_a_sender_has_an_owner(intake: Intake, world: FakeWorld, header: str, owner: str) -> None:
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    world.header_from = header
    await intake.take(envelope("bob@gmail.com", sender=None), RAW)
    assert (world.accepted[0][0].sender, world.accepted[0][0].owner) == (None, owner)


async def test_who_sends_from_nobody_speaks_for_whom_they_may_send_as_alone(intake: Intake, world: FakeWorld) -> None:
    """A login that is refused at MAIL as its chief does not become its chief by a header."""
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    world.header_from = "Chief <chief@example.com>"
    pinned = SenderList.of(["sales@example.com"])
    await intake.take(replace(envelope("bob@gmail.com", sender=None), senders=pinned), RAW)
    world.header_from = "Sales <sales@example.com>"
    await intake.take(replace(envelope("bob@gmail.com", sender=None), senders=pinned), RAW)
    assert [message.owner for message, *_ in world.accepted] == ["postmaster@example.com", "sales@example.com"]


async def test_mail_from_outside_goes_inside_and_no_policy_is_asked(intake: Intake, world: FakeWorld) -> None:
    world.read_error = AssertionError("not to be read")
    reply = await intake.take(envelope("alice@example.com", sender="bob@gmail.com", inbound=True), RAW)
    assert reply.code == 250
    message, (item,), events, _ = world.accepted[0]
    assert (item.destination.route, item.destination.inside, item.rule) == (Route.RELAY, True, "inbound")
    assert message.owner == "bob@gmail.com"
    assert [event.kind for event in events] == [EventKind.MESSAGE_ACCEPTED, EventKind.DECISION_MADE]
    assert world.policy.asked == []


async def test_a_sender_whom_a_stranger_named_is_told_nothing(intake: Intake, world: FakeWorld) -> None:
    """A report would reach whoever was forged. What the client wished otherwise is passed on as it was said."""
    made = envelope("alice@example.com", sender="bob@gmail.com", inbound=True, stranger=True)
    await intake.take(made, RAW)
    never = replace(made.recipients[0], notify=frozenset({"NEVER"}))
    await intake.take(replace(made, recipients=(never,)), RAW)
    (told,), (silent,) = (items for _, items, _, _ in world.accepted)
    assert told.notify == frozenset()
    assert silent.notify == {"NEVER"}


async def test_whom_inside_does_not_have_is_refused_where_it_is_asked(intake: Intake) -> None:
    class Mailboxes:
        async def is_unknown(self, recipient: str) -> bool:
            return recipient == "nobody@example.com"

    asking = replace(intake, mailboxes=Mailboxes())
    nobody, alice = Address.parse("nobody@example.com"), Address.parse("alice@example.com")
    assert str(await asking.expects(nobody, ask=True)) == "550 5.1.1 No such recipient here"
    assert await asking.expects(alice, ask=True) is None
    assert await asking.expects(nobody, ask=False) is None
    assert await intake.expects(nobody, ask=True) is None


async def test_large_messages_are_read_in_turn(intake: Intake, world: FakeWorld) -> None:
    """Reading one takes some times its size: twenty of the largest at once would fill the machine."""
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    large = RAW + b"x" * (20 * 2**20)
    reading, most = 0, 0

    async def read(raw: bytes, passwords: Sequence[str] = ()) -> Message:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        reading -= 1
        return await FakeWorld.read(world, raw)

    world.read = read  # type: ignore[method-assign]  # a fake of a fake
    replies = await asyncio.gather(*(intake.take(envelope("bob@gmail.com"), large) for _ in range(3)))
    assert [reply.code for reply in replies] == [250, 250, 250]
    assert most == 1
    await asyncio.gather(*(intake.take(envelope("bob@gmail.com"), RAW) for _ in range(3)))
    assert most == 3


async def test_a_return_address_is_no_recipient(intake: Intake, world: FakeWorld) -> None:
    reply = await intake.take(envelope("bounce-1-mac@bounces.example.net", sender=None, inbound=True), RAW)
    assert reply.code == 250
    assert world.bounced == [("bounce-1-mac@bounces.example.net", RAW)]
    assert world.accepted == []


async def test_a_return_address_that_we_never_made_is_refused(intake: Intake, world: FakeWorld) -> None:
    reply = await intake.take(envelope("bounce-2-mac@bounces.example.net", sender=None, inbound=True), RAW)
    assert (reply.code, reply.status) == (550, "5.1.1")


async def test_a_forged_return_address_is_refused_before_the_message(intake: Intake, world: FakeWorld) -> None:
    """Or it would vanish without a word in a message that has other recipients too."""
    forged, ours = Address.parse("bounce-2-mac@bounces.example.net"), Address.parse("bounce-1-mac@bounces.example.net")
    assert str(await intake.expects(forged, ask=True)).startswith("550 5.1.1")
    assert await intake.expects(ours, ask=True) is None
    assert await intake.expects(Address.parse("alice@example.com"), ask=True) is None
    world.accept_error = StoreUnavailable("locked: /var/lib/sealgate")
    assert str(await intake.expects(ours, ask=True)).startswith("451 4.3.0")


async def test_others_beside_a_return_address_are_still_delivered(intake: Intake, world: FakeWorld) -> None:
    both = envelope("bounce-1-mac@bounces.example.net", "alice@example.com", sender=None, inbound=True)
    assert (await intake.take(both, RAW)).code == 250
    assert [item.recipient for item in world.accepted[0][1]] == ["alice@example.com"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreFull("disk"), "4.3.1"),
        (StoreUnavailable("locked: /var/lib/sealgate"), "4.3.0"),
        (StoreUnavailable("who knows", certain=False), "4.3.0"),
        (KeysUnavailable("gone"), "4.3.0"),
        (StoreConflict("twice"), "4.3.0"),
    ],
)
async def test_a_failure_of_ours_has_a_temporary_answer(
    intake: Intake, world: FakeWorld, metrics: Metrics, error: Exception, status: str
) -> None:
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    world.accept_error = error
    reply = await intake.take(envelope("bob@gmail.com"), RAW)
    assert reply.status == status
    assert reply.code in {451, 452}
    assert "sealgate" not in reply.text
    assert b"sealgate_messages_accepted_total{" not in metrics.text()


async def test_a_surprise_is_not_answered_here(intake: Intake, world: FakeWorld) -> None:
    world.read_error = RuntimeError("bug")
    with pytest.raises(RuntimeError):
        await intake.take(envelope("bob@gmail.com"), RAW)
    assert world.accepted == []


async def test_eight_bit_is_what_the_bytes_are(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    await intake.take(envelope("bob@gmail.com"), RAW + b"\xc3\xb6\r\n")
    assert world.accepted[0][0].eight_bit


async def test_many_recipients_are_decided_alike(intake: Intake, world: FakeWorld, metrics: Metrics) -> None:
    addresses = [f"r{number}@gmail.com" for number in range(100)]
    world.policy.decisions = tuple(decision(address, Route.RELAY) for address in addresses)
    assert (await intake.take(envelope(*addresses), RAW)).code == 250
    assert [item.recipient for item in world.accepted[0][1]] == addresses
    assert b'sealgate_decisions_total{route="relay",rule="Rule"} 100.0' in metrics.text()


async def test_a_decision_for_somebody_else_is_a_bug_and_no_mail(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (decision("bob@gmail.com", Route.RELAY),)
    with pytest.raises(ValueError, match="zip"):
        await intake.take(envelope("bob@gmail.com", "carol@gmail.com"), RAW)
    assert world.accepted == []


async def test_what_was_not_looked_at_is_decided_about(intake: Intake, world: FakeWorld) -> None:
    """A text with too many candidates is a file that nobody could read, and a rule can ask for it."""
    world.policy.decisions = (decision("x@p.example", Route.RELAY),)
    await intake.take(envelope("x@p.example"), RAW)
    assert UNSEEN in world.policy.asked[0][1].content.files


async def test_words_that_are_not_done_are_told_to_the_sender(intake: Intake, world: FakeWorld) -> None:
    changes = Changes(subject="Results", wishes=("7dd", "no-reply", "Strict".lower()))
    intake = replace(intake, profiles={"standard": Profile(), "strict": Profile()})
    world.policy.decisions = (
        decision("a@gmail.com", Route.SAFEBOX, profile="standard", changes=changes),
        decision("b@gmail.com", Route.RELAY, changes=changes),
        decision("c@gmail.com", Route.HOLD, released=decision("c@gmail.com", Route.SAFEBOX, profile="standard")),
    )
    await intake.take(envelope("a@gmail.com", "b@gmail.com", "c@gmail.com"), RAW)
    ((mail, (item,)),) = world.accepted[0][3]
    assert item.recipient == mail.owner == "alice@example.com"
    assert [word in mail.subject for word in ("“7dd”", "“no-reply”", "“strict”")] == [True, True, True]
    assert mail.subject.count("“7dd”") == 1


async def test_words_that_are_done_are_not_talked_about(intake: Intake, world: FakeWorld) -> None:
    changes = Changes(wishes=("7d", "standard"))
    profile = Profile.model_validate({"adjust": {"open_for": {"to": "30 days"}}})
    intake = replace(intake, profiles={"standard": profile})
    world.policy.decisions = (decision("a@gmail.com", Route.SAFEBOX, profile="standard", changes=changes),)
    await intake.take(envelope("a@gmail.com"), RAW)
    assert world.accepted[0][3] == ()


async def test_numbers_and_questions_that_cannot_be_used_are_told(intake: Intake, world: FakeWorld) -> None:
    world.policy.decisions = (decision("a@gmail.com", Route.SAFEBOX, profile="standard"),)
    await intake.take(envelope("a@gmail.com"), b"X-Sealgate-Phone: a@gmail.com=079 123 45 67\r\n" + RAW)
    ((mail, (item,)),) = world.accepted[0][3]
    assert item.recipient == "alice@example.com" and "number of a@gmail.com was not taken" in mail.subject


@pytest.mark.parametrize(
    ("text", "heavy"),
    [
        ("A letter of some words, and 417 of 2026. " * 40, False),
        ("Grüße aus Zürich. " * 100, False),
        ("A letter without an end. " * 400, True),
        ("536-22-1234\n" * 100, True),
        ("\u202e4321\u202c " * 140, True),
    ],
)
def test_what_may_take_long_is_scanned_in_a_thread(text: str, *, heavy: bool) -> None:
    assert is_heavy(Content((Part("subject", "x"), Part("body", text)))) is heavy
