"""Run the demo: write its folder, start world, partner and gateway, send the sample mails, say what to look at."""

import asyncio
import re
import shlex
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiosmtplib
import click

from gateway.app import serve
from gateway.demo import samples
from gateway.demo.folder import DemoFailed, Ports, choose_ports, taken, write_folder
from gateway.demo.mailboxes import Mail, Mailboxes
from gateway.demo.timepiece import DemoClock, Timepiece
from gateway.demo.world import world
from gateway.settings import Settings, load_settings
from gateway.signals import stop_on_signals
from gateway.stores import open_stores

PATIENCE: Final = 90  # seconds until the sample mails have arrived
LOG: Final = "log.txt"


async def run(folder: Path) -> None:
    """The whole demo, until Ctrl-C. Raises DemoFailed."""
    with taken(folder):
        ports = choose_ports()
        await asyncio.to_thread(write_folder, folder, ports)
        timepiece = Timepiece(DemoClock())
        mailboxes = Mailboxes(timepiece.clock)
        stop = stop_on_signals()
        async with world(mailboxes, timepiece, ports), _partner(folder / "partner", ports):
            if not stop.is_set():
                await _until(stop, folder, ports, mailboxes, timepiece)
    click.echo("\nThe demo has ended. Its files stay in the folder until the next one.")


async def _until(stop: asyncio.Event, folder: Path, ports: Ports, mailboxes: Mailboxes, timepiece: Timepiece) -> None:
    """The gateway, by the demo's clock, and the guide that uses it."""
    settings = await asyncio.to_thread(load_settings, folder / "gateway" / "config.yaml")
    ready = asyncio.Event()
    with (folder / "gateway" / LOG).open("w", buffering=1, encoding="utf-8") as log:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve(settings, stop=stop, ready=ready.set, log_to=log, clock=timepiece.clock))
            guide = tasks.create_task(_guide(folder, ports, mailboxes, ready))
            keeper = tasks.create_task(_keep(settings, timepiece, ready))
            await stop.wait()
            guide.cancel()  # first: the doors it talks to close now
            keeper.cancel()


async def _keep(settings: Settings, timepiece: Timepiece, ready: asyncio.Event) -> None:
    """Hand the timepiece what stands in the gateway's database, as a command of an admin's would find it."""
    await ready.wait()
    with open_stores(settings, make=False, clock=timepiece.clock) as stores:
        timepiece.boxes = stores.boxes
        try:
            await asyncio.get_running_loop().create_future()  # until it is cancelled
        finally:
            timepiece.boxes = None


async def _guide(folder: Path, ports: Ports, mailboxes: Mailboxes, ready: asyncio.Event) -> None:
    await ready.wait()
    # `serve` reads the policy again on SIGHUP; here that means a closed terminal, and nobody is left to press Ctrl-C
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, signal.raise_signal, signal.SIGTERM)
    for mail in samples.sample_mails():
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=ports.smtp, sender=samples.SENDER, start_tls=False)
    arrived = [
        await _arrival(mailboxes, person)
        for person in (samples.FRIEND, samples.PARTNER, samples.STRANGER, samples.SECOND)
    ]
    _say(folder, ports, arrived)


async def _arrival(mailboxes: Mailboxes, person: str) -> Mail:
    try:
        async with asyncio.timeout(PATIENCE):
            return await mailboxes.first(person)
    except TimeoutError:
        raise DemoFailed(
            f"no mail for {person} within {PATIENCE} seconds", f"see gateway/{LOG} in the demo's folder"
        ) from None


def _say(folder: Path, ports: Ports, arrived: list[Mail]) -> None:
    page = f"http://localhost:{ports.mailboxes}"
    relayed, partner, notice, second = (f"{page}/mail/{mail.number}" for mail in arrived)
    body = arrived[2].parsed.get_body(("plain",))
    link = re.search(r"https?://\S+/b/\S+", str(body.get_content()) if body else "")
    own = (
        f"import smtplib; smtplib.SMTP('127.0.0.1', {ports.smtp}).sendmail("
        f"'{samples.SENDER}', ['you@post.example'], 'Subject: Hello\\n\\nMy SSN is 536-22-1234.')"
    )
    config = shlex.quote(str(folder / "gateway" / "config.yaml"))
    click.echo(
        f"""
Sealgate's demo is running. Alice ({samples.SENDER}) has sent three mails, and each took its own way:

  1. An ordinary mail to {samples.FRIEND} was relayed as it was.
       {relayed}
  2. A Word file with a social security number, to {samples.PARTNER}: her hospital is a partner,
     so it went to the partner's gateway over verified TLS.
       {partner}
  3. The same Word file to {samples.STRANGER} and {samples.SECOND}, whom nobody knows: it is kept
     in a SafeBox, and each got a notice without a word of it.
       Dora's    {notice}
       Emil's    {second}
       SafeBox   {link[0] if link else "(no link found)"}

  Be Dora: open the SafeBox link, ask for a code, find the code in her mailbox ({page}),
  then read, download and answer. The answer lands in Alice's mailbox there.
  Or have the code texted (it shows up there under {samples.TELEPHONE}), answer Alice's question
  (where did they meet? In Davos), or make a passkey after the first code.

  Be Alice: sign in at http://localhost:{ports.portal}/boxes as {samples.SENDER}; her code comes to those mailboxes too.
  Or be Nora ({samples.DEPUTY}), who has the same rights in Alice's SafeBoxes here.

  Move the clock, at the top of {page}: +1, +7 or +30 days. Guests are reminded,
  the SafeBox closes, then it is deleted; its record stays.

Send a mail of your own (or: swaks --server 127.0.0.1:{ports.smtp} --from {samples.SENDER} --to you@post.example):

  python3 -c "{own}"

  tempfail@post.example and refuse@post.example force these outcomes.

See inside, in a second terminal:

  {_command()} queue list --state all --config {config}
  {_command()} box list --config {config}

Everything is in {folder}: edit gateway/policy.yaml, and it is read again in a moment;
what happens is in gateway/{LOG}. Ctrl-C ends the demo.
"""
    )


def _command() -> str:
    """How this program is called in a second terminal: by its name only where a shell finds it."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m gateway"
    found = shutil.which(called.name)
    return called.name if found and Path(found).samefile(called) else shlex.quote(str(called.absolute()))


@asynccontextmanager
async def _partner(folder: Path, ports: Ports) -> AsyncIterator[None]:
    """The partner's Sealgate, in a process of its own that ends with us."""
    with (folder / LOG).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            "serve",
            "--config",
            str(folder / "config.yaml"),
            "--end-with-stdin",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches us alone; we end it
        )
    try:
        await _wait_for_port(ports.partner_smtp, lambda: process.returncode is not None)
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(40):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _wait_for_port(port: int, ended: Callable[[], bool]) -> None:
    for _ in range(600):
        if ended():
            raise DemoFailed("the partner's gateway ended", f"see partner/{LOG} in the demo's folder")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise DemoFailed("the partner's gateway did not listen within a minute", f"see partner/{LOG} in the demo's folder")
