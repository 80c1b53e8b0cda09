"""`sealgate user unlock`: an address that wrong passwords or codes have locked can sign in again."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from delivery.store.throttles import Limit
from gateway.cli.main import main
from gateway.settings import load_settings
from gateway.stores import open_stores

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


@pytest.mark.slow
def test_what_locks_a_sign_in_is_lifted_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "policy.yaml").write_text("version: 1\nrules: []\notherwise: relay\n")
    run = CliRunner()
    assert run.invoke(main, ["--config", str(path), "keys", "init"]).exit_code == 0
    with open_stores(load_settings(path, policy=False)) as stores:
        pass
    unlock = ["--config", str(path), "user", "unlock", "Alice@Example.com"]
    nothing = run.invoke(main, unlock)
    assert nothing.exit_code == 1 and "nothing locks" in nothing.stderr and "box unlock" in nothing.stderr
    with open_stores(load_settings(path, policy=False)) as stores:
        limit, now = Limit(1, timedelta(hours=1), timedelta(hours=1)), datetime.now(UTC)
        key = stores.accounts.owner_key("default", "alice@example.com")
        for what, who in (("password", "alice@example.com"), ("code", key)):
            asyncio.run(stores.accounts.count("default", what, who, limit, now))
    done = run.invoke(main, unlock)
    assert done.exit_code == 0 and "can sign in again" in done.output
    assert run.invoke(main, unlock).exit_code == 1
