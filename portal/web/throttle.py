"""How often things may be tried from one network or for one address. What a guest's codes may do is limited by
`delivery.store.codes`; these limits keep a stranger from trying many guests, and mail from flooding a mailbox.
"""

from datetime import timedelta
from typing import Final

from aiohttp import web

from delivery.store.throttles import Attempt, Limit
from portal.services import services_of
from portal.web.client import client_network, client_region
from portal.web.troubles import Slower

CODES_ASKED: Final = Limit(300, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=1))
CODES_ASKED_FOR_GUEST: Final = Limit(10, timedelta(hours=1), timedelta(minutes=30))  # from one network
CODES_MORE: Final = Limit(1, timedelta(hours=1), timedelta(), to_the_end=True)  # from a region
CODES_MORE_IN_ALL: Final = Limit(60, timedelta(days=1), timedelta(), to_the_end=True)
CODES_WRONG: Final = Limit(150, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=4))
REFERENCES_WRONG: Final = Limit(60, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=4))
LINKS_ASKED: Final = Limit(60, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=4))
LINKS_ASKED_FOR_ADDRESS: Final = Limit(3, timedelta(hours=6), timedelta(hours=6))
PASSWORDS_WRONG: Final = Limit(100, timedelta(minutes=15), timedelta(minutes=15), timedelta(hours=4))
PASSWORDS_WRONG_FOR_ADDRESS: Final = Limit(10, timedelta(minutes=15), timedelta(minutes=15), timedelta(hours=4))
PASSKEYS_ASKED: Final = Limit(300, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=1))
PHONES_TOLD: Final = Limit(5, timedelta(days=1), timedelta(hours=12))
DECLINED: Final = Limit(30, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=4))
ANSWERS_OF_GUEST: Final = Limit(30, timedelta(hours=1), timedelta(minutes=10), timedelta(hours=1))
NOTES_FOR_GUEST: Final = Limit(3, timedelta(days=1), timedelta(hours=12))


async def count_network(request: web.Request, what: str, limit: Limit) -> None:
    """Count one try from this network. Raises Slower past the limit."""
    services = services_of(request)
    now = services.clock()
    until = await services.accounts.count(services.namespace, f"net-{what}", client_network(request), limit, now)
    if until is not None:
        raise Slower(until, now)


def code_asked(request: web.Request, who: str) -> tuple[Attempt, ...]:
    """What counts when a code is asked for: first by network, for who floods somebody with codes must not use up what
    they may ask for. `who`: whom the code is for.
    """
    network = client_network(request)
    return (
        Attempt("net-ask", network, CODES_ASKED),
        Attempt("asked-from", f"{who} {network}", CODES_ASKED_FOR_GUEST),
    )


def more_codes(request: web.Request, who: str) -> tuple[Attempt, ...]:
    """What counts once all the usual codes have been asked for: one more for each region of the net, so that somebody
    who asks for them all leaves one to the guest, who is somewhere else.
    """
    return (
        Attempt("asked-more", f"{who} {client_region(request)}", CODES_MORE),
        Attempt("asked-more-all", who, CODES_MORE_IN_ALL),
    )


async def check_network(request: web.Request, what: str) -> None:
    """Raises Slower while this network is locked; counts nothing."""
    services = services_of(request)
    now = services.clock()
    until = await services.accounts.limited(services.namespace, f"net-{what}", client_network(request), now)
    if until is not None:
        raise Slower(until, now)
