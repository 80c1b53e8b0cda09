"""The choices of a security profile, by name."""

from enum import StrEnum


class Replies(StrEnum):
    """Who an answer of a guest goes to."""

    NONE = "none"
    OWNER = "owner"
    ALL = "all"  # everybody in the box


class Others(StrEnum):
    """Whether guests of one box see each other."""

    PRIVATE = "private"
    VISIBLE = "visible"


class AccountUse(StrEnum):
    """Whether a guest must have an account to read."""

    OPTIONAL = "optional"
    OBLIGATORY = "obligatory"


class Way(StrEnum):
    """How a guest may prove who they are."""

    CODE = "code"  # by mail to the address the notice went to
    SMS = "sms"
    VOICE = "voice"
    ACCOUNT = "account"  # made before, with a password
    QUESTION = "question"  # and its answer, which the sender told the guest by another way
    PASSKEY = "passkey"


class SecondFactor(StrEnum):
    """Whether an account's password alone lets a guest in."""

    OPTIONAL = "optional"  # it does, unless the guest has set up a second factor
    REQUIRED = "required"  # only with a second factor, or by passkey; and no code alone does


class Told(StrEnum):
    """How often the owner is told of an opening."""

    FIRST = "first"  # of each guest
    EVERY = "every"
    NEVER = "never"


class ToldOfEnd(StrEnum):
    """Who is told that it closed."""

    EVERYBODY = "everybody"
    GUESTS = "guests"
    OWNER = "owner"
    NOBODY = "nobody"
