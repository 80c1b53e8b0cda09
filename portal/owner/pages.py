"""What the templates of the senders' own site are filled with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from delivery.safebox.listing import ListedBox
from delivery.store.box_lists import Shown


@dataclass(frozen=True, slots=True)
class SigninPage:
    """Where the address is typed. `box`: where to go on to."""

    title: str
    box: str = ""
    email: str = field(default="", repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class CodePage:
    """Where the code is typed in. `sent_at` None: there is none that still counts."""

    title: str
    address: str = field(repr=False)
    digits: int
    minutes: int
    sent_at: datetime | None
    expires_at: datetime | None
    box: str = ""
    error: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class LeftPage:
    """Signed out."""

    title: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of somebody's boxes; `first` and `last` count from 1."""

    title: str
    address: str = field(repr=False)
    boxes: tuple[ListedBox, ...]
    counts: Mapping[Shown, int]
    shown: Shown
    number: int
    first: int
    last: int
    total: int
