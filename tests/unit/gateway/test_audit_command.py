"""`sealgate audit`: verify, checkpoints, erase."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from smallest import write_config
from sqlalchemy import text

from delivery.items import Destination, NewItem, NewMessage
from delivery.trail.keeping import TrailKeeper
from gateway.cli.main import main
from gateway.settings import load_settings
from gateway.stores import open_stores
from policy.decision import Route


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A store with one message whose events are chained and signed."""
    path = write_config(tmp_path)
    new = NewMessage("default", "al@example.com", "al@example.com", "the subject", b"x", datetime.now(UTC))
    with open_stores(load_settings(path, policy=False)) as stores:
        keeper = TrailKeeper(stores.db, stores.vault, lambda: datetime.now(UTC), every=timedelta(minutes=5))

        async def fill() -> None:
            await stores.queue.accept(new, [NewItem("bob@there.test", Destination(Route.RELAY), decision_id="d1")])
            assert await keeper.turn()
            await keeper._let_go()

        asyncio.run(fill())
    return path


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--config", str(config)])


def spoil(config: Path, statement: str) -> None:
    with open_stores(load_settings(config, policy=False)) as stores:
        stores.db.write_now(lambda conn: conn.execute(text(statement)))


def test_a_whole_trail_and_one_that_is_not(config: Path, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    checkpoints.write_text(run(config, "audit", "checkpoints").stdout)
    good = run(config, "audit", "verify", "--checkpoints", str(checkpoints))
    assert (good.exit_code, good.stdout.splitlines()[-1]) == (0, "the trail is whole")
    assert "1 checkpoints and 1 shipped ones" in good.stdout
    erased = run(config, "audit", "erase", "AL@example.com", "--yes")
    assert erased.stdout == "forgotten in 1 events\n"
    assert run(config, "audit", "verify").exit_code == 0
    spoil(config, "UPDATE audit_events SET kind = 'item.sent' WHERE id = 1")
    bad = run(config, "audit", "verify", "--json")
    assert bad.exit_code == 1
    told = json.loads(bad.stdout)
    assert told["holds"] is False
    assert "link 1" in told["faults"][0]
    assert "THE TRAIL IS NOT WHOLE" in run(config, "audit", "verify").stdout


def test_a_file_that_holds_no_checkpoint(config: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("hello\n")
    found = run(config, "audit", "verify", "--checkpoints", str(tmp_path / "other"))
    assert found.exit_code == 2
    assert "line 1 holds no checkpoint" in found.stderr
    (tmp_path / "other").write_text("\n")
    none = run(config, "audit", "verify", "--checkpoints", str(tmp_path / "other"))
    assert (none.exit_code, none.stdout) == (1, ""), "what was compared with nothing is not proven"
    assert "nothing can be proven" in none.stderr
