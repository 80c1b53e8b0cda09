"""How near a rule was: what holds, what is missing, and of several ways the nearest."""

from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

from policy.clauses import Names
from policy.engine import Facts, Policy
from policy.language import read_policy
from policy.message import Address, Client, Envelope, Message, Recipient
from policy.nearness import RuleReport
from policy.problem import Mark
from policy.route import Directory
from rules.content import Content
from rules.finding import Confidence, Finding, Hit

NAMES = Names(detectors=frozenset({"us.ssn", "medical.mrn"}), groups=frozenset({"medical"}))
ENVELOPE = Envelope(
    "m1",
    Address.parse("alice@example.com"),
    (Recipient(Address.parse("bob@gmail.com")), Recipient(Address.parse("ann@example.com"))),
    Client(IPv4Address("127.0.0.1")),
    datetime(2026, 1, 7, 12, tzinfo=UTC),
)
FINDINGS = (
    Finding(
        "medical.mrn",
        frozenset({"medical"}),
        (
            Hit("1", Confidence.MEDIUM, "body", 0, 1, "•"),
            Hit("1", Confidence.HIGH, "body", 5, 6, "•"),
            Hit("2", Confidence.LOW, "body", 9, 10, "•"),
        ),
    ),
)


def tell(*rules: dict[str, Any]) -> tuple[tuple[RuleReport, ...], ...]:
    text, problems = read_policy({"rules": list(rules)}, "p", lambda path, key: Mark(1, 1), NAMES)
    assert problems == ()
    policy = Policy("ab" * 32, Directory(("example.com",)), text)
    message, facts = Message(2048, (("subject", "Hello"),), Content()), Facts(lambda: "d")
    verdict = policy.decide(ENVELOPE, message, FINDINGS, facts)
    return policy.explain(ENVELOPE, message, FINDINGS, facts, verdict)


def test_all_that_is_missing_is_told_not_the_first_alone() -> None:
    when = {"recipients": {"not_in": ["ours"]}, "content": {"medical": 3, "us.ssn": 1}, "subject": "Hel*"}
    to_bob, to_ann = tell({"name": "A", "when": when, "then": "hold"})
    assert to_bob[0].nearness.held == ("bob@gmail.com is not among ours", 'Subject fits "Hel*"')
    assert to_bob[0].nearness.missing == (
        "needs 3 medical, found 1 (medium or surer) in 2 places, and 1 less sure",
        "needs 1 us.ssn, found 0 (medium or surer)",
    )
    assert to_ann[0].nearness.missing[0] == "ann@example.com is ours"
    assert not to_ann[0].nearness.applies


def test_of_several_ways_the_nearest_is_told() -> None:
    ways = [{"subject": "Bye", "size": "> 1 MB"}, {"subject": "Hello", "content": {"medical": 2}}]
    (told,) = tell({"name": "A", "when": {"any": ways}, "then": "hold"})[0]
    assert told.nearness.held == ('Subject fits "Hello"',)
    (missing,) = told.nearness.missing
    assert missing.startswith("needs 2 medical, found 1 (medium or surer)")
    assert "nor: Subject does not fit" in missing
    (told,) = tell({"name": "A", "when": {"any": [{"subject": "Bye"}, {"marked": "secure"}, {"subject": "Hello"}]},
                    "then": "hold"})[0]  # fmt: skip
    assert told.nearness.applies


def test_rules_below_the_one_that_decided_are_told_as_not_asked() -> None:
    rules = [{"name": name, "when": {"subject": "Hello"}, "then": "hold"} for name in "AB"]
    watched = {"name": "W", "mode": "watch", "then": "reject"}
    told = tell(watched, *rules)[0]
    assert [(one.rule, one.asked, one.watch, one.nearness.applies) for one in told] == [
        ("W", True, True, True),
        ("A", True, False, True),
        ("B", False, False, True),
    ]


def test_not_is_one_question() -> None:
    (told,) = tell({"name": "A", "when": {"not": {"any": [{"subject": "Hello"}]}}, "then": "hold"})[0]
    assert told.nearness.held == ()
    assert told.nearness.missing == ('not so: Subject fits "Hello"',)
