"""The books of the fault rig find what is wrong: a checker that cannot say no proves nothing."""

from dataclasses import replace

import pytest
from faults_ledger import Kill, Ledger, balances, printed
from faults_peer import Got

BOB, BOX = "m@friends.example", "m@box.example"
CAME = Got(10.0, "alice@example.com", (BOB,), b"", tls=False)
AGAIN = replace(CAME, at=40.0)


def books(*, heard: int = 1, unheard: int = 0, kills: tuple[float, ...] = ()) -> Ledger:
    ledger = Ledger()
    sent = ledger.begin("m", "phase", [BOB, BOX])
    sent.heard, sent.unheard = heard, unheard
    ledger.kills += [Kill(at, "phase") for at in kills]
    return ledger


def test_all_is_well() -> None:
    table = books().check({BOB: ["sent"], BOX: ["stored"]}, {BOB: [CAME]})
    assert balances(table)
    assert "stored:1" in printed(table)


@pytest.mark.parametrize(
    ("states", "arrivals"),
    [
        ({BOX: ["stored"]}, {BOB: [CAME]}),  # no item of a recipient that got 250
        ({}, {}),
        ({BOB: ["sent"], BOX: ["stored"]}, {}),  # counts as sent and never came
        ({BOB: ["bounced"], BOX: ["stored"]}, {BOB: [CAME]}),  # another end than the address asks for
        ({BOB: ["sent"], BOX: ["due"]}, {BOB: [CAME]}),
        ({BOB: ["sent", "sent"], BOX: ["stored"]}, {BOB: [CAME, AGAIN]}),  # two items after one 250
        ({BOB: ["sent"], BOX: ["stored"]}, {BOB: [CAME, AGAIN]}),  # twice, and nobody was killed between
        ({BOB: ["sent"], BOX: ["stored"], "x@friends.example": ["sent"]}, {BOB: [CAME]}),  # nobody sent that
    ],
)
def test_what_is_wrong_is_found(states: dict[str, list[str]], arrivals: dict[str, list[Got]]) -> None:
    assert not balances(books().check(states, arrivals))


def test_twice_is_right_in_the_windows_alone() -> None:
    states, twice = {BOB: ["sent"], BOX: ["stored"]}, {BOB: [CAME, AGAIN]}
    assert balances(books(kills=(11.0,)).check(states, twice)), "killed behind the dot"
    assert not balances(books(kills=(9.0,)).check(states, twice)), "killed before the first"
    assert not balances(books(kills=(39.9,)).check(states, twice)), "long behind the dot"
    doubled = {BOB: ["sent", "sent"], BOX: ["stored", "stored"]}
    assert balances(books(unheard=1).check(doubled, twice)), "its 250 was lost, so the client sent again"


def test_what_nobody_heard_of_may_be_there_or_not() -> None:
    assert balances(books(heard=0, unheard=1).check({}, {}))
    assert balances(books(heard=0, unheard=1).check({BOB: ["sent"], BOX: ["stored"]}, {BOB: [CAME]}))
