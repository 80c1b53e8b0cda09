"""`sealgate box phone` and `sealgate box question`: how guests may prove who they are, beside mail."""

import asyncio

import click

from gateway.cli.box import act_on_box, namespace_option
from gateway.cli.context import NO, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import actor, stores_of


@click.command()
@config_after
@click.argument("box_id", metavar="ID")
@click.argument("address")
@click.option("--confirm", metavar="NUMBER", help="The number that the guest told is theirs.")
@click.option("--set", "number", metavar="NUMBER", help="Codes go to this number, whatever was known.")
@namespace_option
@json_option
@click.pass_obj
def phone(
    invocation: Invocation,
    box_id: str,
    address: str,
    *,
    confirm: str | None,
    number: str | None,
    namespace: str,
    as_json: bool,
) -> None:
    """Show, confirm or set the telephone that a guest's codes go to. Write numbers with their country: +41791234567.

    Confirm only what the owner has verified by other means than mail: whoever holds the link may have told it.
    """
    from delivery.phones import as_number

    said = confirm or number
    if confirm and number:
        fail("--confirm and --set are two things", "give one of them")
    if said is None:
        _show(invocation, box_id, address, namespace, as_json=as_json)
        return
    plain = as_number(said)
    if plain is None:
        fail("that is no telephone number with its country", "write it as +41791234567")
    done = f"codes for {address} go to {plain}"
    if confirm:
        act_on_box(
            invocation, box_id, done, lambda boxes, by: boxes.confirm_phone(box_id, address, plain, by, namespace)
        )
        return
    act_on_box(invocation, box_id, done, lambda boxes, by: boxes.set_phone(box_id, address, plain, by, namespace))


@click.command()
@config_after
@click.argument("box_id", metavar="ID")
@click.argument("address")
@click.option("--ask", "text", required=True, metavar="TEXT", help="The question, which whoever holds the link reads.")
@click.option(
    "--answer",
    prompt=True,
    hide_input=True,
    help="The answer; left out, it is asked for, and appears in no list of processes.",
)
@namespace_option
@click.pass_obj
def question(invocation: Invocation, box_id: str, address: str, *, text: str, answer: str, namespace: str) -> None:
    """Set the question that a guest answers to open a box whose profile has the way `question`."""
    done = f"{address} is asked the question"
    act_on_box(
        invocation,
        box_id,
        done,
        lambda boxes, by: boxes.set_question(box_id, address, by, namespace, question=text, answer=answer),
    )


def _show(invocation: Invocation, box_id: str, address: str, namespace: str, *, as_json: bool) -> None:
    from delivery.safebox.authority import Principal

    with stores_of(invocation) as stores:
        known = asyncio.run(stores.boxes.proof_of(box_id, address, Principal.admin(actor()), namespace))
    if known is None:
        fail(f"there is no such SafeBox or guest: {box_id}", "sealgate box list", code=NO)
    source = known.phone_from.value if known.phone_from else None
    if as_json:
        print_json({"phone": known.phone or None, "from": source, "confirmed": known.is_confirmed})
        return
    if not known.phone:
        click.echo("no number is known")
        return
    click.echo(f"{known.phone}  from {source}  {'counts' if known.is_confirmed else 'waits for the owner: --confirm'}")
