"""Character references: read as browsers read them, however long they are; and a text that no reader can take."""

import pytest

from policy.extraction import extract as extraction
from policy.extraction.message import read_message
from policy.reader.references import unescape

ZEROS = "0" * 9_000


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("&#53;&#x33;&amp;", "53&"),
        (f"&#{ZEROS}53;", "5"),
        (f"&#x{ZEROS}35;", "5"),
        (f"&#X{ZEROS}35 6", "5 6"),
        (f"&#{ZEROS};", "\ufffd"),
        ("&#" + "7" * 9_000 + ";", "\ufffd"),
        ("&#x" + "a" * 9_000 + ";x", "\ufffdx"),
        ("&#00000053&#000000051;", "53"),
        ("&#;&#x;&# 5", "&#;&#x;&# 5"),
    ],
)
def test_references_of_any_length(written: str, shown: str) -> None:
    assert unescape(written) == shown
    assert unescape(f"a {written} b") == f"a {shown} b"


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/xml", "text/calendar"])
def test_a_message_with_long_references_is_read(kind: str) -> None:
    digits = "".join(f"&#{ZEROS}{ord(sign)};" for sign in "536-22-1234")
    raw = f"Subject: x\r\nContent-Type: {kind}\r\n\r\n<p title='{digits}'>{digits}</p>\r\n".encode()
    content = read_message(raw).content
    assert any("536-22-1234" in part.text for part in content.parts)


def test_a_text_at_which_a_reader_fails_is_told_and_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("of a fault that nobody foresaw")

    monkeypatch.setattr(extraction, "_body", fail)
    content = read_message(b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>536-22-1234</p>\r\n").content
    assert [(fact.unreadable, fact.reason.rpartition(": ")[2]) for fact in content.files] == [
        (True, "it cannot be read (ValueError)")
    ]
    assert any("536-22-1234" in part.text for part in content.parts)
