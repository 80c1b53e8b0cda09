"""Turns a verdict into what the queue is told: items, audit events, and the owner of the message. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from delivery.hops import Fallback
from delivery.items import Destination, Kind, NewItem, Reply, State
from delivery.store.audit import Event, EventKind
from policy.decision import Decision, Route, Verdict
from policy.message import Address, AddressInvalid, Envelope, Message, Recipient
from policy.reader.mailboxes import mailboxes
from policy.route import Directory
from rules.finding import Finding

INBOUND: Final = "inbound"  # the rule's name for mail from outside: no policy decided it
_FALLBACKS: Final = {Fallback.SAFEBOX: Route.SAFEBOX, Fallback.HOLD: Route.HOLD, Fallback.WAIT: None}
_SILENT: Final = frozenset({"NEVER"})
_UNTOLD: Final = frozenset[str]()  # we send no report; NOTIFY is not passed on, so the next server decides for itself
_LONGEST_FROM: Final = 10_000  # characters: to look for addresses in a megabyte takes a second, and all others wait
_EXCERPTS: Final = 20  # at most so many of one detector are kept in the audit trail


def items_of(envelope: Envelope, verdict: Verdict, fallbacks: Mapping[str, Fallback]) -> tuple[NewItem, ...]:
    """One item a recipient, in envelope order, then those of the copies a rule asked for."""
    mine = [
        _item(decision, fallbacks, recipient)
        for decision, recipient in zip(verdict.decisions, envelope.recipients, strict=True)
    ]
    return (*mine, *(_item(decision, fallbacks, None) for decision in verdict.copies))


def inbound_items(envelope: Envelope, decision_id: str) -> tuple[NewItem, ...]:
    """Mail from outside goes inside as it is. A stranger's sender hears nothing of it, whatever NOTIFY said."""
    return tuple(
        NewItem(
            str(recipient.address),
            Destination(Route.RELAY, inside=True),
            rule=INBOUND,
            decision_id=decision_id,
            notify=recipient.notify if not envelope.stranger or recipient.notify == _SILENT else _UNTOLD,
            orcpt=recipient.orcpt,
        )
        for recipient in envelope.recipients
    )


def rejection(decision: Decision) -> Reply:
    """What a refused recipient's sender is told: the rule's own text."""
    return Reply(550, "5.7.1", decision.reject_text or "Refused by the organisation's policy")


def way_to(address: str, directory: Directory) -> Destination:
    """How ordinary mail, a notice among it, reaches an address: ours by `inside`."""
    try:
        return Destination(Route.RELAY, inside=directory.is_ours(Address.parse(address)))
    except AddressInvalid:
        return Destination(Route.RELAY)


def owner_of(envelope: Envelope, message: Message | None, directory: Directory) -> str:
    """Who gets notices about a message: its sender; for `<>` the address in From, if it is ours and the client may
    send as it, else our postmaster. A login that may not use an address at MAIL must not get at it by a header.
    """
    if envelope.sender is not None:
        return str(envelope.sender)
    headers = message.header("from") if message is not None else ()
    for _, text in mailboxes([value[:_LONGEST_FROM] for value in headers[:1]]):
        try:
            address = Address.parse(text)
        except AddressInvalid:
            continue
        if directory.is_ours(address) and (envelope.senders is None or envelope.senders.allows(address)):
            return str(address)
    return f"postmaster@{first_domain(directory.domains)}"


def first_domain(domains: Sequence[str]) -> str:
    """The first domain that is not a pattern; if all are patterns, the first one without its `*.`."""
    return next((domain for domain in domains if not domain.startswith("*.")), domains[0].removeprefix("*."))


def events_of(
    envelope: Envelope, message: Message, verdict: Verdict, findings: Sequence[Finding], kind: EventKind
) -> tuple[Event, ...]:
    """The message's event, `kind` telling accepted or refused, and one for each decision."""
    namespace = namespace_of(verdict)
    facts: dict[str, Any] = {
        "size": message.size,
        "recipients": len(envelope.recipients),
        "inbound": envelope.inbound,
        "tls": envelope.client.tls,
        "policy": verdict.policy_sha256,
    }
    about = Event(
        kind,
        namespace,
        message_id=envelope.id,
        facts=facts,
        persons=_persons(envelope),
        private={"subject": message.subject, "findings": [_shown(finding) for finding in findings]},
    )
    decided = (_decided(envelope, decision) for decision in (*verdict.decisions, *verdict.copies))
    return (about, *decided, *_watched(envelope, verdict))


def inbound_event(envelope: Envelope, size: int, namespace: str, decision_id: str) -> tuple[Event, ...]:
    """The events of mail from outside: that it was accepted, and the one decision for all, to relay it inside."""
    facts = {"size": size, "recipients": len(envelope.recipients), "inbound": True, "tls": envelope.client.tls}
    accepted = Event(
        EventKind.MESSAGE_ACCEPTED, namespace, message_id=envelope.id, facts=facts, persons=_persons(envelope)
    )
    decided = Event(
        EventKind.DECISION_MADE,
        namespace,
        message_id=envelope.id,
        decision_id=decision_id,
        facts={"route": Route.RELAY.value, "rule": INBOUND, "inside": True},
    )
    return accepted, decided


def namespace_of(verdict: Verdict) -> str:
    """The namespace that the message is kept in: that of its first recipient's decision."""
    return verdict.decisions[0].namespace


def _item(decision: Decision, fallbacks: Mapping[str, Fallback], recipient: Recipient | None) -> NewItem:
    """The item of one decision. `recipient` is None for a copy that a rule asked for: no report of it is sent."""
    state, reply, goes = State.DUE, None, decision
    if decision.route is Route.HOLD:
        state, goes = State.HELD, decision.released or decision
    elif decision.route is Route.REJECT:
        state, reply = State.REFUSED, rejection(decision)
    return NewItem(
        decision.recipient,
        Destination(goes.route, goes.partner or "", goes.inside),
        Kind.MAIL,
        rule=decision.rule,
        decision_id=decision.id,
        profile=goes.profile,
        notify=recipient.notify if recipient is not None else _SILENT,
        orcpt=recipient.orcpt if recipient is not None else None,
        changes=goes.changes,
        fallback=_fallback(goes, fallbacks),
        state=state,
        reply=reply,
    )


def _fallback(decision: Decision, fallbacks: Mapping[str, Fallback]) -> Route | None:
    if decision.route is Route.TLS:
        return decision.tls_else or Route.SAFEBOX
    if decision.route is Route.PARTNER:
        return _FALLBACKS[fallbacks.get(decision.partner or "", Fallback.SAFEBOX)]
    return None


def _decided(envelope: Envelope, decision: Decision) -> Event:
    facts: dict[str, Any] = {
        "action": decision.action.value,
        "route": decision.route.value,
        "rule": decision.rule,
        "policy": decision.policy_sha256,
        "inside": decision.inside,
    }
    if decision.partner:
        facts["partner"] = decision.partner
    if decision.profile:
        facts["profile"] = decision.profile
    reasons = [
        {"rule": reason.rule, "applies": reason.applies, "because": reason.because, "watch": reason.watch}
        for reason in decision.reasons
    ]
    return Event(
        EventKind.DECISION_MADE,
        decision.namespace,
        message_id=envelope.id,
        decision_id=decision.id,
        facts=facts,
        persons={"recipient": decision.recipient},
        private={"reasons": reasons},
    )


def _watched(envelope: Envelope, verdict: Verdict) -> Iterator[Event]:
    """What each watching rule would have done to each copy, beside what was done: `policy watch` counts them."""
    made = {decision.recipient: decision for decision in verdict.decisions}
    for watched in verdict.watched:
        decision = made[watched.recipient]
        yield Event(
            EventKind.RULE_WATCHED,
            decision.namespace,
            message_id=envelope.id,
            decision_id=decision.id,
            facts={
                "rule": watched.rule,
                "would": watched.would,
                "route": watched.route.value if watched.route is not None else None,
                "did": decision.route.value,
                "policy": decision.policy_sha256,
            },
            persons={"recipient": watched.recipient},
        )


def _persons(envelope: Envelope) -> dict[str, str]:
    persons = {"client": str(envelope.client.address), "sender": str(envelope.sender or "<>")}
    if envelope.client.origin:
        persons["origin"] = str(envelope.client.origin)
    if envelope.client.login:
        persons["login"] = envelope.client.login
    if envelope.client.certificate:
        persons["certificate"] = envelope.client.certificate
    return persons


def _shown(finding: Finding) -> dict[str, Any]:
    """A finding as `policy explain` shows it: masked."""
    return {
        "detector": finding.detector,
        "confidence": finding.confidence.value,
        "count": len(finding.hits),
        "unique": len(finding.values()),
        "places": [{"part": hit.place, "excerpt": hit.excerpt} for hit in finding.hits[:_EXCERPTS]],
    }
