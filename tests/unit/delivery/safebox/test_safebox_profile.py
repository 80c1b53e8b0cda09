"""Profiles: what contradicts itself is refused, what is frozen reads back, and what senders may change of one."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from delivery.safebox.changing import changeable_settings
from delivery.safebox.choices import AccountUse, Others, Replies, Told, Way
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.profile import Profile
from delivery.safebox.wishes import WORDS, adjust, is_known

WIDE = {
    "adjust": {
        "open_for": {"least": "1 day", "to": "60 days"},
        "retention": {"least": "none", "to": "90 days"},
        "replies": ["none", "owner"],
        "others": ["private", "visible"],
        "ways": ["account"],
        "account": ["optional", "obligatory"],
        "opened": ["every", "never"],
        "subject": True,
        "reminders": True,
    }
}


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ({"participants": {"replies": "all"}}, "others: visible"),
        ({"life": {"open_for": "30 days", "longest": "1 day"}}, "longest: 30 days"),
        ({"life": {"retention": "none", "reopening": True}}, "reopening: false"),
        ({"life": {"open_for": "0 days"}}, "longer than 0"),
        ({"life": {"open_for": "1 day"}, "notice": {"reminders": ["1 day"]}}, "a reminder"),
        ({"life": {"retention": "forever"}, "notice": {"expiring": "1 day"}}, "retention is forever"),
        ({"life": {"retention": "2 days"}, "notice": {"expiring": "2 days"}}, "retention is 2 days"),
        ({"life": {"open_for": "1 day", "retention": "none"}, "notice": {"expiring": "1 day"}}, "retention is none"),
        ({"notice": {"reminders": ["3 days", "2 days", "1 day"]}}, "at most 2"),
        ({"signin": {"ways": ["code"], "account": "obligatory"}}, "account or passkey among the ways"),
        ({"signin": {"ways": ["code", "code"]}}, "twice"),
        ({"signin": {"tries": 6, "tries_a_day": 3}}, "tries_a_day: 6"),
        ({"adjust": {"open_for": {"to": "7 days"}}}, "leaves out open_for"),
        ({"adjust": {"open_for": {"to": "900 days"}}}, "beyond longest"),
        ({"adjust": {"open_for": {"least": "9 days", "to": "8 days"}}}, "longer than to"),
        ({"adjust": {"retention": {"to": "1 day"}}}, "leaves out retention"),
        ({"adjust": {"retention": {"least": "forever", "to": "1 day"}}}, "longer than to"),
        ({"adjust": {"replies": ["all"]}}, "see each other"),
        ({"signin": {"ways": ["code"]}, "adjust": {"account": ["obligatory"]}}, "among the ways"),
        ({"participants": {"consent": {"version": "1", "texts": {}}}}, "at least 1"),
        ({"participants": {"consent": {"version": "1", "texts": {"xx": "Hm"}}}}, "'en'"),
    ],
)
def test_what_contradicts_itself_is_refused(said: dict[str, object], because: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Profile.model_validate(said)
    shown = " ".join(f"{error['msg']} {error.get('ctx', {}).get('hint', '')}" for error in refused.value.errors())
    assert because in shown


@pytest.mark.parametrize(
    "said",
    [{}, WIDE, {"life": {"retention": "none"}}, {"life": {"open_for": "3 hours"}}, {"life": {"open_for": "900 days"}}],
)
def test_what_is_frozen_reads_back_as_it_was(said: dict[str, object]) -> None:
    profile = Profile.model_validate(said)
    assert Profile.model_validate(profile.model_dump(mode="json")) == profile


def test_an_older_box_reads_with_what_it_was_made_with() -> None:
    frozen = {"participants": {"replies": "none"}, "life": {"retention": "none"}, "signin": {}, "notice": {}}
    assert Profile.model_validate(frozen).life.reopening is False


def test_the_words_of_a_sender_change_what_they_may() -> None:
    words = ["7d", "no-reply", "visible", "by-account", "account", "tell-every", "subject", "no-reminders", "keep-none"]
    adjusted = adjust(Profile.model_validate(WIDE), words)
    made = adjusted.profile
    assert not adjusted.untaken
    assert (made.life.open_for, made.life.retention) == (timedelta(days=7), timedelta(0))
    assert (made.participants.replies, made.participants.others) == (Replies.NONE, Others.VISIBLE)
    assert (made.signin.ways, made.signin.account) == ((Way.ACCOUNT,), AccountUse.OBLIGATORY)
    assert (made.notice.opened, made.notice.subject, made.notice.reminders) == (Told.EVERY, True, ())
    assert Profile.model_validate(made.model_dump(mode="json")) == made


@pytest.mark.parametrize("words", [["7d", "keep-none"], ["keep-90d"], ["2d", "keep-none"], ["keep-1d"]])
def test_what_is_told_of_the_end_fits_what_a_sender_asks_for(words: list[str]) -> None:
    wide = Profile.model_validate({**WIDE, "notice": {"expiring": "6 days"}})
    adjusted = adjust(wide, words)
    assert not adjusted.untaken
    kept, told = adjusted.profile.life.retention, adjusted.profile.notice.expiring
    assert kept is not None
    assert told == (timedelta(days=6) if (kept or adjusted.profile.life.open_for) > timedelta(days=6) else timedelta(0))
    assert Profile.model_validate(adjusted.profile.model_dump(mode="json")) == adjusted.profile


def test_beyond_the_limits_the_nearest_is_taken_and_told() -> None:
    adjusted = adjust(Profile.model_validate(WIDE), ["400d", "keep-forever", "keep-10w", "tell-first"])
    assert adjusted.profile.life.open_for == timedelta(days=60)
    assert adjusted.profile.life.retention == timedelta(days=70)
    assert [line.split()[0] for line in adjusted.untaken] == ["“400d”", "“keep-forever”"]  # tell-first: it was so


@pytest.mark.parametrize("word", ["7days", "fortnight", "0d", "keep-", "keep-long", "by-pigeon", "99999999d"])
def test_unknown_words_are_told(word: str) -> None:
    assert is_known(word) == (word == "7days")
    told = adjust(Profile.model_validate(WIDE), [word]).untaken
    assert len(told) == (word != "7days")


def test_what_a_profile_does_not_let_change_stays() -> None:
    plain = Profile()
    for word in WORDS:
        adjusted = adjust(plain, [word])
        assert adjusted.profile == plain
        assert is_known(word)
    assert adjust(plain, ["30d", "reply", "keep-30d"]).untaken == ()  # as it is already
    assert len(adjust(plain, ["7d", "no-reply", "keep-none"]).untaken) == 3


def test_words_that_contradict_the_rest_are_told() -> None:
    profile = Profile.model_validate(
        {
            "participants": {"replies": "all", "others": "visible"},
            "adjust": {"others": ["private"], "ways": ["code"], "account": ["obligatory"]},
        }
    )
    adjusted = adjust(profile, ["private", "by-code", "account"])
    assert adjusted.profile.participants.others is Others.VISIBLE
    assert adjusted.profile.signin.ways == (Way.CODE,)
    assert [line.split()[0] for line in adjusted.untaken] == ["“private”", "“account”"]


def test_profiles_by_name_are_no_unknown_words() -> None:
    assert adjust(Profile(), ["confidential"], {"Confidential"}).untaken == ()


def test_a_consent_text_is_found_in_the_readers_language() -> None:
    said = {"consent": {"version": "1", "texts": {"en": "Yes?", "de": "Ja?"}}}
    consent = Profile.model_validate({"participants": said}).participants.consent
    assert consent is not None
    assert (consent.in_language("de"), consent.in_language("fr")) == (("de", "Ja?"), ("en", "Yes?"))


@pytest.mark.parametrize(
    ("name", "head", "taken"),
    [
        ("letter.docx", b"PK\x03\x04 and so on", True),
        ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), True),
        ("scan.pdf", b"%PDF-1.7", True),
        ("scan.pdf", b"PK\x03\x04 and so on", False),
        ("scan.pdf", b"MZ\x90\0" + bytes(64), False),
        ("scan.pdf", b"what a text says", True),  # at first: the whole tells
        ("table.xlsx", b"PK\x03\x04", False),
        ("run.exe", b"", False),
        ("page.html", b"<html>", False),
        ("nothing known", b"", False),
    ],
)
def test_kinds_are_told_by_name_and_first_bytes(name: str, head: bytes, taken: bool) -> None:
    limits = AnswerLimits.of(Profile.model_validate({"uploads": {"kinds": ["document", "pdf"]}}))
    try:
        limits.check_name(name)
        limits.check_head(head, name)
    except AnswerRefused as refused:
        assert not taken and refused.limit is TooMuch.KIND and refused.kinds == ("document", "pdf")
    else:
        assert taken


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({"each": "2 GB", "together": "1 GB"}, "each is more than together"),
        ({"each": "6 GB"}, "at most"),
        ({"each": "0 B"}, "more than 0"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(said: dict[str, str], cause: str) -> None:
    with pytest.raises(ValidationError, match=cause):
        Profile.model_validate({"uploads": said})


def test_one_limit_said_alone_moves_the_other() -> None:
    assert Profile.model_validate({"uploads": {"each": "3 GB"}}).uploads.together == 3 * 10**9


def test_words_change_what_they_say_and_nothing_else() -> None:
    profile = Profile.model_validate(
        {**WIDE, "uploads": {"files": 3, "kinds": ["pdf"]}, "zone": "Europe/Zurich", "signin": {"code_digits": 8}}
    )
    for word in ("14d", "keep-60d", "no-reply", "visible", "by-account", "account", "tell-every", "subject"):
        made = adjust(profile, [word])
        assert not made.untaken, word
        changed = {name for name in Profile.model_fields if getattr(made.profile, name) != getattr(profile, name)}
        assert len(changed) == 1, (word, changed)


def test_what_can_be_changed_later_is_what_guests_were_promised_nothing_of() -> None:
    wide = Profile.model_validate(WIDE)
    may = changeable_settings(wide)
    assert may.replies == (Replies.NONE, Replies.OWNER)
    assert set(may.opened) == set(Told)
    assert (may.language, may.subject, may.reminders) == ((), True, True)
    assert not changeable_settings(Profile())
    shared = {"participants": {"replies": "all", "others": "visible"}, "adjust": {"replies": ["all", "owner"]}}
    assert changeable_settings(Profile.model_validate(shared)).replies == ()
