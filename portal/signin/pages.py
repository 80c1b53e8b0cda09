"""What the templates of signing in are filled with."""

from dataclasses import dataclass, field
from datetime import datetime

from delivery.store.devices import Device
from delivery.store.passkeys import Passkey
from portal.signin.calls import CallTrouble
from portal.signin.offers import Offer


@dataclass(frozen=True, slots=True)
class CodePage:
    """Where the code is typed in. `sent_at` None: there is none that still counts."""

    title: str
    back: str  # path of the envelope
    address: str  # masked; or a telephone's number
    way: str
    others: tuple[Offer, ...]
    remember: str  # how long this browser may need no code; empty: not offered
    digits: int
    minutes: int
    sent_at: datetime | None
    expires_at: datetime | None
    needs_account: bool
    error: str = ""
    advice: str = ""
    is_long: bool = False  # short ones are locked
    is_used: bool = False  # the code was right, and used a moment ago: perhaps the button was pressed twice


@dataclass(frozen=True, slots=True)
class NotCalledPage:
    """No code went to the telephone: why, and what else there is."""

    title: str
    back: str
    number: str
    way: str
    trouble: CallTrouble
    others: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """The sender's question."""

    title: str
    back: str
    sender_name: str = field(repr=False)
    question: str = field(repr=False)
    others: tuple[Offer, ...]
    error: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class PhonePage:
    """Where a guest tells a number. `told`: just now; `waits`: for the owner's word."""

    title: str
    back: str
    sender_name: str = field(repr=False)
    phone: str = field(repr=False)
    error: str = ""
    told: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class LockedPage:
    """Too many wrong answers. `until` None: until the sender or the guest's account unlocks."""

    title: str
    back: str
    until: datetime | None
    sender_name: str = field(repr=False)
    account_way: bool
    others: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class SigninPage:
    """Address and password. `back`: the envelope one came from."""

    title: str
    action: str
    back: str = ""
    email: str = field(default="", repr=False)
    error: str = ""
    passkey: str = ""  # where the answer of a passkey goes; empty: none can be used here


@dataclass(frozen=True, slots=True)
class SecondPage:
    """Asks for a code of the second factor."""

    title: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class SecondSetupPage:
    """Setting up a second factor. `picture`, `secret`: it waits for its first code. `recovery` is shown once."""

    title: str
    is_on: bool
    picture: str = field(default="", repr=False)  # SVG
    secret: str = field(default="", repr=False)
    recovery_left: int = 0
    recovery: tuple[str, ...] = field(default=(), repr=False)
    may_begin: bool = False
    may_change: bool = False
    wanted: bool = False  # by the sender of a message, who lets a password alone not do
    error: str = ""


@dataclass(frozen=True, slots=True)
class DevicesPage:
    """Browsers that are remembered for an address."""

    title: str
    address: str = field(repr=False)
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Making an account, setting its password anew, choosing the phrase."""

    title: str
    address: str = field(repr=False)
    may_set_password: bool  # this session proved the address by a code
    has_account: bool
    has_password: bool
    is_required: bool  # the sender's profile wants one
    is_signed_in: bool  # by the account
    is_stale: bool = False  # too long ago to change what opens the account
    phrase: str = field(default="", repr=False)
    shortest: int = 12
    error: str = ""
    saved: bool = False
    back: str = ""  # the message one came from
    may_add_passkey: bool = False
    passkeys: tuple[Passkey, ...] = ()
    passkeys_stay: bool = False  # a new password was set just now, and these go on opening the account
    passkey_failed: bool = False
    second_is_on: bool = False
    held_back: bool = False  # the account has a second factor, and this session, by a code, has not proven it
    devices: int = 0
