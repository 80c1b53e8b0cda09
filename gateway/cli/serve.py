"""`sealgate serve`: runs the gateway, in this process or in several workers that it forks."""

import asyncio
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gateway.cli.context import NO, Invocation, config_after, fail, first_cause, said
from gateway.cli.stores import hint_about

if TYPE_CHECKING:
    from delivery.errors import DeliveryError
    from gateway.app import Inherited
    from gateway.children.keeper import NurseryKeeper
    from gateway.listening import Sockets
    from gateway.plainlog import Log
    from gateway.policies import Known, PolicyKeeper
    from gateway.settings import Settings
    from gateway.tallies import Tallies
    from gateway.workers.parent import Handover
    from gateway.workers.processes import Standing
    from gateway.workers.seats import Seats
    from keys.errors import KeysError


@click.command()
@config_after
@click.option("--end-with-stdin", is_flag=True, hidden=True, help="Stop when standard input closes.")
@click.pass_obj
def command(invocation: Invocation, end_with_stdin: bool) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP reads the policy and the certificates of its doors again.

    Exit codes: 0 stopped as told, 1 it could not go on, 2 the configuration is not sound.
    """
    from gateway.memory import pause_collector, resume_collector

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the doors are open: what is loaded here is new, and would end
    pause_collector()
    from gateway.settings import SettingsInvalid, load_settings

    try:
        # the policy's own tests run where it is loaded, with the compiled patterns that are kept
        settings = load_settings(
            invocation.config, trial=False, warn=lambda problem: click.echo(str(problem), err=True)
        )
        with _told_in_words(settings):
            if settings.processes == 1:
                _run(settings, end_with_stdin=end_with_stdin)
            else:
                sys.exit(_run_workers(settings, end_with_stdin=end_with_stdin))
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            click.echo(str(problem), err=True)
        fail("the configuration is not sound; nothing was started", "sealgate config check says the same")
    finally:
        resume_collector()


def _run(settings: "Settings", *, inherited: "Inherited | None" = None, end_with_stdin: bool = False) -> None:
    """Run one worker in this process until it is told to stop."""
    import uvloop

    from gateway.app import serve
    from gateway.signals import stop_on_signals

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
    from gateway.tallies import FOLDER

    os.environ[FOLDER] = str(settings.data / "metrics")  # before prometheus_client is imported
    import uvloop  # noqa: F401 - imported before the fork, to be shared
    from structlog import get_logger

    from gateway.listening import close_sockets
    from gateway.memory import freeze_before_fork
    from gateway.telemetry import start_logging
    from gateway.workers.parent import become_parent
    from gateway.workers.processes import Workers

    start_logging(settings.telemetry.log)
    log = get_logger(__name__)
    with _opened(settings, log) as shared:
        freeze_before_fork()
        workers = Workers(
            shared.seats,
            lambda number: _work(settings, lambda: shared.inherited(number)),
            log,
            shutdown_seconds=settings.queue.shutdown.total_seconds(),
            with_stdin=end_with_stdin,
            look_after=shared.nursery.look,
            forget=shared.tallies.forget,
        )
        code = workers.run(
            on_stop=lambda: close_sockets(shared.sockets),
            on_ready=lambda standing: become_parent(shared.handover(standing, with_stdin=end_with_stdin), log),
        )
        shared.tallies.remove()
    return code


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the workers of this start share. `program`, `given`: for one that is started again (`workers/given.py`)."""

    settings: "Settings"
    program: str
    sockets: "Sockets"
    nursery: "NurseryKeeper"
    keeper: "PolicyKeeper"
    tallies: "Tallies"
    given: int
    files: int
    seats: "Seats"

    def inherited(self, number: int) -> "Inherited":
        """What the worker of this number is handed."""
        from gateway.app import Inherited
        from gateway.workers.given import files_of

        self.keeper.on_change(_noting(self.settings, self.given))
        files = files_of(self.files, began=False)
        return Inherited(self.sockets, self.keeper, self.nursery, self.seats.seat(number), files)

    def handover(self, standing: "Standing", *, with_stdin: bool) -> "Handover":
        """All of it as the small parent is told it, once the workers stand."""
        from gateway.listening import descriptors_of
        from gateway.workers.parent import Handover

        return Handover(
            path=_module_path(),
            form=self.settings.telemetry.log,
            shutdown=self.settings.queue.shutdown.total_seconds(),
            with_stdin=with_stdin,
            program=self.program,
            given=self.given,
            files=self.files,
            processes=self.seats.count,
            seats=self.seats.descriptor,
            sockets=descriptors_of(self.sockets),
            nursery=list(self.nursery.descriptors),
            nursery_runs=self.nursery.is_up,
            nursery_settings=self.nursery.settings.to_json(),
            tallies=(self.tallies.folder, self.tallies.lock),
            workers=list(standing.workers),
            bell=(standing.bell, standing.ringer),
        )


@contextmanager
def _opened(settings: "Settings", log: "Log") -> "Iterator[_Shared]":
    """Open and load what workers share; the nursery ends with the block."""
    from gateway.app import load_keeper, open_doors
    from gateway.children.keeper import NurseryKeeper, settings_for
    from gateway.recognition import tesseract_for
    from gateway.tallies import Tallies
    from gateway.workers.given import Given, memory_for_files, program
    from gateway.workers.seats import Seats

    running = program()  # as it is now: what is loaded below is of this one
    sockets = open_doors(settings)
    with closing(NurseryKeeper(settings_for(tesseract=tesseract_for(settings.reading)), log=log)) as nursery:
        nursery.start()  # it loads its programs while we load ours
        keeper = load_keeper(settings)
        tallies = Tallies.take(str(settings.data / "metrics"))
        given, files = Given(settings, keeper.known).write(), memory_for_files()
        yield _Shared(settings, running, sockets, nursery, keeper, tallies, given, files, Seats(settings.processes))


def _noting(settings: "Settings", descriptor: int) -> "Callable[[Known], None]":
    """Notes each policy that this worker puts in force, for one that is started again."""
    from gateway.workers.given import Given

    return lambda known: Given(settings, known).replace(descriptor)


def _module_path() -> list[str]:
    """Where modules are, for another program. Ours are named first: an editable install finds them by other means."""
    ours = str(Path(__file__).parents[2])
    return list(dict.fromkeys((ours, *(os.path.abspath(entry) for entry in sys.path))))  # noqa: PTH100 (entries may be zip files)


def replace(told: dict[str, Any], number: int) -> NoReturn:
    """Run the worker of this number in the place of one that has ended; the other workers run already.

    `told`: as in `parent.Handover`; its descriptors are inherited. Ends the process.
    """
    from gateway.memory import pause_collector

    pause_collector()
    from structlog import get_logger

    from gateway.app import Inherited, load_keeper
    from gateway.children.keeper import NurseryKeeper
    from gateway.children.words import NurserySettings
    from gateway.listening import sockets_of
    from gateway.telemetry import start_logging
    from gateway.workers.given import Given, files_of, program
    from gateway.workers.parent import Handover
    from gateway.workers.processes import OTHER_PROGRAM
    from gateway.workers.seats import Seats

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
        keeper = load_keeper(given.settings, given.known)  # a file may be half written: it is read once it has rested
        keeper.on_change(_noting(given.settings, handover.given))
        return Inherited(sockets, keeper, nursery, seat, files_of(handover.files, began=True))

    try:
        sys.exit(_work(given.settings, inherited))
    except Exception as error:  # noqa: BLE001 - the top of a process
        get_logger(__name__).error("worker_process.failed", exc_info=error)
        sys.exit(1)


def _work(settings: "Settings", inherited: "Callable[[], Inherited]") -> int:
    """A worker's life; the exit code."""
    with _told_in_words(settings):
        _run(settings, inherited=inherited())
    return 0


@contextmanager
def _told_in_words(settings: "Settings") -> "Iterator[None]":
    """End with the cause and what to do, where the gateway cannot go on; an error that nobody foresaw is raised."""
    from delivery.errors import DeliveryError
    from keys.errors import KeysError

    try:
        yield
    except (DeliveryError, KeysError, OSError, ExceptionGroup) as failed:
        cause = first_cause(failed)
        if not isinstance(cause, (DeliveryError, KeysError, OSError)):
            raise
        fail(f"cannot go on: {said(cause)}", hint_to(cause, settings), NO)


def hint_to(cause: "DeliveryError | KeysError | OSError", settings: "Settings") -> str:
    """What to do where `serve` cannot go on."""
    if not isinstance(cause, OSError):
        return hint_about(cause, settings)
    if cause.errno == errno.EADDRINUSE:
        return "another program listens there: stop it, or choose another address in the configuration"
    if cause.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address: `ip address` lists them; 0.0.0.0 stands for all"
    if isinstance(cause, PermissionError) and cause.filename:
        return "the user that runs sealgate needs it: see who owns it, and with what mode"
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
