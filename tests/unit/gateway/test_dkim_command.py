"""`sealgate dkim`: keys made, records printed and compared with the DNS."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import dns.resolver
import pytest
from click.testing import CliRunner, Result
from smallest import write_config

from gateway.cli.main import main


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["dkim", *map(str, words)])


def test_a_key_is_made_and_its_record_printed(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = config.with_name("dkim.pem")
    made = run("make", file, "--selector", "S2", "--type", "ed25519", "--config", config)
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith('s2._domainkey.example.com. IN TXT ( "v=DKIM1; k=ed25519; p=')
    assert "notices: {dkim: {domain: example.com, selector: s2" in made.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("make", file, "--selector", "s2", "--config", config).exit_code == 2  # not overwritten
    assert run("make", file, "--selector", "no name", "--config", config).exit_code == 2
    assert run("records", "--config", config).exit_code == 1  # none is configured

    write_config(config.parent, "notices: {dkim: {selector: s2, key: dkim.pem}}", keys=False)
    [shown] = run("records", "--json", "--config", config).stdout.splitlines()
    record = json.loads(shown)
    assert record["name"] == "s2._domainkey.example.com"
    assert record["text"] in made.stdout

    published = {record["name"]: record["text"].replace("; ", ";").encode()}

    def resolve(name: str, kind: str, lifetime: float) -> list[SimpleNamespace]:
        if name not in published:
            raise dns.resolver.NXDOMAIN
        return [SimpleNamespace(strings=(published[name][:20], published[name][20:]))]

    monkeypatch.setattr(dns.resolver, "resolve", resolve)
    assert "in the DNS: published" in run("records", "--check", "--config", config).stdout
    published[record["name"]] = b"v=DKIM1; p="
    other = run("records", "--check", "--config", config)
    assert (other.exit_code, "another key" in other.stdout) == (1, True)
    published.clear()
    assert "missing" in run("records", "--check", "--config", config).stdout


def test_a_key_for_another_domain_needs_no_configuration(tmp_path: Path) -> None:
    made = run("make", tmp_path / "k", "--selector", "a", "--domain", "Example.ORG", "--type", "rsa-1024", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["name"] == "a._domainkey.example.org"
    assert not os.path.lexists(tmp_path / "data")


def test_a_key_that_is_configured_and_not_made_yet_is_made(config: Path) -> None:
    """`config check` says that `dkim make` makes it, and `keys init` the keyring: neither waits for the other."""
    write_config(config.parent, "notices: {dkim: {selector: s2, key: dkim.pem}}", keys=False)
    config.with_name("keyring.json").unlink()
    refused = CliRunner().invoke(main, ["config", "check", "--config", str(config)])
    assert refused.exit_code == 2
    assert "dkim.pem does not exist. `sealgate dkim make` makes one." in refused.output
    made = run("make", config.with_name("dkim.pem"), "--selector", "s2", "--type", "ed25519", "--config", config)
    assert made.exit_code == 0, made.output
    assert made.stdout.count("\n") == 1, "the record alone, which a script appends to its zone"
    assert ("It belongs to root" in made.stderr) == (os.geteuid() == 0)
    assert CliRunner().invoke(main, ["keys", "init", "--config", str(config)]).exit_code == 0
    assert CliRunner().invoke(main, ["config", "check", "--config", str(config)]).exit_code == 0


def test_the_keyring_is_made_before_the_key_that_signs(config: Path) -> None:
    write_config(config.parent, "notices: {dkim: {selector: s2, key: dkim.pem}}", keys=False)
    config.with_name("keyring.json").unlink()
    made = CliRunner().invoke(main, ["keys", "init", "--config", str(config)])
    assert made.exit_code == 0, made.output
