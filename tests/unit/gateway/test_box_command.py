"""`sealgate box`: the shapes it prints, and its exit codes."""

import asyncio
import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from smallest import write_config
from sqlalchemy import Connection

from delivery.couriers.courier import Delivery, Stored
from delivery.couriers.safebox import SafeBoxCourier
from delivery.items import Destination, Item, Kind, OpenMessage, State
from delivery.safebox.profile import Profile
from delivery.safebox.summaries import BoxStory, BoxSummary, GuestSummary
from delivery.store.boxes import BoxState, GuestState
from gateway.cli.boxshown import record_json, summary_json, summary_text
from gateway.cli.main import main
from gateway.settings import load_settings
from gateway.stores import open_stores
from keys.tokens import new_id
from policy.decision import Route

DOCS = Path(__file__).parents[3] / "docs" / "safebox.md"
NOW = datetime(2026, 11, 21, 10, 15, 2, tzinfo=UTC)
GUEST = GuestSummary("p1", "bob@guest.example\x1b[2J", GuestState.READ)
BOX = BoxSummary("b1", "default", "alice@example.com", BoxState.OPEN, "standard", False, NOW, NOW, None, (GUEST,))


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = write_config(tmp_path)
    with open_stores(load_settings(path, policy=False)):
        return str(path)


def test_the_line_of_a_box_has_the_agreed_shape() -> None:
    assert summary_json(BOX) == {
        "id": "b1",
        "namespace": "default",
        "owner": "alice@example.com",
        "state": "open",
        "profile": "standard",
        "created_at": "2026-11-21T10:15:02Z",
        "closes_at": "2026-11-21T10:15:02Z",
        "deletes_at": None,
        "guests": [{"address": "bob@guest.example\x1b[2J", "state": "read"}],
    }
    record = BoxStory(BOX, "m1", None, None, None, 1, 2, 3, ((NOW, "box.read", "p1"),))
    assert json.loads(json.dumps(record_json(record)))["events"][0]["kind"] == "box.read"


def test_the_docs_name_commands_that_there_are() -> None:
    said = re.findall(r"`sealgate ([^`]+)`|^ +\\$ sealgate (.+)$", DOCS.read_text(), re.MULTILINE)
    assert len(said) > 15
    for words in (shlex.split(quoted or typed) for quoted, typed in said):
        command: click.Command | None = main
        with click.Context(main) as context:
            while isinstance(command, click.Group) and words:
                command = command.get_command(context, words.pop(0))
        assert command is not None and not isinstance(command, click.Group), words
        known = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_no_address_steers_the_terminal() -> None:
    assert "\x1b" not in summary_text(BOX)


def test_no_boxes_and_unknown_ones(config: str) -> None:
    run = CliRunner().invoke(main, ["--config", config, "box", "list", "--json"])
    assert (run.exit_code, run.stdout) == (0, "")
    for words in (
        ["show", "x"],
        ["record", "x"],
        ["recall", "x"],
        ["close", "x"],
        ["delete", "x"],
        ["release", "x", "a@b"],
        ["unlock", "x", "a@b"],
    ):
        run = CliRunner().invoke(main, ["box", *words, "--config", config])
        assert run.exit_code == 1
        assert "there is no" in run.stderr
        assert "hint" in run.stderr


async def _keep_one(config: str) -> str:
    """A box as the courier makes it: alice's mail to bob and carol."""
    with open_stores(load_settings(Path(config), policy=False)) as stores:
        courier = SafeBoxCourier(stores.boxes, {"standard": Profile()})
        raw = (
            b"To: bob@guest.example, carol@guest.example\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n"
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSECRETTEXT\r\n--b\r\n'
            b'Content-Type: text/plain; name="plan.txt"\r\n\r\nSECRETTEXT\r\n--b--\r\n'
        )
        message = OpenMessage("m" * 26, "default", "alice@example.com", "alice@example.com", raw, datetime.now(UTC))
        items = tuple(_item(one) for one in ("bob@guest.example", "carol@guest.example"))
        kept = await courier.deliver(Delivery(message, items, Destination(Route.SAFEBOX), _Lease()))

        def work(conn: Connection) -> None:
            for outcome in kept.values():
                assert isinstance(outcome, Stored)
                outcome.work(conn, datetime.now(UTC))

        await stores.db.write(work)
        return (await stores.boxes.list())[0].id


class _Lease:
    async def confirm(self) -> bool:
        return True


def _item(recipient: str) -> Item:
    now = datetime.now(UTC)
    return Item(
        id=new_id(), message_id="m" * 26, namespace="default", recipient=recipient, state=State.LEASED, attempts=0,
        created_at=now, next_at=now, expires_at=now, rule="r", decision_id="d",
        destination=Destination(Route.SAFEBOX), kind=Kind.MAIL,
    )  # fmt: skip


@pytest.mark.slow
def test_what_an_owner_could_do_by_command(config: str) -> None:
    box = asyncio.run(_keep_one(config))

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, ["box", words[0], *words[1:], "--config", config])
        assert done.exit_code == code, done.stderr
        assert "SECRETTEXT" not in done.output
        return done.stdout if code == 0 else done.stderr

    assert json.loads(run("extend", box, "--for", "40 days", "--json"))["id"] == box
    assert "no longer" in run("extend", box, "--for", "1 day", code=1)
    assert "exclude each other" in run("extend", box, "--for", "1 day", "--until", "2027-01-01", code=2)
    assert "say how long" in run("extend", box, code=2)
    assert "no time" in run("extend", box, "--until", "soon", code=2)
    assert "a number and a unit" in run("extend", box, "--for", "soon", code=2)
    assert "takes part" in run("add", box, "dana@example.com", "--as", "colleague", "--name", "Dana")
    assert "already" in run("add", box, "dana@example.com", "--as", "colleague", code=1)
    assert "no more" in run("remove", box, "bob@guest.example")
    assert "on its way" in run("notify", box, "carol@guest.example")
    assert "on its way" in run("notify", box)
    assert "exclude each other" in run("recall", box, "--guest", "x@y.example", "--document", "z", code=2)
    for unset in (("recall", box, "--guest", ""), ("recall", box, "--document", " "), ("notify", box, "")):
        assert "leave it out where all are meant" in run(*unset, code=2)
    assert "carol@guest.example: never fetched" in run("recall", box, "--guest", "carol@guest.example")
    assert "no such document" in run("recall", box, "--document", "z", code=1)
    assert "still open" in run("record", box, code=1)
    run("close", box)
    assert "closed already" in run("close", box, code=1)
    run("reopen", box, "--until", (datetime.now(UTC) + timedelta(days=9)).isoformat())
    fates = json.loads(run("recall", box, "--reason", "No.", "--json"))["fates"]
    assert {fate["reached"] for fate in fates} == {"never fetched"}
    shown = json.loads(run("show", box, "--json"))
    assert shown["state"] == "recalled" and shown["staff"][0]["role"] == "colleague"
    assert {track["address"] for track in shown["activity"]} >= {"bob@guest.example", "dana@example.com"}
    assert shown["settings"]["life"]["open_for"] == "30 days"
    told = run("show", box)
    assert "Guests answer the sender alone." in told and "removed 2" in told and "taken back 2" in told
    run("delete", box, "--yes")
    assert "The content was deleted" in run("record", box)
    record = json.loads(run("record", box, "--json"))
    assert record["state"] == "deleted" and {one["kind"] for one in record["events"]} >= {"box.created", "box.closed"}
    [plan] = record["documents"]
    assert plan["name"] == "plan.txt" and plan["sha256"] in run("record", box)
    erase = CliRunner().invoke(main, ["audit", "erase", "--documents-of", box, "--yes", "--config", config])
    assert erase.exit_code == 0, erase.stderr
    assert json.loads(run("record", box, "--json"))["documents"][0]["name"] is None
    both = CliRunner().invoke(main, ["audit", "erase", "a@b.example", "--documents-of", box, "--config", config])
    assert both.exit_code == 2
    assert "gone for good" in run("reopen", box, code=1)
