"""The engine: asks every rule in turn, for each recipient, and gives one Decision each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from policy.decision import Verdict
from policy.message import Envelope, Message
from policy.route import Directory
from rules.finding import Finding


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine cannot know by itself. `at` is aware; None: the envelope's received_at."""

    new_id: Callable[[], str]  # an id for each decision
    at: datetime | None = None
    proves_tls: Mapping[str, bool] = field(default_factory=dict)  # domain -> its server's TLS is proven; else unknown


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy ready to decide. Made by `gateway.policies.load_policy`, kept current by PolicyKeeper."""

    sha256: str  # hex, over the policy file and the rule packs
    directory: Directory

    def decide(self, envelope: Envelope, message: Message, findings: Sequence[Finding], facts: Facts) -> Verdict:
        """One decision for each recipient, in envelope order; never raises on what a message holds."""
        raise RuntimeError
