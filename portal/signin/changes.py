"""What its guest hears of by mail: an account was changed, or locked by wrong passwords, whoever did it."""

from datetime import datetime

import structlog
from aiohttp import web

from delivery.safebox.participants import Access
from delivery.store.who import Also
from portal.services import PortalServices, services_of
from portal.web.errands import ERRANDS
from portal.web.visitor import access_of, visitor_of

log = structlog.get_logger()


async def notice_of_change(request: web.Request, address: str, participant_id: str = "") -> Also | None:
    """The mail to the guest whose account is about to be changed, for the transaction that does it: nobody's account
    changes without a word, nor is there a word of a change that failed. It is as in the box of `participant_id`, or the
    one that was sent to them last; an address without any box hears nothing.
    """
    services = services_of(request)
    if not participant_id:
        letters = await services.boxes.for_address(services.namespace, address)
        participant_id = letters[0].invitation.participant_id if letters else ""
    if not participant_id:
        return None
    seen = access_of(request, (await visitor_of(request)).session)
    return await services.boxes.account_changed(services.namespace, participant_id, seen)


def tell_locked(request: web.Request, address: str, until: datetime, *, by_second: bool = False) -> None:
    """Mail the guest that their account is locked until then, if there is one, after the answer: it is the same, and as
    quick, for addresses without an account.
    """
    telling = _tell_locked(services_of(request), address, access_of(request, None), until, by_second)
    request.app[ERRANDS].create_task(telling, name="account's lock")


async def _tell_locked(services: PortalServices, address: str, seen: Access, until: datetime, by_second: bool) -> None:
    try:
        account = await services.accounts.by_address(services.namespace, address)
        letters = await services.boxes.for_address(services.namespace, account.address) if account is not None else ()
        if account is not None and letters:
            guest = letters[0].invitation.participant_id
            await services.boxes.signin_locked(services.namespace, guest, account.id, seen, until, by_second=by_second)
    except Exception as failed:  # noqa: BLE001 - the top of an errand: there is nobody to tell but the log
        log.warning("portal.lock_notice_failed", error=type(failed).__name__)
