"""`sealgate serve`: runs the gateway, in this process or in several workers that it forks."""

import asyncio
import errno
import os
import shutil
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import click

from gateway.cli.context import NO, Invocation, config_after, fail, first_cause, said
from gateway.cli.stores import hint_about

if TYPE_CHECKING:
    from delivery.errors import DeliveryError
    from gateway.app import Inherited
    from gateway.seats import Seat
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
    """Open and load here what the workers share, then fork them. Returns the exit code once all have ended."""
    counts = settings.data / "metrics"
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counts)  # before it is imported: then processes count together
    import uvloop  # noqa: F401 - imported before the fork, to be shared

    from delivery.errors import DeliveryError
    from gateway.app import Inherited, load_keeper, open_doors
    from gateway.listening import close_sockets
    from gateway.memory import share
    from gateway.nurserykeeper import NurseryKeeper
    from gateway.processes import Workers
    from gateway.recognition import tesseract_for
    from gateway.telemetry import start_logging
    from keys.errors import KeysError

    start_logging(settings.telemetry.log)
    sockets = open_doors(settings)
    with closing(NurseryKeeper(tesseract=tesseract_for(settings.reading))) as nursery:
        nursery.start()  # it loads its programs while we load ours
        keeper = load_keeper(settings)
        shutil.rmtree(counts, ignore_errors=True)  # of an earlier run
        counts.mkdir(mode=0o700)

        def work(seat: "Seat") -> int:
            try:
                _run(settings, inherited=Inherited(sockets, keeper, nursery, seat))
            except (DeliveryError, KeysError, OSError, ExceptionGroup) as failed:
                cause = first_cause(failed)
                if not isinstance(cause, (DeliveryError, KeysError, OSError)):
                    raise
                fail(f"cannot go on: {said(cause)}", _hint(cause, settings), NO)
            return 0

        share()
        shutdown = settings.queue.shutdown.total_seconds()
        workers = Workers(
            settings.processes, work, shutdown_seconds=shutdown, with_stdin=end_with_stdin, look_after=nursery.look
        )
        code = workers.run(on_stop=lambda: close_sockets(sockets))
    shutil.rmtree(counts, ignore_errors=True)
    return code


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
