"""Each broken policy with exactly the problems it has to give. They stand at the end of each file, behind `#!`."""

from pathlib import Path

import pytest

from gateway.yamlmarks import read_yaml
from policy.clauses import Names
from policy.language import read_policy

FILES = sorted((Path(__file__).parent / "bad_policies").glob("*.yaml"))
NAMES = Names(
    detectors=frozenset({"us.ssn", "us.itin", "iban", "payment.card", "medical.mrn"}),
    groups=frozenset({"identity", "medical", "financial"}),
    profiles=frozenset({"standard", "healthcare"}),
)


def told(file: Path) -> list[str]:
    document = read_yaml(file.read_text(), "p")
    _, problems = read_policy(document.data, "p", document.where, NAMES)
    return [str(problem).removeprefix("p:") for problem in (*document.problems, *problems)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_problem_is_told_with_its_place(file: Path) -> None:
    expected = [line.removeprefix("#! ") for line in file.read_text().splitlines() if line.startswith("#! ")]
    assert told(file) == expected


def test_there_are_bad_policies() -> None:
    assert len(FILES) > 5
