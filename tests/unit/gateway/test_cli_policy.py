"""`sealgate policy` and `sealgate config check`, as they are typed."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from keys.keyring import KeyRing
from policy.extraction.pdf.pages import gray_png

pytestmark = pytest.mark.slow  # each command compiles the packs anew: they wait for make test

LETTER = b"""\
From: Alice <alice@example.com>
To: bob@gmail.com
Subject: =?utf-8?q?R=C3=A9sultats?=
MIME-Version: 1.0
Content-Type: text/plain

Her SSN is 536-22-1234.
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEALGATE_CONFIG", raising=False)
    KeyRing.create(tmp_path / "keyring.json")
    (tmp_path / "letter.eml").write_bytes(LETTER)
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nrules:\n"
        "  - {name: Numbers, when: {recipients: {not_in: [ours]}, content: {identity: 1}}, then: secure}\n"
        "tests:\n  - {name: good, from: a@example.com, to: b@gmail.com, body: SSN 536-22-1234, expect: safebox}\n"
    )
    (tmp_path / "config.yaml").write_text(
        "hostname: gate.example.com\ndomains: [example.com]\ndata: data\nkeys: file:keyring.json\n"
        'listeners: [{address: "127.0.0.1:2525"}]\nnext_hop: {host: smtp.example.net}\npolicy: policy.yaml\n'
        "partners: {st-mary: {domains: [stmary.example]}}\n"
        'portal: {url: "https://secure.example.com"}\n'
    )

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--config", "config.yaml", *arguments])

    return run


def explain(run: Run, *more: str) -> Result:
    return run("policy", "explain", "letter.eml", "--from", "alice@example.com", "--to", "bob@gmail.com", *more)


def test_explain_gives_the_promised_shape(run: Run) -> None:
    result = explain(run, "--to", "carol@stmary.example", "--to", "dan@example.com", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found) == ["policy", "message", "findings", "files", "recipients", "watched", "notify"]
    assert list(found["policy"]) == ["sha256"]
    assert found["message"] == {"subject": "Résultats", "size": len(LETTER.replace(b"\n", b"\r\n"))}
    (finding,) = [f for f in found["findings"] if f["detector"] == "us.ssn"]
    assert {"detector", "confidence", "count", "unique", "places"} < set(finding)
    assert (finding["confidence"], finding["count"], finding["unique"]) == ("high", 1, 1)
    assert {"part", "excerpt", "value", "because"} < set(finding["places"][0])
    assert "536-22-12" not in result.stdout
    assert [r["route"] for r in found["recipients"]] == ["safebox", "partner", "relay"]
    first, second, third = found["recipients"]
    assert list(first) == ["address", "action", "route", "partner", "rule", "profile", "reasons", "rules"]
    assert (first["address"], first["action"], first["rule"]) == ("bob@gmail.com", "secure", "Numbers")
    assert (first["partner"], first["profile"]) == (None, "standard")
    assert (second["partner"], third["profile"]) == ("st-mary", None)
    assert third["rule"] == "otherwise"
    assert third["reasons"][0] == {"rule": "Numbers", "applies": False, "because": "dan@example.com is ours"}


def test_explain_speaks_to_people(run: Run) -> None:
    result = explain(run)
    assert result.exit_code == 0
    assert "bob@gmail.com -> safebox" in result.stdout
    shown = " ".join(result.stdout.split())  # lines are as wide as the terminal
    assert "needs 1 identity, found 1 (medium or surer)" in shown


def test_explain_tries_another_policy_at_another_time(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(
        "rules:\n  - name: Night\n    then: hold\n"
        "    when: {time: {between: ['18:00', '08:00'], zone: Europe/Zurich}, client: 10.0.0.0/8}\n"
    )
    options = ("--policy", "other.yaml", "--client", "10.1.2.3", "--json")
    night = json.loads(explain(run, *options, "--at", "2026-05-09T23:00:00+02:00").stdout)
    noon = json.loads(explain(run, *options, "--at", "2026-05-09T12:00:00+02:00").stdout)
    assert night["recipients"][0]["route"] == "hold"
    assert noon["recipients"][0]["route"] == "relay"


@pytest.mark.parametrize(
    "arguments",
    [
        ("letter.eml", "--from", "alice", "--to", "b@c.example"),
        ("letter.eml", "--from", "a@example.com", "--to", "bob"),
        ("letter.eml", "--from", "a@example.com", "--to", "b@c.example", "--client", "nowhere"),
        ("letter.eml", "--from", "a@example.com", "--to", "b@c.example", "--at", "noon"),
        ("letter.eml", "--from", "a@example.com"),
        ("none.eml", "--from", "a@example.com", "--to", "b@c.example"),
    ],
)
def test_wrong_use_is_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("policy", "explain", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def test_rules_that_never_apply_are_warnings_with_their_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nrules:\n"
        "  - {name: Ours, when: {sender: {in: [ours], not_in: [ours]}}, then: secure}\n"
        "  - {name: All, then: relay}\n"
        "  - {name: Last, then: hold}\n"
    )
    told = [
        'policy.yaml:3:12: rules[0].name: "Ours" never applies: everybody who is `in` is also `not_in`.',
        'policy.yaml:5:12: rules[2].name: "Last" is never asked: "All" above it decides about everything.',
    ]
    for group in ("policy", "config"):
        result = run(group, "check")
        assert result.exit_code == 0, result.stderr
        said = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
        assert [told[number] in line for number, line in enumerate(said)] == [True, True]
        found = json.loads(run(group, "check", "--json").stdout)
        assert [warning["line"] for warning in found["warnings"]] == [3, 5]
    assert json.loads(run("policy", "check", "--json").stdout)["never_asked"] == ["Last"]


def test_check_and_test_say_yes(run: Run) -> None:
    assert run("policy", "check").exit_code == 0
    result = run("policy", "test")
    assert result.exit_code == 0
    assert "1 test, none failed" in result.stdout
    (line,) = run("policy", "test", "--json").stdout.splitlines()
    assert json.loads(line) == {"test": "good", "line": 5, "passed": True, "misses": []}


def test_a_failing_test_is_1_with_its_reasons(run: Run, tmp_path: Path) -> None:
    text = (tmp_path / "policy.yaml").read_text().replace("expect: safebox", "expect: relay")
    (tmp_path / "policy.yaml").write_text(text)
    result = run("policy", "test")
    assert result.exit_code == 1
    assert 'b@gmail.com: expected relay, got safebox by "Numbers"' in result.stdout
    assert "needs 1 identity, found 1 (medium or surer)" in " ".join(result.stdout.split())
    assert json.loads(run("policy", "test", "--json").stdout)["misses"][0]["expected"] == "relay"
    check = run("config", "check")
    assert check.exit_code == 2
    assert 'test "good"' in check.stderr


def test_a_bad_policy_is_2_with_every_problem(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rules: [{name: a, then: secur}]\notherwize: relay\n")
    for command in ("check", "test"):
        result = run("policy", command, "bad.yaml")
        assert result.exit_code == 2
        assert result.stderr.splitlines() == [
            'bad.yaml:1:25: rules[0].then: "secur" is none of relay, secure, tls, safebox, hold, reject. '
            'Did you mean "secure"?',
            'bad.yaml:2:1: otherwize: is no key here. Did you mean "otherwise"?',
            "2 problems",
        ]
    lines = run("policy", "check", "bad.yaml", "--json").stdout.splitlines()
    assert [json.loads(line)["line"] for line in lines] == [1, 2]
    assert run("policy", "check", "none.yaml").exit_code == 2


def test_config_check(run: Run, tmp_path: Path) -> None:
    result = run("config", "check")
    assert result.exit_code == 0
    assert result.stdout.startswith("config.yaml: sound")
    assert json.loads(run("config", "check", "--json").stdout) == {"file": "config.yaml", "sound": True, "warnings": []}
    config = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(config + "limmits: {}\n")
    result = run("config", "check")
    assert result.exit_code == 2
    assert 'config.yaml:10:1: limmits: is no key here. Did you mean "limits"?' in result.stderr


def test_the_shipped_policy_is_printed_and_passes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shipped.yaml").write_text(run("policy", "example").stdout)
    result = run("policy", "test", "shipped.yaml")
    assert result.exit_code == 0, result.stdout
    assert "7 tests, none failed" in result.stdout


def test_without_any_configuration_a_file_can_still_be_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.policy.CONFIG_DEFAULT", str(tmp_path / "none.yaml"))
    (tmp_path / "p.yaml").write_text("version: 1\n")
    runner = CliRunner()
    arguments = ["--config", str(tmp_path / "none.yaml"), "policy"]
    assert runner.invoke(main, [*arguments, "check", str(tmp_path / "p.yaml")]).exit_code == 0
    assert runner.invoke(main, [*arguments, "check"]).exit_code == 2


@pytest.mark.slow
def test_explain_and_replay_read_pictures_where_the_configuration_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\ncase "$1" in\n--list-langs) printf "List:\\neng\\n";;\n*) wc -c; echo "SSN 536-22-1234";;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    picture = b64encode(gray_png(bytes(32 * 32), 32, 32, 32))
    mails = tmp_path / "mails"
    mails.mkdir()
    mail = b"From: a@example.com\r\nTo: b@gmail.com\r\nContent-Type: image/png\r\n"
    mail += b"Content-Transfer-Encoding: base64\r\n\r\n"
    (mails / "drawn.eml").write_bytes(mail + picture + b"\r\n")
    (tmp_path / "lax.yaml").write_text("version: 1\nrules: []\n")
    words = ("policy", "explain", "mails/drawn.eml", "--from", "alice@example.com", "--to", "bob@gmail.com", "--json")
    replay = ("policy", "replay", "mails", "--against", "lax.yaml", "--from", "alice@example.com", "--json")
    assert not json.loads(run(*words).stdout)["findings"]
    assert json.loads(run(*replay).stdout.splitlines()[-1])["summary"]["changed_messages"] == 0
    with (tmp_path / "config.yaml").open("a") as config:
        config.write("reading: {pictures: true, seconds: 300}\n")
    assert json.loads(run(*words).stdout)["findings"][0]["detector"] == "us.ssn"
    assert json.loads(run(*replay).stdout.splitlines()[-1])["summary"]["changed_messages"] == 1
