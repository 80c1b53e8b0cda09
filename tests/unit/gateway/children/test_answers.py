"""What children say of a file: taken as they mean it, and nothing else."""

import json
from collections.abc import Iterator

import pytest

from gateway.children.answers import ChildAnswer, ChildAnswerInvalid
from gateway.children.nursery import frames_of
from gateway.children.words import REPLY
from policy.extraction.collected import PICTURE_BYTES, Picture
from policy.extraction.extract import Outcome
from rules.content import Content, FileFact, FileKind, Part


def pieces(outcome: Outcome) -> Iterator[tuple[bytes, bytes]]:
    for frame in frames_of(outcome):
        described, size = REPLY.unpack(frame[: REPLY.size])
        assert len(frame) == REPLY.size + described + size
        yield frame[REPLY.size : REPLY.size + described], frame[REPLY.size + described :]


def taken(outcome: Outcome) -> Outcome:
    answer = ChildAnswer()
    *said, last = pieces(outcome)
    assert last == (b"", b"")
    for about, texts in said:
        answer.add(about, texts)
    return answer.outcome()


def test_an_answer_arrives_as_it_was_meant() -> None:
    marks = tuple((at, f"A{at}") for at in range(4_500))
    fact = FileFact("a.xls", FileKind.SPREADSHEET, 9, "a.xls", 1, unreadable=True, reason="broken")
    outcome = Outcome(
        Content((Part("a", "ü漢\U0001f600"), Part("b", "x" * 300_000, marks), Part("c", "")), (fact,) * 1_500),
        (Picture("p", b"\x89PNG\xff", "a > p", 2), Picture("q", b"", "a > q")),
    )
    assert taken(outcome) == outcome


def test_pieces_are_small() -> None:
    outcome = Outcome(Content(tuple(Part("a", "x" * 4_000, ((0, "A1"),)) for _ in range(1_000))))
    assert max(len(about) + len(texts) for about, texts in pieces(outcome)) < 400_000


def test_an_empty_answer_is_one() -> None:
    assert taken(Outcome(Content())) == Outcome(Content())


@pytest.mark.parametrize(
    ("about", "texts"),
    [
        ("no JSON", b""),
        ([1], b""),
        ({"parts": [["a", 5, []]]}, b"four"),
        ({"parts": [["a", 3, []]]}, b"four"),
        ({"parts": [["a", -1, []]]}, b""),
        ({"parts": [["a", "4", []]]}, b"four"),
        ({"parts": [[1, 4, []]]}, b"four"),
        ({"parts": [["a", 1, []]]}, b"\xff"),
        ({"parts": [["a", 4, [[3, "B"], [1, "A"]]]]}, b"four"),
        ({"parts": [["a", 4, [[-1, "B"]]]]}, b"four"),
        ({"parts": [["a", 4, [[1, 2]]]]}, b"four"),
        ({"marks": [[1, "A"]]}, b""),
        ({"files": [["a", "no kind", 1, "a", 0, False, False, ""]]}, b""),
        ({"files": [["a"]]}, b""),
        ({"pictures": [["a", "a", 0, 99]]}, b"four"),
        ({"pictures": [["a", "a", 0, 0]] * 101}, b""),
    ],
)
def test_anything_else_is_none(about: object, texts: bytes) -> None:
    with pytest.raises(ChildAnswerInvalid):
        ChildAnswer().add(json.dumps(about).encode() if not isinstance(about, str) else about.encode(), texts)


@pytest.mark.slow
def test_pictures_have_an_end() -> None:
    answer = ChildAnswer()
    half = bytes(PICTURE_BYTES // 2)
    about = json.dumps({"pictures": [["a", "a", 0, len(half)]]}).encode()
    answer.add(about, half)
    answer.add(about, half)
    with pytest.raises(ChildAnswerInvalid):
        answer.add(json.dumps({"pictures": [["a", "a", 0, 1]]}).encode(), b"x")
