"""`sealgate serve`: the real thing."""

import asyncio
import errno
import sys
import threading

import click

from gateway.cli.context import NO, Invocation, config_after, fail, first_cause, hint_of, said


@click.command()
@config_after
@click.option("--end-with-stdin", is_flag=True, hidden=True, help="Stop when standard input closes.")
@click.pass_obj
def command(invocation: Invocation, end_with_stdin: bool) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP reads the policy again."""
    import uvloop

    from delivery.errors import DeliveryError
    from gateway.app import serve, stop_on_signals
    from gateway.settings import SettingsInvalid, load_settings
    from keys.errors import KeysError

    try:
        settings = load_settings(invocation.config)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            click.echo(str(problem), err=True)
        fail("the configuration is not sound; nothing was started", "sealgate config check says the same")

    async def run() -> None:
        stop = stop_on_signals()
        if end_with_stdin:
            _stop_when_stdin_closes(stop)
        await serve(settings, stop=stop)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except (DeliveryError, KeysError, OSError, ExceptionGroup) as failed:
        cause = first_cause(failed)
        if not isinstance(cause, (DeliveryError, KeysError, OSError)):
            raise
        fail(f"cannot go on: {said(cause)}", _hint(cause), NO)


def _hint(cause: Exception) -> str:
    if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
        return "another program listens there: stop it, or choose another address in the configuration"
    if isinstance(cause, PermissionError):
        return "ports below 1024 need root, or CAP_NET_BIND_SERVICE, which the systemd unit gives"
    return hint_of(cause) or "sealgate config check tries everything that the configuration names"


def _stop_when_stdin_closes(stop: asyncio.Event) -> None:
    """Whoever started us holds the other end of our standard input: when they are gone, so are we."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()
