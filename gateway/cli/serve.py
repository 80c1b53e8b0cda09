"""`sealgate serve`: runs the gateway, in this process or in several workers that it forks."""

import asyncio
import errno
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gateway.cli.context import NO, Invocation, config_after, fail, first_cause, said
from gateway.cli.stores import hint_about

if TYPE_CHECKING:
    from delivery.errors import DeliveryError
    from gateway.app import Inherited
    from gateway.settings import Settings
    from keys.errors import KeysError


@click.command()
@config_after
@click.option("--end-with-stdin", is_flag=True, hidden=True, help="Stop when standard input closes.")
@click.pass_obj
def command(invocation: Invocation, end_with_stdin: bool) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP reads the policy and the certificates of its doors again.

    Exit codes: 0 stopped as told, 1 it could not go on, 2 the configuration is not sound.
    """
    from gateway.memory import at_leisure, hurry

    hurry()
    from delivery.errors import DeliveryError
    from gateway.settings import SettingsInvalid, load_settings
    from keys.errors import KeysError

    try:
        # the policy's own tests run where it is loaded, with the compiled patterns that are kept
        settings = load_settings(
            invocation.config, trial=False, warn=lambda problem: click.echo(str(problem), err=True)
        )
        try:
            if settings.processes == 1:
                _run(settings, end_with_stdin=end_with_stdin)
            else:
                sys.exit(_run_workers(settings, end_with_stdin=end_with_stdin))
        except (DeliveryError, KeysError, OSError, ExceptionGroup) as failed:
            cause = first_cause(failed)
            if not isinstance(cause, (DeliveryError, KeysError, OSError)):
                raise
            fail(f"cannot go on: {said(cause)}", _hint(cause, settings), NO)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            click.echo(str(problem), err=True)
        fail("the configuration is not sound; nothing was started", "sealgate config check says the same")
    finally:
        at_leisure()


def _run(settings: "Settings", *, inherited: "Inherited | None" = None, end_with_stdin: bool = False) -> None:
    """Run one worker in this process until it is told to stop."""
    import uvloop

    from gateway.app import serve, stop_on_signals

    async def run() -> None:
        stop = stop_on_signals()
        if end_with_stdin:
            _stop_when_stdin_closes(stop)
        await serve(settings, stop=stop, inherited=inherited)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def _run_workers(settings: "Settings", *, end_with_stdin: bool) -> int:
    """Open and load here what the workers share, then fork them. Returns the exit code once all have ended.

    It returns only if that comes before all of them take mail: then this process becomes their small parent.
    """
    from gateway.tallies import FOLDER, Tallies

    os.environ[FOLDER] = counts = str(settings.data / "metrics")  # before prometheus_client is imported
    import uvloop  # noqa: F401 - imported before the fork, to be shared
    from structlog import get_logger

    from gateway.app import Inherited, load_keeper, open_doors
    from gateway.given import Given, program
    from gateway.listening import close_sockets, descriptors_of
    from gateway.memory import share
    from gateway.nurserykeeper import NurseryKeeper, settings_for
    from gateway.parent import Handover, become_parent
    from gateway.processes import Standing, Workers
    from gateway.recognition import tesseract_for
    from gateway.seats import Seats
    from gateway.telemetry import start_logging

    start_logging(settings.telemetry.log)
    log, running = get_logger(__name__), program()
    sockets = open_doors(settings)
    with closing(NurseryKeeper(settings_for(tesseract=tesseract_for(settings.reading)), log=log)) as nursery:
        nursery.start()  # it loads its programs while we load ours
        keeper = load_keeper(settings)
        tallies = Tallies.take(counts)
        given = Given(settings, keeper.known).write()
        seats = Seats(settings.processes)
        shutdown = settings.queue.shutdown.total_seconds()

        def work(number: int) -> int:
            return _work(settings, lambda: Inherited(sockets, keeper, nursery, seats.seat(number)))

        def hand_over(standing: Standing) -> None:
            handover = Handover(
                path=_module_path(),
                form=settings.telemetry.log,
                shutdown=shutdown,
                with_stdin=end_with_stdin,
                program=running,
                given=given,
                processes=seats.count,
                seats=seats.descriptor,
                sockets=descriptors_of(sockets),
                nursery=list(nursery.descriptors),
                nursery_runs=nursery.is_up,
                nursery_settings=nursery.settings.to_json(),
                tallies=(tallies.folder, tallies.lock),
                workers=list(standing.workers),
                bell=(standing.bell, standing.ringer),
            )
            become_parent(handover, log)

        share()
        workers = Workers(
            seats,
            work,
            log,
            shutdown_seconds=shutdown,
            with_stdin=end_with_stdin,
            look_after=nursery.look,
            forget=tallies.forget,
        )
        code = workers.run(on_stop=lambda: close_sockets(sockets), on_ready=hand_over)
        tallies.remove()
    return code


def _module_path() -> list[str]:
    """Where modules are, for another program. Ours are named first: an editable install finds them by other means."""
    ours = str(Path(__file__).parents[2])
    return list(dict.fromkeys((ours, *(os.path.abspath(entry) for entry in sys.path))))  # noqa: PTH100 (entries may be zip files)


def replace(told: dict[str, Any], number: int) -> NoReturn:
    """Run the worker of this number in the place of one that has ended; the other workers run already.

    `told`: as in `parent.Handover`; its descriptors are inherited. Ends the process.
    """
    from gateway.memory import hurry

    hurry()
    from structlog import get_logger

    from gateway.app import Inherited, load_keeper
    from gateway.given import Given, program
    from gateway.listening import sockets_of
    from gateway.nurserykeeper import NurseryKeeper
    from gateway.nurserywords import NurserySettings
    from gateway.parent import Handover
    from gateway.processes import OTHER_PROGRAM
    from gateway.seats import Seats
    from gateway.settings import SettingsInvalid
    from gateway.telemetry import start_logging

    handover = Handover(**told)
    start_logging("json" if handover.form == "json" else "text", process=number)
    if program() != handover.program:
        sys.exit(OTHER_PROGRAM)
    for descriptor in handover.of_workers:
        os.set_inheritable(descriptor, False)
    given = Given.read(handover.given)
    sockets = sockets_of(handover.sockets)
    nursery = NurseryKeeper(NurserySettings.from_json(handover.nursery_settings), descriptors=handover.nursery)
    seat = Seats(handover.processes, handover.seats).seat(number)

    def inherited() -> Inherited:
        try:
            keeper = load_keeper(given.settings)  # the others have put in force by now what the files say …
        except SettingsInvalid:
            keeper = load_keeper(given.settings, given.known)  # … unless that is not sound
        return Inherited(sockets, keeper, nursery, seat)

    try:
        sys.exit(_work(given.settings, inherited))
    except Exception as error:  # noqa: BLE001 - the top of a process
        get_logger(__name__).error("worker_process.failed", exc_info=error)
        sys.exit(1)


def _work(settings: "Settings", inherited: "Callable[[], Inherited]") -> int:
    """A worker's life; the exit code."""
    from delivery.errors import DeliveryError
    from keys.errors import KeysError

    try:
        _run(settings, inherited=inherited())
    except (DeliveryError, KeysError, OSError, ExceptionGroup) as failed:
        cause = first_cause(failed)
        if not isinstance(cause, (DeliveryError, KeysError, OSError)):
            raise
        fail(f"cannot go on: {said(cause)}", _hint(cause, settings), NO)
    return 0


def _hint(cause: "DeliveryError | KeysError | OSError", settings: "Settings") -> str:
    if not isinstance(cause, OSError):
        return hint_about(cause, settings)
    if cause.errno == errno.EADDRINUSE:
        return "another program listens there: stop it, or choose another address in the configuration"
    if cause.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address: `ip address` lists them; 0.0.0.0 stands for all"
    if isinstance(cause, PermissionError):
        return "ports below 1024 need root, or CAP_NET_BIND_SERVICE, which the systemd unit gives"
    return "sealgate config check tries everything that the configuration names"


def _stop_when_stdin_closes(stop: asyncio.Event) -> None:
    """Set `stop` once standard input closes: whoever started us holds its other end, and has ended."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()
