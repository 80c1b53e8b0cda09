"""Decisions: what happens to each recipient's copy, where it goes, and why."""

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What a rule's `then` says."""

    RELAY = "relay"
    SECURE = "secure"
    TLS = "tls"
    SAFEBOX = "safebox"
    HOLD = "hold"
    REJECT = "reject"


class Route(StrEnum):
    """Where a decision leads. `tls`: to the recipient's own server, over verified TLS."""

    RELAY = "relay"
    PARTNER = "partner"
    TLS = "tls"
    SAFEBOX = "safebox"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Reason:
    """For one rule: whether it applied to this recipient, and the sentence that says why."""

    rule: str
    applies: bool
    because: str = field(repr=False)
    watch: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed in this recipient's copy. Empty (False): the bytes go out as they came."""

    subject: str | None = field(default=None, repr=False)  # the whole new subject (marks removed, tag added)
    add_headers: tuple[tuple[str, str], ...] = ()
    drop_headers: tuple[str, ...] = ()  # names, lower case: X-Sealgate and the like
    wishes: tuple[str, ...] = field(default=(), repr=False)  # what the sender asks of the security profile, in words

    def __bool__(self) -> bool:
        return self.subject is not None or bool(self.add_headers or self.drop_headers)


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one recipient's copy. `recipient` is the address as the envelope gave it."""

    id: str
    recipient: str
    action: Action
    route: Route
    rule: str  # name of the deciding rule, or "otherwise"
    policy_sha256: str
    partner: str | None = None  # name, where route is partner
    inside: bool = False  # the recipient is ours: by `inside`
    profile: str | None = None  # where route is safebox, or may become it by fallback
    namespace: str = "default"
    reject_text: str = ""
    tls_else: Route | None = None  # for action tls: safebox or reject when it cannot be proven
    reasons: tuple[Reason, ...] = ()
    changes: Changes = Changes()
    released: "Decision | None" = None  # for hold: where the copy goes once an admin releases it (same id)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a rule with `mode: watch` would have done to one recipient, had it decided."""

    rule: str
    recipient: str
    would: str  # its action, or "add" where it only adds
    route: Route | None = None  # where that action leads; None: nowhere else


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy decides about one whole message."""

    policy_sha256: str
    decisions: tuple[Decision, ...]  # one a recipient, in envelope order
    copies: tuple[Decision, ...] = ()  # copy_to: more recipients, each with a decision of its own
    notify: tuple[tuple[str, str], ...] = ()  # (address, rule): who is told that a rule applied
    watched: tuple[Watched, ...] = ()
