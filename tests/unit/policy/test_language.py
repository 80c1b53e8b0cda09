"""Reading policies: what is written comes out, and no data breaks the reader."""

from datetime import datetime
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.cases import CASE_TIME, FILE_KEYS, TEST_KEYS
from policy.clauses import ATTACHMENT_KEYS, CONTENT_KEYS, TIME_KEYS, WHEN_KEYS, WHO_KEYS, Names
from policy.decision import Action, Route
from policy.engine import Policy
from policy.language import ALSO_KEYS, POLICY_KEYS, REJECTED, RULE_KEYS, PolicyText, read_policy
from policy.problem import Mark, Problem, did_you_mean, dotted
from policy.route import Directory

NAMES = Names(frozenset({"us.ssn"}), frozenset({"identity"}))
WORDS = sorted(
    {*POLICY_KEYS, *RULE_KEYS, *ALSO_KEYS, *WHEN_KEYS, *WHO_KEYS, *ATTACHMENT_KEYS, *CONTENT_KEYS, *TIME_KEYS}
    | {*TEST_KEYS, *FILE_KEYS, *Action, *Route, "ours", "us.ssn", "sender", "regex", "> 10 MB", "a@b.example", "*.x.y"}
)


def read(data: object) -> tuple[PolicyText, tuple[Problem, ...]]:
    return read_policy(data, "p", lambda path, key: Mark(1, 1), NAMES)


def good(data: object) -> PolicyText:
    text, problems = read(data)
    assert problems == ()
    return text


@pytest.mark.parametrize("data", [{}, {"version": 1}, {"rules": []}, {"lists": {}, "tests": []}])
def test_little_is_enough(data: dict[str, Any]) -> None:
    assert good(data).otherwise.action is Action.RELAY


def test_then_is_read_with_its_text_and_its_alternative() -> None:
    rules = [
        {"name": "a", "then": "tls", "or": "reject"},
        {"name": "b", "then": {"reject": "Never"}},
        {"name": "c", "then": "reject"},
        {"name": "d", "also": {"notify": "sender"}},
    ]
    first, second, third, fourth = good({"rules": rules, "otherwise": {"reject": "Closed"}}).rules
    assert first.ending is not None
    assert (first.ending.action, first.ending.tls_else) == (Action.TLS, Route.REJECT)
    assert second.ending is not None
    assert (second.ending.action, second.ending.reject_text) == (Action.REJECT, "Never")
    assert third.ending is not None
    assert third.ending.reject_text == REJECTED
    assert fourth.ending is None


def test_a_test_has_sound_defaults() -> None:
    test = {"name": "t", "from": "", "to": "Bob@Gmail.com", "expect": "relay"}
    (case,) = good({"tests": [test]}).tests
    assert (case.sender, case.client, case.at) == (None, ip_address("127.0.0.1"), CASE_TIME)
    assert case.expect == {"bob@gmail.com": Route.RELAY}


def test_a_test_says_when_and_from_where() -> None:
    about = {"client": "fd00::1", "at": "2026-05-09T23:00:00+02:00"}
    (case,) = good({"tests": [{"name": "t", "from": "a@b.c", "to": ["x@y.z"], "expect": "relay", **about}]}).tests
    assert case.at == datetime.fromisoformat("2026-05-09T21:00:00+00:00")
    assert case.client == ip_address("fd00::1")


def test_an_empty_list_is_a_list_of_nobody() -> None:
    good({"lists": {"vips": []}, "rules": [{"name": "a", "when": {"sender": "vips"}, "then": "hold"}]})


@pytest.mark.slow
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(WORDS)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), inner, max_size=5),
        ),
        max_leaves=30,
    )
)
@settings(max_examples=300, deadline=None)
def test_no_data_breaks_the_reader(inner: object) -> None:
    for data in (
        inner,
        {"rules": [inner]},
        {"rules": [{"name": "x", "when": inner, "then": inner}]},
        {"tests": [inner]},
    ):
        text, problems = read(data)
        if not problems:
            Policy("digest", Directory(), text)
        for problem in problems:
            assert problem.cause
            assert str(problem).startswith("p:1:1:")


def test_paths_read_as_people_write_them() -> None:
    assert dotted(("rules", 2, "when", "size")) == "rules[2].when.size"
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("word", "hint"), [("safbox", 'Did you mean "safebox"?'), ("SAFEBOX", 'Did you mean "safebox"?'), ("zzz", "")]
)
def test_suggestions(word: str, hint: str) -> None:
    assert did_you_mean(word, ["safebox", "relay"]) == hint


def test_a_problem_is_a_line() -> None:
    assert str(Problem("f", 3, 5, "a.b", "is wrong", "do this")) == "f:3:5: a.b: is wrong. Do this."
    assert str(Problem("f", 0, 0, "", "does not exist")) == "f: does not exist."
