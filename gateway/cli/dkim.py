"""`sealgate dkim`: keys that sign mail, and what the DNS has to say of them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.context import NO, WRONG, CommandGroup, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import settings_of

if TYPE_CHECKING:
    from delivery.dkim import SigningKey

_BITS = {"rsa": 2048, "rsa-1024": 1024, "rsa-4096": 4096, "ed25519": None}


@click.group(cls=CommandGroup)
def command() -> None:
    """Make keys that sign mail (DKIM), and see what the DNS has to say of them.

    To change a key: make the new one, publish its record, name it in `notices.dkim.more`, restart, and take the old one
    out a week later. Both sign meanwhile.
    """


@command.command()
@config_after
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--selector", required=True, metavar="NAME", help="The name of the key in the DNS, such as s2026.")
@click.option("--domain", metavar="DOMAIN", help="Whose key it is. Without it: the domain of our notices.")
@click.option("--type", "kind", type=click.Choice(list(_BITS)), default="rsa", show_default=True, help="Which key.")
@json_option
@click.pass_obj
def make(invocation: Invocation, file: Path, *, selector: str, domain: str | None, kind: str, as_json: bool) -> None:
    """Make a file (0600) with a new key, and print the record that its domain's DNS needs.

    RSA is what every server verifies. An Ed25519 key is a second one beside it. What exists is never overwritten.
    """
    from pydantic import ValidationError

    from delivery.dkim import SigningKey
    from delivery.dkimkeys import make_key
    from delivery.settings import DkimKeySettings

    try:
        named = DkimKeySettings(selector=selector, key=file, domain=domain)
    except ValidationError as error:
        first = error.errors()[0]
        context = first.get("ctx") or {}
        fail(f"--{first['loc'][0]}: {context.get('cause', first['msg'])}", context.get("hint", ""), code=WRONG)
    if named.domain is None:
        named = named.model_copy(update={"domain": settings_of(invocation, keyring=False).notice_domain})
    try:
        private = make_key(file, bits=_BITS[kind])
    except FileExistsError:
        fail(f"{file} exists already, and is not overwritten", "give the new key a file of its own")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", code=NO)
    _show(SigningKey(str(named.domain), named.selector, private), as_json=as_json, file=str(file))
    if not as_json and os.geteuid() == 0 and file.stat().st_uid == 0:
        click.echo(
            "It belongs to root: give it to the user that runs sealgate, or hand it over by LoadCredential.", err=True
        )


@command.command()
@config_after
@click.option("--check", is_flag=True, help="Ask the DNS whether it says so. Exit 1 if it does not.")
@json_option
@click.pass_obj
def records(invocation: Invocation, check: bool, as_json: bool) -> None:
    """Print the DNS records of the keys that are configured."""
    from delivery.dkimkeys import DkimKeyInvalid, read_keys

    settings = settings_of(invocation)
    if settings.notices.dkim is None:
        fail("no key is configured", "`sealgate dkim make` makes one; name it in notices.dkim", code=NO)
    well = True
    for _, key in read_keys(settings.notices.dkim, settings.notice_domain):
        if isinstance(key, DkimKeyInvalid):
            fail(str(key), key.hint)
        found = _published(key) if check else None
        well = well and (found is None or found == "published")
        _show(key, as_json=as_json, found=found)
    if not well:
        raise SystemExit(NO)


def _published(key: "SigningKey") -> str:
    """What the DNS says of it, in one word or a sentence."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer, resolve

    from delivery.dkimkeys import publishes_key, record_name

    try:
        answer = resolve(record_name(key), "TXT", lifetime=10.0)
    except (NXDOMAIN, NoAnswer):
        return "missing"
    except DNSException as error:
        return f"not known: {type(error).__name__}"
    texts = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return "published" if any(publishes_key(text, key) for text in texts) else "another key"


def _show(key: "SigningKey", *, as_json: bool, found: str | None = None, file: str | None = None) -> None:
    from delivery.dkimkeys import record_name, record_text, zone_line

    if as_json:
        facts: dict[str, Any] = {"domain": key.domain, "selector": key.selector, "algorithm": key.algorithm}
        facts |= {"name": record_name(key), "text": record_text(key)}
        facts |= {} if file is None else {"file": file}
        print_json(facts if found is None else facts | {"dns": found})
        return
    click.echo(zone_line(key))
    if file is not None:
        click.echo("Publish this record, then name the key in the configuration:", err=True)
        click.echo(f"  notices: {{dkim: {{domain: {key.domain}, selector: {key.selector}, key: {file}}}}}", err=True)
    if found is not None:
        click.echo(f"; in the DNS: {found}")
