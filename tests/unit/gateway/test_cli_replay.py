"""`sealgate policy replay`, as it is typed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main

pytestmark = pytest.mark.slow  # each command compiles the packs anew: they wait for make test

Run = Callable[..., Result]
BEFORE = "rules:\n  - {name: Numbers, when: {content: {identity: 1}}, then: safebox}\n"
AFTER = (
    "rules:\n  - {name: All numbers, when: {content: {identity: 1}}, then: hold}\n"
    "  - {name: Greetings, mode: watch, when: {subject: Hello}, then: hold}\n"
)


def letter(to: str, body: str, subject: str = "Hello") -> str:
    return f"From: Ann <ann@example.com>\nTo: {to}\nSubject: {subject}\n\n{body}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEALGATE_CONFIG", raising=False)
    (tmp_path / "before.yaml").write_text(BEFORE)
    (tmp_path / "after.yaml").write_text(AFTER)
    mail = tmp_path / "mail"
    mail.mkdir()
    (mail / "1.eml").write_text(letter("bob@gmail.com, eve@gmail.com", "Her SSN is 536-22-1234."))
    (mail / "2.eml").write_text(letter("bob@gmail.com", "See you at noon.", "Lunch"))
    (mail / "3.eml").write_text("Subject: for nobody\n\nHello\n")
    (mail / "notes").write_text("no mail\n")
    return mail


def run(*more: str) -> Result:
    return CliRunner().invoke(main, ["policy", "replay", "mail", "--policy", "before.yaml", *more])


def test_every_change_is_a_line_and_the_sums_the_last(folder: Path) -> None:
    result = run("--against", "after.yaml", "--json")
    assert result.exit_code == 0, result.output
    *lines, last = [json.loads(line) for line in result.stdout.splitlines()]
    changes = [line for line in lines if "before" in line]
    assert [(line["message"], line["address"]) for line in changes] == [
        ("1.eml", "bob@gmail.com"),
        ("1.eml", "eve@gmail.com"),
    ]
    assert (changes[0]["before"]["route"], changes[0]["after"]["route"]) == ("safebox", "hold")
    assert changes[0]["after"]["because"] == "needs 1 identity, found 1 (medium or surer)"
    assert {line["message"]: line.get("error") or line.get("skipped") for line in lines if "before" not in line} == {
        "3.eml": "names no recipient: say --to ADDRESS",
        "notes": "does not begin as a message does",
    }
    summary = last["summary"]
    assert (summary["messages"], summary["changed_messages"], summary["changed_recipients"]) == (2, 1, 2)
    assert (summary["failed"], summary["skipped"], summary["stopped"]) == (1, 1, False)
    assert summary["watched"] == []
    assert summary["changes"][0]["addresses"] == {"bob@gmail.com": 1, "eve@gmail.com": 1}
    assert "536-22" not in result.stdout


def test_people_get_sums_and_examples(folder: Path) -> None:
    result = run("--against", "after.yaml", "--to", "zoe@gmail.com", "--from", "<>")
    assert result.exit_code == 0, result.output
    assert "3 messages, 3 recipients" in result.stdout
    assert 'safebox by "Numbers" -> hold by "All numbers": 1 of 1 message' in result.stdout
    assert "for zoe@gmail.com 1" in result.stdout
    assert "skipped: does not begin as a message does" in result.stderr


def test_nothing_would_change(folder: Path) -> None:
    assert "nothing would change" in run("--against", "before.yaml").stdout


def test_wrong_use_is_2_and_no_mail_is_1(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rules: 1\n")
    assert run("--against", "bad.yaml").exit_code == 2
    assert run("--against", "none.yaml").exit_code == 2
    for path in folder.iterdir():
        path.unlink()
    assert run("--against", "after.yaml").exit_code == 1


def test_processes_lose_nothing(folder: Path) -> None:
    for number in range(40):
        body = "Her SSN is 536-22-1234." if number % 4 == 0 else "See you."
        (folder / f"more-{number}.eml").write_text(letter(f"n{number}@gmail.com", body, "x"))
    result = run("--against", "after.yaml", "--json", "--jobs", "2")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[-1]["summary"]["messages"] == 42
    assert {line["address"] for line in lines if "before" in line} == {
        "bob@gmail.com",
        "eve@gmail.com",
        *(f"n{number}@gmail.com" for number in range(0, 40, 4)),
    }


def test_ctrl_c_ends_all_of_it_and_tells_what_was_done(folder: Path) -> None:
    for number in range(300):
        (folder / f"{number}.eml").write_text(letter("bob@gmail.com", "Her SSN is 536-22-1234."))
    late = letter("bob@gmail.com", "Call 536-22-1234 or 4 111 1 1. " * 8_000)
    for number in range(200):  # these alone take a minute
        (folder / f"late{number}.eml").write_text(late)
    arguments = ["policy", "replay", "mail", "--policy", "before.yaml", "--against", "after.yaml", "--jobs", "2"]
    hears = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also where we run in the background
    )
    code = f"{hears}; from gateway.cli.main import main; main({[*arguments, '--json']!r})"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **pipes) as process:
        try:
            assert process.stdout is not None
            first = [process.stdout.readline() for _ in range(5)]
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert '"after"' in first[-1], err  # it was at work
    assert process.returncode == 130
    assert "Traceback" not in err
    summary = json.loads(out.splitlines()[-1])["summary"]
    assert summary["stopped"]
    assert 0 <= summary["messages"] < 500
    with pytest.raises(ProcessLookupError):
        for _ in range(200):  # the last of them ends a moment later
            os.killpg(process.pid, 0)
            time.sleep(0.05)
