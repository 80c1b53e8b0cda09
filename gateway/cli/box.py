"""`sealgate box`: SafeBoxes, what became of them, and everything an owner could do. Never their content."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.boxshown import (
    audit_text,
    fates_json,
    fates_text,
    record_json,
    record_text,
    summary_json,
    summary_text,
    track_json,
)
from gateway.cli.context import NO, Command, CommandGroup, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import actor, stores_of
from policy.units import parse_duration

if TYPE_CHECKING:
    from delivery.safebox.authority import ActResult, Principal
    from delivery.safebox.box import SafeBoxes

STATES = ("open", "closed", "recalled", "deleted")
ROLES = ("guest", "privileged", "colleague")
DEFAULT = "default"

Acts = Callable[["SafeBoxes", "Principal"], Awaitable["ActResult | None"]]


def namespace_option(command: Command) -> Command:
    """`--namespace` of commands on one box."""
    return click.option(
        "--namespace", default=DEFAULT, show_default=True, metavar="NAME", help="The namespace the box is in."
    )(command)


def _box(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: the arguments and options that every act on one box takes."""
    for decorate in (
        json_option,
        namespace_option,
        click.argument("box_id", metavar="ID"),
        config_after,
    ):
        command = decorate(command)
    return click.pass_obj(command)


def _duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> timedelta | None:
    """`7 days`, `12 hours`."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as cause:
        raise click.BadParameter(str(cause)) from cause


def _time(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """A day or a time of ISO 8601; without a zone in UTC."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as cause:
        raise click.BadParameter(f"{value!r} is no time; write 2026-12-31 or 2026-12-31T18:00") from cause
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _named(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Whom or what an act is on: an empty text (a script's variable that was not set) would mean all of them."""
    if value is not None and not value.strip():
        raise click.BadParameter("is empty: leave it out where all are meant")
    return value


_force = click.option("--force", is_flag=True, help="Do it even where the box's profile does not allow it.")
_until = click.option("--until", callback=_time, metavar="TIME", help="Until this time, such as 2026-12-31 (UTC).")
_for = click.option(
    "--for", "length", callback=_duration, metavar="DURATION", help="For this long from now, such as `7 days`."
)
_reason = click.option("--reason", default="", help="What guests read in place of it.")


@click.group(cls=CommandGroup)
def command() -> None:
    """See SafeBoxes, and what became of them; close, extend, reopen, recall, delete them, and say who takes part."""


@command.command("list")
@config_after
@click.option(
    "--state", "states", type=click.Choice(STATES), multiple=True, help="Only boxes in this state; may be given again."
)
@click.option("--namespace", metavar="NAME", help="Only boxes of this namespace. Without it: of all.")
@json_option
@click.pass_obj
def list_(invocation: Invocation, *, states: tuple[str, ...], namespace: str | None, as_json: bool) -> None:
    """List boxes, newest first."""
    with stores_of(invocation) as stores:
        boxes = asyncio.run(stores.boxes.list(namespace, states=states))
    for box in boxes:
        if as_json:
            print_json(summary_json(box))
        else:
            click.echo(summary_text(box))
    if not boxes and not as_json:
        click.echo("none")


@command.command()
@_box
def show(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool) -> None:
    """Show a box: its people and how far each came, how much it holds, and everything that happened to it."""
    from delivery.safebox.authority import Principal

    by = Principal.admin(actor())
    with stores_of(invocation) as stores:
        record = asyncio.run(stores.boxes.show(box_id, by, namespace))
        tracks = asyncio.run(stores.boxes.activity(box_id, by, namespace)) or ()
    if record is None:
        fail(f"there is no SafeBox {box_id} in the namespace {namespace}", "sealgate box list", code=NO)
    if as_json:
        print_json(record_json(record) | {"activity": [track_json(track) for track in tracks]})
    else:
        click.echo(record_text(record, tracks))


@command.command()
@_box
def record(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool) -> None:
    """Show the audit record of a box, once it is closed; it outlives the content."""
    from delivery.safebox.auditrecord import record_as_json
    from delivery.safebox.authority import Principal

    with stores_of(invocation) as stores:
        found = asyncio.run(stores.boxes.audit_record(box_id, Principal.admin(actor()), namespace))
    if found is None:
        fail(f"there is no SafeBox {box_id} in the namespace {namespace}", "sealgate box list", code=NO)
    if isinstance(found, str):
        fail(f"{box_id}: {found}", f"sealgate box show {box_id}", code=NO)
    if as_json:
        print_json(record_as_json(found))
    else:
        click.echo(audit_text(found))


@command.command()
@_box
@click.option("--guest", metavar="ADDRESS", callback=_named, help="Take it back from this one alone.")
@click.option("--document", metavar="ID", callback=_named, help="Take this document back alone.")
@_reason
def recall(
    invocation: Invocation,
    *,
    box_id: str,
    namespace: str,
    as_json: bool,
    guest: str | None,
    document: str | None,
    reason: str,
) -> None:
    """Take a box back: from this moment on no guest can open it. Tells what stays with whom."""
    if guest and document:
        raise click.UsageError("--guest and --document exclude each other: take back one after the other")

    async def act(boxes: "SafeBoxes", by: "Principal") -> "ActResult | None":
        if guest:
            return await boxes.recall_guest(box_id, guest, reason, by, namespace)
        if document:
            return await boxes.recall_document(box_id, document, reason, by, namespace)
        return await boxes.recall(box_id, reason, by, namespace)

    act_on_box(invocation, box_id, "recalled", act, as_json=as_json)


@command.command()
@_box
@_force
def close(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool, force: bool) -> None:
    """Close a box: it takes no more answers, and can be read until its retention ends."""
    act_on_box(invocation, box_id, "closed", lambda b, by: b.close(box_id, by, namespace, force=force), as_json=as_json)


@command.command()
@_box
@_until
@_for
@_force
def extend(
    invocation: Invocation,
    *,
    box_id: str,
    namespace: str,
    as_json: bool,
    until: datetime | None,
    length: timedelta | None,
    force: bool,
) -> None:
    """Keep an open box open for longer, within its profile."""
    moment = _moment(until, length)
    if moment is None:
        raise click.UsageError("say how long: --for '7 days', or --until 2026-12-31")
    act_on_box(
        invocation,
        box_id,
        f"open until {moment:%Y-%m-%d %H:%M} UTC",
        lambda boxes, by: boxes.extend(box_id, by, moment, namespace, force=force),
        as_json=as_json,
    )


@command.command(name="settings")
@_box
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
def settings_(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool, words: tuple[str, ...]) -> None:
    """Change an open box's settings by the words of a mail's mark: no-reply, keep-30d, tell-every, in-fr.

    As far as its security profile lets senders change them.
    """
    act_on_box(
        invocation,
        box_id,
        "changed",
        lambda boxes, by: boxes.change_settings(box_id, by, words, namespace),
        as_json=as_json,
    )


@command.command()
@_box
@_until
@_for
@_force
@click.option("--quiet", is_flag=True, help="Do not tell the people in it.")
def reopen(
    invocation: Invocation,
    *,
    box_id: str,
    namespace: str,
    as_json: bool,
    until: datetime | None,
    length: timedelta | None,
    force: bool,
    quiet: bool,
) -> None:
    """Open a closed box again, within its retention, and send its people a notice."""

    async def act(boxes: "SafeBoxes", by: "Principal") -> "ActResult | None":
        said = await boxes.reopen_box(box_id, by, _moment(until, length), namespace, force=force)
        if said and not quiet:
            await boxes.notify_all(box_id, by, namespace)
        return said

    act_on_box(invocation, box_id, "open again", act, as_json=as_json)


@command.command()
@_box
@_force
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool, force: bool, yes: bool) -> None:
    """Delete a box: its key is destroyed, and its content with it. The record of what happened stays."""
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete SafeBox {box_id}? Nobody can bring its content back.", abort=True)
    act_on_box(
        invocation, box_id, "deleted", lambda b, by: b.delete(box_id, by, namespace, force=force), as_json=as_json
    )


@command.command()
@_box
@click.argument("address")
@click.option("--name", default="", help="What the notice calls them.")
@click.option("--as", "role", type=click.Choice(ROLES), default="guest", show_default=True, help="What they may do.")
@click.option("--alias", default="", help="What other guests see in place of name and address.")
@_force
def add(
    invocation: Invocation,
    *,
    box_id: str,
    namespace: str,
    as_json: bool,
    address: str,
    name: str,
    role: str,
    alias: str,
    force: bool,
) -> None:
    """Invite ADDRESS to an open box. Somebody who was removed takes part again."""
    from delivery.store.boxes import Role

    act_on_box(
        invocation,
        box_id,
        f"{address} takes part",
        lambda boxes, by: boxes.add(
            box_id, address, by, namespace, name=name, role=Role(role), alias=alias, force=force
        ),
        as_json=as_json,
    )


@command.command()
@_box
@click.argument("address")
def remove(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool, address: str) -> None:
    """End ADDRESS's access, at once. What they wrote stays in the box."""
    act_on_box(
        invocation,
        box_id,
        f"{address} takes part no more",
        lambda boxes, by: boxes.remove(box_id, address, by, namespace),
        as_json=as_json,
    )


@command.command()
@_box
@click.argument("address", required=False, callback=_named)
def notify(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool, address: str | None) -> None:
    """Send the notice again, with a new link: to ADDRESS, or to everybody in the box."""
    act_on_box(
        invocation,
        box_id,
        "the notice is on its way",
        lambda boxes, by: (
            boxes.resend_notice(box_id, address, by, namespace) if address else boxes.notify_all(box_id, by, namespace)
        ),
        as_json=as_json,
    )


@command.command()
@_box
@click.argument("address")
def release(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool, address: str) -> None:
    """Let a mailed code open a box that was made because a partner could not be reached with proof.

    Do this once the owner has verified, by other means than mail, that only the guest reads mail to ADDRESS.
    """
    act_on_box(
        invocation,
        box_id,
        f"a mailed code opens it for {address} now",
        lambda boxes, by: boxes.release(box_id, address, by, namespace),
        as_json=as_json,
    )


@command.command()
@_box
@click.argument("address")
def unlock(invocation: Invocation, *, box_id: str, namespace: str, as_json: bool, address: str) -> None:
    """Lift the lock that too many wrong codes put on a guest."""
    act_on_box(
        invocation,
        box_id,
        f"unlocked for {address}",
        lambda boxes, by: boxes.unlock_guest(box_id, address, by, namespace),
        as_json=as_json,
    )


def _moment(until: datetime | None, length: timedelta | None) -> datetime | None:
    if until is not None and length is not None:
        raise click.UsageError("--until and --for exclude each other")
    return until if length is None else datetime.now(UTC) + length


def act_on_box(invocation: Invocation, box_id: str, done: str, act: Acts, *, as_json: bool = False) -> None:
    """Do one act as an admin, and print what came of it; exit 1 if it was refused or there is no such box."""
    from delivery.safebox.authority import Principal
    from delivery.safebox.recalling import Recalled

    async def run(boxes: "SafeBoxes") -> "ActResult | None":
        return await act(boxes, Principal.admin(actor()))

    with stores_of(invocation) as stores:
        said = asyncio.run(run(stores.boxes))
    if said is None:
        fail(f"there is no such SafeBox: {box_id}", "sealgate box list", code=NO)
    if not said:
        fail(f"{box_id}: {said.sentence}", f"sealgate box show {box_id}", code=NO)
    fates = said.fates if isinstance(said, Recalled) else ()
    if as_json:
        print_json({"id": box_id, "done": done, **({"fates": fates_json(fates)} if isinstance(said, Recalled) else {})})
    else:
        click.echo("\n".join([f"{box_id}: {done}", *fates_text(fates)]))
