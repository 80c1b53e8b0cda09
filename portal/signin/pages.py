"""What the templates of signing in are filled with."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CodePage:
    """Where the code is typed in. `sent_at` None: there is none that still counts."""

    title: str
    back: str  # path of the envelope
    address: str  # masked
    digits: int
    minutes: int
    sent_at: datetime | None
    expires_at: datetime | None
    needs_account: bool
    error: str = ""
    advice: str = ""
    is_used: bool = False  # the code was right, and used a moment ago: perhaps the button was pressed twice


@dataclass(frozen=True, slots=True)
class LockedPage:
    """Too many wrong codes. `until` None: until the sender or the guest's account unlocks."""

    title: str
    back: str
    until: datetime | None
    sender_name: str = field(repr=False)
    account_way: bool
    ask: str = ""  # path to ask for a code, once the time is over


@dataclass(frozen=True, slots=True)
class SigninPage:
    """Address and password. `back`: the envelope one came from."""

    title: str
    action: str
    back: str = ""
    email: str = field(default="", repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Making an account, setting its password anew, choosing the phrase."""

    title: str
    address: str = field(repr=False)
    may_set_password: bool  # this session proved the address by a code
    has_account: bool
    is_required: bool  # the sender's profile wants one
    is_signed_in: bool  # by the account
    phrase: str = field(default="", repr=False)
    shortest: int = 12
    error: str = ""
    saved: bool = False
    back: str = ""  # the message one came from
