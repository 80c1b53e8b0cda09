"""`sealgate keys`: what it makes, says and refuses."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner, Result
from smallest import write_config

import gateway
from gateway.cli.main import main


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, keys=False)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["keys", *map(str, words)])


def test_init_works_with_just_the_required_keys_and_before_there_is_data(config: Path) -> None:
    result = run("init", "--config", config)
    assert result.exit_code == 0, result.output
    keyring = config.with_name("keyring.json")
    assert stat.S_IMODE(keyring.stat().st_mode) == 0o600
    assert not config.with_name("data").exists()
    secret = json.loads(keyring.read_text())["roots"][0]["secret"]
    assert secret not in result.output


def test_init_overwrites_nothing(config: Path) -> None:
    run("init", "--config", config)
    before = config.with_name("keyring.json").read_bytes()
    result = run("init", "--config", config)
    assert result.exit_code == 1  # asked rightly, and not done
    assert "not overwritten" in result.stderr
    assert "hint:" in result.stderr
    assert config.with_name("keyring.json").read_bytes() == before


@pytest.mark.slow
def test_init_makes_no_keyring_for_data_of_another(config: Path, tmp_path: Path) -> None:
    """Whoever lost the keyring and follows a hint in haste must not seal new mail beside what nobody can open."""
    run("init", "--config", config)
    keyring = config.with_name("keyring.json")
    run("rotate", "--config", config)  # which makes the database, and wraps its keys
    kept = keyring.rename(tmp_path / "copy.json")
    result = run("init", "--config", config)
    assert result.exit_code == 1
    assert json.loads(kept.read_text())["primary"] in result.stderr
    assert "restore" in result.stderr
    assert not keyring.exists()
    run("init", "--path", keyring)
    foreign = keyring.read_bytes()
    result = run("rotate", "--config", config)
    assert result.exit_code == 1
    assert json.loads(kept.read_text())["primary"] in result.stderr
    assert keyring.read_bytes() == foreign
    keyring.unlink()
    data = config.with_name("data").rename(tmp_path / "old-data")
    assert run("init", "--config", config).exit_code == 0
    assert data.exists()


def test_init_by_path_needs_no_configuration(tmp_path: Path) -> None:
    result = run("init", "--path", tmp_path / "own.json", "--json")
    assert result.exit_code == 0
    made = json.loads(result.stdout)
    assert made["keyring"] == str(tmp_path / "own.json")
    assert json.loads((tmp_path / "own.json").read_text())["primary"] == made["id"]


def test_list_shows_no_secret(config: Path) -> None:
    run("init", "--config", config)
    result = run("list", "--config", config, "--json")
    [root] = [json.loads(line) for line in result.stdout.splitlines()]
    assert root.keys() == {"id", "created", "primary"}
    assert root["primary"] is True
    assert "primary" in run("list", "--config", config).stdout


def test_list_without_a_keyring_says_how_to_make_it(config: Path) -> None:
    result = run("list", "--config", config)
    assert result.exit_code == 2
    assert "keys init" in result.stderr


def test_rotate_brings_the_stored_keys_under_the_new_root(config: Path) -> None:
    run("init", "--config", config)
    old = json.loads(config.with_name("keyring.json").read_text())["primary"]
    first = run("rotate", "--config", config, "--json")
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    roots = json.loads(config.with_name("keyring.json").read_text())
    assert roots["primary"] == told["id"] != old
    assert [root["id"] for root in roots["roots"]] == [old, told["id"]]
    again = json.loads(run("rotate", "--config", config, "--rewrap-only", "--json").stdout)
    assert again["id"] == told["id"]
    assert json.loads(config.with_name("keyring.json").read_text()) == roots


def test_a_rotation_whose_database_is_away_can_be_finished_later(config: Path) -> None:
    run("init", "--config", config)
    run("rotate", "--config", config)  # makes the stored keys
    away = config.with_name("away.yaml")
    away.write_text(config.read_text() + 'database: "postgresql://u:SECRET@127.0.0.1:1/x"\n')
    result = run("rotate", "--config", away)
    assert result.exit_code == 1
    assert "--rewrap-only" in result.stderr
    assert "SECRET" not in result.output
    finished = json.loads(run("rotate", "--rewrap-only", "--config", config, "--json").stdout)
    assert finished["id"] == json.loads(config.with_name("keyring.json").read_text())["primary"]
    assert finished["rewrapped"] > 0


def test_a_credential_of_the_unit_comes_before_the_file(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", "--config", config)
    run("init", "--path", tmp_path / "credentials" / "keyring.json")
    (tmp_path / "credentials" / "keyring.json").chmod(0o400)  # as systemd hands it over
    handed = json.loads((tmp_path / "credentials" / "keyring.json").read_text())["primary"]
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    assert handed in run("list", "--config", config).stdout
    (tmp_path / "credentials" / "keyring.json").unlink()
    assert handed not in run("list", "--config", config).stdout


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_what_root_does_leaves_no_file_that_the_service_cannot_open(config: Path) -> None:
    with TemporaryDirectory() as folder:  # pytest's own folders are its user's alone
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        data.mkdir()
        os.chown(data, 4321, 4321)
        config.write_text(config.read_text().replace("data: data", f"data: {data}"))
        _commands_leave_nothing_of_root(config, data)


def _commands_leave_nothing_of_root(config: Path, data: Path) -> None:
    subprocess.run([sys.executable, "-m", "gateway", "keys", "init", "--config", config], check=True)
    all_that_waits = ["queue", "hold", "--all", "--reason", "restored"]
    for words in (["keys", "rotate"], ["queue", "list"], all_that_waits, ["db", "upgrade"]):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words, "--config", config], check=False, capture_output=True, text=True
        )
        if all(folder.stat().st_mode & 0o001 for folder in Path(gateway.__file__).parents):
            assert done.returncode == 0, done.stderr
        else:  # as below /root, where the service could not run either
            assert done.returncode == 2 and "cannot read this program" in done.stderr
            return
    made = list(data.rglob("*"))
    assert made and {path.stat().st_uid for path in made} == {4321}
