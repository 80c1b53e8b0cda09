"""The engine: asks the rules in turn for each recipient, and makes one Decision for each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from policy.conditions import Check, View, ask
from policy.decision import Action, Changes, Decision, Reason, Route, Verdict, Watched
from policy.intent import Intent, read_intent
from policy.language import OTHERWISE, AddHeader, CopyTo, Ending, Notify, PolicyText, Rule, Tag
from policy.message import Address, Envelope, Message
from policy.nearness import RuleReport, nearness
from policy.route import Directory, choose_route
from rules.finding import Finding

DEFAULT: Final = "default"
_HELD: Final = frozenset({Action.HOLD, Action.REJECT})
_BOXED: Final = frozenset({Route.SAFEBOX, Route.PARTNER, Route.TLS})  # is or may become a SafeBox


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine is told, since it reads no clock, makes no ids and asks no DNS.

    `at`: the time that conditions see, with its zone; None: the envelope's `received_at`.
    """

    new_id: Callable[[], str]  # an id for each decision
    at: datetime | None = None
    proves_tls: Mapping[str, bool] = field(default_factory=dict)  # domain -> its server's TLS is proven; else unknown


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy ready to decide. Made by `gateway.policyfile.load_policy`, kept current by PolicyKeeper."""

    sha256: str  # hex, over the policy file and the rule packs
    directory: Directory
    text: PolicyText = field(default=PolicyText(), repr=False)

    @property
    def passwords(self) -> tuple[str, ...]:
        """What is tried on locked files."""
        return self.text.passwords.texts

    def decide(self, envelope: Envelope, message: Message, findings: Sequence[Finding], facts: Facts) -> Verdict:
        """One decision for each recipient, in envelope order; never raises on what a message holds."""
        case = _MessageCase(self, envelope, message, {finding.detector: finding for finding in findings}, facts)
        decisions = tuple(case.decide(recipient.address) for recipient in envelope.recipients)
        refused = bool(decisions) and all(decision.route is Route.REJECT for decision in decisions)
        taken = {recipient.address.key for recipient in envelope.recipients}
        copies = {} if refused else {to.key: (to, rule) for to, rule in reversed(case.copies) if to.key not in taken}
        return Verdict(
            policy_sha256=self.sha256,
            decisions=decisions,
            copies=tuple(case.copy(to, rule) for to, rule in reversed(copies.values())),
            notify=tuple(dict.fromkeys(case.notify)),
            watched=tuple(case.watched),
        )

    def explain(
        self, envelope: Envelope, message: Message, findings: Sequence[Finding], facts: Facts, verdict: Verdict
    ) -> tuple[tuple[RuleReport, ...], ...]:
        """For each recipient, in envelope order, a report on every rule: for `policy explain`.

        `verdict` is what `decide` gave for the same message. Slower than `decide`, which stops at the deciding rule.
        """
        case = _MessageCase(self, envelope, message, {finding.detector: finding for finding in findings}, facts)
        pairs = zip(verdict.decisions, envelope.recipients, strict=True)
        return tuple(case.explain(recipient.address, decision.rule) for decision, recipient in pairs)


@dataclass(slots=True)
class _Progress:
    """How far the rules were asked for one recipient, and what those that applied have added."""

    reasons: list[Reason] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    profile: str | None = None
    namespace: str | None = None
    rule: str = OTHERWISE
    ending: Ending | None = None
    next: int = 0  # the rule after the one that ended it


class _MessageCase:
    """One message while it is decided: what its recipients share, and the copies, notices and watched rules so far."""

    def __init__(
        self, policy: Policy, envelope: Envelope, message: Message, findings: Mapping[str, Finding], facts: Facts
    ) -> None:
        self._policy = policy
        self._envelope = envelope
        self._message = message
        self._findings = findings
        self._facts = facts
        self._intent: Intent = read_intent(message)
        self._memo: dict[int, Check] = {}
        self.copies: list[tuple[Address, str]] = []
        self.notify: list[tuple[str, str]] = []
        self.watched: list[Watched] = []

    def decide(self, recipient: Address) -> Decision:
        """The decision for one recipient of the envelope.

        If it is held, the rules below go on to say where it goes once released; there nothing holds or rejects it.
        """
        progress = _Progress()
        self._ask_rules(progress, self._view(recipient), collect=True)
        decision = self._decision(progress, recipient, self._facts.new_id())
        if decision.action is not Action.HOLD:
            return decision
        after_release = replace(
            progress, reasons=[], headers=list(progress.headers), tags=list(progress.tags), rule=OTHERWISE, ending=None
        )
        self._ask_rules(after_release, self._view(recipient), skip=_HELD)
        return replace(decision, released=self._decision(after_release, recipient, decision.id))

    def copy(self, recipient: Address, asked_by: str) -> Decision:
        """The decision for a copy: by the same rules, but a copy is neither held nor rejected."""
        progress = _Progress([Reason(asked_by, True, "its copy_to asks for this copy")])
        self._ask_rules(progress, self._view(recipient), skip=_HELD)
        return self._decision(progress, recipient, self._facts.new_id())

    def explain(self, recipient: Address, decided_by: str) -> tuple[RuleReport, ...]:
        """A report on every rule of the policy, all its conditions asked; those below `decided_by` are marked."""
        view, reports, asked = self._view(recipient), [], True
        for rule in self._policy.text.rules:
            reports.append(RuleReport(rule.name, rule.watch, asked, nearness(rule.when, view)))
            asked = asked and rule.name != decided_by
        return tuple(reports)

    def _view(self, recipient: Address) -> View:
        return View(
            envelope=self._envelope,
            message=self._message,
            findings=self._findings,
            intent=self._intent,
            directory=self._policy.directory,
            at=self._facts.at or self._envelope.received_at,
            recipient=recipient,
            memo=self._memo,
        )

    def _ask_rules(
        self, progress: _Progress, view: View, *, skip: frozenset[Action] = frozenset(), collect: bool = False
    ) -> None:
        """Ask the rules from `progress.next` on, until one decides; none does: `otherwise`.

        `skip`: rules with these actions are passed over. `collect`: gather copies, notices and watched rules too.
        """
        rules = self._policy.text.rules
        for index in range(progress.next, len(rules)):
            rule = rules[index]
            if rule.ending is not None and rule.ending.action in skip:
                continue
            check = ask(rule.when, view)
            progress.reasons.append(Reason(rule.name, check.holds, check.because, rule.watch))
            if not check.holds:
                continue
            if rule.watch:
                if collect:
                    self.watched.append(self._watched(rule, view.recipient))
                continue
            self._apply(progress, rule, collect)
            if rule.ending is not None:
                progress.rule, progress.ending, progress.next = rule.name, rule.ending, index + 1
                return
        ending = self._policy.text.otherwise
        progress.ending = Ending(Action.RELAY) if ending.action in skip else ending
        progress.next = len(rules)
        progress.reasons.append(Reason(OTHERWISE, True, "no rule above ends it"))

    def _watched(self, rule: Rule, recipient: Address) -> Watched:
        ending = rule.ending
        if ending is None:
            return Watched(rule.name, str(recipient), "add")
        proves = self._facts.proves_tls.get(recipient.domain)
        way = choose_route(
            ending.action, recipient, self._policy.directory, tls_else=ending.tls_else, proves_tls=proves
        )
        return Watched(rule.name, str(recipient), ending.action.value, way.route)

    def _apply(self, progress: _Progress, rule: Rule, collect: bool) -> None:
        progress.profile = rule.profile or progress.profile
        progress.namespace = rule.namespace or progress.namespace
        for addition in rule.also:
            match addition:
                case Notify(address):
                    to = address or self._envelope.sender
                    if collect and to is not None:
                        self.notify.append((str(to), rule.name))
                case CopyTo(address):
                    if collect:
                        self.copies.append((address, rule.name))
                case AddHeader(name, value):
                    if (name, value) not in progress.headers:
                        progress.headers.append((name, value))
                case Tag(text):
                    if text not in progress.tags:
                        progress.tags.append(text)

    def _decision(self, progress: _Progress, recipient: Address, decision_id: str) -> Decision:
        ending = progress.ending or self._policy.text.otherwise
        proves = self._facts.proves_tls.get(recipient.domain)
        way = choose_route(
            ending.action, recipient, self._policy.directory, tls_else=ending.tls_else, proves_tls=proves
        )
        reasons = list(progress.reasons)
        if reasons and ending.action in (Action.SECURE, Action.TLS):
            reasons[-1] = replace(reasons[-1], because=f"{reasons[-1].because}; {way.because}")
        rejecting = way.route is Route.REJECT or (way.route is Route.TLS and ending.tls_else is Route.REJECT)
        return Decision(
            id=decision_id,
            recipient=str(recipient),
            action=ending.action,
            route=way.route,
            rule=progress.rule,
            policy_sha256=self._policy.sha256,
            partner=way.partner,
            inside=way.inside,
            profile=self._profile(progress) if way.route in _BOXED else None,
            namespace=progress.namespace or DEFAULT,
            reject_text=ending.reject_text if rejecting else "",
            tls_else=ending.tls_else if way.route is Route.TLS else None,
            reasons=tuple(reasons),
            changes=self._changes(progress.tags, progress.headers),
        )

    def _changes(self, tags: Iterable[str], headers: Iterable[tuple[str, str]]) -> Changes:
        """What is changed in the copy: senders' marks come off on every route, tags go in front of the subject once."""
        bare = self._intent.subject if self._intent.subject is not None else self._message.subject
        front = [tag for tag in tags if tag.lower() not in bare.lower()]
        subject = " ".join([*front, bare]).strip() if front else self._intent.subject
        return Changes(subject, tuple(headers), self._intent.drop_headers, self._intent.wishes)

    def _profile(self, progress: _Progress) -> str:
        """The profile that a rule names; else the one the sender asks for, if their group may; else the group's."""
        if progress.profile is not None:
            return progress.profile
        group = self._policy.directory.group_of(self._envelope.sender)
        named = {name.lower(): name for name in group.profiles}
        return next((named[word] for word in self._intent.wishes if word in named), group.default)
