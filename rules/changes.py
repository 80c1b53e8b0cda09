"""Applies what a pack changes of earlier detectors: parts replaced or added, whole detectors switched off."""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, Final

from rules.detector import Detector, WordList
from rules.parts import PARTS, read_parts
from rules.reading import Node, suggestion

KEYS: Final = ("extend", "override", "disable")
_SINGLE: Final = frozenset({"title", "about"})  # parts that a detector has once: `extend` replaces them


def apply_changes(entries: Mapping[str, Node], detectors: MutableMapping[str, Detector], source: str) -> None:
    """Apply a pack's `extend`, `override` and `disable` to `detectors`, by id; mistakes are noted in the nodes.

    `source` is the pack's name, which changed detectors add to theirs.
    """
    if "disable" in entries:
        for item in entries["disable"].items(least=1):
            name = item.text()
            if name and _is_known(name, item, detectors):
                del detectors[name]
    for key in ("override", "extend"):
        for name, node, parts in _changes(entries, key, detectors):
            detector = detectors[name]
            values = read_parts(parts)
            if key == "extend":
                values = {field: _extended(field, getattr(detector, field), value) for field, value in values.items()}
            changed = replace(detector, **values, source=_sources(detector.source, source))
            check_whole(changed, parts, node)
            detectors[name] = changed


def check_whole(detector: Detector, parts: Mapping[str, Node], node: Node) -> None:
    """Note in `node` if a detector looks for nothing, or has `named` patterns and no words that name."""
    if "patterns" not in parts and "words" not in parts and not detector.patterns and detector.words is None:
        node.problem("looks for nothing", "Give `patterns` or `words`")
    if any(pattern.named for pattern in detector.patterns) and not detector.near and "near" not in parts:
        node.problem("a pattern is `named`, but there is no `near` with the words that name it", "Give `near`")


def _changes(
    entries: Mapping[str, Node], key: str, detectors: Mapping[str, Detector]
) -> Iterator[tuple[str, Node, dict[str, Node]]]:
    named = entries[key].mapping(None) if key in entries else None
    for name, node in (named or {}).items():
        node.detector = name
        parts = node.mapping(set(PARTS)) if _is_known(name, node, detectors) else None
        if node.value == {}:
            node.problem("changes nothing", f"Its keys are {', '.join(sorted(PARTS))}")
        elif parts:
            yield name, node, parts


def _is_known(name: str, node: Node, detectors: Mapping[str, Detector]) -> bool:
    if name not in detectors:
        hint = suggestion(name, list(detectors)) or "`sealgate rules list` names them; packs are read in their order"
        node.problem(f"there is no detector {name!r} to change before this pack", hint)
    return name in detectors


def _extended(field: str, known: Any, more: Any) -> Any:
    if field in _SINGLE or known is None:
        return more
    if more is None:
        return known
    if isinstance(known, WordList):
        return WordList({**known.terms, **more.terms}, more.within, {**known.thresholds, **more.thresholds})
    return known | more if isinstance(known, frozenset) else known + more


def _sources(first: str, more: str) -> str:
    return first if first.endswith(more) else f"{first}, {more}"
