"""Rules that never apply are told, and none that might."""

from typing import Any

import pytest

from policy.clauses import Names
from policy.idle import idle_rules, never_asked
from policy.language import Rule, read_policy
from policy.problem import Mark
from policy.route import Directory

NAMES = Names(frozenset({"us.ssn"}), frozenset({"identity"}))
LISTS = {"bosses": ["ceo@example.com", "cfo@example.com"], "none": [], "sisters": ["*.sister.example"]}
OURS = Directory(domains=("example.com",))
ALL_HELD: dict[str, Any] = {"name": "all", "then": "hold"}
ALL_RELAYED: dict[str, Any] = {"name": "all", "then": "relay"}
ALL_REFUSED: dict[str, Any] = {"name": "all", "then": "reject"}
BELOW: tuple[dict[str, Any], ...] = (
    {"name": "a", "when": {"sender": "ours"}, "then": "relay"},
    {"name": "b", "then": "relay"},
)


def rules(*written: dict[str, Any]) -> tuple[Rule, ...]:
    data = {"lists": LISTS, "rules": list(written)}
    text, problems = read_policy(data, "p", lambda path, key: Mark(1, 1), NAMES)
    assert problems == ()
    return text.rules


def told(when: dict[str, Any], directory: Directory = OURS) -> str | None:
    found = list(idle_rules(rules({"name": "r", "when": when, "then": "hold"}), directory))
    assert len(found) < 2
    return found[0].cause.removeprefix('"r" never applies: ') if found else None


def test_rules_below_one_that_decides_about_everything_are_never_asked() -> None:
    assert never_asked(rules(BELOW[0], ALL_RELAYED, *BELOW[1:])) == ("b",)
    assert never_asked(rules(ALL_RELAYED, *BELOW)) == ("a", "b")
    assert never_asked(rules(ALL_RELAYED | {"mode": "watch"}, *BELOW)) == ()
    adds = {"name": "adds", "also": [{"notify": "sender"}]}
    assert never_asked(rules(adds, *BELOW)) == ()
    (_, second) = idle_rules(rules(ALL_RELAYED, *BELOW), OURS)
    assert (second.number, second.cause) == (
        2,
        '"b" is never asked: "all" above it decides about everything',
    )


def test_rules_below_one_that_holds_everything_say_where_released_copies_go() -> None:
    assert never_asked(rules(ALL_HELD, *BELOW)) == ()


def test_rules_below_one_that_rejects_everything_decide_about_copies_alone() -> None:
    assert never_asked(rules(ALL_REFUSED, *BELOW)) == ("a", "b")
    copied = {"name": "c", "when": {"sender": "ours"}, "then": "relay", "also": {"copy_to": "archive@example.com"}}
    assert never_asked(rules(copied, ALL_REFUSED, *BELOW)) == ()


@pytest.mark.parametrize(
    "who",
    [
        {"in": ["ours"], "not_in": ["ours", "gmail.com"]},
        {"in": ["ceo@example.com"], "not_in": ["ours"]},
        {"in": ["example.com"], "not_in": ["ours"]},
        {"in": ["bosses"], "not_in": ["bosses"]},
        {"in": ["bosses"], "not_in": ["example.com"]},
        {"in": ["CEO@Example.com"], "not_in": ["bosses"]},
        {"in": ["mail.sister.example"], "not_in": ["sisters"]},
        {"in": ["*.mail.sister.example"], "not_in": ["sisters"]},
        {"in": ["billing-*@example.com"], "not_in": ["billing-*@example.com"]},
    ],
)
def test_nobody_is_in_and_not_in(who: dict[str, Any]) -> None:
    assert told({"sender": who}) == told({"recipients": who}) == "everybody who is `in` is also `not_in`"


@pytest.mark.parametrize(
    "who",
    [
        {"in": ["ours"], "not_in": ["ceo@example.com"]},
        {"in": ["ours", "gmail.com"], "not_in": ["ours"]},
        {"in": ["*.sister.example"], "not_in": ["mail.sister.example"]},
        {"in": ["sister.example"], "not_in": ["sisters"]},
        {"in": ["bosses"], "not_in": ["ceo@example.com"]},
        {"in": ["billing-*@example.com"], "not_in": ["billing-1@example.com"]},
        {"in": ["none"], "not_in": ["bosses"]},  # a list that is still empty
        {"not_in": ["ours"]},
    ],
)
def test_somebody_may_be(who: dict[str, Any]) -> None:
    assert told({"sender": who}) is None


def test_partners_are_nobody_where_none_is_configured() -> None:
    assert told({"recipients": "partners"}) == "the configuration has no `partners`"
    assert told({"recipients": ["partners", "gmail.com"]}) is None
    assert told({"recipients": "partners"}, Directory(partners={"st-mary": ("stmary.example",)})) is None
    assert told({"recipients": "partners"}, Directory(proven=True)) is None
    assert told({"recipients": {"not_in": ["ours", "partners"]}}) is None


def test_conditions_that_exclude_each_other() -> None:
    assert told({"marked": "secure", "not": {"marked": "secure"}}) is not None
    assert told({"marked": "secure", "not": {"subject": "x"}}) is None
    assert told({"size": "> 10 MB", "all": [{"size": "< 5 MB"}]}) == "no size is more than 10 MB and less than 5 MB"
    assert told({"size": "> 5 MB", "all": [{"size": "< 10 MB"}]}) is None
    assert told({"recipient_count": "< 1"}) == "no recipient_count is less than 1"
    assert told({"recipient_count": "= 1"}) is None
    none_of_them: list[dict[str, Any]] = [{"recipient_count": "= 0"}, {"sender": {"in": ["ours"], "not_in": ["ours"]}}]
    assert told({"any": none_of_them}) == "no recipient_count is exactly 0"
    assert told({"any": [*none_of_them, {"marked": "secure"}]}) is None
