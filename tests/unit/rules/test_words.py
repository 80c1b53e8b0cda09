"""Weighted lists: whole words in any case, distinct terms summed where they stand together."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.detector import Detector
from rules.finding import Confidence
from rules.matching import Matcher

Make = Callable[..., tuple[Detector, ...]]
TERMS = {"aspirin": 2, "broken arm": 3, "arm": 1, "é clair": 4, "x-ray": 2, "cough": 2}
LIST = {"terms": TERMS, "within": 60, "low": 2, "medium": 4, "high": 6}
FILLERS = {f"filler{n}": 1 for n in range(500)}


@pytest.fixture(scope="module")
def few(make_detectors: Make) -> Matcher:
    return Matcher(make_detectors(w={"words": LIST}))


@pytest.fixture(scope="module")
def many(make_detectors: Make) -> Matcher:
    """The same terms and more, past what the engine takes."""
    return Matcher(make_detectors(w={"words": {**LIST, "terms": {**TERMS, **FILLERS}}}))


def seen(matcher: Matcher, text: str) -> list[tuple[str, str, int]]:
    return [(h.value, h.confidence.value, h.start) for f in matcher.scan_text(text) for h in f.hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arm", []),
        ("Aspirin", [("aspirin", "low", 0)]),
        ("aspirin aspirin ASPIRIN", [("aspirin", "low", 0), ("aspirin", "low", 8), ("aspirin", "low", 16)]),
        ("aspirin, coughs", [("aspirin", "medium", 0), ("cough", "medium", 9)]),
        ("a broken arm", [("broken arm", "low", 2)]),
        ("a broken\r\narm", [("broken arm", "low", 2)]),
        ("alarm, aspirine, coughed", []),
        ("x-rays", [("x-ray", "low", 0)]),
        ("é clair", [("é clair", "medium", 0)]),
        ("aspirin" + "." * 60 + "cough", [("aspirin", "low", 0), ("cough", "low", 67)]),
        ("aspirin cough x-ray", [("aspirin", "high", 0), ("cough", "high", 8), ("x-ray", "high", 14)]),
    ],
)
def test_weighted_terms_add_up_to_findings_by_either_way_of_search(
    few: Matcher, many: Matcher, text: str, expected: list[tuple[str, str, int]]
) -> None:
    assert seen(few, text) == expected
    assert seen(many, text) == expected


@given(st.lists(st.sampled_from([*TERMS, "s", "é", " ", "\n", "Arm", "broken", "z" * 30, "-"]), max_size=20))
def test_both_ways_of_finding_terms_agree(few: Matcher, many: Matcher, pieces: list[str]) -> None:
    text = " ".join(pieces)
    assert seen(few, text) == seen(many, text)
    assert seen(few, "".join(pieces)) == seen(many, "".join(pieces))


@pytest.mark.slow
@given(st.lists(st.sampled_from([*TERMS, "z" * 7]), max_size=30))
def test_a_tier_is_reached_only_by_its_sum(few: Matcher, pieces: list[str]) -> None:
    for term, tier, start in seen(few, " ".join(pieces)):
        text = " ".join(pieces)[max(0, start - 60) : start + 70]
        most = sum(weight for word, weight in TERMS.items() if word in text)
        assert most >= {"low": 2, "medium": 4, "high": 6}[tier], term


def test_terms_can_be_raised_by_words_nearby(make_detectors: Make) -> None:
    near = {"words": ["patient"], "within": 30, "raise": "high"}
    matcher = Matcher(make_detectors(w={"words": LIST, "near": near}))
    assert matcher.scan_text("patient takes aspirin")[0].confidence is Confidence.HIGH
    assert matcher.scan_text("takes aspirin")[0].confidence is Confidence.LOW


@pytest.mark.parametrize(
    "text",
    [
        "The operation of the new plant starts on Monday. The treatment of data follows the policy; our virus scanner "
        "found an infection on a laptop, now in quarantine.",
        "At the heart of the matter is the depression of prices and the chronic shortage of chips; an injection of "
        "capital is needed, and the doctor said no.",
        "Charity run against breast cancer: join us! Heart health day with free blood pressure checks. Diabetes "
        "awareness month begins in November.",
        "The patient portal is delayed. Clinical staff training and pharmacy interface tests continue.",
        "Autopsy of the project: the anemia of ideas, the cancer of bureaucracy, the bypass of controls.",
    ],
)
def test_business_is_no_illness(matcher: Matcher, text: str) -> None:
    assert [f.confidence.value for f in matcher.scan_text(text) if f.detector == "medical.terms"] in ([], ["low"])


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for referring Mr. Smith with chest pain and shortness of breath. ECG showed ST elevation; he was "
        "started on aspirin, atorvastatin and metoprolol.",
        "The biopsy confirmed invasive ductal carcinoma of the left breast. She will begin chemotherapy in March.",
        "The patient is HIV positive, on antiretroviral therapy with an undetectable viral load.",
        "Mrs. Keller's dementia has progressed; donepezil was stopped. She needs nursing home care.",
        "Discharge summary: admitted with pneumonia, treated with IV ceftriaxone, discharged on amoxicillin.",
        "Your son was diagnosed with ADHD. We suggest methylphenidate 10 mg in the morning.",
    ],
)
def test_letters_from_the_clinic(matcher: Matcher, text: str) -> None:
    confidence = {f.detector: f.confidence for f in matcher.scan_text(text)}["medical.terms"]
    assert confidence.rank >= Confidence.MEDIUM.rank
