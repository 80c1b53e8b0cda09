"""Packs: detectors read from parsed YAML, strictly, with every problem at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from rules.changes import KEYS, apply_changes, check_whole
from rules.detector import Detector
from rules.errors import PackInvalid, PackProblem
from rules.parts import PARTS, Values, read_parts
from rules.reading import Node, Where, nowhere

__all__ = ["PackSource", "Where", "load_builtin", "load_packs", "nowhere"]

_ID: Final = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*"


@dataclass(frozen=True, slots=True)
class PackSource:
    """A pack as parsed: `name` for messages (its file), `data` as plain dicts, lists, strings and numbers."""

    name: str
    data: object = field(repr=False)
    where: Where = nowhere


@cache
def load_builtin() -> tuple[Detector, ...]:
    """The detectors that come with the product, in the order of their packs and of the lines in them.

    Read once: the packs do not change while we run.
    """
    folder = files("rules").joinpath("packs")
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".yaml")), key=lambda path: path.name)
    # Our own files, held to the form by tests: the plain loader will do, places are not needed.
    parsed = ((path.name, yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)) for path in paths)
    sources = [PackSource(f"builtin/{name}", data) for name, data in parsed]
    return load_packs(sources, builtin=False)


def load_packs(sources: Iterable[PackSource], builtin: bool = True) -> tuple[Detector, ...]:
    """The built-in detectors (if wanted) and those of `sources`; raise PackInvalid with all problems of all sources.

    A pack may also change or switch off what stands before it: built in, or in an earlier source.
    """
    detectors = {detector.id: detector for detector in load_builtin()} if builtin else {}
    problems: list[PackProblem] = []
    for source in sources:
        root = Node(source.name, source.where, problems, source.data)
        entries = root.mapping({"detectors", *KEYS})
        if entries is not None and not entries:
            root.problem("an empty pack", f"Give `detectors`, {' or '.join(f'`{key}`' for key in KEYS)}")
        apply_changes(entries or {}, detectors, source.name)
        for detector, node in _read(entries or {}, source.name, problems):
            other = detectors.get(detector.id)
            if other is not None:
                node.problem(
                    f"the detector stands in {other.source} already",
                    "Give it an id of its own, or change that one by `extend` or `override`",
                )
            else:
                detectors[detector.id] = detector
    if problems:
        raise PackInvalid(tuple(problems))
    return tuple(detectors.values())


def _read(entries: Mapping[str, Node], source: str, problems: list[PackProblem]) -> Iterable[tuple[Detector, Node]]:
    named = entries["detectors"].mapping(None) if "detectors" in entries else None
    for name, node in (named or {}).items():
        node.detector = name
        if not node.key_matches(_ID):
            node.problem(f"{name!r} is no id of a detector", "Ids are lower case words joined by dots, such as ch.ahv")
            continue
        before = len(problems)
        detector = _detector(name, node, source)
        if detector is not None and len(problems) == before:
            yield detector, node


def _detector(name: str, node: Node, source: str) -> Detector | None:
    entries = node.mapping(set(PARTS), required={"title", "groups", "samples"})
    if entries is None:
        return None
    values: Values = {"title": "", "groups": frozenset(), **read_parts(entries)}
    detector = Detector(id=name, source=source, **values)
    check_whole(detector, entries, node)
    return detector
