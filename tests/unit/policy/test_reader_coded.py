"""Packed files in a text, uuencoded or in base64: what they hold is read, and not a dozen times as a text itself."""

import base64
import binascii
import random

import pytest

from policy.extraction.message import read_message
from policy.reader.coded import without_coded

HEAD = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
NOISE = random.Random(3).randbytes(150_000)


def uuencoded(data: bytes, name: bytes = b"a.bin") -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return (b"begin 644 " + name + b"\n" + b"".join(lines) + b"`\nend\n").replace(b"\n", b"\r\n")


def texts(raw: bytes) -> list[str]:
    return [part.text for part in read_message(raw).content.parts]


def test_what_a_uuencoded_file_holds_is_read() -> None:
    assert any("SSN 536-22-1234" in text for text in texts(HEAD + b"\r\nhi\r\n" + uuencoded(b"SSN 536-22-1234\n" * 50)))


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"\r\nhello\r\n\r\n" + uuencoded(NOISE),
        HEAD + b"Content-Type: application/zip; name=a.zip\r\n\r\n" + uuencoded(NOISE),
        HEAD
        + b"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
        + uuencoded(NOISE),
        HEAD + b"Content-Type: text/html\r\n\r\n<p>hello</p>\r\n" + uuencoded(NOISE),
    ],
)
def test_packed_bytes_are_not_read_as_text(raw: bytes) -> None:
    assert sum(map(len, texts(raw))) < len(raw) / 10


@pytest.mark.parametrize("size", [2_000, 40_000, 150_000])
@pytest.mark.parametrize("kind", [b"", b'Content-Type: message/partial; id="x"; number=2; total=3\r\n'])
def test_noise_in_base64_is_read_in_few_ways(kind: bytes, size: int) -> None:
    packed = base64.encodebytes(NOISE[:size]).replace(b"\n", b"\r\n")
    assert sum(map(len, texts(HEAD + kind + b"\r\nhello\r\n\r\n" + packed))) < 5 * len(packed)


@pytest.mark.parametrize(
    "said",
    [
        b"HER SOCIAL SECURITY NUMBER IS 536-22-1234, AND HIS 219-09-9998",
        b"#%&'()*+536-22-1234#%&'()*+#%&'()*+#%&'()*+#%&'()*+#%&'()*+#%",
        b"#%&'()*+5 3 6 2 2 1 2 3 4#%&'()*+#%&'()*+#%&'()*+#%&'()*+#%&'()",
        b"SSN 536221234",
    ],
)
def test_a_line_that_says_something_is_left(said: bytes) -> None:
    block = uuencoded(NOISE[:4500])
    lines = block.split(b"\r\n")
    lines.insert(40, b"M" + said)
    assert said in without_coded(b"\r\n".join(lines))
    assert len(without_coded(b"\r\n".join(lines))) < len(block) / 10
    assert any(said.decode() in text for text in texts(HEAD + b"\r\nhi\r\n" + b"\r\n".join(lines)))


def test_what_stands_around_is_left() -> None:
    text = b"Dear all,\r\n" + uuencoded(NOISE[:900]) + b"Yours\r\n" + uuencoded(NOISE[:900], b"b.bin") + b"PS\r\n"
    left = without_coded(text)
    for piece in (b"Dear all,", b"begin 644 a.bin", b"Yours", b"begin 644 b.bin", b"PS\r\n"):
        assert piece in left
    assert without_coded(b"We begin 644 times, and end.") == b"We begin 644 times, and end."
    begun = b"begin-base64 644 a\r\n" + base64.encodebytes(NOISE[:300]) + b"====\r\nend\r\n"
    assert without_coded(begun) == begun
