"""Marks: what asks for secure, and how it comes off again."""

import pytest

from policy.intent import read_intent, without_mark
from policy.message import Message
from rules.content import Content


def intent_of(*headers: tuple[str, str]):  # type: ignore[no-untyped-def]  # what read_intent gives
    return read_intent(Message(1, headers, Content()))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("subject", "[secure] Results", "the subject says [secure]"),
        ("subject", "Re: Results [ SECURE ]", "the subject says [secure]"),
        ("subject", "\uff3bsecure\uff3d\u7d50\u679c", "the subject says [secure]"),
        ("x-sealgate", "secure", "X-Sealgate says secure"),
        ("x-sealgate", " Secure; now ", "X-Sealgate says secure"),
        ("sensitivity", "Private", "Sensitivity is private"),
        ("sensitivity", "Company-Confidential", "Sensitivity is company-confidential"),
        ("sensitivity", "personal", "Sensitivity is personal"),
        ("msip_labels", "MSIP_Label_1_Enabled=True; MSIP_Label_1_Name=Highly Confidential; MSIP_Label_1_SiteId=x;",
         "the label in msip_labels says confidential"),
        ("x-classification", "RESTRICTED", "the label in x-classification says restricted"),
    ],
)  # fmt: skip
def test_each_mark_of_a_sender_is_seen(name: str, value: str, why: str) -> None:
    assert intent_of((name, value)).marks == (why,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", "secure your seat"),
        ("subject", "[insecure]"),
        ("x-sealgate", "relay"),
        ("x-sealgate", "insecure"),
        ("sensitivity", "normal"),
        ("msip_labels", "MSIP_Label_1_Enabled=True; MSIP_Label_1_Name=Public;"),
        ("msip_labels", "MSIP_Label_1_Enabled=False; MSIP_Label_1_Name=Confidential;"),
        ("msip_labels", "MSIP_Label_1_Enabled=True; MSIP_Label_1_Name=General; MSIP_Label_1_Owner=secret@x;"),
        ("x-classification", "Non-Confidential"),
        ("x-classification", "not restricted"),
        ("x-classification", "confidentially yours"),
        ("x-other", "confidential"),
    ],
)
def test_what_is_no_mark(name: str, value: str) -> None:
    assert not intent_of((name, value)).secure


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("[secure] Results", "Results"),
        ("Re: [secure] Results", "Re: Results"),
        ("Results[secure]", "Results"),
        ("[secure][Secure]  two", "two"),
        ("[secure]", ""),
        ("a  [secure]  b  c", "a b  c"),
        ("[ [secure] secure ] x", "x"),
        ("\uff3bsecure sms\uff3d\u7d50\u679c", "\u7d50\u679c"),
    ],
)
def test_the_mark_comes_off_without_a_gap(subject: str, bare: str) -> None:
    assert without_mark(subject) == bare


def test_marks_within_marks_leave_none() -> None:
    subject = without_mark("[ " * 5000 + "[secure]" + " secure ]" * 5000)
    assert not intent_of(("subject", subject)).secure


def test_our_own_header_comes_off_whatever_it_says() -> None:
    assert intent_of(("x-sealgate", "nonsense")).drop_headers == ("x-sealgate",)


def test_only_what_is_a_mark_comes_off() -> None:
    found = intent_of(("subject", "plain"), ("sensitivity", "normal"), ("msip_labels", "MSIP_Label_1_Name=Public"))
    assert (found.subject, found.drop_headers) == (None, ())


def test_a_hostile_subject_costs_no_time() -> None:
    assert not intent_of(("subject", "[ " * 200_000)).secure
    assert not intent_of(("x-classification", "not " * 100_000)).secure
    assert not intent_of(("msip_labels", "MSIP_Label_Name=" * 50_000)).secure


@pytest.mark.parametrize(
    ("subject", "left", "wishes"),
    [
        ("[secure 7d no-reply] Results", "Results", ("7d", "no-reply")),
        ("Re: [Secure: Confidential; 7D,7d] Results", "Re: Results", ("confidential", "7d")),
        ("[secure fortnigth] Results", "Results", ("fortnigth",)),
        ("[SECURE EMAIL] Results", "Results", ()),
        ("[secure] a [secure 7d]", "a", ("7d",)),
    ],
)
def test_the_words_of_a_tag_are_wishes_and_leave_with_it(subject: str, left: str, wishes: tuple[str, ...]) -> None:
    intent = intent_of(("subject", subject))
    assert intent.secure
    assert (intent.subject, intent.wishes) == (left, wishes)


def test_the_profile_header_is_a_mark_and_is_taken_out() -> None:
    intent = intent_of(("subject", "Results"), ("x-sealgate-profile", "Confidential, 7d"))
    assert intent.secure
    assert intent.wishes == ("confidential", "7d")
    assert (intent.subject, intent.drop_headers) == (None, ("x-sealgate-profile",))


def test_many_and_long_words_are_cut() -> None:
    intent = intent_of(("x-sealgate-profile", "x" * 100_000), ("subject", "[secure " + "a b c d e f g " * 9000 + "]"))
    assert len(intent.wishes) == 1
    assert len(intent.wishes[0]) == 63
