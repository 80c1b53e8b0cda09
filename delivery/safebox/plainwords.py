"""A security profile in plain words: for owners, and whoever else keeps a box."""

from datetime import timedelta

from delivery.safebox.choices import AccountUse, Others, Replies, Told
from delivery.safebox.profile import Profile
from policy.units import show_duration


def in_words(profile: Profile) -> tuple[str, ...]:
    """What it means, a sentence for each thing."""
    return (*_people(profile), *_life(profile), *_signin(profile), *_mail(profile))


def _people(profile: Profile) -> list[str]:
    people = profile.participants
    told = [
        {
            Replies.NONE: "Guests cannot answer.",
            Replies.OWNER: "Guests answer the sender alone.",
            Replies.ALL: "Everybody in the message reads every answer.",
        }[people.replies],
        "Guests see each other." if people.others is Others.VISIBLE else "Guests do not see each other.",
    ]
    if people.alias:
        told.append(f"Guests see the sender as “{people.alias}”.")
    if people.consent:
        told.append(f"Guests accept a text before they read (version {people.consent.version}).")
    return told


def _life(profile: Profile) -> list[str]:
    life = profile.life
    told = [f"It is open for {show_duration(life.open_for)}."]
    if life.late_reply and profile.participants.replies is not Replies.NONE:
        told.append(f"An answer shortly before the end keeps it open for {show_duration(life.late_reply)} more.")
    if life.retention is None:
        told.append("After that it can be read until somebody deletes it.")
    elif life.retention == timedelta(0):
        told.append("Then it is deleted at once.")
    else:
        told.append(f"After that it can be read for {show_duration(life.retention)}, and is then deleted.")
    limits = [
        (life.extension, "kept open longer"),
        (life.reopening, "opened again once it is closed"),
        (life.manual_close, "closed earlier"),
        (life.manual_deletion, "deleted earlier"),
    ]
    not_allowed = [words for allowed, words in limits if not allowed]
    if not_allowed:
        told.append(f"It cannot be {', or '.join(not_allowed)}.")
    return told


def _signin(profile: Profile) -> list[str]:
    ways = {
        "code": "a code by e-mail",
        "sms": "a code by text message",
        "voice": "a code by telephone",
        "account": "an account with a password",
        "question": "the answer to a question",
        "passkey": "a passkey",
    }
    told = [f"It opens by {', or by '.join(ways[way] for way in profile.signin.ways)}."]
    if profile.signin.account is AccountUse.OBLIGATORY:
        told.append("Guests need an account.")
    return told


def _mail(profile: Profile) -> list[str]:
    notice = profile.notice
    told = [
        {
            Told.FIRST: "The sender is told when a guest first opens it.",
            Told.EVERY: "The sender is told each time a guest opens it.",
            Told.NEVER: "The sender is not told by e-mail when a guest opens it.",
        }[notice.opened]
    ]
    if notice.reminders:
        before = " and ".join(show_duration(one) for one in notice.reminders)
        told.append(f"Guests who have not opened it are reminded {before} before the end.")
    if notice.subject:
        told.append("Notices to guests show the subject.")
    return told
