"""Deciding: what each recipient's copy is meant to do, and why."""

from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.clauses import Names
from policy.conditions import Check
from policy.decision import Action, Changes, Decision, Route, Verdict
from policy.engine import Facts, Policy
from policy.language import read_policy
from policy.message import Address, Client, Envelope, Message, Recipient
from policy.problem import Mark
from policy.route import Directory, ProfileGroup
from rules.content import Content, FileFact, FileKind
from rules.finding import Confidence, Finding, Hit

DIRECTORY = Directory(
    domains=("example.com", "*.example.com"),
    partners={"st-mary": ("stmary.example", "*.stmary.example"), "lab": ("lab.stmary.example",)},
    profiles=frozenset({"standard", "healthcare"}),
)
NAMES = Names(
    detectors=frozenset({"us.ssn", "medical.mrn", "us.npi", "payment.card"}),
    groups=frozenset({"identity", "medical"}),
    profiles=DIRECTORY.profiles,
)
NOON = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)  # a Saturday


def policy(data: dict[str, Any], directory: Directory = DIRECTORY) -> Policy:
    text, problems = read_policy(data, "p", lambda path, key: Mark(1, 1), NAMES)
    assert problems == ()
    return Policy("digest", directory, text)


def rules(*entries: dict[str, Any], directory: Directory = DIRECTORY, **top: Any) -> Policy:
    named = [{"name": f"r{number}", **entry} for number, entry in enumerate(entries, 1)]
    return policy({"rules": named, **top}, directory)


def message(
    subject: str | None = "Hello", files: tuple[FileFact, ...] = (), size: int = 1000, **headers: str
) -> Message:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if subject is not None:
        pairs.append(("subject", subject))
    return Message(size, tuple(pairs), Content((), files))


def finding(detector: str, group: str, *values: str, confidence: Confidence = Confidence.MEDIUM) -> Finding:
    hits = tuple(Hit(value, confidence, "body", 0, 1, "***") for value in values)
    return Finding(detector, frozenset({group}), hits)


def envelope(
    *to: str, sender: str | None = "alice@example.com", client: str = "127.0.0.1", at: datetime = NOON
) -> Envelope:
    recipients = tuple(Recipient(Address.parse(text)) for text in to or ("bob@gmail.com",))
    return Envelope("e", Address.parse(sender) if sender else None, recipients, Client(ip_address(client)), at)


HELLO = message()


def decide(
    policy: Policy, *to: str, message: Message = HELLO, findings: tuple[Finding, ...] = (), **about: Any
) -> Verdict:
    numbers = count(1)
    return policy.decide(envelope(*to, **about), message, findings, Facts(lambda: f"d{next(numbers)}"))


def one(policy: Policy, to: str = "bob@gmail.com", **about: Any) -> Decision:
    (decision,) = decide(policy, to, **about).decisions
    return decision


# --- which rule decides -------------------------------------------------------------------------------------------


def test_without_a_rule_otherwise_decides() -> None:
    decision = one(rules(otherwise="safebox"))
    assert (decision.rule, decision.action, decision.route) == ("otherwise", Action.SAFEBOX, Route.SAFEBOX)
    assert decision.policy_sha256 == "digest"
    assert decision.id == "d1"


def test_mail_is_relayed_where_otherwise_is_left_out() -> None:
    assert one(rules()).route is Route.RELAY


def test_the_first_rule_that_applies_decides() -> None:
    tried = rules({"when": {"sender": "carol@example.com"}, "then": "hold"}, {"then": "safebox"}, {"then": "relay"})
    decision = one(tried)
    assert decision.rule == "r2"
    assert [(reason.rule, reason.applies) for reason in decision.reasons] == [("r1", False), ("r2", True)]
    assert decision.reasons[0].because == "alice@example.com is not among carol@example.com"


def test_each_recipient_is_decided_alone_in_the_envelopes_order() -> None:
    tried = rules({"when": {"recipients": "gmail.com"}, "then": "safebox"})
    verdict = decide(tried, "bob@gmail.com", "carol@web.example", "dan@GMAIL.com")
    assert [d.route for d in verdict.decisions] == [Route.SAFEBOX, Route.RELAY, Route.SAFEBOX]
    assert [d.recipient for d in verdict.decisions] == ["bob@gmail.com", "carol@web.example", "dan@gmail.com"]
    assert len({d.id for d in verdict.decisions}) == 3


def test_a_rule_that_only_adds_lets_the_next_be_asked() -> None:
    tried = rules({"also": [{"tag": "[A]"}]}, {"then": "safebox", "also": [{"tag": "[B]"}]}, {"also": [{"tag": "[C]"}]})
    decision = one(tried)
    assert decision.rule == "r2"
    assert decision.changes.subject == "[A] [B] Hello"


def test_a_watching_rule_decides_nothing_and_tells_what_it_would_do() -> None:
    tried = rules(
        {"mode": "watch", "then": "hold", "also": [{"notify": "sender"}, {"tag": "[X]"}]}, {"then": "safebox"}
    )
    verdict = decide(tried)
    assert verdict.decisions[0].route is Route.SAFEBOX
    assert [(w.rule, w.recipient, w.would) for w in verdict.watched] == [("r1", "bob@gmail.com", "hold")]
    assert verdict.notify == ()
    assert verdict.decisions[0].changes == Changes()
    first = verdict.decisions[0].reasons[0]
    assert (first.rule, first.applies, first.watch) == ("r1", True, True)


# --- where an action leads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "to", "route", "partner"),
    [
        ("relay", "bob@gmail.com", Route.RELAY, None),
        ("relay", "bob@stmary.example", Route.RELAY, None),
        ("secure", "bob@gmail.com", Route.SAFEBOX, None),
        ("secure", "bob@stmary.example", Route.PARTNER, "st-mary"),
        ("secure", "bob@ward.stmary.example", Route.PARTNER, "st-mary"),
        ("secure", "bob@lab.stmary.example", Route.PARTNER, "lab"),
        ("safebox", "bob@stmary.example", Route.SAFEBOX, None),
        ("tls", "bob@gmail.com", Route.TLS, None),
        ("tls", "bob@stmary.example", Route.PARTNER, "st-mary"),
        ("hold", "bob@gmail.com", Route.HOLD, None),
        ({"reject": "Not this"}, "bob@gmail.com", Route.REJECT, None),
    ],
)
def test_each_action_leads_to_its_route(then: Any, to: str, route: Route, partner: str | None) -> None:
    decision = one(rules({"then": then}), to)
    assert (decision.route, decision.partner, decision.inside) == (route, partner, False)


@pytest.mark.parametrize("then", ["secure", "tls"])
def test_our_own_people_get_secure_mail_inside_only_when_the_way_is_verified(then: str) -> None:
    trusted = Directory(domains=("example.com",), inside_verified=True)
    verified = one(rules({"then": then}, directory=trusted), "bob@example.com")
    assert (verified.route, verified.inside) == (Route.RELAY, True)
    unverified = one(rules({"then": then}), "bob@example.com")
    assert (unverified.route, unverified.inside) == (Route.SAFEBOX, False)


def test_ordinary_mail_to_our_own_goes_inside() -> None:
    assert one(rules(), "bob@sub.example.com").inside


def test_tls_says_what_happens_where_it_cannot_be_proven() -> None:
    assert one(rules({"then": "tls"})).tls_else is Route.SAFEBOX
    refusing = one(rules({"then": "tls", "or": {"reject": "No TLS"}}))
    assert (refusing.tls_else, refusing.reject_text) == (Route.REJECT, "No TLS")


def test_a_fact_from_dns_decides_tls_at_once() -> None:
    tried = rules({"then": "tls", "or": "reject"})
    facts = Facts(lambda: "d", proves_tls={"gmail.com": False})
    (decision,) = tried.decide(envelope(), message(), (), facts).decisions
    assert decision.route is Route.REJECT
    assert "cannot be proven" in decision.reasons[-1].because


def test_profile_and_namespace_are_those_of_the_rule() -> None:
    assert one(rules({"then": "safebox"})).profile == "standard"
    assert one(rules({"then": "safebox", "profile": "healthcare"})).profile == "healthcare"
    assert one(rules({"then": "relay", "profile": "healthcare"})).profile is None
    assert one(rules({"then": "secure"}), "bob@stmary.example").profile == "standard", "for its fallback"
    added = {"also": [{"tag": "x"}], "profile": "healthcare"}
    assert one(rules(added, {"then": "safebox"})).profile == "healthcare"
    assert one(rules(added, {"then": "safebox", "profile": "standard"})).profile == "standard", (
        "the last that names one"
    )


def test_what_is_held_knows_where_it_goes_once_released() -> None:
    tried = rules(
        {"then": "hold"}, {"then": {"reject": "no"}}, {"then": "hold"}, {"then": "secure", "also": [{"tag": "[S]"}]}
    )
    decision = one(tried)
    assert (decision.route, decision.rule) == (Route.HOLD, "r1")
    assert decision.released is not None
    assert (decision.released.route, decision.released.rule) == (Route.SAFEBOX, "r4")
    assert decision.released.id == decision.id
    assert decision.released.changes.subject == "[S] Hello"


def test_a_policy_that_holds_everything_still_releases_by_relay() -> None:
    decision = one(rules(otherwise="hold"))
    assert decision.released is not None
    assert decision.released.route is Route.RELAY


# --- what is added ------------------------------------------------------------------------------------------------


def test_headers_are_added_once_for_those_the_rule_applies_to() -> None:
    add = {"add_header": {"name": "X-Class", "value": "medical"}}
    tried = rules(
        {"when": {"recipients": "gmail.com"}, "also": [add]},
        {"also": [add]},
        {"when": {"size": "> 1 MB"}, "also": [add]},
    )
    verdict = decide(tried, "bob@gmail.com", "carol@web.example")
    assert [d.changes.add_headers for d in verdict.decisions] == [(("X-Class", "medical"),)] * 2


def test_a_tag_is_not_put_twice() -> None:
    tried = rules({"also": [{"tag": "[External]"}]})
    assert one(tried, message=message("Re: [external] Hello")).changes == Changes()
    assert one(tried, message=message(None)).changes.subject == "[External]"


def test_who_is_told() -> None:
    tried = rules({"also": [{"notify": "sender"}, {"notify": "audit@example.com"}]})
    verdict = decide(tried, "a@gmail.com", "b@gmail.com")
    assert verdict.notify == (("alice@example.com", "r1"), ("audit@example.com", "r1"))
    assert decide(tried, sender=None).notify == (("audit@example.com", "r1"),)


def test_a_copy_is_one_more_recipient_with_a_decision_of_its_own() -> None:
    tried = rules(
        {"also": [{"copy_to": "archive@vault.example"}]}, {"when": {"content": {"us.ssn": 1}}, "then": "secure"}
    )
    verdict = decide(tried, "a@gmail.com", "b@gmail.com", findings=(finding("us.ssn", "identity", "1"),))
    (copy,) = verdict.copies
    assert (copy.recipient, copy.route, copy.rule) == ("archive@vault.example", Route.SAFEBOX, "r2")
    assert copy.id not in {d.id for d in verdict.decisions}


def test_no_copy_for_who_gets_the_mail_anyway_nor_of_what_is_refused() -> None:
    tried = rules(
        {"also": [{"copy_to": "Archive@example.com"}]}, {"when": {"recipients": "gmail.com"}, "then": {"reject": "no"}}
    )
    assert decide(tried, "archive@example.com").copies == ()
    assert decide(tried, "bob@gmail.com").copies == ()
    assert len(decide(tried, "bob@gmail.com", "carol@web.example").copies) == 1


def test_a_copy_is_neither_held_nor_rejected() -> None:
    tried = rules({"also": [{"copy_to": "archive@example.com"}]}, {"then": "hold"})
    assert [copy.route for copy in decide(tried).copies] == [Route.RELAY]


# --- marks ----------------------------------------------------------------------------------------------------------


def test_marks_come_off_on_every_route() -> None:
    marked = message("[Secure] Results", x_sealgate="secure", sensitivity="Private")
    for then in ("relay", "secure", "safebox", "tls"):
        changes = one(rules({"then": then}), message=marked).changes
        assert changes.subject == "Results"
        assert changes.drop_headers == ("x-sealgate", "sensitivity")


def test_marked_asks_for_any_mark() -> None:
    tried = rules({"when": {"marked": "secure"}, "then": "secure"})
    assert one(tried, message=message("[secure] x")).route is Route.SAFEBOX
    assert one(tried).reasons[0].because == "the sender did not mark it secure"


# --- conditions that need the whole view ---------------------------------------------------------------------------


def test_the_example_of_the_manual() -> None:
    tried = rules(
        {
            "when": {
                "recipients": {"not_in": ["ours"]},
                "any": [
                    {"content": {"us.ssn": 1, "medical": 2}},
                    {"attachments": {"name": "*patient*", "type": ["spreadsheet", "pdf"]}},
                ],
            },
            "then": "secure",
            "profile": "healthcare",
        }
    )
    found = (
        finding("us.ssn", "identity", "1"),
        finding("medical.mrn", "medical", "2"),
        finding("us.npi", "medical", "3"),
    )
    verdict = decide(tried, "bob@gmail.com", "carol@stmary.example", "dan@example.com", findings=found)
    assert [d.route for d in verdict.decisions] == [Route.SAFEBOX, Route.PARTNER, Route.RELAY]
    assert "needs 1 us.ssn, found 1 (medium or surer)" in verdict.decisions[0].reasons[0].because
    assert "needs 2 medical, found 2 (medium or surer)" in verdict.decisions[0].reasons[0].because
    assert verdict.decisions[2].reasons[0].because == "dan@example.com is ours"
    assert one(tried, findings=found[:2]).route is Route.RELAY, "the group has one value only"
    sheet = FileFact("My PATIENTS.xls", FileKind.SPREADSHEET, 10, "My PATIENTS.xls")
    assert one(tried, message=message(files=(sheet,))).route is Route.SAFEBOX


def test_confidence_and_distinct_values_count() -> None:
    low = (finding("us.ssn", "identity", "1", "1", "2", confidence=Confidence.LOW),)
    assert one(rules({"when": {"content": {"us.ssn": 1}}, "then": "hold"}), findings=low).route is Route.RELAY
    asked = {"us.ssn": {"at_least": 3, "confidence": "low"}}
    assert one(rules({"when": {"content": asked}, "then": "hold"}), findings=low).route is Route.RELAY
    hits = {"us.ssn": {"at_least": 3, "unique": False, "confidence": "low"}}
    assert one(rules({"when": {"content": hits}, "then": "hold"}), findings=low).route is Route.HOLD


def test_questions_about_the_message_are_asked_once_for_all_recipients() -> None:
    asked = []

    class Slow:
        varies = False

        def check(self, view: object) -> Check:
            asked.append(view)
            return Check(True, "so")

    tried = rules({"then": "hold"})
    rule = tried.text.rules[0]
    object.__setattr__(rule, "when", Slow())
    verdict = decide(tried, *(f"u{n}@gmail.com" for n in range(50)))
    assert len(verdict.decisions) == 50
    assert len(asked) == 1


def test_reasons_never_show_in_a_repr() -> None:
    verdict = decide(
        rules({"when": {"subject": "Top secret plan"}, "then": "hold"}), message=message("Top secret plan")
    )
    assert "Top secret" not in repr(verdict)


EVERYTHING = rules(
    {
        "when": {
            "any": [
                {"sender": ["*@x.example", "ours"], "recipients": {"not_in": ["partners", "*.y.example", "a*@b*"]}},
                {"subject": ["*a*", {"regex": "b+"}], "headers": {"X-A": "*", "X-B": False}},
                {"attachments": {"name": "*x*", "type": "pdf", "size": "> 1 KB", "encrypted": False, "count": 1}},
                {"not": {"content": {"identity": 1, "us.ssn": {"confidence": "low", "unique": False}}}},
                {"size": "> 1 KB", "marked": "secure", "client": "10.0.0.0/8", "recipient_count": "> 1"},
                {"time": {"days": ["mon"], "between": ["18:00", "08:00"], "zone": "Asia/Kathmandu"}},
            ]
        },
        "also": [{"notify": "sender"}, {"copy_to": "archive@example.com"}, {"tag": "[X]"}],
        "then": "tls",
    },
    {"mode": "watch", "then": "hold"},
    otherwise="secure",
)
_TEXT = st.text(st.characters(), max_size=30)  # lone surrogates too


@pytest.mark.slow
@given(
    headers=st.lists(st.tuples(st.sampled_from(["subject", "x-a", "x-sealgate", "sensitivity", "msip_labels"]), _TEXT)),
    locals_=st.lists(_TEXT.filter(lambda text: "@" not in text), min_size=1, max_size=5),
    name=_TEXT,
    size=st.integers(0, 2**40),
)
@settings(deadline=None)
def test_no_message_breaks_a_decision(headers: list[tuple[str, str]], locals_: list[str], name: str, size: int) -> None:
    to = tuple(Recipient(Address(local, "gmail.com")) for local in locals_)
    files = (FileFact(name, FileKind.PDF, size, name),)
    odd = Message(size, tuple(headers), Content((), files))
    around = Envelope("e", None, to, Client(ip_address("::1")), NOON)
    verdict = EVERYTHING.decide(around, odd, (finding("us.ssn", "identity", name),), Facts(lambda: "d"))
    assert len(verdict.decisions) == len(to)
    for decision in verdict.decisions:
        assert "[secure]" not in (decision.changes.subject or "").lower()


def test_a_profile_is_the_rules_else_the_senders_choice_else_their_groups() -> None:
    directory = Directory(
        domains=("example.com",),
        profiles=frozenset({"standard", "Strict", "healthcare"}),
        groups=(ProfileGroup(("example.com",), ("standard", "Strict"), "Strict"),),
    )
    boxed = rules(otherwise="safebox", directory=directory)
    assert one(boxed).profile == "Strict"
    assert one(boxed, sender=None).profile == "standard"
    chosen = one(boxed, message=message("[secure standard 7d] x"))
    assert (chosen.profile, chosen.changes.wishes, chosen.changes.subject) == ("standard", ("standard", "7d"), "x")
    assert one(boxed, message=message("[secure strict] x")).profile == "Strict"
    assert one(boxed, message=message("[secure healthcare] x")).profile == "Strict"  # not theirs to choose
    ruled = rules({"then": "safebox", "profile": "healthcare"}, directory=directory)
    assert one(ruled, message=message("[secure standard] x")).profile == "healthcare"
