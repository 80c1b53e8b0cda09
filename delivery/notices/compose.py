"""Every notice, composed: which template, to whom, from whom, and what it may tell.

What a guest's notice tells is little on purpose: who wrote, from which organisation, until when, and where; never the
subject, unless the box's profile says so. Owners are told of their own mail, by their own way in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final
from urllib.parse import urlsplit

from delivery.languages import Language
from delivery.notices.notice import Attached, Headers, Notice, write
from delivery.notices.templating import environment
from delivery.notices.wording import many_lines, one_line, person
from delivery.speech import Speech, phrase, speaking, speech_in, spoken

MAX_NOTE: Final = 2_000  # characters
MAX_ANSWER: Final = 2_000_000  # characters; how much may be written is the portal's limit


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks in our notices."""

    address: str  # the organisation's own: From of every notice
    organisation: str  # its name
    hostname: str  # right side of our Message-IDs
    portal_url: str  # without a slash at the end
    bounces: str | None = None  # domain of signed return addresses; None: bounces go to the owner
    owner_boxes: str = ""  # path of a box on the owner's site, before its id; empty: there is no such site

    @classmethod
    def of(
        cls,
        sender: str,
        *,
        hostname: str,
        portal_url: str,
        bounces: str | None = None,
        organisation: str = "",
        owner_boxes: str = "",
    ) -> "Voice":
        """From the settings; `sender` as in `notices.from`: `Example secure mail <secure@example.com>`.

        `organisation`: its name where the sender's says nothing of it; else the sender's name, or domain.
        """
        name, address = parseaddr(sender)
        said = organisation or one_line(name) or address.rpartition("@")[2]
        return cls(address, said, hostname, portal_url.rstrip("/"), bounces, owner_boxes)

    def box_link(self, box_id: str) -> str:
        """Where the owner finds a box; empty: nowhere but in their mail."""
        return f"{self.portal_url}{self.owner_boxes}{box_id}" if self.owner_boxes else ""

    @property
    def site(self) -> str:
        """The portal's host name as a browser shows it."""
        return urlsplit(self.portal_url).netloc


@dataclass(frozen=True, slots=True)
class About:
    """The correspondence that a notice is about: one guest in one SafeBox."""

    box_id: str
    owner_name: str = field(repr=False)
    owner_address: str = field(repr=False)
    guest_name: str = field(repr=False)
    guest_address: str = field(repr=False)
    reference: str = field(repr=False)
    subject: str = field(repr=False)
    sent_at: datetime
    closes_at: datetime
    deletes_at: datetime | None
    owner_message_id: str = field(default="", repr=False)  # of the owner's mail, for threading
    owner_references: str = field(default="", repr=False)
    alias: str = ""  # what guests are told in place of the owner's name
    guest_language: Language | None = None  # what they chose, or what the box's profile says; None: neither
    owner_language: Language | None = None

    @property
    def for_guest(self) -> "About":
        """As guests may know of it."""
        return replace(self, owner_name=self.alias) if self.alias else self


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation says beside who wrote."""

    link: str = field(repr=False)
    documents: int
    takes_answers: bool
    needs_account: bool
    code_works: bool  # a code by mail opens it; false where it was made by fallback or needs an account
    by_fallback: bool  # only an account made before opens it, or the owner's word
    code_digits: int
    shows_subject: bool = False
    phrase: str | None = field(default=None, repr=False)
    return_path: str | None = None  # envelope sender


class Composer:
    """Writes notices. Pure: the time is handed in, nothing is read but templates and catalogues.

    `language` is spoken to everybody of whom none is known.
    """

    def __init__(self, voice: Voice, language: Language = Language.EN) -> None:
        self.voice = voice
        self.language = language
        self._templates = environment()

    # -- to guests ------------------------------------------------------------------------------------------------

    def invitation(self, about: About, offer: Offer, now: datetime) -> Notice:
        """A message waits for you. Reply-To is the sender: an answer by ordinary mail reaches them (unprotected)."""
        return self._with_link("invitation", about, offer, now)

    def reminder(self, about: About, offer: Offer, now: datetime) -> Notice:
        """It still waits, until its end. Said once or twice, and only to who has not opened it."""
        return self._with_link("reminder", about, offer, now)

    def news(self, about: About, offer: Offer, now: datetime) -> Notice:
        """Somebody wrote more in a box that the guest takes part in."""
        return self._with_link("news", about, offer, now)

    def _with_link(self, template: str, about: About, offer: Offer, now: datetime) -> Notice:
        about = about.for_guest
        owner = person(about.owner_name, about.owner_address)
        return self._to_guest(
            template,
            about,
            now,
            offer.return_path,
            {"offer": offer, "phrase": offer.phrase},
            from_name=f"{owner}, {self.voice.organisation}",
            reply_to=(about.owner_name, about.owner_address),
        )

    def code(
        self, about: About, code: str, now: datetime, *, valid_for: timedelta, asked_from: str, phrase: str | None
    ) -> Notice:
        """The code that somebody asked for. `asked_from` is a network address, or empty."""
        facts = {"code": code, "valid_for": valid_for, "asked_from": asked_from, "phrase": phrase}
        return self._to_guest("code", about, now, None, facts)

    def owner_code(
        self,
        to_address: str,
        code: str,
        now: datetime,
        *,
        valid_for: timedelta,
        asked_from: str,
        language: Language | None = None,
    ) -> Notice:
        """The code by which a sender gets to their own boxes. `asked_from` is a network address, or empty."""
        facts = {"code": code, "valid_for": valid_for, "asked_from": asked_from, "voice": self.voice, "now": now}
        headers = self._headers(now, to_name="", to_address=to_address)
        return self._compose("owner_code", facts, headers, None, language=language)

    def account_created(self, about: About, now: datetime) -> Notice:
        """An account was made for the guest's address, or its password set anew."""
        return self._to_guest("account_created", about, now, None, {})

    def signin_locked(
        self,
        about: About,
        now: datetime,
        *,
        until: datetime,
        by_second: bool = False,
        asked_from: str = "",
        phrase: str | None = None,
    ) -> Notice:
        """Too many wrong passwords at the guest's account, or (`by_second`) wrong codes after the right one. It has no
        link: nobody learns by it to follow one.
        """
        facts = {"until": until, "by_second": by_second, "asked_from": asked_from, "phrase": phrase}
        return self._to_guest("signin_locked", about, now, None, facts)

    # -- to owners ------------------------------------------------------------------------------------------------

    def receipt(self, about: About, now: datetime, *, asked: bool = True, first: bool = True) -> Notice:
        """The guest has opened it. `asked`: the mail itself asked to be told; else the box's profile does."""
        return self._to_owner("receipt", about, now, asked=asked, first=first)

    def recalled(
        self, about: About, what: str, fates: Sequence[tuple[str, str, datetime | None, tuple[str, ...]]], now: datetime
    ) -> Notice:
        """A `box`, one `guest` or a `document` was taken back. `fates`: of each person the address, how far it had
        come, when, and the names of what they keep.
        """
        return self._to_owner("recalled", about, now, what=what, fates=fates)

    def declined(self, about: About, now: datetime) -> Notice:
        """The guest says that it was not meant for them."""
        return self._to_owner("declined", about, now)

    def bounce(self, about: About, reason: str, now: datetime) -> Notice:
        """The invitation could not be delivered; `reason` is what the other server said."""
        return self._to_owner("bounce", about, now, reason=reason)

    def locked(self, about: About, now: datetime) -> Notice:
        """Too many wrong codes: the guest's way in is locked."""
        return self._to_owner("locked", about, now)

    def phone_told(self, about: About, number: str, now: datetime) -> Notice:
        """The guest told a telephone number, which counts once the owner has confirmed it."""
        return self._to_owner("phone_told", about, now, number=number)

    def fallback(self, about: About, now: datetime) -> Notice:
        """A partner could not be reached with proof: it waits in a SafeBox that a mailed code does not open."""
        return self._to_owner("fallback", about, now)

    def asked_again(self, about: About, note: str, now: datetime, *, reopenable: bool = False) -> Notice:
        """The guest of a closed or deleted SafeBox asks for it again; `reopenable`: its owner may open it again."""
        return self._to_owner("asked_again", about, now, note=many_lines(note, MAX_NOTE), reopenable=reopenable)

    def answer(
        self,
        about: About,
        text: str,
        attached: Sequence[Attached],
        kept: Sequence[tuple[str, int]],
        now: datetime,
    ) -> Notice:
        """A guest's answer for the owner's mailbox, threaded under their mail.

        `kept` are documents (name, bytes) that stay in the box because together they are too large for a mail. From is
        the organisation's address on behalf of the guest; Reply-To the guest's: an answer to it goes the ordinary way
        through the gateway, which then decides anew.
        """
        guest = person(about.guest_name, about.guest_address)
        facts = {"text": many_lines(text, MAX_ANSWER), "attached": attached, "kept": kept}
        return self._compose(
            "answer",
            self._facts(about, now, facts),
            Headers(
                from_name=self._in(about.owner_language).tell(
                    phrase(
                        "{guest} via {organisation}",
                        guest=guest.replace("@", " at "),
                        organisation=self.voice.organisation,
                    )
                ),
                from_address=self.voice.address,
                to_name=about.owner_name,
                to_address=about.owner_address,
                subject="",
                host=self.voice.hostname,
                date=now,
                reply_to=(about.guest_name, about.guest_address),
                replies_to=about.owner_message_id,
                references=about.owner_references,
                is_automatic=False,
            ),
            self.voice.address,
            attached,
            language=about.owner_language,
        )

    def rule_applied(
        self, to_address: str, now: datetime, *, rule: str, sender: str, recipients: Sequence[str], subject: str
    ) -> Notice:
        """A rule with `also: notify` applied to a mail; nothing of its content is told, not even the finding."""
        facts = {"rule": rule, "sender": sender, "recipients": recipients, "mail_subject": subject, "voice": self.voice}
        return self._compose(
            "rule_applied", {**facts, "now": now}, self._headers(now, to_name="", to_address=to_address), None
        )

    def wishes_untaken(self, to_address: str, now: datetime, *, subject: str, untaken: Sequence[str]) -> Notice:
        """Words of a sender's that were not understood, or are not for them to choose; the mail itself went on."""
        facts = {"mail_subject": subject, "untaken": untaken, "voice": self.voice}
        headers = self._headers(now, to_name="", to_address=to_address)
        return self._compose("wishes_untaken", {**facts, "now": now}, headers, None)

    # -- how ------------------------------------------------------------------------------------------------------

    def _to_guest(
        self,
        template: str,
        about: About,
        now: datetime,
        return_path: str | None,
        facts: dict[str, Any],
        *,
        from_name: str = "",
        reply_to: tuple[str, str] | None = None,
    ) -> Notice:
        about = about.for_guest
        headers = self._headers(
            now, to_name=about.guest_name, to_address=about.guest_address, from_name=from_name, reply_to=reply_to
        )
        facts = self._facts(about, now, facts)
        return self._compose(template, facts, headers, return_path, language=about.guest_language)

    def _to_owner(self, template: str, about: About, now: datetime, **facts: Any) -> Notice:
        headers = self._headers(
            now, to_name=about.owner_name, to_address=about.owner_address, replies_to=about.owner_message_id
        )
        headers = replace(headers, references=about.owner_references)
        return self._compose(template, self._facts(about, now, facts), headers, None, language=about.owner_language)

    def _headers(
        self,
        now: datetime,
        *,
        to_name: str,
        to_address: str,
        from_name: str = "",
        reply_to: tuple[str, str] | None = None,
        replies_to: str = "",
    ) -> Headers:
        return Headers(
            # a sender without a name is told in the subject and the text: an address is no name
            from_name=self.voice.organisation if "@" in from_name or not from_name else from_name,
            from_address=self.voice.address,
            to_name=to_name,
            to_address=to_address,
            subject="",
            host=self.voice.hostname,
            date=now,
            reply_to=reply_to,
            replies_to=replies_to,
        )

    def _facts(self, about: About, now: datetime, facts: dict[str, Any]) -> dict[str, Any]:
        return {
            "about": about,
            "owner": person(about.owner_name, about.owner_address),
            "guest": person(about.guest_name, about.guest_address),
            "voice": self.voice,
            "now": now,
            "box_link": self.voice.box_link(about.box_id),
            **facts,
        }

    def _compose(
        self,
        template: str,
        facts: dict[str, Any],
        headers: Headers,
        envelope_sender: str | None,
        attached: Sequence[Attached] = (),
        *,
        language: Language | None = None,
    ) -> Notice:
        with speaking(self._in(language)):
            facts = {**facts, "language": spoken().language}
            subject = one_line(self._render(f"{template}/subject.txt", facts))
            text = self._render(f"{template}/body.txt", facts)
            html = self._render(f"{template}/body.html", {**facts, "title": subject})
        headers = replace(headers, subject=subject)
        return write(headers, text, html, envelope_sender=envelope_sender, attached=attached)

    def _in(self, language: Language | None) -> Speech:
        return speech_in(language or self.language)

    def _render(self, name: str, facts: dict[str, Any]) -> str:
        return self._templates.get_template(name).render(facts)
