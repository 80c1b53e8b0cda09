"""The program as an admin meets it: few keys are enough, mistakes are all told at once, a stop is clean."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mailhosts import wait_for

REQUIRED = """\
hostname: gate.example.com
domains: [example.com]
data: {folder}/data
keys: file://{folder}/keyring.json
listeners: [{{address: "127.0.0.1:{smtp}"}}]
next_hop: {{host: "127.0.0.1:{world}"}}
policy: policy.yaml
portal: {{url: "http://localhost:{portal}"}}
"""


def sealgate(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **more},
    )  # fmt: skip


@pytest.fixture
def required(tmp_path: Path, free_port, world) -> Path:
    """A configuration of just the required keys; its policy is two lines."""
    values = {"folder": tmp_path, "smtp": free_port(), "portal": free_port(), "world": world.port}
    config = tmp_path / "config.yaml"
    config.write_text(REQUIRED.format(**values) + "telemetry: {metrics: null}\n")
    (tmp_path / "policy.yaml").write_text("version: 1\notherwise: relay\n")
    return config


def test_keys_init_and_serve_with_the_required_keys_alone(required: Path, world, letter) -> None:
    import smtplib

    made = sealgate("--config", str(required), "keys", "init")
    assert made.returncode == 0, made.stderr
    assert oct((required.parent / "keyring.json").stat().st_mode & 0o777) == "0o600"
    assert sealgate("keys", "init", "--config", str(required)).returncode == 1, "an old keyring is never overwritten"
    port = int(required.read_text().split("127.0.0.1:")[1].split('"')[0])
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"], env={**os.environ, "SEALGATE_CONFIG": str(required)},
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    ) as serving:  # fmt: skip
        try:

            def send() -> bool:
                try:
                    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
                        client.send_message(letter(), to_addrs=["bob@friends.example"])
                except OSError:
                    return False
                return True

            wait_for(send, seconds=180)  # nothing is compiled yet
            world.wait("bob@friends.example")
        finally:
            serving.terminate()
            serving.communicate(timeout=60)
        assert serving.returncode == 0
    kept = [file.suffix for file in (required.parent / "data" / "matcher").iterdir()]
    assert kept == [".matcher"] * len(kept) and 1 <= len(kept) <= 4, "each of a matcher's databases, compiled once"


def test_explain_gives_the_documented_shape(required: Path, letter, tmp_path: Path) -> None:
    sealgate("keys", "init", "--config", str(required))
    mail = tmp_path / "mail.eml"
    mail.write_bytes(letter(text="SSN 536-22-1234\n").as_bytes())
    done = sealgate(
        "policy", "explain", str(mail), "--from", "alice@example.com", "--to", "b@gmail.com", "--json",
        "--config", str(required),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"policy", "message", "findings", "recipients"} <= set(told)
    assert set(told["message"]) == {"subject", "size"} and len(told["policy"]["sha256"]) == 64
    [finding] = [finding for finding in told["findings"] if finding["detector"] == "us.ssn"]
    assert {"detector", "confidence", "count", "unique", "places"} <= set(finding)
    assert "536-22-1234" not in done.stdout
    [recipient] = told["recipients"]
    assert {"address", "action", "route", "partner", "rule", "profile", "reasons"} <= set(recipient)
    assert recipient["route"] == "relay"


def test_every_mistake_is_told_in_one_run(required: Path) -> None:
    """Unknown key, duplicate key, wrong type, missing file, bad pattern: each with its line and a hint."""
    required.write_text(
        required.read_text().replace("policy: policy.yaml", "policy: polcy.yaml")
        + "nexthop: x\nlimits: {recipients: many, sessions: 3, sessions: 4}\nrules: [builtin, bad.yaml]\n"
    )
    (required.parent / "bad.yaml").write_text(
        "detectors:\n  my.number:\n    title: A number\n    groups: [identity]\n    patterns:\n"
        "      - {regex: '(?<=x)\\d+', confidence: high}\n"
        "    samples: {found: [{text: x1, confidence: high}], ignored: [y]}\n"
    )
    done = sealgate("config", "check", "--config", str(required))
    assert done.returncode == 2
    lines = required.read_text().splitlines()
    told = {
        "policy: polcy": "polcy",
        "nexthop:": "next_hop",
        "recipients: many": "recipients",
        "sessions: 4": "sessions",
    }
    for key, words in told.items():
        number = next(index for index, line in enumerate(lines, 1) if key in line)
        assert any(f"config.yaml:{number}:" in line and words in line for line in done.stderr.splitlines()), (
            key,
            done.stderr,
        )
    assert "bad.yaml:6:" in done.stderr
    assert "Traceback" not in done.stderr
    serving = sealgate("serve", "--config", str(required))
    assert serving.returncode == 2 and not (required.parent / "data").exists(), "nothing was started"


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_that_is_taken_is_told_before_anything_is_made(required: Path, workers: int) -> None:
    required.write_text(required.read_text() + f"workers: {workers}\n")
    assert sealgate("--config", str(required), "keys", "init").returncode == 0
    port = int(required.read_text().split("127.0.0.1:")[1].split('"')[0])
    with socket.create_server(("127.0.0.1", port)):
        done = sealgate("--config", str(required), "serve")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use" in done.stderr and "Traceback" not in done.stderr
    assert not (required.parent / "data" / "sealgate.db").exists()


def test_a_store_that_fails_is_told_with_what_to_do(required: Path) -> None:
    """It was asked rightly, and could not be done: exit code 1, of `serve` and of commands alike."""
    assert sealgate("--config", str(required), "keys", "init").returncode == 0
    data = required.parent / "data"
    data.mkdir()
    (data / "sealgate.db").write_bytes(b"no database" * 1000)
    for words in (["serve"], ["queue", "list"]):
        done = sealgate("--config", str(required), *words)
        assert done.returncode == 1, words
        assert "the database file is no database" in done.stderr and "put it back from a backup" in done.stderr
        assert "Traceback" not in done.stderr
