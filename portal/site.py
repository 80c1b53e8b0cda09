"""The portal: every path and its view, in the order of a guest's way. `docs/portal.md` lists them; a test compares."""

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from aiohttp.web import get, post

from delivery.doors.contexts import server_context
from delivery.doors.inforce import FilesInForce
from delivery.doors.renewal import Renewal
from delivery.errors import DeliveryError
from delivery.languages import Language
from keys.errors import KeysError
from portal.guest import answer, consent, documents, frame, landing, letter, start
from portal.guest import uploading as guest_uploading
from portal.guest.documents import CONTINUATIONS, Continuations
from portal.guest.traces import TRACES, Traces
from portal.owner import acts as owner_acts
from portal.owner import box as owner_box
from portal.owner import boxes as owner_boxes
from portal.owner import guestview as owner_guestview
from portal.owner import reading as owner_reading
from portal.owner import record as owner_record
from portal.owner import signin as owner_signin
from portal.owner import uploading as owner_uploading
from portal.owner import writing as owner_writing
from portal.services import SERVICES, PortalServices, services_of
from portal.settings import PortalTls
from portal.signin import account, codes, devices, passkeys, question, second, telephone
from portal.signin.account import PASSWORDS
from portal.signin.passwords import Passwords
from portal.web.choosing import choose_language
from portal.web.door import Connection, Door, Runner
from portal.web.errands import ERRANDS
from portal.web.headers import host_is_ours, put_headers
from portal.web.language import portal_speech, reader_speaks
from portal.web.patience import EVERY, PATIENCE, Patience
from portal.web.porch import Porch
from portal.web.render import STATIC, learn_template, templates
from portal.web.resuming import UNDER_WAY, Resumable
from portal.web.static import StaticFiles
from portal.web.troubles import Handler, NothingHere, polite

__all__ = ["PortalServices", "make_site", "portal_site"]

log = structlog.get_logger()

_SWEEP: Final = timedelta(hours=1)
_BREATH: Final = 0.02  # seconds between templates that are compiled at the start: mail comes first


def make_site(services: PortalServices, passwords: Passwords | None = None) -> web.Application:
    """The portal as an application. Serve it with `portal_site`, or without an access log: paths are secret."""
    app = web.Application(
        middlewares=[_counted, _in_their_language, polite, _our_host, _readers_only], client_max_size=64 * 1024
    )
    app[PATIENCE] = Patience()
    app[SERVICES] = services
    app[STATIC] = StaticFiles()
    app[PASSWORDS] = passwords or Passwords()
    app[CONTINUATIONS] = Continuations()
    app[UNDER_WAY] = Counter()
    app[TRACES] = Traces()
    app.on_response_prepare.append(put_headers)
    app.cleanup_ctx.append(_errands)
    app.add_routes(_routes(app))
    return app


def _routes(app: web.Application) -> list[web.RouteDef]:
    return [*_first_pages(app[STATIC]), *_envelope(), *_account(), *_letter(), *_senders_own()]


def _first_pages(static: StaticFiles) -> list[web.RouteDef]:
    return [
        get("/", start.start, name="start"),
        post("/", start.by_reference, name="reference"),
        get("/again", start.again_said, name="again-said"),
        post("/again", start.again, name="again"),
        get("/static/{name:.+}", static.serve, name="static"),
        get("/robots.txt", _robots, name="robots"),
        post("/language", choose_language, name="language"),
    ]


def _envelope() -> list[web.RouteDef]:
    return [
        get("/b/{locator}", landing.envelope, name="envelope"),
        post("/b/{locator}/code", codes.ask, name="code-ask"),
        get("/b/{locator}/code", codes.show, name="code"),
        post("/b/{locator}/open", codes.open_, name="open"),
        get("/b/{locator}/signin", account.signin_form, name="envelope-signin-form"),
        post("/b/{locator}/signin", account.signin, name="envelope-signin"),
        post("/b/{locator}/passkey", passkeys.signin, name="envelope-passkey"),
        get("/b/{locator}/question", question.ask, name="question"),
        post("/b/{locator}/question", question.answer, name="answer-question"),
        get("/b/{locator}/phone", telephone.ask, name="phone-form"),
        post("/b/{locator}/phone", telephone.tell, name="phone"),
        post("/b/{locator}/enter", devices.enter, name="enter"),
        get("/b/{locator}/not-for-me", landing.decline_form, name="decline-form"),
        post("/b/{locator}/not-for-me", landing.decline, name="decline"),
        post("/b/{locator}/ask", landing.ask_sender, name="ask-sender"),
        get("/b/{locator}/asked", landing.asked, name="asked-sender"),
    ]


def _account() -> list[web.RouteDef]:
    return [
        get("/signin", account.signin_form, name="signin-form"),
        post("/signin", account.signin, name="signin"),
        post("/signin/passkey", passkeys.signin, name="signin-passkey"),
        post("/signin/passkey/options", passkeys.signin_options, name="passkey-options"),
        get("/signin/second", second.ask, name="second-form"),
        post("/signin/second", second.prove, name="second"),
        get("/account", account.account, name="account"),
        post("/account/password", account.set_password, name="password"),
        post("/account/phrase", account.set_phrase, name="phrase"),
        post("/account/passkey", passkeys.register, name="passkey-new"),
        post("/account/passkey/options", passkeys.register_options, name="passkey-new-options"),
        post("/account/passkey/remove", passkeys.remove, name="passkey-remove"),
        get("/account/second", second.setup, name="second-setup"),
        post("/account/second", second.confirm, name="second-confirm"),
        post("/account/second/begin", second.begin, name="second-begin"),
        post("/account/second/codes", second.renew, name="second-codes"),
        post("/account/second/off", second.remove, name="second-off"),
        get("/devices", devices.show, name="devices"),
        post("/devices", devices.forget_all, name="devices-forget"),
        post("/devices/this", devices.forget_this, name="device-forget"),
        get("/messages", start.messages, name="messages"),
        post("/leave", account.leave, name="leave"),
        get("/left", start.left, name="left"),
        get("/zone", start.zone_form, name="zone-form"),
        post("/zone", start.choose_zone, name="zone"),
    ]


def _uploads(path: str, views: Resumable, name: str) -> list[web.RouteDef]:
    one = f"{path}/{{upload}}"
    return [
        web.post(path, views.begin, name=f"{name}-begin"),
        web.head(one, views.state, name=f"{name}-state"),
        web.patch(one, views.more, name=f"{name}-more"),
        web.delete(one, views.give_up, name=f"{name}-give-up"),
    ]


def _letter() -> list[web.RouteDef]:
    return [
        get("/m/{participant}", letter.letter, name="letter"),
        get("/m/{participant}/formatted/{message}", frame.formatted, name="formatted"),
        post("/m/{participant}/pictures", letter.show_pictures, name="remote-pictures"),
        get("/m/{participant}/pictures/{document}", documents.picture, name="picture"),
        get("/m/{participant}/documents/{document}", documents.document, name="document"),
        get("/m/{participant}/documents.zip", documents.all_documents, name="zip"),
        get("/m/{participant}/message.eml", documents.original, name="original"),
        post("/m/{participant}/answer", answer.answer, name="answer"),
        *_uploads("/m/{participant}/uploads", guest_uploading.UPLOADS, "answer-upload"),
        get("/m/{participant}/consent", consent.consent_form, name="consent-form"),
        post("/m/{participant}/consent", consent.consent, name="consent"),
        post("/m/{participant}/ask", letter.ask, name="letter-ask"),
        get("/m/{participant}/not-for-me", letter.decline_form, name="letter-decline-form"),
        post("/m/{participant}/not-for-me", letter.decline, name="letter-decline"),
    ]


def _senders_own() -> list[web.RouteDef]:
    return [
        get("/boxes/signin", owner_signin.signin_form, name="owner-signin-form"),
        post("/boxes/signin", owner_signin.ask, name="owner-signin"),
        get("/boxes/signin/code", owner_signin.code_form, name="owner-code-form"),
        post("/boxes/signin/code", owner_signin.enter, name="owner-code"),
        post("/boxes/leave", owner_signin.leave, name="owner-leave"),
        get("/boxes/left", owner_signin.left, name="owner-left"),
        post("/boxes/language", choose_language, name="owner-language"),
        get("/boxes", owner_boxes.boxes, name="owner-boxes"),
        get("/boxes/{box}", owner_box.box, name="owner-box"),
        get("/boxes/{box}/documents/{document}", owner_reading.document, name="owner-document"),
        get("/boxes/{box}/documents.zip", owner_reading.all_documents, name="owner-zip"),
        get("/boxes/{box}/message.eml", owner_reading.original, name="owner-original"),
        get("/boxes/{box}/formatted/{message}", owner_reading.formatted, name="owner-formatted"),
        get("/boxes/{box}/pictures/{document}", owner_reading.picture, name="owner-picture"),
        post("/boxes/{box}/pictures", owner_reading.show_pictures, name="owner-pictures"),
        get("/boxes/{box}/as/{person}", owner_guestview.as_guest, name="guestview"),
        get("/boxes/{box}/as/{person}/documents/{document}", owner_reading.document, name="guestview-document"),
        get("/boxes/{box}/as/{person}/documents.zip", owner_reading.all_documents, name="guestview-zip"),
        get("/boxes/{box}/as/{person}/message.eml", owner_reading.original, name="guestview-original"),
        get("/boxes/{box}/as/{person}/formatted/{message}", owner_reading.formatted, name="guestview-formatted"),
        get("/boxes/{box}/as/{person}/pictures/{document}", owner_reading.picture, name="guestview-picture"),
        post("/boxes/{box}/as/{person}/pictures", owner_reading.show_pictures, name="guestview-pictures"),
        post("/boxes/{box}/write", owner_writing.write, name="owner-write"),
        *_uploads("/boxes/{box}/uploads", owner_uploading.UPLOADS, "owner-upload"),
        post("/boxes/{box}/close", owner_acts.close, name="owner-close"),
        post("/boxes/{box}/extend", owner_acts.extend, name="owner-extend"),
        post("/boxes/{box}/settings", owner_acts.settings, name="owner-settings"),
        post("/boxes/{box}/reopen", owner_acts.reopen, name="owner-reopen"),
        get("/boxes/{box}/record", owner_record.page, name="owner-record"),
        get("/boxes/{box}/record.json", owner_record.as_json, name="owner-record-json"),
        get("/boxes/{box}/recall", owner_acts.recall_form, name="owner-recall-form"),
        post("/boxes/{box}/recall", owner_acts.recall, name="owner-recall"),
        get("/boxes/{box}/delete", owner_acts.delete_form, name="owner-delete-form"),
        post("/boxes/{box}/delete", owner_acts.delete, name="owner-delete"),
        post("/boxes/{box}/add", owner_acts.add, name="owner-add"),
        post("/boxes/{box}/person", owner_acts.person, name="owner-person"),
    ]


@web.middleware
async def _counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Mark the connection as busy while a request is answered, so that it is not ended as idle."""
    with request.app[PATIENCE].busy(request.protocol, asyncio.get_running_loop().time):
        return await handler(request)


@web.middleware
async def _in_their_language(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer in the reader's language from here on."""
    reader_speaks(request)
    return await handler(request)


@web.middleware
async def _our_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer only requests for our own host name: under another one, our page could pass for somebody else's.

    A path or query with a NUL is refused here too: nothing of ours has one, and not every database can look it up.
    """
    is_odd = "\0" in request.path or any("\0" in value for value in request.query.values())
    if is_odd or not all(host_is_ours(services_of(request), host) for host in _hosts(request)):
        raise NothingHere
    return await handler(request)


def _hosts(request: web.Request) -> list[str]:
    """The hosts that a request names: in `Host`, and in an absolute request target, which would take precedence
    (RFC 9112, 3.2.2). A server in front of us may look at one of them and we at the other, so both have to be ours.
    """
    named = [request.headers.get(hdrs.HOST, "")]
    if not request.raw_path.startswith("/"):
        try:
            named.append(urlsplit(request.raw_path).netloc)
        except ValueError:
            named.append("")
    return named


@web.middleware
async def _readers_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse prefetching where opening is recorded: the browser sends the cookies, but nobody reads yet."""
    said = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")).lower()
    if ("prefetch" in said or "prerender" in said) and request.path.startswith(("/m/", "/boxes")):
        return web.Response(status=503, text="Not ahead of time.\n")
    return await handler(request)


async def _robots(request: web.Request) -> web.Response:
    return web.Response(text="User-agent: *\nDisallow: /\n")


async def _errands(app: web.Application) -> AsyncIterator[None]:
    """Tasks beside requests: errands (mail that is sent after the response), and an hourly sweep of old rows."""
    async with asyncio.TaskGroup() as errands:
        app[ERRANDS] = errands
        sweeping = errands.create_task(_sweep(app[SERVICES]), name="portal sweep")
        yield
        sweeping.cancel()


async def _sweep(services: PortalServices) -> None:
    while True:
        try:
            await services.accounts.sweep(services.clock())
        except (DeliveryError, KeysError) as away:
            log.warning("portal.sweep_failed", error=type(away).__name__)
        await asyncio.sleep(_SWEEP.total_seconds())


async def _learn(languages: Sequence[Language]) -> None:
    """Load translations and templates in the background, so that the first reader need not wait for them."""
    for language in languages:
        await asyncio.to_thread(portal_speech, language)
    for name in await asyncio.to_thread(templates):
        await asyncio.to_thread(learn_template, name)
        await asyncio.sleep(_BREATH)


async def _watch(runner: web.AppRunner) -> None:
    """End connections on which nothing happens."""
    patience, loop = runner.app[PATIENCE], asyncio.get_running_loop()
    while True:
        await asyncio.sleep(EVERY)
        if isinstance(door := runner.server, Door):
            lines = [one for one in door.connections if isinstance(one, Connection)]
            for line in lines:
                line.look()
            patience.look(lines, loop.time(), door.crowd.ample)


@contextlib.asynccontextmanager
async def portal_site(services: PortalServices, sockets: Sequence[socket.socket]) -> AsyncIterator[Renewal | None]:
    """Serve the portal on these listening sockets; yield its certificate if TLS is configured.

    Leaving closes the sockets first. Raises OSError and ssl.SSLError at start.
    """
    settings = services.settings
    # No access log: a path may hold the locator of a box.
    runner = Runner(make_site(services), access_log=None, shutdown_timeout=10, keepalive_timeout=60)
    await runner.setup()
    try:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_watch(runner), name="portal watch")
            tasks.create_task(_learn(services.languages), name="portal learns")
            porch = Porch(runner, sockets, None, tasks)
            renewal = None if settings.tls is None else _secured(porch, settings.tls, services.files)
            porch.open()
            try:
                yield renewal
            finally:
                porch.close()
            watch.cancel()
    finally:
        await runner.cleanup()


def _secured(porch: Porch, tls: PortalTls, files: FilesInForce) -> Renewal:
    def use(context: ssl.SSLContext) -> None:
        porch.context = context

    return Renewal(
        lambda paths: server_context(*paths),
        [tls.certificate, tls.key],
        use,
        door="portal",
        event="portal.certificate",
        in_force=files,
    )
