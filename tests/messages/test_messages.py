"""Whole messages beside what is found in them: `NAME.eml`, and what it gives in `NAME.json`."""

import json
from functools import cache
from pathlib import Path

import pytest

from policy.extraction.message import read_message
from rules.finding import Confidence
from rules.matching import Matcher
from rules.pack import load_builtin

MESSAGES = sorted(Path(__file__).parent.glob("*.eml"))


@cache
def matcher() -> Matcher:
    return Matcher(load_builtin())


@pytest.mark.parametrize("path", MESSAGES, ids=[path.stem for path in MESSAGES])
def test_what_is_found(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text())
    message = read_message(path.read_bytes())
    found = {
        finding.detector: sorted({hit.place for hit in finding.hits if hit.confidence.rank >= Confidence.MEDIUM.rank})
        for finding in matcher().scan(message.content).findings
    }
    assert {name: places for name, places in found.items() if places} == expected["findings"]
    assert {fact.name: fact.kind.value for fact in message.content.files} == expected["files"]
    assert [fact.name for fact in message.content.files if fact.encrypted] == expected.get("encrypted", [])
    assert [fact.name for fact in message.content.files if fact.unreadable] == expected.get("unreadable", [])
