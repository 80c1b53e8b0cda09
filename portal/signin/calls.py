"""Codes to telephones: what may be spent on it, and what becomes of one."""

from datetime import datetime, timedelta
from enum import StrEnum

from delivery.safebox.participants import Access, Invitation, Way
from delivery.store.throttles import Limit
from portal.phones.sending import Message, NotSent
from portal.services import PortalServices

_LOCK = timedelta(minutes=30)


class CallTrouble(StrEnum):
    """Why no code went out."""

    FAILED = "failed"  # the provider did not take it, or was not to be reached
    NUMBER = "number"  # enough for this number
    ALL = "all"  # enough for all numbers together
    ELSEWHERE = "elsewhere"  # the number is in a country that is not called


async def may_call(services: PortalServices, number: str, now: datetime) -> CallTrouble | None:
    """Count one text or call before it is made; why it may not be. A failed one counts too: it may have cost."""
    settings = services.phone_limits
    if settings is None or (settings.prefixes and not number.startswith(settings.prefixes)):
        return CallTrouble.ELSEWHERE
    limits = settings.limits
    counts = (
        ("phone-hour", number, Limit(limits.number_hour, timedelta(hours=1), _LOCK), CallTrouble.NUMBER),
        ("phone-day", number, Limit(limits.number_day, timedelta(days=1), _LOCK), CallTrouble.NUMBER),
        ("phones-day", "all", Limit(limits.day, timedelta(days=1), _LOCK, _LOCK), CallTrouble.ALL),
    )
    for what, who, limit, trouble in counts:
        if await services.accounts.count(services.namespace, what, who, limit, now) is not None:
            return trouble
    return None


async def call(
    services: PortalServices, invitation: Invitation, way: Way, code: str, *, valid: timedelta, seen: Access
) -> CallTrouble | None:
    """Bring a code to the guest's telephone; None: the provider took it."""
    message = Message(invitation.phone, code, services.organisation, int(valid.total_seconds() // 60))
    sent = True
    try:
        await services.phones[way.value].send(message)
    except NotSent:
        sent = False
    participant = invitation.participant_id
    await services.boxes.code_called(services.namespace, participant, way, seen, sent=sent)
    return None if sent else CallTrouble.FAILED
