"""Charsets by every name that mail gives them."""

import codecs
import random

import pytest

from policy.reader.charsets import codec, is_noise, legible, readings

NAMES = {
    "ANSI_X3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "ISO8859-15": "iso8859-15",
    "iso-ir-149": "cp949",
    "windows-31j": "cp932",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ce": "mac-latin2",
    "x-mac-icelandic": "mac-iceland",
    "cp65001": "utf-8",
    "windows-65000": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "cp1201": "utf-16-be",
    "IBM037": "cp037",
    "ibm01140": "cp1140",
    "ibm1047": "cp037",
    "ebcdic-cp-fr": "cp037",
    "cp20285": "cp037",
    "windows-936": "gb18030",
    "ms949": "cp949",
    "tis-620": "cp874",
    "csISO2022JP": "iso2022_jp_2",
}


@pytest.mark.parametrize(("name", "reads"), NAMES.items())
def test_a_name_is_known(name: str, reads: str) -> None:
    found = codec(name)
    assert found is not None
    assert codecs.lookup(found).name == codecs.lookup(reads).name


@pytest.mark.parametrize("name", ["punycode", "idna", "base64", "rot13", "unicode_escape", "nothing", "", "a\0b", "é"])
def test_what_is_no_charset(name: str) -> None:
    assert codec(name) is None


@pytest.mark.parametrize(
    ("charset", "data"),
    [
        ("ibm1047", "SSN 536-22-1234".encode("cp037")),
        ("utf-7-imap", b"SSN &ADUAMwA2-22-1234".replace(b"622", b"6-22")),
        ("euc-tw", b"SSN \xa4\xa6\xa4\xa4\xa4\xa7-22-1234"),
        ("iso-2022-cn", b"SSN \x1b$)A\x0e#5#3#6\x0f-22-1234"),
        ("iso-2022-cn", b"SSN \x1b$)G\x0e$&$$$'\x0f-22-1234"),
        ("hz-gb-2312", b"SSN ~{#5#3#6~}-22-1234"),
        ("utf-16", "SSN 536-22-1234".encode("utf-16-le")),
    ],
)
def test_digits_are_read(charset: str, data: bytes) -> None:
    wide = {0xFF10 + digit: 48 + digit for digit in range(10)}
    assert any("536" in text.translate(wide) and "22-1234" in text.translate(wide) for text in readings(data, charset))


@pytest.mark.parametrize("charset", ["", "iso-2022-jp-2", "utf-8"])
def test_what_breaks_a_codec_is_read_all_the_same(charset: str) -> None:
    """ISO-2022-JP-2 with a set of signs that Python's codec takes and cannot shift to: it fails with RuntimeError."""
    data = b"SSN 536-22-1234 \x1b.J\x1bNw"
    with pytest.raises(RuntimeError):
        data.decode("iso2022_jp_2", "replace")
    assert any("536-22-1234" in text for text in readings(data, charset))


def test_a_long_text_is_read_in_charsets_of_the_east_only_where_it_can_be_one() -> None:
    """Wide digits stand in noise by chance; in a text of GB they stand among characters that are all whole."""
    said = "地址和电话在下面。５３６２２１２３４" * 5_000
    assert said in readings(said.encode("gb18030"), "utf-8")
    noise = random.Random(1).randbytes(1 << 17) + "５３６".encode("gb18030")
    assert noise.decode("gb18030", "replace") not in readings(noise, "utf-8")
    assert noise[-2_000:].decode("gb18030", "replace") in readings(noise[-2_000:], "utf-8")
    # What an ASCII number lost by signs that programs step over is read wherever it stands.
    assert any("536-22-1234" in text for text in readings(noise + b"536-2\0002-1234", "utf-8"))


def test_of_noise_what_a_person_could_read_is_left() -> None:
    noise = random.Random(1).randbytes(1 << 17)
    data = b"Dear all,\r\nSSN 536-22-1234" + noise + b"card 4111 1111 \0001111 1111" + noise
    assert is_noise(data)
    assert is_noise(data, "utf-8")
    assert is_noise(data[: 1 << 12])
    assert not is_noise(data[: 1 << 9])
    assert not is_noise(data, "utf-16")
    assert not is_noise(("Ünïcödé числа 数字 " * 9000).encode("utf-16-le"))
    assert not is_noise("地址和电话在下面。".encode("gb18030") * 9000)
    assert not is_noise("Größe und Übung, \x1b[1mschön\x1b[0m.\r\n".encode("cp1252") * 9000)
    text = legible(data)
    assert text.startswith("Dear all,\r\nSSN 536-22-1234")
    assert "card 4111 1111 1111 1111" in text
    assert len(text) < len(data) / 10


@pytest.mark.parametrize("size", [2_000, 70_000])
@pytest.mark.parametrize(
    ("number", "charset"),
    [
        ("5\x013\x016\x01-22\x02-12\x0134", "utf-8"),
        ("５３６-２２-１２３４", "utf-8"),
        ("٥٣٦-٢٢-١٢٣٤", "utf-8"),
        ("5\u00ad3\u00ad6-22-1234", "utf-8"),
        ("5\x01\u00ad3\u00ad6-2\x032-1234", "cp1252"),
        ("536\u201322\u20131234", "cp1251"),
        ("５３６-２２-１２３４", "gb18030"),
    ],
)
def test_controls_strewn_into_a_text_make_no_noise_of_it(number: str, charset: str, size: int) -> None:
    """Programs show none of them: the text is read, whatever share of it they are."""
    rng = random.Random(1)
    line = "Die Größe der Übung, schön für Müller.\n" if charset != "cp1251" else "Номер договора и счёта внизу.\n"
    around = "".join(sign + "\x01" * (rng.random() < 0.12) for sign in line * (size // len(line)))
    data = (around + f"SSN {number}\n" + around).encode(charset)
    known = {0xFF10 + digit: 48 + digit for digit in range(10)} | {0x660 + digit: 48 + digit for digit in range(10)}
    known |= {0xAD: None, 0x2013: 45, 1: None, 2: None, 3: None}
    told = [legible(data)] if is_noise(data, charset) else readings(data, charset)
    assert any("536-22-1234" in text.translate(known) for text in told)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("declared", ["hz-gb-2312", None])
def test_a_line_that_goes_on(declared: str | None, end: str) -> None:
    """RFC 1843: a tilde at a line's end joins it with the next, and lines of mail end in CRLF."""
    data = f"SSN 53~{{#6~}}-22-1~{end}234\r\n".encode()
    assert any("SSN 53\uff16-22-1234" in text for text in readings(data, declared))


def test_a_name_with_ever_more_in_front_of_it() -> None:
    assert codec('charset="x-utf-8"') == "utf-8"
    assert codec("charset=" * 10_000 + "utf-8") is None
    assert codec("x-" * 10_000 + "utf-8") is None
