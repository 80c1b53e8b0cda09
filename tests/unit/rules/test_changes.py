"""A pack changes what stands before it: parts replaced or added, values that never count, detectors switched off."""

from typing import Any

import pytest

from rules.detector import Detector
from rules.errors import PackInvalid
from rules.finding import Confidence
from rules.matching import Matcher
from rules.pack import PackSource, load_packs

BASE: dict[str, Any] = {
    "acme.badge": {
        "title": "Badge",
        "groups": ["identity"],
        "patterns": [{"regex": r"\b[A-Z]-\d{4}\b", "alone": True}],
        "near": {"words": ["badge"], "within": 20},
        "samples": {"found": ["A-1234"], "ignored": ["a-1234"]},
    },
    "acme.words": {
        "title": "Words",
        "groups": [],
        "words": {"terms": {"merger": 3, "target": 3}, "medium": 6},
        "samples": {"found": ["merger target"]},
    },
}


def load(**changes: Any) -> dict[str, Detector]:
    sources = [PackSource("base.yaml", {"detectors": BASE}), PackSource("local.yaml", changes)]
    return {detector.id: detector for detector in load_packs(sources, builtin=False)}


def tiers(detectors: dict[str, Detector], text: str) -> dict[str, Confidence]:
    return {finding.detector: finding.confidence for finding in Matcher(tuple(detectors.values())).scan_text(text)}


def test_switched_off() -> None:
    assert set(load(disable=["acme.words"])) == {"acme.badge"}


def test_a_builtin_one_switched_off_and_made_anew() -> None:
    own = {**BASE["acme.badge"], "title": "Ours"}
    pack = {"disable": ["us.ssn"], "detectors": {"us.ssn": own}}
    detectors = {d.id: d for d in load_packs([PackSource("local.yaml", pack)])}
    assert (detectors["us.ssn"].title, detectors["us.ssn"].source) == ("Ours", "local.yaml")


def test_parts_are_added() -> None:
    detectors = load(
        extend={
            "acme.badge": {
                "patterns": [{"regex": r"\bB\d{5}\b", "confidence": "high"}],
                "near": {"words": ["pass card"], "within": 20},
                "unless": {"words": ["invoice"], "within": 20},
                "groups": ["secrets"],
                "samples": {"found": ["B12345"]},
                "title": "Badges",
            },
            "acme.words": {"words": {"terms": {"auction": 6}, "medium": 6}},
        }
    )
    badge = detectors["acme.badge"]
    assert (badge.title, badge.source) == ("Badges", "base.yaml, local.yaml")
    assert badge.groups == {"identity", "secrets"}
    assert [sample.text for sample in badge.found] == ["A-1234", "B12345"]
    assert badge.ignored == ("a-1234",)
    assert tiers(detectors, "A-1234 and B12345")["acme.badge"] is Confidence.HIGH
    assert tiers(detectors, "pass card A-1234")["acme.badge"] is Confidence.HIGH
    assert "acme.badge" not in tiers(detectors, "invoice A-1234")
    assert set(tiers(detectors, "the auction")) == set(tiers(detectors, "merger target")) == {"acme.words"}


def test_parts_are_replaced() -> None:
    detectors = load(override={"acme.badge": {"patterns": [{"regex": r"\bC\d{4}\b"}], "samples": {"found": ["C1234"]}}})
    badge = detectors["acme.badge"]
    assert [sample.text for sample in badge.found] == ["C1234"]
    assert badge.ignored == ()
    assert badge.near[0].words == ("badge",)
    assert not tiers(detectors, "A-1234")
    assert tiers(detectors, "C1234")["acme.badge"] is Confidence.MEDIUM


def test_values_that_never_count() -> None:
    detectors = load(extend={"acme.badge": {"except": ["a1234", "A-5678"]}})
    assert not tiers(detectors, "A-1234, badge A-5678")
    assert tiers(detectors, "A-1235")["acme.badge"] is Confidence.MEDIUM


def test_our_own_account_in_every_footer() -> None:
    pack = {"extend": {"iban": {"except": ["DE89 3704 0044 0532 0130 00"]}}}
    iban = [d for d in load_packs([PackSource("local.yaml", pack)]) if d.id == "iban"]
    matcher = Matcher(iban)
    assert not matcher.scan_text("IBAN DE89 3704 0044 0532 0130 00 or DE89370400440532013000")
    assert matcher.scan_text("GB82 WEST 1234 5698 7654 32")


@pytest.mark.parametrize(
    ("changes", "cause", "hint"),
    [
        ({"disable": ["acme.bagde"]}, "no detector 'acme.bagde' to change", 'Did you mean "acme.badge"?'),
        ({"disable": []}, "0 entries", ""),
        ({"disable": "acme.badge"}, "a list is expected", "[one, two]"),
        ({"disable": ["acme.badge", "acme.badge"]}, "no detector 'acme.badge'", ""),
        ({"extend": {"x": {"title": "X"}}}, "no detector 'x'", ""),
        ({"extend": {"acme.badge": {}}}, "changes nothing", "patterns"),
        ({"override": {"acme.badge": {"titel": "X"}}}, "unknown key", 'Did you mean "title"?'),
        ({"override": {"acme.badge": {"patterns": []}}}, "0 entries where 1", ""),
        ({"extend": {"acme.words": {"patterns": [{"regex": "ab", "named": True}]}}}, "no `near`", "Give `near`"),
        ({"extend": {"acme.badge": {"patterns": [{"regex": "a(?=b)"}]}}}, "look-around", "value"),
        ({"extend": {"acme.badge": {"except": [4]}}}, "a text is expected", "quotes"),
        ({"override": {"acme.badge": 3}}, "a mapping is expected", ""),
    ],
)
def test_a_change_that_cannot_be(changes: dict[str, Any], cause: str, hint: str) -> None:
    with pytest.raises(PackInvalid) as invalid:
        load(**changes)
    (problem,) = invalid.value.problems
    assert cause in problem.cause
    assert hint in problem.hint
