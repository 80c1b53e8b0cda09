"""`sealgate box`: SafeBoxes, who was invited, and how they are taken back. Never their content."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.context import NO, Command, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import actor, shown, stores_of

if TYPE_CHECKING:
    from delivery.safebox.box import SafeBoxes
    from delivery.safebox.records import BoxRecord, BoxSummary

STATES = ("open", "closed", "recalled", "deleted")
DEFAULT = "default"


def namespace_option(command: Command) -> Command:
    """`--namespace` of commands on one box."""
    return click.option(
        "--namespace", default=DEFAULT, show_default=True, metavar="NAME", help="The namespace the box is in."
    )(command)


@click.group()
def command() -> None:
    """See SafeBoxes, recall or delete them."""


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
            print_json(_summary_json(box))
        else:
            click.echo(_summary_text(box))
    if not boxes and not as_json:
        click.echo("none")


@command.command()
@config_after
@click.argument("box_id", metavar="ID")
@namespace_option
@json_option
@click.pass_obj
def show(invocation: Invocation, box_id: str, namespace: str, as_json: bool) -> None:
    """Show a box: its guests, how much it holds, and everything that happened to it."""
    with stores_of(invocation) as stores:
        record = asyncio.run(stores.boxes.show(box_id, namespace))
    if record is None:
        fail(f"there is no SafeBox {box_id} in the namespace {namespace}", "sealgate box list", code=NO)
    if as_json:
        print_json(_record_json(record))
    else:
        click.echo(_record_text(record))


@command.command()
@config_after
@click.argument("box_id", metavar="ID")
@click.option("--reason", default="", help="What guests read on the page.")
@namespace_option
@click.pass_obj
def recall(invocation: Invocation, box_id: str, reason: str, namespace: str) -> None:
    """Take a box back: from this moment on no guest can open it. What was downloaded before stays with them."""
    act_on_box(invocation, box_id, "recalled", lambda boxes: boxes.recall(box_id, reason, actor(), namespace))


@command.command()
@config_after
@click.argument("box_id", metavar="ID")
@click.option("--force", is_flag=True, help="Even where the box's profile allows no closing by hand.")
@namespace_option
@click.pass_obj
def close(invocation: Invocation, box_id: str, force: bool, namespace: str) -> None:
    """Close a box: it takes no more answers, and can be read until its retention ends."""
    act_on_box(invocation, box_id, "closed", lambda boxes: boxes.close(box_id, actor(), namespace, force=force))


@command.command()
@config_after
@click.argument("box_id", metavar="ID")
@click.option("--force", is_flag=True, help="Even where the box's profile allows no deletion by hand.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@namespace_option
@click.pass_obj
def delete(invocation: Invocation, box_id: str, *, force: bool, yes: bool, namespace: str) -> None:
    """Delete a box: its key is destroyed, and its content with it. The record of what happened stays."""
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete SafeBox {box_id}? Nobody can bring its content back.", abort=True)
    act_on_box(invocation, box_id, "deleted", lambda boxes: boxes.delete(box_id, actor(), namespace, force=force))


@command.command()
@config_after
@click.argument("box_id", metavar="ID")
@click.argument("address")
@namespace_option
@click.pass_obj
def release(invocation: Invocation, box_id: str, address: str, namespace: str) -> None:
    """Let a mailed code open a box that was made because a partner could not be reached with proof.

    Do this when the owner has made sure, by another way than mail, that ADDRESS is read by the guest alone.
    """
    act_on_box(
        invocation,
        box_id,
        f"a mailed code opens it for {address} now",
        lambda boxes: boxes.release(box_id, address, actor(), namespace),
    )


@command.command()
@config_after
@click.argument("box_id", metavar="ID")
@click.argument("address")
@namespace_option
@click.pass_obj
def unlock(invocation: Invocation, box_id: str, address: str, namespace: str) -> None:
    """Take off the lock that too many wrong codes put on a guest."""
    act_on_box(
        invocation,
        box_id,
        f"unlocked for {address}",
        lambda boxes: boxes.unlock_guest(box_id, address, actor(), namespace),
    )


def act_on_box(
    invocation: Invocation, box_id: str, done: str, act: "Callable[[SafeBoxes], Awaitable[bool | None]]"
) -> None:
    """Do it, and say what was done, or why it cannot be."""

    async def run(boxes: "SafeBoxes") -> bool | None:
        return await act(boxes)

    with stores_of(invocation) as stores:
        answer = asyncio.run(run(stores.boxes))
    if answer is None:
        fail(f"there is no such SafeBox or guest: {box_id}", "sealgate box list", code=NO)
    if not answer:
        fail(f"{box_id}: its state or profile does not allow that", f"sealgate box show {box_id}", code=NO)
    click.echo(f"{box_id}: {done}")


def _summary_json(box: "BoxSummary") -> dict[str, Any]:
    return {
        "id": box.id,
        "namespace": box.namespace,
        "owner": box.owner,
        "state": box.state.value,
        "profile": box.profile,
        "created_at": shown(box.created_at),
        "closes_at": shown(box.closes_at),
        "deletes_at": shown(box.deletes_at),
        "guests": [{"address": guest.address, "state": guest.state.value} for guest in box.guests],
    }


def _record_json(record: "BoxRecord") -> dict[str, Any]:
    box = record.summary
    return _summary_json(box) | {
        "message_id": record.message_id,
        "by_fallback": box.by_fallback,
        "closed_at": shown(record.closed_at),
        "recalled_at": shown(record.recalled_at),
        "deleted_at": shown(record.deleted_at),
        "messages": record.messages,
        "documents": record.documents,
        "bytes": record.bytes_kept,
        "guests": [
            {
                "address": guest.address,
                "state": guest.state.value,
                "participant_id": guest.participant_id,
                "by_fallback": guest.by_fallback,
                "released_at": shown(guest.released_at),
                "locked_at": shown(guest.locked_at),
            }
            for guest in box.guests
        ],
        "events": [{"at": shown(at), "kind": kind, "participant_id": who} for at, kind, who in record.events],
    }


def _summary_text(box: "BoxSummary") -> str:
    until = f"deleted on {shown(box.deletes_at)}" if box.deletes_at else "kept"
    if box.state.value == "deleted":
        until = "content gone"
    lines = [f"{box.id}  {box.state.value:<8} {box.profile:<12} {box.owner}  {shown(box.created_at)}  {until}"]
    lines += [f"    {guest.state.value:<9} {guest.address}" for guest in box.guests]
    return _printable("\n".join(lines))


def _record_text(record: "BoxRecord") -> str:
    box = record.summary
    names = {guest.participant_id: guest.address for guest in box.guests}
    lines = [_summary_text(box), f"    message {record.message_id}, answers until {shown(box.closes_at)}"]
    lines.append(f"    {record.messages} messages, {record.documents} documents, {record.bytes_kept} bytes")
    for guest in box.guests:
        if guest.locked_at:
            lines.append(f"    {guest.address} is locked since {shown(guest.locked_at)}")
        if guest.by_fallback:
            lines.append(
                f"    {guest.address} was invited by fallback"
                + (f", released {shown(guest.released_at)}" if guest.released_at else "; a mailed code opens nothing")
            )
    lines += [f"    {shown(at)}  {kind:<16} {names.get(who or '', '')}".rstrip() for at, kind, who in record.events]
    return _printable("\n".join(lines))


def _printable(text: str) -> str:
    """No address may steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
