"""Random mistakes in what admins write: each file is sound, or every problem is told with its line, and nothing raises.

`make check` tries some hundreds of each kind, `make soak` many more.
"""

import random
import re
from pathlib import Path
from typing import Any

import pytest
from odd_files import mistaken, written

from gateway.example import example
from gateway.policyfile import PolicyInvalid, PolicyPlace, load_policy, read_packs
from gateway.settings import SettingsInvalid, load_settings
from gateway.yamlmarks import read_yaml
from keys.keyring import KeyRing
from policy.extraction.message import read_message
from policy.problem import Problem
from policy.route import Directory
from rules.matching import Matcher
from rules.samples import run_samples

DOCS = Path(__file__).parents[3] / "docs"
PACK = r"""
detectors:
  acme.badge:
    title: Badge of ACME
    groups: [identity, medical]
    patterns:
      - {regex: '\bAB-\d{6}\b', confidence: medium, alone: true}
      - {regex: '\b\d{3}-\d{4}\b', check: luhn, confidence: low, named: true}
    near: [{words: [badge, "card no."], within: 50, raise: high}, {words: [staff id], names: false}]
    unless: [{words: [order], within: 60}, {list: other_numbers}]
    except: ["AB-000000"]
    samples: {found: ["badge AB-123456", {text: "AB-654321", confidence: medium}], ignored: ["AB-12345"]}
  acme.words:
    title: Words of ACME
    groups: [financial]
    words: {terms: {project zeus: 5, zeus: 2}, within: 500, medium: 5, high: 9}
    samples: {found: [project zeus]}
extend:
  acme.badge: {near: {words: [pass], within: 9}}
"""
DETECTORS = ("us.ssn", "iban", "payment.card", "medical.mrn")
DIRECTORY = Directory(
    domains=("example.com",),
    partners={"st-mary": ("stmary.example",)},
    inside_verified=True,
    proven=False,
    profiles=frozenset({"standard"}),
    groups=(),
)
SOME = [pytest.param(1, 120, id="some"), pytest.param(2, 25_000, id="many", marks=pytest.mark.soak)]


def check(problems: tuple[Problem, ...], file: Path, text: str) -> None:
    """Each problem has a place in the file, and its text is short and shows every sign."""
    assert problems
    for problem in problems:
        assert problem.file != str(file) or 0 < problem.line <= text.count("\n") + 1, problem
        said = str(problem)
        assert len(said) < 4000
        assert all(sign.isprintable() for sign in said.replace("\n", "")), said
        assert not re.search(r"Errno|object at 0x|codec can|Input should", said), said


def everything() -> dict[str, Any]:
    """The example of a configuration with every key, as far as no two contradict each other."""
    text = (
        example().replace("/var/lib/sealgate", "data").replace("file:///etc/sealgate/keyring.json", "file:keyring.json")
    )
    data: dict[str, Any] = read_yaml(re.sub(r"(?m)^( *)#(?=\S)", r"\1", text), "example").data
    del data["listeners"][0]["verify_recipients"], data["listeners"][0]["reports"]
    del data["phones"]["sms"]["json"], data["phones"]["voice"]["form"]
    return data


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("seed", "number"), SOME)
def test_configurations(tmp_path: Path, seed: int, number: int) -> None:
    rng, file, good = random.Random(seed), tmp_path / "config.yaml", everything()
    KeyRing.create(tmp_path / "keyring.json")
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    shorter = {
        key: good[key] for key in ("hostname", "domains", "data", "keys", "listeners", "policy", "portal", "rules")
    }
    shorter["next_hop"] = {"host": "smtp.example.com:25"}
    for key in ("logins", "tls", "xforward"):
        shorter["listeners"][0].pop(key, None)
    shorter["portal"].pop("tls", None)
    for _ in range(number):
        text = written(mistaken(rng, rng.choice((good, shorter))))
        file.write_text(text)
        try:
            load_settings(file, policy=False)
        except SettingsInvalid as invalid:
            check(invalid.problems, file, text)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("seed", "number"), SOME)
def test_policies(tmp_path: Path, seed: int, number: int) -> None:
    rng, file, pack = random.Random(seed), tmp_path / "policy.yaml", tmp_path / "pack.yaml"
    pack.write_text(written({"detectors": {name: _detector() for name in DETECTORS}}))
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / "policy.md").read_text(), re.DOTALL)
    goods = [read_yaml(block, "docs").data for block in blocks]
    for _ in range(number):
        text = written(mistaken(rng, rng.choice(goods)))
        file.write_text(text)
        try:
            loaded = load_policy(PolicyPlace(file, (str(pack),)), DIRECTORY)
            loaded.failures(loaded.trial(read_message))
        except PolicyInvalid as invalid:
            check(invalid.problems, file, text)


def _detector() -> dict[str, Any]:
    found = ["536-22-1234"]
    return {
        "title": "t",
        "groups": ["identity", "medical"],
        "patterns": [{"regex": found[0]}],
        "samples": {"found": found},
    }


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("seed", "number"), SOME)
def test_packs(tmp_path: Path, seed: int, number: int) -> None:
    rng, file, good = random.Random(seed), tmp_path / "pack.yaml", read_yaml(PACK, "pack").data
    for _ in range(number):
        text = written(mistaken(rng, good))
        file.write_text(text)
        packs = read_packs(PolicyPlace(tmp_path / "policy.yaml", (str(file),)))
        if packs.problems:
            check(packs.problems, file, text)
        else:
            matcher = Matcher(packs.detectors)
            run_samples(matcher, packs.detectors)
            matcher.scan_text("badge AB-123456 -- 123-4567\torder … zeus\nstaff id\n\n" + "-1" * 50)
