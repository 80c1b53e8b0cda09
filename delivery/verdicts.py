"""How TLS went with one mail server: what couriers find out, and what metrics and reports (RFC 8460) count."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from delivery.tls import Flaw, Proof


class PolicyKind(StrEnum):
    """By what a session is judged, in the words of RFC 8460 4.2."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"


@dataclass(frozen=True, slots=True)
class PolicyFact:
    """Which policy that is: `text` are its lines or records, `hosts` the MX patterns it lists."""

    kind: PolicyKind = PolicyKind.NONE
    domain: str = ""
    text: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How TLS with one host went, once. `domain` is the recipient's; empty where the configuration names the host."""

    domain: str
    policy: PolicyFact
    host: str
    address: str
    proof: Proof
    flaw: Flaw | None = None
    detail: str = ""
    our_address: str = ""  # where we connected from, if we did


Watch = Callable[[Verdict], None]


def unwatched(_verdict: Verdict) -> None:
    """A `watch` that counts nothing."""
