"""`sealgate policy watch`: what watching rules saw, across restarts, and which of them saw nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from smallest import write_config

from delivery.store.audit import Event, EventKind, record
from gateway.cli.main import main
from gateway.settings import load_settings
from gateway.stores import open_stores

POLICY = """
rules:
  - {name: Trial, mode: watch, when: {size: "> 1 MB"}, then: secure}
  - {name: Never, mode: watch, when: {subject: xy}, also: [{tag: "[x]"}]}
  - {name: At work, when: {size: "> 1 MB"}, then: hold}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, "rules: [local/*.yaml]", policy=POLICY)


def saw(config: Path, rule: str, recipient: str, message: str, at: datetime, would: str = "secure") -> None:
    """As the intake writes it; each time by a process of its own."""
    facts = {"rule": rule, "would": would, "route": "safebox", "did": "hold"}
    event = Event(EventKind.RULE_WATCHED, "default", message, facts=facts, persons={"recipient": recipient})
    with open_stores(load_settings(config, policy=False)) as stores:
        stores.db.write_now(lambda conn: record(conn, stores.vault, [event], at))


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["policy", "watch", "--config", str(config), *words])


@pytest.mark.slow
def test_what_was_seen_and_what_never(config: Path) -> None:
    now = datetime.now(UTC)
    saw(config, "Trial", "bob@there.test", "m1", now - timedelta(days=9))
    saw(config, "Trial", "eve@there.test", "m1", now)
    saw(config, "Former", "bob@there.test", "m1", now)
    result = run(config, "--json")
    assert result.exit_code == 0, result.output
    trial, never, former = [json.loads(line) for line in result.stdout.splitlines()]
    assert (trial["rule"], trial["watching"], trial["recipients"], trial["messages"]) == ("Trial", True, 2, 1)
    assert trial["would"] == [{"action": "secure", "route": "safebox", "did": "hold", "recipients": 2, "messages": 1}]
    assert [example["recipient"] for example in trial["examples"]] == ["eve@there.test", "bob@there.test"]
    assert len(trial["days"]) == 2
    assert (never["rule"], never["recipients"], never["would"]) == ("Never", 0, [])
    assert (former["rule"], former["watching"]) == ("Former", False)
    late = json.loads(run(config, "--json", "--since", "7 days").stdout.splitlines()[0])
    assert (late["recipients"], len(late["days"])) == (1, 1)
    told = run(config).stdout
    assert "would secure (safebox) 2, which went by hold" in told
    assert "Never: saw nothing since" in told
    assert "watches no more" in told


def test_a_time_that_is_none_is_wrong_use(config: Path) -> None:
    assert run(config, "--since", "soon").exit_code == 2
