"""Run the demo: write its folder, start world, partner and gateway, send the sample mails, say what to look at."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiosmtplib
import click

from gateway.app import serve, stop_on_signals
from gateway.demo import samples
from gateway.demo.folder import Ports, choose_ports, write_folder
from gateway.demo.world import Mail, Mailboxes, world
from gateway.settings import load_settings

PATIENCE: Final = 90  # seconds until the sample mails have arrived


class DemoFailed(Exception):
    """The demo could not be brought up; the text says what was missing."""


async def run(folder: Path) -> None:
    """The whole demo, until Ctrl-C."""
    ports = choose_ports()
    await asyncio.to_thread(write_folder, folder, ports)
    mailboxes = Mailboxes()
    stop, ready = stop_on_signals(), asyncio.Event()
    async with world(mailboxes, ports.world, ports.mailboxes), _partner(folder / "partner" / "config.yaml", ports):
        settings = await asyncio.to_thread(load_settings, folder / "gateway" / "config.yaml")
        async with asyncio.TaskGroup() as tasks:
            gateway = tasks.create_task(serve(settings, stop=stop, ready=ready.set))
            guide = tasks.create_task(_guide(folder, ports, mailboxes, ready))
            gateway.add_done_callback(lambda _: guide.cancel())
    click.echo("\nThe demo has ended. Its files stay in the folder until the next one.")


async def _guide(folder: Path, ports: Ports, mailboxes: Mailboxes, ready: asyncio.Event) -> None:
    await ready.wait()
    for mail in samples.sample_mails():
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=ports.smtp, sender=samples.SENDER, start_tls=False)
    arrived = [await _arrival(mailboxes, person) for person in (samples.FRIEND, samples.PARTNER, samples.STRANGER)]
    _say(folder, ports, arrived)


async def _arrival(mailboxes: Mailboxes, person: str) -> Mail:
    try:
        async with asyncio.timeout(PATIENCE):
            return await mailboxes.first(person)
    except TimeoutError:
        raise DemoFailed(f"no mail for {person} within {PATIENCE} seconds") from None


def _say(folder: Path, ports: Ports, arrived: list[Mail]) -> None:
    page = f"http://localhost:{ports.mailboxes}"
    relayed, partner, notice = (f"{page}/mail/{mail.number}" for mail in arrived)
    body = arrived[2].parsed.get_body(("plain",))
    link = re.search(r"https?://\S+/b/\S+", str(body.get_content()) if body else "")
    own = (
        f"import smtplib; smtplib.SMTP('127.0.0.1', {ports.smtp}).sendmail("
        f"'{samples.SENDER}', ['you@post.example'], 'Subject: Hello\\n\\nMy SSN is 536-22-1234.')"
    )
    me = Path(sys.argv[0]).name
    click.echo(
        f"""
Sealgate's demo is running. Alice ({samples.SENDER}) has sent three mails, and each took its own way:

  1. An ordinary mail to {samples.FRIEND} was relayed as it was.
       {relayed}
  2. A Word file with a social security number, to {samples.PARTNER}: her hospital is a partner,
     so it went to the partner's gateway over verified TLS.
       {partner}
  3. The same Word file to {samples.STRANGER}, whom nobody knows: it is kept in a SafeBox,
     and she got a notice without a word of it.
       notice    {notice}
       SafeBox   {link[0] if link else "(no link found)"}

  Be Dora: open the SafeBox link, ask for a code, find the code in her mailbox ({page}),
  then read, download and answer. The answer lands in Alice's mailbox there.

Send a mail of your own (or: swaks --server 127.0.0.1:{ports.smtp} --from {samples.SENDER} --to you@post.example):

  python3 -c "{own}"

  tempfail@post.example and refuse@post.example force these outcomes.

See inside, in a second terminal:

  {me} queue list --config {folder}/gateway/config.yaml
  {me} box list   --config {folder}/gateway/config.yaml

Everything is in {folder}: edit gateway/policy.yaml, and it is read again at once. Ctrl-C ends the demo.
"""
    )


@asynccontextmanager
async def _partner(config: Path, ports: Ports) -> AsyncIterator[None]:
    """The partner's Sealgate, in a process of its own that ends with us."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "serve",
        "--config",
        str(config),
        "--end-with-stdin",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us alone; we end it
    )
    drain = asyncio.create_task(_last_lines(process))
    try:
        await _wait_for_port(ports.partner_smtp, lambda: process.returncode is not None)
        yield
    except DemoFailed as failed:
        raise DemoFailed(f"the partner did not start:\n{await drain}") from failed
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(40):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await drain


async def _last_lines(process: asyncio.subprocess.Process) -> str:
    """Read its log so that it never blocks; give the end of it."""
    assert process.stderr is not None
    kept = b""
    while chunk := await process.stderr.read(65536):
        kept = (kept + chunk)[-4000:]
    return kept.decode(errors="replace")


async def _wait_for_port(port: int, ended: Callable[[], bool]) -> None:
    for _ in range(600):
        if ended():
            raise DemoFailed("it ended")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise DemoFailed("it did not listen within a minute")
