"""Every notice, composed: which template, to whom, from whom, and what it may tell.

What a guest's notice tells is little on purpose: who wrote, from which organisation, until when, and where; never the
subject, unless the box's profile says so. Owners are told of their own mail, by their own way in.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from delivery.languages import Language
from delivery.notices.facts import Correspondence, End, NoticeSender, Offer
from delivery.notices.notice import Attached, Headers, Notice, write
from delivery.notices.templating import environment
from delivery.notices.wording import many_lines, one_line, person
from delivery.speech import Speech, current_speech, phrase, speaking, speech_in

MAX_NOTE: Final = 2_000  # characters
MAX_ANSWER: Final = 2_000_000  # characters; how much may be written is the portal's limit


class Composer:
    """Writes notices. Pure: the time is handed in, nothing is read but templates and catalogues.

    `language` is spoken to everybody of whom none is known. `is_ours` tells whose mail stays in the house. Notices to a
    sender whose domain was given up since go over the internet, perhaps to somebody else: they name no subject or
    document of what was protected, nor what a guest wrote, and lead to no page for senders.
    """

    def __init__(
        self,
        voice: NoticeSender,
        language: Language = Language.EN,
        *,
        is_ours: Callable[[str], bool] = lambda _address: True,
    ) -> None:
        self.voice = voice
        self.language = language
        self._is_ours = is_ours
        self._templates = environment()

    # -- to guests ------------------------------------------------------------------------------------------------

    def invitation(self, about: Correspondence, offer: Offer, now: datetime) -> Notice:
        """A message waits for you. Reply-To is the sender: an answer by ordinary mail reaches them (unprotected)."""
        return self._with_link("invitation", about, offer, now)

    def reminder(self, about: Correspondence, offer: Offer, now: datetime) -> Notice:
        """It still waits, until its end. Said once or twice, and only to who has not opened it."""
        return self._with_link("reminder", about, offer, now)

    def news(self, about: Correspondence, offer: Offer, now: datetime) -> Notice:
        """Somebody wrote more in a box that the guest takes part in."""
        return self._with_link("news", about, offer, now)

    def closed(self, about: Correspondence, offer: Offer, now: datetime, *, end: End, unread: bool) -> Notice:
        """It takes no more answers: what can be read still, until when, and how to ask for more."""
        return self._with_link("closed", about, offer, now, end=end, unread=unread)

    def expiring(self, about: Correspondence, offer: Offer, now: datetime, *, unread: bool) -> Notice:
        """Its content is deleted soon. Said once, to who could still read it."""
        return self._with_link("expiring", about, offer, now, unread=unread)

    def _with_link(self, template: str, about: Correspondence, offer: Offer, now: datetime, **facts: Any) -> Notice:
        about = about.for_guest
        owner = person(about.owner_name, about.owner_address)
        return self._to_guest(
            template,
            about,
            now,
            offer.return_path,
            {"offer": offer, "phrase": offer.phrase, **facts},
            from_name=f"{owner}, {self.voice.organisation}",
            reply_to=(about.owner_name, about.owner_address),
        )

    def code(
        self,
        about: Correspondence,
        code: str,
        now: datetime,
        *,
        valid_for: timedelta,
        asked_from: str,
        phrase: str | None,
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

    def account_created(self, about: Correspondence, now: datetime) -> Notice:
        """An account was made for the guest's address, or its password set anew."""
        return self._to_guest("account_created", about, now, None, {})

    def signin_locked(
        self,
        about: Correspondence,
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

    def receipt(self, about: Correspondence, now: datetime, *, asked: bool = True, first: bool = True) -> Notice:
        """The guest has opened it. `asked`: the mail itself asked to be told; else the box's profile does."""
        return self._to_owner("receipt", about, now, asked=asked, first=first)

    def recalled(
        self,
        about: Correspondence,
        what: str,
        fates: Sequence[tuple[str, str, datetime | None, tuple[str, ...]]],
        now: datetime,
    ) -> Notice:
        """A `box`, one `guest` or a `document` was taken back. `fates`: of each person the address, how far it had
        come, when, and the names of what they keep.
        """
        if not self._is_ours(about.owner_address):
            fates = [(address, how_far, when, ()) for address, how_far, when, _names in fates]
        return self._to_owner("recalled", about, now, what=what, fates=fates)

    def owner_closed(self, about: Correspondence, end: End, unread: Sequence[str], kept: int, now: datetime) -> Notice:
        """It closed. `unread`: who has not opened it; `kept`: how many files of answers are nowhere else."""
        return self._to_owner("owner_closed", about, now, end=end, unread=unread, kept=kept)

    def declined(self, about: Correspondence, now: datetime) -> Notice:
        """The guest says that it was not meant for them."""
        return self._to_owner("declined", about, now)

    def bounce(self, about: Correspondence, reason: str, now: datetime) -> Notice:
        """The invitation could not be delivered; `reason` is what the other server said."""
        return self._to_owner("bounce", about, now, reason=reason)

    def locked(self, about: Correspondence, now: datetime) -> Notice:
        """Too many wrong codes: the guest's way in is locked."""
        return self._to_owner("locked", about, now)

    def phone_told(self, about: Correspondence, number: str, now: datetime) -> Notice:
        """The guest told a telephone number, which counts once the owner has confirmed it."""
        return self._to_owner("phone_told", about, now, number=number)

    def fallback(self, about: Correspondence, now: datetime) -> Notice:
        """A partner could not be reached with proof: it waits in a SafeBox that a mailed code does not open."""
        return self._to_owner("fallback", about, now)

    def asked_again(self, about: Correspondence, note: str, now: datetime, *, reopenable: bool = False) -> Notice:
        """The guest of a closed or deleted SafeBox asks for it again; `reopenable`: its owner may open it again."""
        note = many_lines(note, MAX_NOTE) if self._is_ours(about.owner_address) else ""
        return self._to_owner("asked_again", about, now, note=note, reopenable=reopenable)

    def answer(
        self,
        about: Correspondence,
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
                from_name=self._in(about.owner_language).translate(
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
        subject = subject if self._is_ours(to_address) else ""
        facts = {"mail_subject": subject, "untaken": untaken, "voice": self.voice}
        headers = self._headers(now, to_name="", to_address=to_address)
        return self._compose("wishes_untaken", {**facts, "now": now}, headers, None)

    # -- how ------------------------------------------------------------------------------------------------------

    def _to_guest(
        self,
        template: str,
        about: Correspondence,
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

    def _to_owner(self, template: str, about: Correspondence, now: datetime, **facts: Any) -> Notice:
        about = about if self._is_ours(about.owner_address) else replace(about, subject="")
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

    def _facts(self, about: Correspondence, now: datetime, facts: dict[str, Any]) -> dict[str, Any]:
        return {
            "about": about,
            "owner": person(about.owner_name, about.owner_address),
            "guest": person(about.guest_name, about.guest_address),
            "voice": self.voice,
            "now": now,
            "box_link": self.voice.box_link(about.box_id) if self._is_ours(about.owner_address) else "",
            "zone": ZoneInfo(about.zone or self.voice.zone),
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
            facts = {"zone": ZoneInfo(self.voice.zone), **facts, "language": current_speech().language}
            subject = one_line(self._render(f"{template}/subject.txt", facts))
            text = self._render(f"{template}/body.txt", facts)
            html = self._render(f"{template}/body.html", {**facts, "title": subject})
        headers = replace(headers, subject=subject)
        return write(headers, text, html, envelope_sender=envelope_sender, attached=attached)

    def _in(self, language: Language | None) -> Speech:
        return speech_in(language or self.language)

    def _render(self, name: str, facts: dict[str, Any]) -> str:
        return self._templates.get_template(name).render(facts)
