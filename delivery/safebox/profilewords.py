"""A security profile in plain words: for owners, and whoever else keeps a box."""

from datetime import timedelta

from delivery.languages import NAMES, Language
from delivery.safebox.choices import AccountUse, Others, Replies, Told, ToldOfEnd, Way
from delivery.safebox.profile import NoticeContent, Profile
from delivery.speech import Phrase, phrase


def in_words(profile: Profile) -> tuple[Phrase, ...]:
    """What it means, a sentence for each thing."""
    return (*_people(profile), *_life(profile), *_signin(profile), *_mail(profile))


def _people(profile: Profile) -> list[Phrase]:
    people = profile.participants
    told = [
        {
            Replies.NONE: phrase("Guests cannot answer."),
            Replies.OWNER: phrase("Guests answer the sender alone."),
            Replies.ALL: phrase("Everybody in the message reads every answer."),
        }[people.replies],
        phrase("Guests see each other.")
        if people.others is Others.VISIBLE
        else phrase("Guests do not see each other."),
    ]
    if people.alias:
        told.append(phrase("Guests see the sender as “{name}”.", name=people.alias))
    if people.consent:
        version = people.consent.version
        told.append(phrase("Guests accept a text before they read (version {version}).", version=version))
    return told


def _life(profile: Profile) -> list[Phrase]:
    life = profile.life
    told = [phrase("It is open for {time}.", time=life.open_for)]
    if life.late_reply and profile.participants.replies is not Replies.NONE:
        told.append(phrase("An answer shortly before the end keeps it open for {time} more.", time=life.late_reply))
    if life.retention is None:
        told.append(phrase("After that it can be read until somebody deletes it."))
    elif life.retention == timedelta(0):
        told.append(phrase("Then it is deleted at once."))
    else:
        told.append(phrase("After that it can be read for {time}, and is then deleted.", time=life.retention))
    limits = [
        (life.extension, phrase("It cannot be kept open longer.")),
        (life.reopening, phrase("It cannot be opened again once it is closed.")),
        (life.manual_close, phrase("It cannot be closed earlier.")),
        (life.manual_deletion, phrase("It cannot be deleted earlier.")),
    ]
    return told + [sentence for allowed, sentence in limits if not allowed]


def _signin(profile: Profile) -> list[Phrase]:
    ways = {
        Way.CODE: phrase("a code by e-mail"),
        Way.SMS: phrase("a code by text message"),
        Way.VOICE: phrase("a code by telephone"),
        Way.ACCOUNT: phrase("an account with a password"),
        Way.QUESTION: phrase("the answer to a question"),
        Way.PASSKEY: phrase("a passkey"),
    }
    told = [phrase("It is opened by {ways}.", ways=tuple(ways[way] for way in profile.signin.ways))]
    if profile.signin.account is AccountUse.OBLIGATORY:
        told.append(phrase("Guests need an account."))
    return told


def _mail(profile: Profile) -> list[Phrase]:
    notice = profile.notice
    told = [
        {
            Told.FIRST: phrase("The sender is told when a guest first opens it."),
            Told.EVERY: phrase("The sender is told each time a guest opens it."),
            Told.NEVER: phrase("The sender is not told by e-mail when a guest opens it."),
        }[notice.opened]
    ]
    if len(notice.reminders) == 1:
        told.append(
            phrase("Guests who have not opened it get a reminder {time} before the end.", time=notice.reminders[0])
        )
    elif notice.reminders:
        first, second = notice.reminders
        told.append(
            phrase(
                "Guests who have not opened it get reminders {first} and {second} before the end.",
                first=first,
                second=second,
            )
        )
    told += _told_of_the_end(notice)
    if notice.subject:
        told.append(phrase("Notices to guests show the subject."))
    if notice.language is not None:
        told.append(_spoken_to(notice.language))
    return told


def _told_of_the_end(notice: NoticeContent) -> list[Phrase]:
    told = []
    if notice.closed in (ToldOfEnd.EVERYBODY, ToldOfEnd.GUESTS):
        told.append(phrase("Guests are told by e-mail when it closes."))
    if notice.closed in (ToldOfEnd.EVERYBODY, ToldOfEnd.OWNER):
        told.append(phrase("The sender is told by e-mail when it closes and somebody has not opened it."))
    if notice.expiring:
        told.append(phrase("Guests who can still read it are told {time} before it is deleted.", time=notice.expiring))
    return told


def _spoken_to(language: Language) -> Phrase:
    """By the name that its speakers give it."""
    return phrase("Guests are written to in {language}, unless they choose another language.", language=NAMES[language])
