"""Each broken configuration with exactly the problems it has to give: place, key, cause, hint.

The expected problems stand at the end of each file, behind `#!`.
"""

import shutil
from pathlib import Path

import pytest

from delivery.dkimkeys import make_key
from gateway.settings import SettingsInvalid, load_settings
from keys.keyring import KeyRing

FILES = sorted((Path(__file__).parent / "bad_configs").glob("*.yaml"))


@pytest.fixture
def folder(tmp_path: Path, certificates: Path) -> Path:
    """What good configurations refer to, and some things that are no good."""
    for file in certificates.iterdir():
        shutil.copy(file, tmp_path)
    KeyRing.create(tmp_path / "keyring.json")
    shutil.copy(tmp_path / "keyring.json", tmp_path / "open-keyring.json")
    (tmp_path / "open-keyring.json").chmod(0o644)
    make_key(tmp_path / "dkim.pem", bits=None)
    (tmp_path / "policy.yaml").write_text("version: 1\notherwise: relay\n")
    (tmp_path / "bad-policy.yaml").write_text("version: 1\nrules:\n  - name: x\n    then: relya\nother: relay\n")
    (tmp_path / "bad-pack.yaml").write_text("detectors:\n  my.number: {title: A number, paterns: []}\n")
    (tmp_path / "failing-policy.yaml").write_text(
        "version: 1\nrules:\n  - name: All\n    then: safebox\ntests:\n"
        "  - {name: passes, from: a@example.com, to: b@b.example, expect: safebox}\n"
        "  - {name: fails, from: a@example.com, to: [b@b.example, c@c.example], expect: relay}\n"
    )
    return tmp_path


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_problem_is_told_with_its_place(file: Path, folder: Path) -> None:
    config = folder / "config.yaml"
    shutil.copy(file, config)
    with pytest.raises(SettingsInvalid) as invalid:
        load_settings(config)
    told = [str(problem).replace(f"{config}:", "").replace(str(folder), "DIR") for problem in invalid.value.problems]
    expected = [line.removeprefix("#! ") for line in file.read_text().splitlines() if line.startswith("#! ")]
    assert told == expected


def test_there_are_bad_configs() -> None:
    assert len(FILES) > 15
