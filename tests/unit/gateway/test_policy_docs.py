"""docs/policy.md and README.md: every key is there, and what they show loads and does what it says."""

import re
from pathlib import Path

import pytest

from gateway.policyfile import PolicyPlace, load_policy, try_out
from gateway.settings import load_settings
from keys.keyring import KeyRing
from policy.cases import FILE_KEYS, TEST_KEYS
from policy.clauses import ATTACHMENT_KEYS, CONTENT_KEYS, TIME_KEYS, WHEN_KEYS, WHO_KEYS
from policy.conditions import DAYS, Known
from policy.decision import Action, Route
from policy.language import ALSO_KEYS, POLICY_KEYS, RULE_KEYS
from policy.route import Directory
from rules.content import FileKind

pytestmark = pytest.mark.slow  # each command compiles the packs anew: they wait for make test

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "policy.md").read_text()
README = (ROOT / "README.md").read_text()
DIRECTORY = Directory(
    ("example.com",), {"st-mary": ("stmary.example",)}, profiles=frozenset({"standard", "healthcare"})
)


def blocks(page: str) -> list[str]:
    """The YAML of a page, without the indentation of a list it stands in."""
    found = re.findall(r"^( *)```yaml\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    return ["".join(line.removeprefix(indent) for line in text.splitlines(keepends=True)) for indent, text in found]


@pytest.mark.parametrize(
    "keys",
    [
        POLICY_KEYS,
        RULE_KEYS,
        ALSO_KEYS,
        WHEN_KEYS,
        WHO_KEYS,
        ATTACHMENT_KEYS,
        CONTENT_KEYS,
        TIME_KEYS,
        TEST_KEYS,
        FILE_KEYS,
    ],
)
def test_every_key_is_told_and_shown(keys: tuple[str, ...]) -> None:
    shown = "".join(blocks(PAGE))
    for key in keys:
        assert re.search(rf"`{key}[`:]", PAGE), f"{key} is not told"
        assert re.search(rf"\b{key}:", shown), f"{key} is not shown"


@pytest.mark.parametrize("word", [*Action, *Route, *FileKind, *Known, "watch", "enforce", DAYS[0], DAYS[-1]])
def test_every_word_is_told(word: str) -> None:
    assert re.search(rf"`{word}[`:]", PAGE)


@pytest.mark.parametrize("block", blocks(PAGE), ids=lambda block: block.splitlines()[-1].strip()[:40])
def test_every_example_loads_and_its_tests_pass(block: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(block)
    assert try_out(PolicyPlace(file, ("builtin",)), DIRECTORY) == ()


def test_the_page_has_examples() -> None:
    assert len(blocks(PAGE)) > 5


def test_the_shipped_policy_passes(tmp_path: Path) -> None:
    place = PolicyPlace(ROOT / "gateway" / "policy.example.yaml", ("builtin",))
    assert try_out(place, DIRECTORY) == ()
    assert len(load_policy(place, DIRECTORY).policy.text.tests) >= 7


def test_the_readme_shows_a_sound_configuration_with_its_policy(tmp_path: Path) -> None:
    configs = [block for block in blocks(README) if block.startswith("hostname:")]
    policies = [block for block in blocks(README) if block.startswith("version:")]
    assert configs
    assert policies
    KeyRing.create(tmp_path / "keyring.json")
    for config in configs:
        for policy in policies:
            (tmp_path / "policy.yaml").write_text(policy)
            text = config.replace("/var/lib/sealgate", "data").replace("file:///etc/sealgate/", "file:")
            (tmp_path / "config.yaml").write_text(text)
            assert load_settings(tmp_path / "config.yaml").hostname == "gate.example.com"


def test_the_demo_starts_from_a_sound_configuration(tmp_path: Path) -> None:
    from gateway.demo.folder import Ports, write_folder

    write_folder(tmp_path, Ports(2525, 8080, 8081, 2526, 2527, 8082))
    for name in ("gateway", "partner"):
        assert load_settings(tmp_path / name / "config.yaml").portal.url.startswith("http://localhost:")
