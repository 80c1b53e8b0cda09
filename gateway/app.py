"""The wiring: every part is built here, by hand, and handed to those that use it. `serve` is the whole program.

There is no registry and no lookup by name: to learn what a part is given, read its constructor call here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TextIO

from structlog import get_logger

from delivery.couriers.callout import Callout
from delivery.couriers.courier import Courier
from delivery.couriers.relay import RelayCourier
from delivery.couriers.safebox import SafeBoxCourier
from delivery.dkimkeys import signer_of
from delivery.doors.inforce import FilesInForce
from delivery.doors.renewal import Renewal
from delivery.errors import StoreUnavailable
from delivery.store.audit import Event, EventKind, record
from delivery.store.credentials import Credentials
from delivery.store.statements import compile_all
from delivery.threads import Threads
from delivery.trail.keeping import TrailKeeper
from delivery.trail.places import place_of
from delivery.worker import DeliveryWorker
from gateway.children.keeper import NurseryKeeper
from gateway.chores import beside
from gateway.counting import counted
from gateway.extractors import Reader
from gateway.intake import Intake
from gateway.ledger import Ledger
from gateway.listening import PATIENCE, Sockets, held, open_sockets
from gateway.matchcache import FileCache
from gateway.memory import tune_allocator, tune_for_serving, watch_memory
from gateway.outgoing import Outgoing, most_connections, outgoing
from gateway.policies import Known, PolicyKeeper
from gateway.recognition import pictures_for
from gateway.rehearsal import rehearse, wait_for_others
from gateway.scraped import metrics_endpoint
from gateway.settings import Settings
from gateway.share import Share
from gateway.signals import ConfigurationWatch, on_hangup
from gateway.smtp.crowd import OneProcess
from gateway.smtp.listener import smtp_listener
from gateway.smtp.reception import House
from gateway.stores import NAMESPACE, Stores, now, open_stores
from gateway.strain import Strain
from gateway.supervised import Systemd
from gateway.telemetry import Metrics, start_logging
from gateway.usercache import WithUsers
from gateway.workers.seats import Seat
from policy.decision import Route
from policy.extraction.message import read_message
from policy.message import Message
from portal.phones.sending import couriers as phone_couriers
from portal.phones.settings import read_directory
from portal.services import PortalServices
from portal.site import portal_site
from portal.web.kepttemplates import learn_all
from portal.web.language import portal_speech
from rules.matching import Cache

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Inherited:
    """What the process that forks workers has opened and loaded for them (`gateway.cli.serve`)."""

    sockets: Sockets
    keeper: PolicyKeeper
    nursery: NurseryKeeper
    seat: Seat
    files: FilesInForce


def open_doors(settings: Settings) -> Sockets:
    """Every listening socket that the configuration names; blocks while a gateway before it ends. Raises OSError."""
    metrics = () if settings.telemetry.metrics is None else (settings.telemetry.metrics,)
    mail = [one.address for one in settings.listeners]
    return open_sockets([*metrics, settings.portal.address, *mail], closed=mail, patience=PATIENCE)


def load_keeper(settings: Settings, known: Known | None = None) -> PolicyKeeper:
    """Make or upgrade the store, and load the policy, before workers are forked that share it.

    `known`: a policy that was loaded before, to be taken over. Raises DeliveryError, KeysError and SettingsInvalid.
    """
    with open_stores(settings) as stores:
        keeper = PolicyKeeper(settings, cache=_compiled(stores))
        if known is None:
            keeper.load()
        else:
            keeper.take_over(known)
        stores.db.read_now(compile_all)
        learn_all(_compiled(stores))
    asyncio.run(rehearse(keeper.in_force, _read_here))
    for language in settings.languages:
        portal_speech(language)
    return keeper


async def _read_here(raw: bytes, _passwords: Sequence[str] = ()) -> Message:
    return read_message(raw)


def _compiled(stores: Stores) -> Cache:
    own = FileCache(stores.settings.data / "matcher", stores.vault.mac(NAMESPACE, "matcher", b""))
    return WithUsers(own)


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
    log_to: TextIO | None = None,
    inherited: Inherited | None = None,
    clock: Callable[[], datetime] = now,
) -> None:
    """Run until `stop` is set: take the addresses, open the stores, start the delivery worker, then open the doors.

    All is closed in reverse order. An address that somebody else has is told before anything is made or upgraded.

    `ready` is called once mail can come. The log goes to stderr, or to `log_to`, which stays the caller's to close.
    `inherited` is None where this process is the only worker. Raises DeliveryError, KeysError, SettingsInvalid and
    OSError, alone or in an ExceptionGroup.
    """
    tune_allocator()
    asyncio.get_running_loop().set_default_executor(Threads(thread_name_prefix="asyncio"))
    start_logging(settings.telemetry.log, log_to, process=inherited.seat.number if inherited else None)
    systemd, metrics = Systemd(), Metrics()
    sockets = open_doors(settings) if inherited is None else inherited.sockets
    with held(sockets), open_stores(settings, clock=clock) as stores:
        keeper = await _keeper(stores, metrics, inherited)
        stores.db.note = metrics.committed
        number = 0 if inherited is None else inherited.seat.number
        share = Share(1 if inherited is None else inherited.seat.workers)
        files = FilesInForce() if inherited is None else inherited.files
        out = _outgoing(stores, metrics, share, files)
        worker = _worker(stores, out, metrics, share, files)
        nursery = None if inherited is None else inherited.nursery
        async with out.relay, share.pool(settings, nursery) as pool, asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(stop), name="worker")  # drains while the doors close and when they have
            reader = Reader(pool, pictures=pictures_for(pool, settings.reading))
            configured = ConfigurationWatch(settings)
            chores = [
                keeper.run(stop),
                stores.boxes.run(stop),
                _trail(stores).run(),
                pool.log_sandbox(),
                systemd.watch(),
                watch_memory(partial(metrics.memory, number), lambda: nursery.pid if nursery and not number else None),
                *(chore() for chore in out.chores),
                *([] if inherited is None else [_beat(inherited.seat)]),
                *([] if number else [configured.run()]),  # one worker tells for all
            ]
            async with (
                beside(*chores),
                _doors(
                    stores, keeper, reader, out, sockets, files=files, metrics=metrics, stop=stop, inherited=inherited
                ) as renewals,
                beside(*(renewal.watch(metrics.certificate) for renewal in renewals)),
            ):
                on_hangup(keeper.reload_soon, *(renewal.read for renewal in renewals), configured.tell_soon)
                _announce(settings, systemd, inherited)
                ready()
                await stop.wait()
                systemd.stopping()
    log.info("gateway.stopped")


def _announce(settings: Settings, systemd: Systemd, inherited: Inherited | None) -> None:
    """The doors are open: the process that forked us, systemd and the log are told."""
    if inherited is not None:
        inherited.seat.ready()
    systemd.ready()
    log.info("gateway.ready", hostname=settings.hostname)


async def _keeper(stores: Stores, metrics: Metrics, inherited: Inherited | None) -> PolicyKeeper:
    """The policy's keeper, loaded here or inherited already loaded; from now on each load and refusal is audited."""
    keeper = inherited.keeper if inherited is not None else PolicyKeeper(stores.settings, cache=_compiled(stores))
    if inherited is None:
        await asyncio.to_thread(keeper.load)
    keeper.report_to(partial(_note_policy, stores, metrics))
    metrics.policy_loaded(stores.clock().timestamp())
    return keeper


def _outgoing(stores: Stores, metrics: Metrics, share: Share, files: FilesInForce) -> Outgoing:
    settings = stores.settings
    return outgoing(
        settings,
        stores.queue,
        metrics,
        namespace=NAMESPACE,
        clock=stores.clock,
        limits=share.connections,
        signer=signer_of(settings.notices.dkim, settings.notice_domain, stores.clock, files),
    )


def _worker(stores: Stores, out: Outgoing, metrics: Metrics, share: Share, files: FilesInForce) -> DeliveryWorker:
    return DeliveryWorker(
        stores.queue,
        counted(_couriers(stores, out.relay, files), metrics, stores.clock),
        ends=stores.boxes.bounces,
        limits=share.deliveries(most_connections(stores.settings)),
        split_domains=stores.settings.next_hop.mx,
    )


async def _beat(seat: Seat) -> None:
    """Tell the process that started us, every second and for ever, that our event loop still turns."""
    while True:
        seat.beat()
        await asyncio.sleep(1.0)


@asynccontextmanager
async def _doors(
    stores: Stores,
    keeper: PolicyKeeper,
    reader: Reader,
    out: Outgoing,
    sockets: Sockets,
    *,
    files: FilesInForce,
    metrics: Metrics,
    stop: asyncio.Event,
    inherited: Inherited | None,
) -> AsyncIterator[Sequence[Renewal]]:
    """Metrics, the portal and every listener; they close in the opposite order. Gives their certificates."""
    settings = stores.settings
    strain = Strain(
        settings.data,
        free_disk=settings.limits.free_disk,
        queue=settings.limits.queue,
        count=stores.queue.count_waiting,
    )
    intake = _intake(stores, keeper, reader, out, metrics)
    house = House(
        hostname=settings.hostname,
        domains=settings.domains,
        bounces=settings.notices.bounces,
        smtp=settings.smtp,
        limits=settings.limits,
        shutdown_seconds=settings.queue.shutdown.total_seconds(),
        clock=stores.clock,
        metrics=metrics,
        crowd=OneProcess() if inherited is None else inherited.seat,
        processes=1 if inherited is None else inherited.seat.workers,
        room_for=strain.refusal,
        take_room=strain.take,
        files=files,
    )
    ledger = Ledger(stores.db, stores.vault, metrics, NAMESPACE, stores.clock)
    house.rates.tell = ledger.tell
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(beside(strain.run(), ledger.run(house.rates)))
        if settings.telemetry.metrics is not None:
            metrics.watch_queue(stores.queue.measure)
            shown = metrics_endpoint(
                sockets[settings.telemetry.metrics], metrics, partial(_takes_mail, stores, stop, strain)
            )
            await stack.enter_async_context(shown)
        portal = await stack.enter_async_context(
            portal_site(_portal(stores, strain, files), sockets[settings.portal.address])
        )
        await _get_ready(keeper, reader, inherited)
        doors = [
            await stack.enter_async_context(smtp_listener(listener, house, intake, sockets[listener.address]))
            for listener in settings.listeners
        ]
        yield [one for one in (portal, *(door.renewal for door in doors)) if one is not None]


async def _get_ready(keeper: PolicyKeeper, reader: Reader, inherited: Inherited | None) -> None:
    """Do now what the first mail would have to wait for; then wait until all workers can open their doors."""
    await rehearse(keeper.in_force, reader.read)
    tune_for_serving()
    if inherited is not None:
        await wait_for_others(inherited.seat)


def _intake(stores: Stores, keeper: PolicyKeeper, reader: Reader, out: Outgoing, metrics: Metrics) -> Intake:
    settings = stores.settings
    return Intake(
        reader=reader,
        policies=keeper,
        queue=stores.queue,
        composer=stores.composer,
        boxes=stores.boxes,
        note=partial(_note, stores),
        fallbacks={name: partner.fallback for name, partner in settings.partners.items()},
        bounces=settings.notices.bounces,
        metrics=metrics,
        clock=stores.clock,
        profiles=settings.profiles,
        mailboxes=Callout(out.relay.probe_recipient),
        promises=out.promises,
    )


def _takes_mail(stores: Stores, stop: asyncio.Event, strain: Strain) -> bool:
    """Whether a message that comes now would be taken: the doors are open, there is room, the database answers."""
    if strain.reason:
        return False
    try:
        stores.db.read_now(lambda conn: conn.exec_driver_sql("SELECT 1").close())
    except StoreUnavailable:
        return False
    return not stop.is_set()


def _couriers(stores: Stores, relay: RelayCourier, files: FilesInForce) -> dict[Route, Courier]:
    phones, known = stores.settings.phones, {}
    if phones is not None and phones.directory is not None:
        with files.first(phones.directory) as (file,):
            known = read_directory(file)
    safebox = SafeBoxCourier(stores.boxes, stores.settings.profiles, known)
    return {Route.RELAY: relay, Route.PARTNER: relay, Route.TLS: relay, Route.SAFEBOX: safebox}


def _trail(stores: Stores) -> TrailKeeper:
    audit = stores.settings.audit
    places = [(place, place_of(place)) for place in audit.ship]
    return TrailKeeper(stores.db, stores.vault, stores.clock, every=audit.checkpoint, ship=places)


def _portal(stores: Stores, strain: Strain, files: FilesInForce) -> PortalServices:
    voice = stores.composer.voice
    return PortalServices(
        boxes=stores.boxes,
        accounts=stores.accounts,
        credentials=Credentials(stores.db, stores.vault),
        settings=stores.settings.portal,
        clock=stores.clock,
        organisation=voice.organisation,
        sender=voice.address,
        phones=phone_couriers(stores.settings.phones),
        phone_limits=stores.settings.phones,
        namespace=NAMESPACE,
        zone=stores.settings.zone,
        has_room=strain.has_room,
        files=files,
        languages=stores.settings.languages,
    )


async def _note(stores: Stores, events: Sequence[Event]) -> None:
    """Record audit events in a transaction of their own."""
    at = stores.clock()
    await stores.db.write(lambda conn: record(conn, stores.vault, events, at))


async def _note_policy(stores: Stores, metrics: Metrics, event: str, facts: dict[str, str]) -> None:
    if EventKind(event) is EventKind.POLICY_LOADED:
        metrics.policy_loaded(stores.clock().timestamp())
    await _note(stores, [Event(EventKind(event), NAMESPACE, facts=facts)])
