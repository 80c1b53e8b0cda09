"""Texts that were written apart from the detectors: `bench/held_out.jsonl`, scored as `bench/detect.py` scores.

The bounds stand below what is reached today, so that a text more or less is no failure and a detector that breaks is.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from rules.finding import Confidence
from rules.matching import Matcher

TEXTS = Path(__file__).parents[3] / "bench" / "held_out.jsonl"
LEAST_MEAN = 0.985
LEAST_OF_ONE = 0.88
MOST_FALSE = 0.02  # of the texts that hold nothing of the type they look like


@pytest.mark.slow
def test_what_the_detectors_were_not_made_for(matcher: Matcher) -> None:
    hits: dict[str, int] = defaultdict(int)
    missed: dict[str, int] = defaultdict(int)
    wrong: dict[str, int] = defaultdict(int)
    without = 0
    for line in TEXTS.read_text("utf-8").splitlines():
        row = json.loads(line)
        sure = {f.detector for f in matcher.scan_text(row["text"]) if f.confidence.rank >= Confidence.MEDIUM.rank}
        label, found = row["label"], row["label"] in sure
        if label == "none":
            assert not sure, row["text"]
            continue
        without += not row["expected"]
        (hits if found else missed)[label] += row["expected"]
        wrong[label] += found and not row["expected"]
    scores = {label: 2 * hits[label] / (2 * hits[label] + missed[label] + wrong[label]) for label in wrong}
    assert min(scores.values()) >= LEAST_OF_ONE, sorted(scores.items(), key=lambda score: score[1])[:5]
    assert sum(scores.values()) / len(scores) >= LEAST_MEAN
    assert sum(wrong.values()) <= MOST_FALSE * without
