"""Patterns are refused with the place and the way out, and their width is never told too small."""

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import PatternRefused
from rules.widths import compile_pattern, fixed_width, max_width


@pytest.mark.parametrize(
    ("regex", "cause", "column", "hint"),
    [
        (r"\d{3}(?!0)\d", "look-around", 6, "near"),
        (r"(?<=a)b", "look-around", 1, "unless"),
        (r"x(?<!a)b", "look-around", 2, "check"),
        (r"(a)\1", "back-reference", 4, "repetition"),
        (r"ab(c", "unclosed group", 3, "RE2"),
        (r"[a-", "unclosed character class", 1, "RE2"),
        (r"a)", "closing bracket too many", 2, "RE2"),
        (r"*a", "nothing to repeat", 1, "RE2"),
        (r"a{2000}", "invalid repetition size {2000}", 2, "1000"),
        (r"a++b", "possessive quantifier", 2, "never goes back"),
        (r"\d{2}+", "possessive quantifier", 3, "never goes back"),
        (r"(?>a)b", "atomic group", 1, "(?:...)"),
        (r"(?(1)a|b)", "condition", 1, "two patterns"),
        (r"a(?R)", "recursion", 2, "as often"),
        (r"a(?#c)", "comment", 2, "# in the file"),
        (r"(?ix)a b", "flag x", 1, "without blanks"),
        (r"(?'n'a)", "group (?'name'", 1, "(?P<name>...)"),
        (r"ab{,3}", "{,n}, which RE2 reads as text", 3, "{0,n}"),
        (r"a\Z", "unknown escape \\Z", 2, "\\z"),
        (r"a\Kb", "unknown escape \\K", 2, "(?P<value>"),
        (r"\\h\h", "unknown escape \\h", 4, "[ \\t]"),
        (r"\u00e4", "unknown escape \\u", 1, "\\x{e4}"),
        (r"\<ab", "word boundary", 1, "\\b"),
        (r"x\p{Nope}", "unknown Unicode class \\p{Nope}", 2, "\\p{Greek}"),
        (r"[[:foo:]]", "unknown POSIX class [:foo:]", 2, "[[:alpha:]]"),
        (r"[z-a]", "a range that runs backwards z-a", 2, "lower end first"),
        (r"a**", "two repetitions in a row **", 2, "Leave one"),
        ("a\\", "a \\ at the end", 2, "the sign itself"),
        (r"(?P<a b>x)", "unreadable name", 1, "letters"),
        (r"\qa", "unknown escape \\q", 1, "RE2"),
        (r"a?", "empty text", 0, "one character"),
        (r"\b", "empty text", 0, "one character"),
        (r"\b\d{0,3}\b", "empty text", 0, "one character"),
    ],
)
def test_refused_patterns(regex: str, cause: str, column: int, hint: str) -> None:
    with pytest.raises(PatternRefused) as refused:
        compile_pattern(regex)
    assert cause in refused.value.cause
    assert refused.value.column == column
    assert hint in refused.value.hint


def test_the_place_is_pointed_at() -> None:
    with pytest.raises(PatternRefused) as refused:
        compile_pattern(r"\d{3}(?!0)\d")
    assert refused.value.pointed == "\\d{3}(?!0)\\d\n     ^"


def test_a_long_pattern_is_shown_around_the_place() -> None:
    with pytest.raises(PatternRefused) as refused:
        compile_pattern("abc" * 50 + r"(a)\2" + "d" * 60)
    shown, caret = refused.value.pointed.split("\n")
    assert shown.startswith("...") and shown.endswith("...") and len(shown) < 80
    assert shown[caret.index("^") :].startswith("\\2")


@pytest.mark.parametrize("regex", [r"a\++", r"[*+]+", r"a\*+", r"\\Z", r"[a(?=]{2}"])
def test_what_only_looks_like_an_unknown_construct_is_taken(regex: str) -> None:
    compile_pattern(regex)


@pytest.mark.parametrize("regex", [r"[(?=]{2}x", r"a\(?=b", r"\Q(?=\E", r"[]a(?!]b", r"[[:alpha:](?=]x"])
def test_what_only_looks_like_look_around_is_taken(regex: str) -> None:
    compile_pattern(regex)


@pytest.mark.parametrize(
    ("regex", "width"),
    [
        (r"\b\d{3}[- ]?\d{2}\b", 6),
        (r"(?:ab|cde){2,3}", 9),
        (r"(?i)a(?P<value>b{1,4})(?i:c)", 6),
        (r"(?i:ab)c", 3),
        (r"[^a]{2}", 8),
        (r".{1,10}", 40),
        (r"ä{3}", 12),
        (r"\x{1F600}", 4),
        (r"\pL{2}", 8),
        (r"[[:alpha:]]{2}", 2),
        (r"\Qa+b\Ec", 8),
        (r"a{3}", 3),
        (r"^ab$", 2),
        (r"a\.b\\", 4),
    ],
)
def test_the_widest_match_of_a_pattern_in_bytes(regex: str, width: int) -> None:
    compile_pattern(regex)
    assert max_width(regex) == width


@pytest.mark.parametrize(
    ("regex", "cause", "column"),
    [(r"ab+", "no widest match", 3), (r"a{3,}", "no widest match", 2), (r"(?:.{100}){20}", "8000 bytes", 0)],
)
def test_a_pattern_without_a_widest_match_is_refused_at_its_place(regex: str, cause: str, column: int) -> None:
    with pytest.raises(PatternRefused) as refused:
        max_width(regex)
    assert cause in refused.value.cause
    assert refused.value.column == column
    assert "{1,40}" in refused.value.hint


def _patterns() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(["a", "ab", r"\d", "[ab1]", "[^a]", ".", "ä", r"\x{e4}", r"\.", "(?i)b", r"\bA"])
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
            st.tuples(inner, st.sampled_from(["?", "{2}", "{0,3}", "{1,2}"])).map(
                lambda p: f"(?P<x>{p[0]}){p[1]}".replace("?P<x>", "?:")
            ),
        ),
        max_leaves=8,
    )


@pytest.mark.slow
@given(_patterns(), st.text(alphabet="ab1ä.A", max_size=60))
def test_no_match_is_wider_than_told(regex: str, text: str) -> None:
    data = text.encode()
    options = re2.Options()
    options.longest_match = True
    width = max_width(regex)
    for match in re2.compile(regex, options).finditer(data):
        assert match.end() - match.start() <= width


@pytest.mark.parametrize(
    ("regex", "width"),
    [
        (r"\b\d{3}-\d{2}-\d{4}\b", 11),
        (r"\b[2-6](?: \d){15}\b", 31),
        (r"\d(?: \d){2,3}", 0),
        (r"\d+", 0),
        (r"\d(?: |-){2}", 0),
    ],
)
def test_a_plain_pattern_has_one_width(regex: str, width: int) -> None:
    assert fixed_width(regex) == width
