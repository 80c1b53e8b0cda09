"""What notices are told: who speaks, the correspondence they are about, what they offer."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parseaddr
from urllib.parse import urlsplit

from delivery.languages import Language
from delivery.notices.wording import one_line


@dataclass(frozen=True, slots=True)
class NoticeSender:
    """Who our notices come from: the address, the organisation's name, and where the portal is."""

    address: str  # the organisation's own: From of every notice
    organisation: str  # its name
    hostname: str  # right side of our Message-IDs
    portal_url: str  # without a slash at the end
    bounces: str | None = None  # domain of signed return addresses; None: bounces go to the owner
    owner_boxes: str = ""  # path of a box on the owner's site, before its id; empty: there is no such site
    zone: str = "UTC"  # the organisation's: an IANA name

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
        zone: str = "UTC",
    ) -> "NoticeSender":
        """From the settings; `sender` as in `notices.from`: `Example secure mail <secure@example.com>`.

        `organisation`: its name where the sender's says nothing of it; else the sender's name, or domain.
        """
        name, address = parseaddr(sender)
        said = organisation or one_line(name) or address.rpartition("@")[2]
        return cls(address, said, hostname, portal_url.rstrip("/"), bounces, owner_boxes, zone)

    def box_link(self, box_id: str) -> str:
        """Where the owner finds a box; empty: nowhere but in their mail."""
        return f"{self.portal_url}{self.owner_boxes}{box_id}" if self.owner_boxes else ""

    @property
    def site(self) -> str:
        """The portal's host name as a browser shows it."""
        return urlsplit(self.portal_url).netloc


@dataclass(frozen=True, slots=True)
class Correspondence:
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
    zone: str = ""  # the box's own, in which times are told: an IANA name; empty: the organisation's

    @property
    def for_guest(self) -> "Correspondence":
        """The same for guests: the alias, if there is one, stands in place of the owner's name."""
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


@dataclass(frozen=True, slots=True)
class End:
    """How a message closed, and what that leaves to do. `by`: who closed it before its time; empty: time did."""

    at: datetime
    by: str = field(default="", repr=False)
    is_gone: bool = False  # its content is deleted with that
    reopenable: bool = True  # the owner may open it again
