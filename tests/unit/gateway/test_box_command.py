"""`sealgate box`: the shapes it prints, and its exit codes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from delivery.safebox.records import BoxRecord, BoxSummary, GuestSummary
from delivery.store.boxes import BoxState, GuestState
from gateway.app import open_stores
from gateway.cli.boxshown import record_json, summary_json, summary_text
from gateway.cli.main import main
from gateway.settings import load_settings

NOW = datetime(2026, 11, 21, 10, 15, 2, tzinfo=UTC)
GUEST = GuestSummary("p1", "bob@guest.example\x1b[2J", GuestState.READ)
BOX = BoxSummary("b1", "default", "alice@example.com", BoxState.OPEN, "standard", False, NOW, NOW, None, (GUEST,))

CONFIG = """
hostname: gate.example.com
domains: [example.com]
data: data
keys: file://{folder}/keyring.json
listeners: [{{address: "127.0.0.1:2525"}}]
next_hop: {{host: "127.0.0.1:2526"}}
policy: policy.yaml
portal: {{url: "http://localhost:8080", address: "127.0.0.1:8080"}}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "policy.yaml").write_text("version: 1\nrules: []\notherwise: relay\n")
    assert CliRunner().invoke(main, ["--config", str(path), "keys", "init"]).exit_code == 0
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
    record = BoxRecord(BOX, "m1", None, None, None, 1, 2, 3, ((NOW, "box.read", "p1"),))
    assert json.loads(json.dumps(record_json(record)))["events"][0]["kind"] == "box.read"


def test_no_address_steers_the_terminal() -> None:
    assert "\x1b" not in summary_text(BOX)


def test_no_boxes_and_unknown_ones(config: str) -> None:
    run = CliRunner().invoke(main, ["--config", config, "box", "list", "--json"])
    assert (run.exit_code, run.stdout) == (0, "")
    for words in (
        ["show", "x"],
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
