"""Changes to one copy: what was asked, and no other byte."""

import time
from email import message_from_bytes
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from delivery.couriers.changes import apply_changes, header_end, header_line
from policy.decision import Changes

MESSAGE = (
    b"Received: from a\r\n\tby b; now\r\nX-Sealgate: secure\r\nSubject: [secure]\r\n Hello\r\n  world\r\n"
    b"From: a@example.com\r\n\r\nSubject: not this\r\nX-Sealgate: nor this\r\n"
)


def shown(line: bytes) -> str:
    return str(message_from_bytes(line + b"\r\n", policy=default)["X-A" if line.startswith(b"X-A") else "Subject"])


def test_no_change_is_the_same_bytes() -> None:
    assert apply_changes(MESSAGE, Changes()) is MESSAGE


def test_a_folded_subject_is_replaced_where_it_stood() -> None:
    changed = apply_changes(MESSAGE, Changes(subject="Hello world"))
    assert changed == MESSAGE.replace(b"Subject: [secure]\r\n Hello\r\n  world\r\n", b"Subject: Hello world\r\n", 1)


def test_of_several_subjects_one_is_left() -> None:
    raw = b"subject: [secure] a\r\nTo: b\r\nSUBJECT : [secure] c\r\n d\r\n\r\nbody"
    assert apply_changes(raw, Changes(subject="a")) == b"Subject: a\r\nTo: b\r\n\r\nbody"


def test_a_subject_is_added_where_there_is_none() -> None:
    assert apply_changes(b"To: b\r\n\r\nx", Changes(subject="a")) == b"To: b\r\nSubject: a\r\n\r\nx"
    assert apply_changes(b"\r\nx", Changes(subject="a")) == b"Subject: a\r\n\r\nx"
    assert apply_changes(b"", Changes(subject="a")) == b"Subject: a\r\n"
    assert apply_changes(b"To: b", Changes(subject="a")) == b"To: b\r\nSubject: a\r\n"


def test_headers_are_dropped_wherever_they_stand_but_not_in_the_body() -> None:
    raw = b"X-Sealgate: a\r\n b\r\nTo: c\r\nx-sealgate : d\r\n\r\nX-Sealgate: e\r\n"
    assert apply_changes(raw, Changes(drop_headers=("x-sealgate",))) == b"To: c\r\n\r\nX-Sealgate: e\r\n"


def test_headers_are_added_below_the_others() -> None:
    changed = apply_changes(b"To: c\r\n\r\nx", Changes(add_headers=(("X-A", "1"), ("X-B", "2"))))
    assert changed == b"To: c\r\nX-A: 1\r\nX-B: 2\r\n\r\nx"


def test_lines_that_are_no_header_stay_as_they_are() -> None:
    raw = b">From somewhere\r\nTo: c\r\n\tand more\r\nno colon here\r\n\xff\xfe: x\r\n\r\nbody \xff\r\n"
    assert apply_changes(raw, Changes(add_headers=(("X-A", "1"),))) == raw.replace(b"\r\n\r\n", b"\r\nX-A: 1\r\n\r\n")


def test_a_field_of_many_lines_is_put_together_once() -> None:
    """A megabyte of short lines kept everybody waiting for ten seconds; five megabytes, for minutes."""
    raw = b"Subject: a\r\n" + b" x\r\n" * 1_000_000 + b"To: b\r\n\r\nbody\r\n"
    before = time.process_time()
    changed = apply_changes(raw, Changes(subject="c"))
    assert time.process_time() - before < 60
    assert changed == b"Subject: c\r\nTo: b\r\n\r\nbody\r\n"


def test_nothing_can_be_injected() -> None:
    for evil in (
        "a\r\nBcc: x@y",
        "a\nBcc: x@y",
        "a\rBcc: x@y",
        "a\r\n\r\nbody",
        "a\x00b",
        "a\u2028Bcc: x",
        "a\x85Bcc: x",
    ):
        line = header_line("X-A", evil)
        assert line.count(b"\r\n") == 1
        assert line.endswith(b"\r\n")
    assert header_line("X-A\r\nBcc", "x") == b"X-ABcc: x\r\n"
    assert header_line("X A: b", "x") == b"XAb: x\r\n"
    assert header_line("é", "x") == b""


def test_other_characters_are_encoded_words() -> None:
    line = header_line("Subject", "Grüße aus Zürich")
    assert line.isascii()
    assert shown(line) == "Grüße aus Zürich"


def test_what_looks_like_an_encoded_word_is_shown_as_it_is() -> None:
    line = header_line("Subject", "=?utf-8?q?x?= means x")
    assert shown(line) == "=?utf-8?q?x?= means x"


def test_long_values_are_folded_and_no_line_is_too_long() -> None:
    words = "Quarterly report of the department " * 20
    line = header_line("Subject", words)
    assert max(map(len, line.split(b"\r\n"))) <= 78
    assert shown(line) == words.strip()
    assert max(map(len, header_line("Subject", "x" * 3000).split(b"\r\n"))) <= 998
    assert shown(header_line("Subject", "a" + " " * 300 + "b")) == "a" + " " * 300 + "b"


@given(value=st.text(max_size=400), name=st.text(max_size=20))
def test_whatever_the_value_it_is_one_field(value: str, name: str) -> None:
    line = header_line(name, value)
    if not line:
        return
    assert line.isascii()
    lines = line.split(b"\r\n")
    assert lines[-1] == b""
    assert all(each[:1] in (b" ", b"\t") and each.strip() for each in lines[1:-1])
    assert all(len(each) <= 998 for each in lines)
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)


@given(value=st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=200))
def test_a_subject_is_read_back_as_it_was(value: str) -> None:
    assert shown(header_line("Subject", value)).split() == value.split()


@given(raw=st.binary(max_size=300), subject=st.text(max_size=40))
def test_the_body_is_never_touched(raw: bytes, subject: str) -> None:
    raw = raw.replace(b"a", b"\r\n").replace(b"b", b"Subject:").replace(b"c", b" ")
    body = raw[header_end(raw) :]
    changed = apply_changes(raw, Changes(subject=subject, add_headers=(("X-A", subject),), drop_headers=("x-b",)))
    assert changed.endswith(body)
    head = changed[: len(changed) - len(body)]
    assert b"\r\n\r\n" not in head
    assert head.endswith(b"\r\n")
