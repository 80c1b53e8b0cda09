"""`sealgate queue`, `db` and `audit`: what they print, and their exit codes."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result
from smallest import write_config
from sqlalchemy import text
from structlog import get_logger

from delivery.circuits import Circuit
from delivery.errors import StoreFull
from delivery.items import Destination, Kind, Lane, NewItem, NewMessage, Reply, State
from delivery.store.circuits import put_circuit
from gateway.cli.main import main
from gateway.settings import load_settings
from gateway.stores import open_stores
from policy.decision import Route


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


@pytest.fixture
def message(config: Path) -> str:
    """One message: one item that waits, one that is held."""
    new = NewMessage("default", "al@example.com", "al@example.com", "the subject", b"x", datetime.now(UTC))
    items = [
        NewItem("bob@there.test", Destination(Route.RELAY), decision_id="d1"),
        NewItem("eve@there.test", Destination(Route.HOLD), state=State.HELD, rule="hold it"),
    ]
    with open_stores(load_settings(config, policy=False)) as stores:
        return asyncio.run(stores.queue.accept(new, items))


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--config", str(config)])


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def waiting(config: Path) -> list[dict[str, object]]:
    """What waits, the due one first."""
    return sorted(lines(run(config, "queue", "list", "--json")), key=lambda one: str(one["state"]))


def test_list_has_the_promised_shape(config: Path, message: str) -> None:
    due, held = waiting(config)
    keys = "id message_id sender recipient route state attempts next_at last_reply decision"
    assert " ".join(due) == keys
    assert (due["message_id"], due["sender"], due["recipient"]) == (message, "al@example.com", "bob@there.test")
    assert (due["route"], due["state"], due["attempts"], due["decision"]) == ("relay", "due", 0, "d1")
    assert str(due["next_at"]).endswith("Z")
    assert (held["state"], held["decision"], held["last_reply"]) == ("held", None, None)


def test_list_tells_people_why_it_waits(config: Path, message: str) -> None:
    """What is held has no next try, but a rule; what we wrote ourselves is told from mail of the same sender."""
    new = NewMessage("default", "al@example.com", "al@example.com", "the notice", b"x", datetime.now(UTC))
    with open_stores(load_settings(config, policy=False)) as stores:
        item = NewItem("bob@there.test", Destination(Route.RELAY), Kind.NOTICE)
        notice = asyncio.run(stores.queue.accept(new, [item]))
    shown = run(config, "queue", "list", "--recipient", "eve@there.test").stdout
    assert shown.endswith("al@example.com -> eve@there.test  attempts 0\n    by the rule hold it\n")
    mail, told = run(config, "queue", "list", "--recipient", "bob@there.test").stdout.splitlines()
    assert "-> bob@there.test  attempts 0, next 2" in mail
    assert "-> bob@there.test  notice, attempts 0, next 2" in told
    assert "notice" in run(config, "queue", "show", notice).stdout


def test_list_is_narrowed_by_state_route_and_recipient(config: Path, message: str) -> None:
    assert [one["state"] for one in lines(run(config, "queue", "list", "--state", "held", "--json"))] == ["held"]
    assert [one["route"] for one in lines(run(config, "queue", "list", "--route", "relay", "--json"))] == ["relay"]
    (one,) = lines(run(config, "queue", "list", "--recipient", "EVE@there.test", "--json"))
    assert one["recipient"] == "eve@there.test"
    assert run(config, "queue", "list", "--state", "sent").stdout == "none\n"
    assert run(config, "queue", "list", "--state", "nonsense").exit_code == 2


def test_show_takes_an_item_or_a_message(config: Path, message: str) -> None:
    shown = lines(run(config, "queue", "show", message, "--json"))
    assert [one["kind"] for one in shown] == ["mail", "mail"]
    (one,) = lines(run(config, "queue", "show", str(waiting(config)[1]["id"]), "--json"))
    assert (one["rule"], one["tries"], one["fell_back"]) == ("hold it", [], False)
    assert "eve@there.test" in run(config, "queue", "show", message).stdout
    missing = run(config, "queue", "show", "nothing")
    assert missing.exit_code == 1
    assert "no item" in missing.stderr


def test_held_items_are_released_refused_cancelled_and_the_proof_holds(config: Path, message: str) -> None:
    due, held = (str(one["id"]) for one in waiting(config))
    assert run(config, "queue", "release", due).exit_code == 1, "it is not held"
    assert run(config, "queue", "refuse", held, "--reason", "no").exit_code == 0
    again = run(config, "queue", "refuse", held)
    assert again.exit_code == 1
    assert "no such item" in again.stderr
    assert run(config, "queue", "retry", due).exit_code == 0
    assert run(config, "queue", "cancel", due, "nothing").exit_code == 1, "not to all"
    states = sorted(str(one["state"]) for one in lines(run(config, "queue", "list", "--state", "all", "--json")))
    assert states == ["cancelled", "due", "refused"], "the report to the sender is due"
    (proof,) = lines(run(config, "queue", "audit", "--json"))
    assert proof["holds"] is True
    assert (proof["messages"], proof["recipients"], proof["violations"]) == (2, 3, [])


def test_the_proof_says_what_is_missing_and_exits_1(config: Path, message: str) -> None:
    with open_stores(load_settings(config, policy=False)) as stores:
        stores.db.write_now(lambda conn: conn.execute(text("DELETE FROM items WHERE state = 'due'")))
    result = run(config, "queue", "audit")
    assert result.exit_code == 1
    assert f"{message}  accepted for 2, found 1".split() == result.stderr.split()[:6]


def test_what_the_other_side_said_does_not_steer_the_terminal(config: Path, message: str) -> None:
    with open_stores(load_settings(config, policy=False)) as stores:
        stores.db.write_now(lambda conn: conn.execute(text("UPDATE items SET last_reply = char(27) || '[2J'")))
    assert "\x1b" not in run(config, "queue", "list").stdout
    assert "\x1b" not in run(config, "queue", "show", message).stdout


def test_audit_export_shows_persons_and_reveals_only_when_asked(config: Path, message: str) -> None:
    (held,) = [one["id"] for one in lines(run(config, "queue", "list", "--state", "held", "--json"))]
    run(config, "queue", "refuse", str(held), "--reason", "a private reason")
    exported = lines(run(config, "audit", "export"))
    kinds = [one["kind"] for one in exported]
    assert kinds[:2] == ["message.accepted", "item.held"]
    assert {"item.refused", "dsn.enqueued"} <= set(kinds)
    assert exported[0]["persons"] == {"sender": "al@example.com", "owner": "al@example.com"}
    assert "a private reason" not in json.dumps(exported)
    revealed = lines(run(config, "audit", "export", "--reveal"))
    assert "a private reason" in json.dumps(revealed)
    assert "audit.exported" in [one["kind"] for one in revealed], "to reveal is an act"
    assert lines(run(config, "audit", "export", "--after", str(revealed[-1]["id"]))) == []


def test_db_upgrade_makes_the_schema_and_says_when_there_is_nothing_to_do(config: Path) -> None:
    (made,) = lines(run(config, "db", "upgrade", "--json"))
    assert made["before"] is None
    (again,) = lines(run(config, "db", "upgrade", "--json"))
    assert again["before"] == again["after"] == made["after"]
    assert "as this version needs it" in run(config, "db", "upgrade").stdout


def test_a_schema_of_a_later_version_is_refused(config: Path, message: str) -> None:
    with open_stores(load_settings(config, policy=False)) as stores:
        stores.db.write_now(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    for words in (["queue", "list"], ["db", "upgrade"]):
        result = run(config, *words)
        assert result.exit_code == 1
        assert "newer" in result.stderr


def test_a_broken_configuration_is_said_with_its_problems(config: Path) -> None:
    config.write_text(config.read_text() + "nonsense: 1\n")
    result = run(config, "queue", "list")
    assert result.exit_code == 2
    assert "nonsense" in result.stderr


def test_a_missing_database_is_told_and_never_made(config: Path) -> None:
    result = run(config, "queue", "list")
    assert result.exit_code != 0
    assert "there is no database" in result.stderr and "sealgate serve" in result.stderr
    assert not list(config.parent.rglob("sealgate.db*"))


def test_stats_show_where_mail_waits_and_what_is_paused(config: Path, message: str) -> None:
    assert run(config, "queue", "pause", "There.Test").stdout.startswith("mail for there.test is paused")
    assert "already" in run(config, "queue", "pause", "there.test").stdout
    pile, pause = lines(run(config, "queue", "stats", "--json"))
    assert pause["paused"] == "there.test"
    assert (pile["domain"], pile["items"], pile["held"]) == ("there.test", 2, 1)
    assert pile["minutes"] == {"5": 2} | dict.fromkeys(
        ["10", "20", "40", "80", "160", "320", "640", "1280", "older"], 0
    )
    assert pile["paused_since"]
    shown = run(config, "queue", "stats").stdout
    assert "mail for there.test is paused since" in shown
    assert shown.splitlines()[-1].split() == ["there.test", "2", "2", *["0"] * 9]
    assert run(config, "queue", "resume", "there.test").exit_code == 0
    again = run(config, "queue", "resume", "there.test")
    assert again.exit_code == 1
    assert "not paused" in again.output


def test_all_mail_is_paused_without_a_domain(config: Path, message: str) -> None:
    assert "all mail is paused" in run(config, "queue", "pause").stdout
    assert "all mail goes again" in run(config, "queue", "resume").stdout
    assert "nothing pauses all mail" in run(config, "queue", "resume").stderr


def test_a_domain_is_drained_by_its_name(config: Path, message: str) -> None:
    assert run(config, "queue", "drain", "there.test").stdout == "0 items for there.test will be tried now\n"
    for words, code in ((("drain", "*"), 2), (("drain", "no domain"), 2), (("pause", "a@b.test"), 2)):
        assert run(config, "queue", *words).exit_code == code


def test_an_age_is_written_as_people_do(config: Path, message: str) -> None:
    assert lines(run(config, "queue", "list", "--older", "2 hours", "--json")) == []
    wrong = run(config, "queue", "list", "--older", "long")
    assert wrong.exit_code == 2
    assert "90 minutes" in wrong.output


def test_acts_are_on_what_is_named_or_on_what_is_described(config: Path, message: str) -> None:
    assert run(config, "queue", "cancel").exit_code == 2
    (due, held) = waiting(config)
    assert run(config, "queue", "cancel", str(due["id"]), "--sender", "al@example.com").exit_code == 2
    none = run(config, "queue", "cancel", "--sender", "nobody@example.com")
    assert (none.exit_code, none.stdout.strip()) == (0, "0 of 0 items: cancelled")
    assert sorted(map(str, lines(run(config, "queue", "retry", "--recipient", "*@there.test", "--json")))) == sorted(
        map(str, [{"id": due["id"], "done": True, "found": True}, {"id": held["id"], "done": False, "found": True}])
    )
    assert run(config, "queue", "refuse", "--sender", "*@example.com").stdout.strip() == "1 of 1 items: refused"
    assert run(config, "queue", "cancel", "--sender", "al@example.com").stdout.strip() == "1 of 1 items: cancelled"
    assert [one["sender"] for one in lines(run(config, "queue", "list", "--json"))] == [None]  # the report
    gone = run(config, "queue", "retry", str(due["id"]), "--json")
    assert (gone.exit_code, json.loads(gone.stdout)) == (1, {"id": due["id"], "done": False, "found": False})


def test_domains_are_steered_as_json_too(config: Path, message: str) -> None:
    assert lines(run(config, "queue", "pause", "there.test", "--json")) == [
        {"domain": "there.test", "paused": True, "done": True}
    ]
    assert lines(run(config, "queue", "resume", "there.test", "--json")) == [
        {"domain": "there.test", "paused": False, "done": True}
    ]
    assert lines(run(config, "queue", "drain", "there.test", "--json")) == [{"domain": "there.test", "items": 0}]


def test_stats_name_what_cannot_be_reached(config: Path, message: str) -> None:
    now = datetime.now(UTC)
    lane = Lane(Destination(Route.RELAY), "there.test")
    circuit = Circuit(lane, now, now + timedelta(minutes=1), 2, Reply(451, "4.4.1", "Connecting failed: refused"))
    with open_stores(load_settings(config, policy=False)) as stores:
        stores.db.write_now(lambda conn: put_circuit(conn, circuit))
    told = lines(run(config, "queue", "stats", "--json"))[-1]
    assert (told["unreached"], told["route"], told["probes"]) == ("there.test", "relay", 2)
    assert told["reply"] == "451 4.4.1 Connecting failed: refused"
    assert "there.test cannot be reached since" in run(config, "queue", "stats").stdout


def test_all_that_waits_is_held_and_found_again_by_its_reason(config: Path, message: str) -> None:
    assert run(config, "queue", "hold", "--all", "--reason", "two\nlines").exit_code == 2
    assert run(config, "queue", "hold").exit_code == 2, "nothing is named and nothing described"
    held = run(config, "queue", "hold", "--all", "--reason", "restored from Sunday's backup")
    assert held.stdout == "1 of 1 items: held\n"
    (found,) = lines(run(config, "queue", "list", "--state", "held", "--said", "Sunday's backup", "--json"))
    assert found["recipient"] == "bob@there.test"
    assert run(config, "queue", "release", "--said", "Sunday's backup").stdout == "1 of 1 items: released\n"
    (again,) = lines(run(config, "queue", "list", "--state", "due", "--json"))
    assert run(config, "queue", "hold", str(again["id"])).stdout == f"{again['id']}: held\n"


def test_log_lines_are_no_part_of_the_answer(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read by a program holds the answer alone."""

    @contextmanager
    def full(*_: object, **__: object) -> Iterator[None]:
        get_logger("test").info("nobody.asked")
        get_logger("test").warning("store.commit_failed")
        raise StoreFull("the disk of the database is full")
        yield

    monkeypatch.setattr("gateway.stores.open_stores", full)
    structlog.reset_defaults()
    done = run(config, "queue", "list", "--json")
    assert done.stdout == "" and done.exit_code == 1
    assert "store.commit_failed" in done.stderr and "nobody.asked" not in done.stderr
    assert "free some space" in done.stderr and "does this user own it" not in done.stderr


@pytest.mark.parametrize("words", [("--said", ""), ("--said", " "), ("--sender", ""), ("--recipient", "bob"),
                                   ("--sender", "al*@example.com"), ("--recipient", "there.test")])  # fmt: skip
def test_what_describes_nothing_is_refused(config: Path, message: str, words: tuple[str, str]) -> None:
    """A script whose variable is not set must not cancel all mail, nor find none and say that all is well."""
    result = run(config, "queue", "cancel", *words)
    assert result.exit_code == 2
    assert f"Invalid value for '{words[0]}'" in result.stderr
    assert len(waiting(config)) == 2


def test_a_domain_of_other_scripts_is_found(config: Path) -> None:
    new = NewMessage("default", "al@xn--mnchen-3ya.example", "al@xn--mnchen-3ya.example", "s", b"x", datetime.now(UTC))
    with open_stores(load_settings(config, policy=False)) as stores:
        item = NewItem("bob@xn--mnchen-3ya.example", Destination(Route.RELAY))
        asyncio.run(stores.queue.accept(new, [item]))
    for words in (("--recipient", "*@München.example"), ("--recipient", "bob@münchen.example"),
                  ("--sender", "*@münchen.example"), ("--sender", "al@münchen.example")):  # fmt: skip
        assert len(lines(run(config, "queue", "list", *words, "--json"))) == 1, words


def test_a_damaged_database_is_told_with_what_helps(config: Path, message: str) -> None:
    database = config.parent / "data" / "sealgate.db"
    for file in database.parent.glob("sealgate.db-*"):
        file.unlink()
    database.write_bytes(b"no database" * 1000)
    result = run(config, "queue", "list")
    assert result.exit_code == 1
    assert "no database" in result.stderr
    assert "backup" in result.stderr


def test_bytes_that_are_no_text_are_refused(config: Path, message: str) -> None:
    result = run(config, "queue", "show", "\udcff")
    assert result.exit_code == 2
    assert "is no text in UTF-8" in result.stderr


@pytest.mark.parametrize(
    "words", [("queue", "list", "--limit"), ("queue", "stats", "--limit"), ("audit", "export", "--after")]
)
def test_no_number_is_larger_than_a_database_counts(config: Path, message: str, words: tuple[str, ...]) -> None:
    assert run(config, *words, str(2**63 - 1)).exit_code == 0
    result = run(config, *words, str(2**63))
    assert result.exit_code == 2
    assert "is not in the range" in result.stderr
