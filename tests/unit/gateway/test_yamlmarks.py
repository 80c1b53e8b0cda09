"""Strict YAML: what YAML 1.2 says and nothing more, with a mark for everything."""

import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.yamlmarks import MAX_BYTES, MAX_DEPTH, read_limited, read_yaml, scalar
from policy.problem import Mark


def problems(text: str | bytes) -> list[str]:
    return [str(problem) for problem in read_yaml(text, "f.yaml").problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("-7", -7),
        ("+3", 3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("1.2.3", "1.2.3"),
        ("0b1", "0b1"),
        ("=", "="),
        ("9" * 400, "9" * 400),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    assert scalar(written) == value
    assert type(scalar(written)) is type(value)


def test_quoted_scalars_are_texts() -> None:
    assert read_yaml("a: 'true'\nb: \"12\"\nc: |\n  1\n", "f").data == {"a": "true", "b": "12", "c": "1\n"}


def test_keys_are_texts_as_written() -> None:
    assert read_yaml("1: a\ntrue: b\n012: c\n", "f").data == {"1": "a", "true": "b", "012": "c"}


def test_every_key_and_value_has_its_mark() -> None:
    document = read_yaml("a: 1\nb:\n  - x: é\n    y: [1, 2]\n", "f")
    assert document.where(("a",)) == Mark(1, 4)
    assert document.where(("a",), True) == Mark(1, 1)
    assert document.where(("b", 0, "y", 1)) == Mark(4, 12)
    assert document.where(("b", 0, "x"), True) == Mark(3, 5)


def test_what_is_not_there_has_the_mark_of_what_is_around_it() -> None:
    document = read_yaml("a:\n  b: 1\n", "f")
    assert document.where(("a", "nope", "deeper")) == Mark(1, 1)
    assert read_yaml("", "f").where(("a",)) == Mark(1, 1)


def test_every_foreign_thing_is_told_in_one_run() -> None:
    text = "a: &x 1\nb: !foo bar\n? [1]\n: 2\n<<: *x\nd: {e: 1, e: 2}\na: {z: {q: 1, q: 2}}\nc: *x\n"
    told = problems(text)
    assert [line.split(" ", 1)[0] for line in told] == [
        "f.yaml:1:4:",
        "f.yaml:2:4:",
        "f.yaml:3:3:",
        "f.yaml:5:1:",
        "f.yaml:6:11:",
        "f.yaml:7:1:",
        "f.yaml:8:4:",
    ]
    assert "anchor" in told[0]
    assert "tag" in told[1]
    assert "merge" in told[3]
    assert told[4] == "f.yaml:6:11: d.e: stands here twice, first in line 6. Keep one of them."
    assert "alias" in told[6]


def test_the_first_of_two_equal_keys_is_kept() -> None:
    assert read_yaml("a: 1\na: 2\nb: 3\n", "f").data == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("domains: [*.example.com]\n", "f.yaml:1:12:", 'Quote a text that begins with * or &: "*.example.com"'),
        ("a: b: c\n", "f.yaml:1:5:", "Quote a text that has a colon in it"),
        ("a:\n\tb: 1\n", "f.yaml:2:1:", "Indent with spaces"),
        ("a: [1\nb: 2\n", "f.yaml:2:2:", "Look at the indentation, brackets and quotes"),
        ("--- 1\n--- 2\n", "f.yaml:2:1:", "Keep one document a file"),
        (b"a: \xff\n", "f.yaml:1:1:", "Save the file as UTF-8"),
        ("a: \ud800", "f.yaml:1:1:", "Save the file as UTF-8"),
    ],
)
def test_what_is_no_yaml_is_told_with_place_and_hint(text: str | bytes, place: str, hint: str) -> None:
    (told,) = problems(text)
    assert told.startswith(place)
    assert hint in told


def test_a_byte_order_mark_is_no_matter() -> None:
    assert read_yaml(b"\xef\xbb\xbfa: 1\n", "f").data == {"a": 1}


def test_depth_is_bounded() -> None:
    assert "deeper" in problems("[" * 5000)[0]
    assert not problems("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))


def test_size_is_bounded() -> None:
    assert "larger than" in problems("#" * (MAX_BYTES + 1))[0]


@pytest.mark.slow
def test_number_of_values_is_bounded() -> None:
    assert "more than" in problems("[" + "1," * 200_001 + "]")[-1]


def test_an_alias_bomb_stays_small() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    document = read_yaml("\n".join(lines), "f")
    assert document.problems
    assert not document.whole or len(str(document.data)) < 10_000


_WORDS = st.sampled_from(
    [
        "a",
        "b: ",
        "- ",
        "  ",
        "\n",
        "*x",
        "&x ",
        "!t ",
        "<<: ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "? ",
        "'",
        '"',
        "|",
        "%",
        "---",
        "\t",
    ]
)


@pytest.mark.slow
@given(st.one_of(st.text(), st.lists(_WORDS).map("".join), st.binary()))
@settings(max_examples=400, deadline=None)
def test_no_text_breaks_it(text: str | bytes) -> None:
    document = read_yaml(text, "f")
    for problem in document.problems:
        assert problem.cause
        assert problem.line >= 0
    if document.whole and not document.problems:
        check_marks(document.data, (), document.values)


def check_marks(value: object, path: tuple[str | int, ...], marks: object) -> None:
    if value is None and not path:
        return
    assert path in marks  # type: ignore[operator]  # a dict
    if isinstance(value, dict):
        for key, inner in value.items():
            check_marks(inner, (*path, key), marks)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            check_marks(inner, (*path, index), marks)


@pytest.mark.timeout(20)
def test_a_pipe_to_which_nobody_writes_is_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_limited(tmp_path / "pipe") == b""


def test_a_pipe_is_read_to_its_end() -> None:
    reads, writes = os.pipe()
    os.write(writes, b"a: 1")
    os.close(writes)
    assert read_limited(Path(f"/dev/fd/{reads}")) == b"a: 1"
    os.close(reads)


def test_of_a_file_without_end_no_more_is_read_than_says_so(tmp_path: Path) -> None:
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(4 * MAX_BYTES)
    raw = read_limited(tmp_path / "endless")
    assert len(raw) == MAX_BYTES + 1
    assert "larger than" in problems(raw)[0]
