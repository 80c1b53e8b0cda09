"""What the matcher finds and where: spans, overlaps, words nearby, threads, long texts, patterns that run slower."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.checks import CHECKS, Check
from rules.content import Content, Part
from rules.context import word_pattern
from rules.detector import Detector
from rules.engine import BLOCK, Mode
from rules.finding import Confidence, Finding, Hit, Scanned
from rules.judging import MOST_OF_ONE_VALUE
from rules.masking import MASK
from rules.matching import MOST_EXCERPTS, MOST_HITS, UNFINISHED, Matcher
from rules.normalise import normalise
from rules.samples import run_samples
from rules.verdict import Verdict
from rules.widths import compile_pattern

Make = Callable[..., tuple[Detector, ...]]


def hits(findings: tuple[Finding, ...], detector: str) -> tuple[Hit, ...]:
    return next((finding.hits for finding in findings if finding.detector == detector), ())


def values(matcher: Matcher, text: str, detector: str) -> list[str]:
    return [hit.value for hit in hits(matcher.scan_text(text), detector)]


def test_nothing_in_nothing(matcher: Matcher) -> None:
    assert matcher.scan_text("") == ()
    assert matcher.scan(Content()) == Scanned((), Content())


def test_parts_keep_their_places(matcher: Matcher) -> None:
    content = Content(
        parts=(
            Part("body", "SSN 536-22-1234"),
            Part("a.zip > b.docx", "and 536 22 1234, 536-22-1235"),
            Part("empty", ""),
        )
    )
    (finding,) = matcher.scan(content).findings
    assert finding.detector == "us.ssn"
    assert finding.groups == {"identity"}
    assert [(hit.place, hit.value) for hit in finding.hits] == [
        ("body", "536221234"),
        ("a.zip > b.docx", "536221234"),
        ("a.zip > b.docx", "536221235"),
    ]
    assert finding.count() == 3
    assert finding.values() == {"536221234", "536221235"}


def test_readings_of_one_place_count_a_value_once(matcher: Matcher) -> None:
    first, second = Part("body", "the code 536221234, twice: 536221234"), Part("body", "SSN 536221234")
    (finding,) = matcher.scan(Content(parts=(first, second, second))).findings
    assert [hit.confidence.value for hit in finding.hits] == ["low", "low", "high"]
    (finding,) = matcher.scan(Content(parts=(second, first))).findings
    assert [hit.confidence.value for hit in finding.hits] == ["high"]
    (finding,) = matcher.scan(Content(parts=(second, Part("other", second.text)))).findings
    assert finding.count() == 2


@given(
    st.lists(
        st.sampled_from(["536-22-1234", "ä", "中文 ", "\u200b", " ", "x", "\n", "😀", "GB82 WEST 1234 5698 7654 32"])
    )
)
def test_offsets_are_characters_of_the_normalised_text(matcher: Matcher, pieces: list[str]) -> None:
    text = "".join(pieces)
    normal = normalise(text).text
    for finding in matcher.scan_text(text):
        for hit in finding.hits:
            assert 0 <= hit.start < hit.end <= len(normal)
            assert normal[hit.start : hit.end].translate(str.maketrans("", "", " -\n")).upper() == hit.value


def test_the_longest_valid_match_wins(make_detectors: Make) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": r"\bA\d{2,6}(?:-\d{2})?"}]}))
    assert values(matcher, "A123456-78", "x") == ["A12345678"]
    assert values(matcher, "A12", "x") == ["A12"]


def test_a_valid_number_inside_a_longer_run_is_found(make_detectors: Make) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": r"\d{16}", "check": "card"}]}))
    assert values(matcher, "00047163791420219680", "x") == ["4716379142021968"]
    bounded = Matcher(make_detectors(x={"patterns": [{"regex": r"\b\d{16}\b", "check": "card"}]}))
    assert values(bounded, "00047163791420219680", "x") == []


def test_groups_of_digits_are_tried_from_every_place(matcher: Matcher) -> None:
    assert "4716379142021968" in values(matcher, "7512 4716 3791 4202 1968 2201", "payment.card")


def test_a_group_named_value_is_the_value(make_detectors: Make) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": r"(?i)\bid[: ]{1,3}(?P<value>\d{4,8})\b"}]}))
    (hit,) = hits(matcher.scan_text("ID:  12345."), "x")
    assert (hit.value, hit.start, hit.end) == ("12345", 5, 10)


def test_what_confirms_is_compiled_once_it_is_needed(make_detectors: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    detectors = make_detectors(
        x={"patterns": [{"regex": r"\bx\d{4,8}\b"}], "near": {"words": ["parcel"]}},
        y={"patterns": [{"regex": r"\by\d{4,8}\b"}], "near": {"words": ["pallet"]}},
    )
    made: list[str] = []

    def noting(place: str, compiled: Callable[[Any], Any]) -> None:
        def note(source: Any) -> Any:
            made.append(source if isinstance(source, str) else " ".join(source))
            return compiled(source)

        monkeypatch.setattr(place, note)

    noting("rules.widths.compile_pattern", compile_pattern)
    noting("rules.judging.word_pattern", word_pattern)
    matcher = Matcher(detectors)
    assert made == []
    for _ in range(2):
        assert [hit.confidence for hit in hits(matcher.scan_text("parcel x12345, x123456"), "x")] == [
            Confidence.HIGH,
            Confidence.HIGH,
        ]
    assert made == [r"\bx\d{4,8}\b", "parcel"]


@pytest.mark.parametrize(
    "text", ["1.12345", "12345-1", "a/12345", "12345.5", "x_12345", "12345@host", "+12345", "%12345"]
)
def test_alone_means_no_piece_of_something_longer(make_detectors: Make, text: str) -> None:
    pattern = {"regex": r"\b\d{5}\b", "alone": True}
    assert values(Matcher(make_detectors(x={"patterns": [pattern]})), text, "x") == []
    assert values(Matcher(make_detectors(x={"patterns": [{**pattern, "alone": False}]})), text, "x") in (["12345"], [])


@pytest.mark.parametrize(
    "text",
    [
        "(12345)",
        "12345.",
        "12345, and",
        "no.12345",
        "ID-12345",
        "12345.The",
        "'12345'",
        "#12345",
        "a: 12345-",
        "=12345",
        "中12345文",
    ],
)
def test_punctuation_around_is_no_piece(make_detectors: Make, text: str) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": r"\b\d{5}\b", "alone": True}]}))
    assert values(matcher, text, "x") == ["12345"]


NEAR = {
    "patterns": [{"regex": r"\b\d{5}\b", "confidence": "low"}],
    "near": {"words": ["staff no", "id#", "größe"], "within": 20, "raise": "high"},
    "unless": {"words": ["room"], "within": 10},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12345", "low"),
        ("Staff No 12345", "high"),
        ("STAFF-NO: 12345", "high"),
        ("staff\nno 12345", "high"),
        ("12345 is his staff no", "high"),
        ("id# 12345", "high"),
        ("GRÖßE 12345", "high"),
        ("staff nose 12345", "low"),
        ("understaff no 12345", "low"),
        ("staff no " + "x" * 18 + " 12345", "high"),
        ("staff no " + "x" * 20 + " 12345", "low"),
        ("staff no " + "ä" * 18 + " 12345", "high"),
        ("staff no " + "ä" * 20 + " 12345", "low"),
        ("room 12345", None),
        ("staff no 12345 room", "high"),
        ("staff no, room 12345", None),
        ("room, staff no 12345", "high"),
    ],
)
def test_words_nearby(make_detectors: Make, text: str, expected: str | None) -> None:
    found = Matcher(make_detectors(x=NEAR)).scan_text(text)
    assert (found[0].confidence.value if found else None) == expected


def test_a_word_is_found_across_the_pieces_it_is_looked_up_in(make_detectors: Make) -> None:
    matcher = Matcher(make_detectors(x=NEAR))
    for shift in range(2030, 2060):
        (finding,) = matcher.scan_text("." * shift + " staff no 12345 ")
        assert finding.confidence is Confidence.HIGH


def test_the_nearer_label_of_two_detectors_counts(matcher: Matcher) -> None:
    findings = {f.detector: f.confidence for f in matcher.scan_text("SSN on file. Routing number 011401533")}
    assert findings == {"us.aba": Confidence.HIGH, "us.ssn": Confidence.LOW}


def test_examples_count_one_step_less(matcher: Matcher) -> None:
    assert hits(matcher.scan_text("card 4716379142021968"), "payment.card")[0].confidence is Confidence.HIGH
    assert hits(matcher.scan_text("card 4111111111111111"), "payment.card")[0].confidence is Confidence.MEDIUM


def test_of_overlapping_hits_the_surest_stays(make_detectors: Make) -> None:
    patterns = [
        {"regex": r"\b\d{4}-\d{4}-\d{4}\b", "confidence": "low"},
        {"regex": r"\b\d{4}-\d{4}\b", "confidence": "high"},
    ]
    matcher = Matcher(make_detectors(x={"patterns": patterns}))
    assert [(h.value, h.confidence) for h in hits(matcher.scan_text("1111-2222-3333"), "x")] == [
        ("11112222", Confidence.HIGH)
    ]


@pytest.mark.slow
def test_threads_share_a_matcher(matcher: Matcher) -> None:
    texts = [f"SSN 536-22-{1000 + n}, {'ä' * (n % 3)} card 4716 3791 4202 1968 {'x ' * (n % 50)}" for n in range(400)]
    expected = [matcher.scan_text(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(matcher.scan_text, texts)) == expected


@pytest.mark.parametrize("filler", ["lorem ", "ä ö ü "])
def test_long_texts_are_whole(matcher: Matcher, filler: str) -> None:
    """A number is found where blocks meet, and counted once."""
    marker = "SSN 536-22-1234"
    for shift in (-20, -14, -11, -9, -4, -1, 0, 1):
        filling = filler * (BLOCK // len(filler.encode()) + 1)
        before = filling.encode()[: BLOCK + shift].decode("utf-8", "ignore")
        text = f"{before} {marker} {filler * 9}"
        assert [hit.value for hit in hits(matcher.scan_text(text), "us.ssn")] == ["536221234"], shift


@pytest.mark.slow
def test_what_is_counted_has_an_end(make_detectors: Make) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": r"\b\d{5}\b"}]}))
    text = "".join(f"{10_000 + number} " for number in range(MOST_HITS + 50))
    (finding,) = matcher.scan(Content((Part("a", text), Part("b", text[::-1])))).findings
    assert finding.count() == len(finding.values()) == MOST_HITS
    assert finding.hits[MOST_EXCERPTS - 1].excerpt.strip(f"{MASK} ") == ""
    assert {hit.excerpt for hit in finding.hits[MOST_EXCERPTS:]} == {MASK * 5}


@pytest.mark.slow
def test_a_number_said_over_and_over_hides_no_others(matcher: Matcher) -> None:
    text = "SSN 536-22-1234\n" * (MOST_HITS + 50) + "".join(f"SSN 536-22-{1300 + n}\n" for n in range(20))
    (finding,) = matcher.scan_text(text)
    assert finding.count() == MOST_OF_ONE_VALUE + 20
    assert len(finding.values()) == 21


@pytest.mark.slow
def test_what_is_not_looked_at_is_told(builtin: tuple[Detector, ...]) -> None:
    """A message costs so many steps and no more, and one that needs more is never silently clean."""
    matcher = Matcher(builtin, most_steps=5_000)
    flood = "gb82 " * 50_000
    content = Content((Part("body", "SSN 536-22-1234"), Part("a.zip > b.txt", flood), Part("c", "x"), Part("d", "")))
    scanned = matcher.scan(content)
    assert [finding.detector for finding in scanned.findings] == ["us.ssn"]
    assert scanned.content.parts == content.parts
    assert [(f.name, f.place, f.unreadable, f.reason, f.size) for f in scanned.content.files] == [
        ("b.txt", "a.zip > b.txt", True, UNFINISHED, len(flood)),
        ("c", "c", True, UNFINISHED, 1),
    ]
    assert Matcher(builtin).scan(content).content is content


@pytest.fixture(scope="module")
def tight(builtin: tuple[Detector, ...]) -> Matcher:
    return Matcher(builtin, most_steps=300)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["536-22-1234 ", "gb82 ", "4716 3791 ", "mrn 123456 ", "icd E11.9 ", "x"]),
            st.integers(1, 60),
        ),
        max_size=8,
    )
)
def test_nothing_ends_silently_clean(matcher: Matcher, tight: Matcher, pieces: list[tuple[str, int]]) -> None:
    content = Content((Part("body", "".join(piece * times for piece, times in pieces)),))
    found, scanned = matcher.scan(content), tight.scan(content)
    assert scanned.findings == found.findings or [file.reason for file in scanned.content.files] == [UNFINISHED]


@pytest.mark.slow
def test_a_flood_hides_nothing(matcher: Matcher) -> None:
    flood = "".join(f"{200_000_000 + number}\n" for number in range(40_000))
    for text in (
        flood + "SSN 536-22-1234",
        "SSN 536-22-1234\n" + "x " * 200 + flood,
        flood + "x " * 200 + "SSN 536221234",
    ):
        found = {hit.value for hit in hits(matcher.scan_text(text), "us.ssn") if hit.confidence is Confidence.HIGH}
        assert "536221234" in found


HUGE = r"(?i)\b[A-Z]{2}\d{2}[A-Z0-9]{0,12}(?:[ .-][A-Z0-9]{1,12}){1,8}\b"  # too large for the engine


@pytest.mark.parametrize(
    ("regex", "mode", "text", "value"),
    [
        (HUGE, Mode.PREFILTER, "xx ab12 cd-ef 99", "AB12CDEF99"),
        (r"(?U)ab{1,3}", Mode.ALONE, "xabbb", "ABBB"),
    ],
)
def test_what_the_engine_refuses_is_found_all_the_same(
    make_detectors: Make, regex: str, mode: Mode, text: str, value: str
) -> None:
    other = {"patterns": [{"regex": r"\bplain\b"}]}
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": regex}]}, y=other))
    assert {found for each in matcher._search._passes for found in each._engine.modes} == {mode, Mode.EXACT}
    assert len(matcher.slow_notes) == 1
    assert matcher.slow_notes[0].startswith("x: ")
    assert values(matcher, f"plain {text}", "x") == [value]
    assert values(matcher, f"plain {text}", "y") == ["PLAIN"]
    assert values(matcher, "nothing", "x") == []


def test_what_the_engine_refuses_is_found_in_each_of_several_texts(make_detectors: Make) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": HUGE}]}))
    texts = ("nothing", "xx ab12 cd-ef 99", "none", "in zz34 kk-ll 77")
    found = matcher.scan(Content(tuple(Part(f"part {n}", text) for n, text in enumerate(texts)))).findings
    assert [(hit.place, hit.value) for hit in hits(found, "x")] == [
        ("part 1", "AB12CDEF99"),
        ("part 3", "ZZ34KKLL77"),
    ]


TOGETHER = (
    "key gl-AAAA",
    "AAAA is no key, gl-",
    "BBBB",
    "SSN",
    "536-22-1234",
    "the SSN is 536-22-1234",
    "grand total 536-22-",
    "1234",
    "größer 7 gl-CCCC",
    "536-22-l234 is the SSN",
    "card 4111 1111 1111 1111",
    "A\tSSN\nB\t536221234",
    "C\t536221235",
)


def test_texts_looked_at_together_say_what_each_says_alone(make_detectors: Make, matcher: Matcher) -> None:
    own = Matcher(
        make_detectors(
            tail={"patterns": [{"regex": r"gl-(?P<value>[A-Z]{4})(?:[^0-9A-Za-z]|$)"}]},
            head={"patterns": [{"regex": r"^[A-Z]{4}$"}]},
            gap={"patterns": [{"regex": r"gl-\s{0,5}[A-Z]{4}"}]},
        )
    )
    for one in (own, matcher):
        together = one.scan(Content(tuple(Part(f"{n}", text) for n, text in enumerate(TOGETHER)))).findings
        found = {(f.detector, hit.place, hit) for f in together for hit in f.hits}
        alone = {
            (f.detector, hit.place, hit)
            for n, text in enumerate(TOGETHER)
            for f in one.scan_text(text, f"{n}")
            for hit in f.hits
        }
        assert found == alone
        assert found


def test_only_refused_patterns(make_detectors: Make) -> None:
    matcher = Matcher(make_detectors(x={"patterns": [{"regex": r"(?U)ab{1,3}"}]}))
    assert values(matcher, "ab abb", "x") == ["AB", "ABB"]


def test_a_matcher_without_detectors_finds_nothing() -> None:
    assert Matcher(()).scan_text("SSN 536-22-1234") == ()


def test_failing_samples_are_told(make_detectors: Make) -> None:
    samples = {"found": ["12345", {"text": "54321", "confidence": "high"}, "none"], "ignored": ["99999", "1"]}
    detectors = make_detectors(x={"patterns": [{"regex": r"\b\d{5}\b"}], "samples": samples})
    failures = run_samples(Matcher(detectors), detectors)
    assert [(f.text, f.expected, f.got) for f in failures] == [
        ("54321", "high", "medium"),
        ("none", "a hit", "nothing"),
        ("99999", "nothing", "medium"),
    ]
    assert "test.yaml: x: 'none'" in str(failures[1])


@settings(max_examples=60)
@given(st.text(alphabet="AB12-. ä\n", max_size=120))
def test_the_one_pass_agrees_with_re2_alone(both: tuple[Matcher, Matcher], text: str) -> None:
    """The same patterns, once as the engine runs them and once as RE2 reads the whole text."""
    fast, slow = both
    found, expected = fast.scan_text(text), slow.scan_text(text)
    assert [(h.start, h.end, h.value) for f in found for h in f.hits] == [
        (h.start, h.end, h.value) for f in expected for h in f.hits
    ]


@pytest.fixture(scope="module")
def both(make_detectors: Make) -> tuple[Matcher, Matcher]:
    regexes = [
        r"\b[AB]{1,2}\d{1,3}\b",
        r"\d(?:[-. ]\d){1,4}",
        r"^A.{1,3}\d",
        r"[AB]\d{2}$",
        r"A(?P<value>[12]{2,4})B",
        r"ä\d",
    ]
    fast = Matcher(make_detectors(**{f"x{n}": {"patterns": [{"regex": regex}]} for n, regex in enumerate(regexes)}))
    slow = Matcher(make_detectors(**{f"x{n}": {"patterns": [{"regex": regex}]} for n, regex in enumerate(regexes)}))
    for each in slow._search._passes:
        each._engine._database = None
        each.alone = list(range(each.count))
        each.slow = frozenset(each.alone)
    slow._search._alone = list(slow._search._passes)
    assert fast.slow_notes == ()
    return fast, slow


NAMED = {
    "patterns": [{"regex": r"\b\d{8}\b", "named": True}],
    "near": {"words": ["badge no", "Plaketten-Nr", "numéro"], "within": 30},
}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("badge no 12345678", {"12345678"}),
        ("badgeNo: 12345678, and 87654321 too", {"12345678", "87654321"}),
        ("BADGE_NO=12345678", {"12345678"}),
        ("NUMÉRO 12345678", {"12345678"}),
        ("numéro\u00a0: 12345678", {"12345678"}),
        ("12345678", set()),
        ("order 12345678, and much further on there is a badge no", set()),
        (
            "name,badge no\n" + "".join(f"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,{n}\n" for n in (12345678, 87654321)),
            {"12345678", "87654321"},
        ),
    ],
)
def test_what_is_named_counts_only_where_it_is(make_detectors: Make, text: str, values: set[str]) -> None:
    detectors = make_detectors(x=NAMED, y={**NAMED, "near": {"words": ["licence"], "within": 30}})
    found = {finding.detector: finding.values() for finding in Matcher(detectors).scan_text(text)}
    assert found == ({"x": values} if values else {})


def test_a_value_belongs_to_the_nearest_name(make_detectors: Make) -> None:
    detectors = make_detectors(x=NAMED, y={**NAMED, "near": {"words": ["licence"], "within": 30}})
    found = {f.detector: f.values() for f in Matcher(detectors).scan_text("badge no 12345678, licence 87654321")}
    assert found == {"x": {"12345678"}, "y": {"87654321"}}


def test_a_check_may_look_around_the_value(make_detectors: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def behind(data: bytes, start: int, end: int) -> Verdict:
        return {b"!": Verdict.NO, b"?": Verdict.EXAMPLE}.get(data[end : end + 1], Verdict.YES)

    known = {**CHECKS, "looks": Check("looks behind", lambda text: Verdict.YES, around=behind)}
    monkeypatch.setattr("rules.candidates.CHECKS", known)
    monkeypatch.setattr("rules.parts.CHECKS", known)
    (detector,) = make_detectors(x={"patterns": [{"regex": r"\d{3}", "check": "looks"}]})
    (finding,) = Matcher([detector]).scan_text("123! 456? 789.")
    assert [(hit.value, hit.confidence) for hit in finding.hits] == [
        ("456", Confidence.LOW),
        ("789", Confidence.MEDIUM),
    ]
