"""The detectors that a configuration names, read without the rest of it.

Who writes detectors wants to list and test them while the gateway's own settings may not stand yet.
"""

from pathlib import Path

from pydantic_core import PydanticCustomError

from delivery.sections import located
from gateway.policyfile import BUILTIN, PolicyPlace, read_packs
from gateway.settings import RULES
from gateway.yamlmarks import read_limited, read_yaml
from policy.problem import Problem
from rules.detector import Detector
from rules.pack import load_builtin


class DetectorsInvalid(Exception):
    """The configuration's `rules` or the packs they name cannot be read; `problems` has every mistake."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def configured_detectors(config: Path | None) -> tuple[Detector, ...]:
    """Those of `rules` in the configuration, the built-in ones without one; raise DetectorsInvalid."""
    if config is None:
        return load_builtin()
    try:
        document = read_yaml(read_limited(config), str(config))
    except OSError as error:
        hint = "name it by --config or $SEALGATE_CONFIG"
        raise DetectorsInvalid((Problem(str(config), 0, 0, "", f"cannot be read: {error.strerror}", hint),)) from error
    if document.problems or not isinstance(document.data, dict):
        problems = tuple(document.problems) or (document.problem((), "a mapping is expected here"),)
        raise DetectorsInvalid(problems)
    rules = document.data.get("rules", list(RULES))
    if not isinstance(rules, list) or not rules or not all(isinstance(entry, str) for entry in rules):
        problem = document.problem(("rules",), "a list of packs is expected", "rules: [builtin, local-rules/*.yaml]")
        raise DetectorsInvalid((problem,))
    base = config.absolute().parent
    entries, unusable = [], []
    for index, entry in enumerate(rules):
        try:
            entries.append(entry if entry == BUILTIN else str(located(Path(entry), base)))
        except PydanticCustomError as error:
            unusable.append(document.problem(("rules", index), str(error), (error.context or {}).get("hint", "")))
    if unusable:
        raise DetectorsInvalid(tuple(unusable))
    packs = read_packs(PolicyPlace(config, tuple(entries)))
    if packs.problems:
        raise DetectorsInvalid(packs.problems)
    return packs.detectors
