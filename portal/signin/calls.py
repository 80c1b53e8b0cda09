"""Codes to telephones: what may be spent on it, and what becomes of one."""

from datetime import datetime, timedelta
from enum import StrEnum

from delivery.safebox.participants import Access, Invitation, Way
from delivery.store.throttles import Limit
from portal.phones.sending import Message, NotSent
from portal.services import PortalServices

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class CallTrouble(StrEnum):
    """Why no code went out."""

    FAILED = "failed"  # the provider did not take it, or was not to be reached
    NUMBER = "number"  # enough for this number
    ALL = "all"  # enough for all numbers together
    ELSEWHERE = "elsewhere"  # the number is in a country that is not called


async def may_call(services: PortalServices, number: str, now: datetime, *, known: bool) -> CallTrouble | None:
    """Count one text or call before it is made; why it may not be. A failed one counts too: it may have cost.

    `known`: it is asked for in a browser that proved to read the guest's mail. Such browsers have as much once more,
    all together, which nobody who only holds the link uses up.
    """
    settings = services.phone_limits
    if settings is None or (settings.prefixes and not number.startswith(settings.prefixes)):
        return CallTrouble.ELSEWHERE
    limits, whose = settings.limits, f"{number} known" if known else number
    counts = (
        ("phone-hour", whose, _within(limits.number_hour, _HOUR), CallTrouble.NUMBER),
        ("phone-day", whose, _within(limits.number_day, _DAY), CallTrouble.NUMBER),
        ("phones-day", "all", _within(limits.day, _DAY), CallTrouble.ALL),
    )
    for what, who, limit, trouble in counts:
        if await services.accounts.count(services.namespace, what, who, limit, now) is not None:
            return trouble
    return None


def _within(count: int, window: timedelta) -> Limit:
    return Limit(count, window, timedelta(), to_the_end=True)


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
