"""The notices that a verdict asks for: `also: notify`, and what senders have to know of what they asked for."""

from collections.abc import Mapping
from datetime import datetime

from delivery.items import Kind, NewItem, NewMessage
from delivery.notices.notice import Notice
from delivery.safebox.asking import read_proof_headers
from delivery.safebox.profile import Profile
from gateway.orders import namespace_of, way_to
from gateway.seams import MailOfOurs, Writes
from gateway.wishes import untaken
from policy.decision import Verdict
from policy.message import Envelope, Message
from policy.route import Directory


def notices_of(
    composer: Writes,
    envelope: Envelope,
    message: Message,
    verdict: Verdict,
    *,
    raw: bytes,
    directory: Directory,
    profiles: Mapping[str, Profile],
    now: datetime,
) -> tuple[MailOfOurs, ...]:
    """Each with its recipient, ready to enter the queue beside the message."""
    namespace = namespace_of(verdict)
    made: list[MailOfOurs] = []
    for address, rule in verdict.notify:
        notice = composer.rule_applied(
            address,
            now,
            rule=rule,
            sender=str(envelope.sender or ""),
            recipients=[str(recipient.address) for recipient in envelope.recipients],
            subject=message.subject,
        )
        made.append(_mail_of_ours(notice, namespace, address, rule, now=now, directory=directory))
    told = (*untaken(verdict, profiles), *read_proof_headers(raw).untaken) if envelope.sender is not None else ()
    if told:
        address = str(envelope.sender)
        subject = next((d.changes.subject for d in verdict.decisions if d.changes.subject), message.subject)
        notice = composer.wishes_untaken(address, now, subject=subject, untaken=told)
        made.append(_mail_of_ours(notice, namespace, address, "notice: wishes", now=now, directory=directory))
    return tuple(made)


def _mail_of_ours(
    notice: Notice, namespace: str, owner: str, rule: str, *, now: datetime, directory: Directory
) -> MailOfOurs:
    mail = NewMessage(
        namespace=namespace,
        sender=notice.sender,
        owner=owner,
        subject=notice.subject,
        raw=notice.raw,
        received_at=now,
        smtputf8=notice.smtputf8,
        eight_bit=not notice.raw.isascii(),
    )
    way = way_to(notice.recipient, directory)
    return mail, (NewItem(notice.recipient, way, Kind.NOTICE, rule=rule),)
