"""Hits say why they are as sure as they are, where somebody asks."""

from rules.content import Content, Part
from rules.detector import Detector, Near, Pattern, Unless, WordList
from rules.finding import Because, Confidence
from rules.matching import Matcher

LOW, MEDIUM, HIGH = Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH
SSN = Detector(
    "a.ssn",
    "",
    frozenset({"identity"}),
    (Pattern(r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", MEDIUM, "us_ssn", max_width=11),),
    near=(Near(("ssn", "social security"), 40, HIGH),),
    unless=(Unless(("order no",), 40),),
)
OTHER = Detector(
    "b.other",
    "",
    frozenset({"identity"}),
    (Pattern(r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", LOW, max_width=11),),
    near=(Near(("badge",), 40, MEDIUM),),
)
TERMS = Detector("c.terms", "", frozenset({"medical"}), words=WordList({"fever": 2, "cough": 3}, 50, {MEDIUM: 4}))
MATCHER = Matcher([SSN, OTHER, TERMS])


def because(text: str, detector: str = "a.ssn") -> Because:
    findings = MATCHER.scan(Content((Part("text", text),)), why=True).findings
    (found,) = [finding.hits[0].because for finding in findings if finding.detector == detector]
    assert found is not None
    return found


def test_the_word_that_made_it_surer() -> None:
    assert because("Her social   security no 536-22-1234") == Because(
        MEDIUM, "us_ssn", raised_by="social security", raised_gap=4
    )
    assert because("536-22-1234 is her ssn").raised_by == "ssn"


def test_the_head_of_its_column() -> None:
    found = because("name\tSSN\nAnn\t536-22-1234\nBob\t536-22-1235\n")
    assert (found.raised_by, found.in_header) == ("ssn", True)


def test_no_word_and_an_example() -> None:
    assert because("It is 536-22-1234.") == Because(MEDIUM, "us_ssn")
    assert MATCHER.scan(Content((Part("text", "It is 536-22-1234."),))).findings[0].hits[0].because is None


def test_words_against_it_and_of_others() -> None:
    found = because("order no. of the SSN 536-22-1234")
    assert (found.raised_by, found.against) == ("ssn", "order no")
    found = because("ssn or badge 536-22-1234")
    assert (found.raised_by, found.held_down_by) == ("", "badge")
    assert because("ssn or badge 536-22-1234", "b.other").raised_by == "badge"


def test_terms_weigh_together() -> None:
    assert because("fever and cough", "c.terms").weight == 5
