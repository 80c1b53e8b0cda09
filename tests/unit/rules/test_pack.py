"""Packs are read strictly: every mistake, with its place and what to do."""

from typing import Any

import pytest

from rules.context import fit_one_pattern
from rules.errors import PackInvalid, PackProblem
from rules.finding import Confidence
from rules.pack import PackSource, load_builtin, load_packs

GOOD: dict[str, Any] = {
    "title": "T",
    "groups": ["identity"],
    "samples": {"found": ["12"]},
    "patterns": [{"regex": r"\d\d"}],
}


def problems(detectors: Any, **extra: Any) -> tuple[PackProblem, ...]:
    with pytest.raises(PackInvalid) as invalid:
        load_packs(
            [PackSource("p.yaml", {"detectors": detectors, **extra}, lambda path: (len(path), 5))], builtin=False
        )
    assert str(invalid.value) == "\n".join(map(str, invalid.value.problems))
    return invalid.value.problems


def test_a_whole_detector() -> None:
    entry = {
        **GOOD,
        "about": "A",
        "patterns": [{"regex": r"\d{2}", "check": "luhn", "confidence": "low", "alone": True}, {"regex": "é"}],
        "near": [{"words": ["a b"], "within": 5, "raise": "medium"}, {"words": ["c"]}],
        "unless": {"words": ["d"]},
        "words": {"terms": {"Foo  Bar": 3}, "medium": 4},
        "samples": {"found": ["12", {"text": "34", "confidence": "high"}], "ignored": ["x"]},
    }
    (detector,) = load_packs([PackSource("p.yaml", {"detectors": {"ch.ahv_2": entry}})], builtin=False)
    assert detector.id == "ch.ahv_2"
    assert detector.source == "p.yaml"
    assert detector.groups == {"identity"}
    assert [(p.check, p.confidence, p.alone, p.max_width) for p in detector.patterns] == [
        ("luhn", Confidence.LOW, True, 2),
        (None, Confidence.MEDIUM, False, 4),
    ]
    assert [(n.words, n.within, n.confidence) for n in detector.near] == [
        (("a b",), 5, Confidence.MEDIUM),
        (("c",), 100, Confidence.HIGH),
    ]
    assert detector.unless[0].words == ("d",)
    assert detector.words is not None
    assert dict(detector.words.terms) == {"foo bar": 3}
    assert [(s.text, s.confidence) for s in detector.found] == [("12", None), ("34", Confidence.HIGH)]


def test_local_packs_stand_beside_the_builtin_ones() -> None:
    detectors = load_packs([PackSource("p.yaml", {"detectors": {"x": GOOD}})])
    assert [d.id for d in detectors] == [*(d.id for d in load_builtin()), "x"]


@pytest.mark.parametrize(
    ("change", "cause", "hint"),
    [
        ({"titel": "x"}, "unknown key", 'Did you mean "title"?'),
        ({"title": None}, "a text is expected here, not nothing", "quotes"),
        ({"title": " "}, "an empty text", ""),
        ({"groups": "identity"}, "a list is expected here, not a text", "[one, two]"),
        ({"groups": ["medicl"]}, "'medicl' is none of", 'Did you mean "medical"?'),
        ({"patterns": {}}, "a list is expected", ""),
        ({"patterns": ["x"]}, "a mapping is expected here, not a text", "regex"),
        ({"patterns": [{}]}, "`regex` is missing", ""),
        ({"patterns": [{"regex": 5}]}, "a text is expected here, not a number", ""),
        ({"patterns": [{"regex": "a(b"}]}, "unclosed group at column 2 of the pattern", "RE2"),
        (
            {"patterns": [{"regex": "(?=a)b"}]},
            "look-around (?= at column 1 of the pattern",
            "or use `near`",
        ),
        ({"patterns": [{"regex": "a+"}]}, "no widest match", "{1,40}"),
        ({"patterns": [{"regex": "a", "check": "lunh"}]}, "'lunh' is not known here", 'Did you mean "luhn"?'),
        ({"patterns": [{"regex": "a", "check": "modulo"}]}, "'modulo' is not known here", "docs/detectors.md lists"),
        ({"patterns": [{"regex": "(" * 600 + "a" + ")" * 600}]}, "nested deeper than 100 levels", "Take some away"),
        ({"words": {"list": "other_numbers", "medium": 3}}, "no built-in list 'other_numbers'", "medical_terms is one"),
        ({"words": {"list": "n" * 300, "medium": 3}}, "there is no built-in list", "medical_terms is one"),
        ({"unless": {"list": "medical_terms"}}, "no built-in list 'medical_terms'", "other_numbers is one"),
        ({"unless": {"list": "n" * 300}}, "there is no built-in list", "other_numbers is one"),
        ({"patterns": [{"regex": "a", "confidence": "sure"}]}, "'sure' is none of low, medium, high", ""),
        ({"patterns": [{"regex": "a", "alone": "yes"}]}, "true or false is expected", ""),
        ({"near": {"words": ["a"], "within": 0}}, "a whole number from 1 to 10000", ""),
        ({"near": {"words": ["a"], "within": True}}, "a whole number", ""),
        ({"near": {"words": ["a" * 61]}}, "60 is the most", ""),
        ({"near": {"words": ["- _"]}}, "no text can hold '- _' as a word", "only part words"),
        ({"unless": {"words": ["a", "\u200b"]}}, "no text can hold", "only part words"),
        ({"near": {"words": [f"w{n} x y z" for n in range(4000)]}}, "4000 words are too many", "several sets"),
        ({"unless": {"words": ["a"], "raise": "high"}}, "unknown key", ""),
        ({"words": {"terms": {"a": 1}}}, "no threshold", "medium: 8"),
        ({"words": {"medium": 3}}, "no terms", "list"),
        ({"words": {"list": "nothing", "medium": 3}}, "no built-in list 'nothing'", "medical_terms"),
        ({"words": {"terms": {"a": 0}, "medium": 3}}, "a whole number from 1 to 1000", ""),
        ({"samples": {}}, "`found` is missing", ""),
        ({"samples": {"found": [{"text": "a", "confidence": "x"}]}}, "'x' is none of", ""),
        ({"samples": {"found": ["a"], "ignored": [1]}}, "a text is expected", ""),
    ],
)
def test_one_mistake_is_one_problem(change: dict[str, Any], cause: str, hint: str) -> None:
    found = problems({"x": {**GOOD, **change}})
    relevant = [problem for problem in found if cause in problem.cause]
    assert relevant, [str(problem) for problem in found]
    assert hint in relevant[0].hint
    assert relevant[0].detector == "x"
    assert relevant[0].line >= 2
    assert relevant[0].column == 5
    assert len(found) == 1 or "no terms" in str(found) or "`regex`" in str(found)


def test_the_words_of_a_set_that_loads_compile() -> None:
    long = {"near": {"words": [f"Wort {n}" for n in range(2500)]}}
    sets = [*load_builtin(), *load_packs([PackSource("p.yaml", {"detectors": {"x": {**GOOD, **long}}})], builtin=False)]
    for words in {one.words for detector in sets for one in (*detector.near, *detector.unless)}:
        assert fit_one_pattern(words)


def test_every_mistake_at_once() -> None:
    found = problems(
        {"X y": GOOD, "a": {**GOOD, "patterns": [{"regex": "("}, {"regex": "b*"}], "nea": 1}, "b": 3}, more=1
    )
    assert [(p.detector, p.cause.split(":")[0]) for p in found] == [
        ("", "unknown key"),
        ("X y", "'X y' is no id of a detector"),
        ("a", "nea"),
        ("a", "patterns.0.regex"),
        ("a", "patterns.1.regex"),
        ("b", "a mapping is expected here, not a number"),
    ]


def test_a_problem_as_people_read_it() -> None:
    (problem,) = problems({"ch.ahv": {**GOOD, "patterns": [{"regex": "a(b"}]}})
    assert str(problem).startswith(
        "p.yaml:5:5: ch.ahv: patterns.0.regex: unclosed group at column 2 of the pattern. Close it with ), "
    )
    assert str(problem).endswith("\n    a(b\n     ^")


@pytest.mark.parametrize("data", [None, [], "x", 3, {"detectors": []}, {"detectors": None}, {}])
def test_what_is_no_pack(data: Any) -> None:
    with pytest.raises(PackInvalid) as invalid:
        load_packs([PackSource("p.yaml", data)], builtin=False)
    assert len(invalid.value.problems) == 1


def test_an_id_stands_once() -> None:
    pack = {"detectors": {"us.ssn": GOOD, "x": GOOD}}
    with pytest.raises(PackInvalid) as invalid:
        load_packs([PackSource("p.yaml", pack), PackSource("q.yaml", {"detectors": {"x": GOOD}})])
    assert [p.cause for p in invalid.value.problems] == [
        "the detector stands in builtin/identity.yaml already",
        "the detector stands in p.yaml already",
    ]
    assert "`extend`" in invalid.value.problems[0].hint


def test_places_of_what_encloses_are_told_where_its_own_is_not_known() -> None:
    def where(path: tuple[str | int, ...]) -> tuple[int, int] | None:
        return (7, 3) if path == ("detectors", "x") else None

    with pytest.raises(PackInvalid) as invalid:
        load_packs([PackSource("p.yaml", {"detectors": {"x": {**GOOD, "patterns": [{"regex": "("}]}}}, where)])
    assert (invalid.value.problems[0].line, invalid.value.problems[0].column) == (7, 3)
