"""`sealgate rules`, as people and scripts use it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main

pytestmark = pytest.mark.slow  # each command compiles the packs anew: they wait for make test

LETTER = "Her SSN is 536-22-1234, her MRN 00412345 and NPI 1234567893."
PACK = """
detectors:
  acme.badge:
    title: Badge of ACME
    groups: [identity]
    patterns:
      - {regex: '\\bACME-\\d{4}\\b', confidence: high}
    samples: {found: [ACME-1234], ignored: [ACME-12]}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("gateway.cli.main.CONFIG_DEFAULT", str(tmp_path / "none.yaml"))
    monkeypatch.setattr("gateway.cli.rules.CONFIG_DEFAULT", str(tmp_path / "none.yaml"))
    monkeypatch.delenv("SEALGATE_CONFIG", raising=False)

    def run(*arguments: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, ["rules", *map(str, arguments)], input=stdin)

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "acme.yaml").write_text(PACK)
    path = tmp_path / "config.yaml"
    path.write_text("rules: [builtin, local/*.yaml]\n")
    return path


def test_list_shows_each_detector_with_title_and_groups(run: Any) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert re.search(r"^us\.ssn +US Social Security number \(identity\)$", result.stdout, re.MULTILINE)
    rows = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert {"id", "title", "groups", "source"} == set(rows[0])
    assert len(rows) > 10


def test_list_with_a_configuration(run: Any, config: Path) -> None:
    result = run("list", "--config", config)
    assert result.exit_code == 0
    assert re.search(r"^acme\.badge +Badge of ACME \(identity\)$", result.stdout, re.MULTILINE)
    assert "us.ssn" in result.stdout
    config.write_text("rules: [local/acme.yaml]\n")
    assert run("list", "--config", config).stdout == "acme.badge  Badge of ACME (identity)\n"


def test_show_tells_patterns_and_checks_and_refuses_unknown_ids(run: Any) -> None:
    result = run("show", "us.npi")
    assert result.exit_code == 0
    assert "check npi" in result.stdout
    shown = json.loads(run("show", "us.npi", "--json").stdout)
    assert shown["patterns"][0]["width"] == 10
    missing = run("show", "us.nope")
    assert missing.exit_code == 1
    assert "there is no detector us.nope" in missing.stderr
    assert "hint:" in missing.stderr


def test_test_runs_the_samples_of_packs_and_fails_with_one_that_does(run: Any, config: Path) -> None:
    result = run("test")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("0 failed")
    (config.parent / "local" / "acme.yaml").write_text(PACK.replace("[ACME-12]", "[ACME-9999]"))
    config.write_text("rules: [local/*.yaml]\n")
    failed = run("test", "--config", config)
    assert failed.exit_code == 1
    assert "FAILED" in failed.stdout
    assert "'ACME-9999': expected nothing, got high" in failed.stdout
    rows = [json.loads(line) for line in run("test", "--config", config, "--json").stdout.splitlines()]
    assert rows[0]["detector"] == "acme.badge"
    assert rows[-1]["failed"] == 1


@pytest.mark.slow
def test_patterns_that_run_slower_are_told(run: Any, config: Path) -> None:
    slow = PACK.replace(r"'\bACME-\d{4}\b'", r"'(?U)ACME-\d{4}'")
    config.write_text("rules: [local/*.yaml]\n")
    (config.parent / "local" / "acme.yaml").write_text(slow)
    result = run("test", "--config", config)
    assert result.exit_code == 0
    assert "note: acme.badge: the engine does not take" in result.stdout


def test_mistakes_of_packs(run: Any, config: Path) -> None:
    pack = config.parent / "local" / "acme.yaml"
    pack.write_text(PACK.replace(r"\d{4}", r"\d+").replace("title:", "titel:"))
    result = run("list", "--config", config)
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if not line.startswith(" ")]
    assert len(lines) == 3  # unknown key, missing key, no widest match
    assert all(line.startswith(f"{pack}:") for line in lines)
    assert f"{pack}:7:17: acme.badge" in result.stderr
    assert 'Did you mean "title"?' in result.stderr
    shown, caret = result.stderr.splitlines()[-2:]
    assert shown[caret.index("^")] == "+"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("rules: builtin\n", "list of packs"),
        ("rules: [builtin\n", ":"),
        ("rules: [no.yaml]\n", "no.yaml"),
        ("[]\n", "mapping"),
    ],
)
def test_mistakes_of_the_configuration(run: Any, config: Path, text: str, cause: str) -> None:
    config.write_text(text)
    result = run("list", "--config", config)
    assert result.exit_code == 2
    assert cause in result.stderr
    assert "Traceback" not in result.output


def test_a_configuration_that_is_named_must_be_there(run: Any, tmp_path: Path) -> None:
    result = run("list", "--config", tmp_path / "other.yaml")
    assert result.exit_code == 2
    assert "other.yaml" in result.stderr


def test_scan_jsonl(run: Any, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": LETTER},
        {"id": 7, "text": "nothing"},
        {"id": None, "text": "SSN 536-22-1234 536-22-1234"},
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    result = run("scan", "--jsonl", path)
    assert result.exit_code == 0
    out = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in out] == ["a", 7, None]
    assert all(isinstance(row["ms"], float) and set(row) == {"id", "ms", "findings"} for row in out)
    assert [(f["detector"], f["confidence"], f["value"]) for f in out[0]["findings"]] == [
        ("us.ssn", "high", "•••••••34"),
        ("medical.mrn", "high", "••••••45"),
        ("us.npi", "high", "••••••••93"),
    ]
    assert out[1]["findings"] == []
    assert len(out[2]["findings"]) == 1
    for value in ("536221234", "00412345", "1234567893"):
        assert value not in result.stdout
    revealed = [
        json.loads(line) for line in run("scan", "--jsonl", "-", "--reveal", stdin=path.read_text()).stdout.splitlines()
    ]
    assert [f["value"] for f in revealed[0]["findings"]] == ["536221234", "00412345", "1234567893"]


@pytest.mark.parametrize("line", ["{", "[" * 100_000, "\0\x01\ufffd", "[]", '{"id": 1}', '{"id": 1, "text": 5}', '"x"'])
def test_a_bad_line_is_told_with_its_number(run: Any, line: str) -> None:
    rows = f'\ufeff{{"id": 1, "text": ""}}\n{line}\n\n{{"id": 3, "text": "\\ud800 SSN 536-22-1234"}}\n'
    result = run("scan", "--jsonl", "-", stdin=rows)
    assert result.exit_code == 2
    assert ":2: " in result.stderr
    assert "a line could not be read" in result.stderr
    assert [json.loads(row)["id"] for row in result.stdout.splitlines()] == [1, 3]
    assert "Traceback" not in result.output


def test_scan_a_text_file(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(LETTER)
    result = run("scan", path)
    assert result.exit_code == 0
    assert f"{path}: us.ssn high  text: Her SSN is •••••••••34" in result.stdout
    assert "536-22" not in result.stdout
    assert "536221234" in run("scan", path, "--reveal").stdout
    (row,) = [json.loads(line) for line in run("scan", path, "--json").stdout.splitlines()]
    assert row["findings"][0]["places"][0]["part"] == "text"
    assert "value" not in row["findings"][0]["places"][0]
    clean = tmp_path / "clean.txt"
    clean.write_text("hello")
    assert run("scan", clean).stdout == f"{clean}: nothing found\n"


def test_scan_needs_something(run: Any, tmp_path: Path) -> None:
    assert run("scan").exit_code == 2
    assert run("scan", tmp_path / "missing.txt").exit_code == 2


def test_the_home_folder_is_that_of_the_configuration(run: Any, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(config.parent))
    config.write_text("rules: [builtin, '~/local/*.yaml', '~nobody-of-this-name/x.yaml']\n")
    result = run("list", "--config", config)
    assert result.exit_code == 2
    assert ":1:36: rules[2]: ~nobody-of-this-name/x.yaml names a user" in result.stderr
    config.write_text("rules: [builtin, '~/local/*.yaml']\n")
    assert "acme.badge" in run("list", "--config", config).stdout


def test_two_forms_at_once_are_refused(run: Any) -> None:
    assert run("list", "--markdown", "--json").exit_code == 2
