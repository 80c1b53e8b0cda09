"""Texts, calendars, cards and entries, and lines in the order in which they are displayed."""

import random

import pytest

from policy.extraction.extract import extract
from policy.extraction.text.cards import holds_files, read_card
from policy.extraction.text.plain import text_readings
from policy.extraction.text.spelling import spelled_readings
from policy.extraction.text.tables import joined_cells, joined_columns, joined_lines

NUMBER = "536-22-1234"
BARE = "536221234"


def texts(source: str, media_type: str = "") -> list[str]:
    return [part.text for part in extract("a.txt", source.encode(), media_type=media_type).parts]


@pytest.mark.parametrize(
    "source",
    [
        "**536**-22-1234",
        "536-_22_-`1234`",
        "536\\-22\\-1234",
        "[536](http://a.example)-22-1234",
        "\\textbf{536}-22-1234",
        "$536$-22-{\\bf 1234}",
        "5~~9~~36-22-1234",
        "> SSN 536-22-\n> 1234",
        "five three six - two two - one two three four",
        "fünf drei sechs zwei zwo eins zwei drei vier",
        "cinq-trois-six deux deux un deux trois quatre",
        "fivethreesixtwotwoonetwothreefour",
        "five36-two2-12three4",
        "536 dash 22 dash 1234",
        "536, then 22, then 1234",
        "(536)(22)(1234)",
        "[5][3][6][2][2][1][2][3][4]",
        "'536' '22' '1234'",
        "536'22'1234",
        "[b]536[/b]-[i]22[/i]-[u]1234[/u]",
        "536-[url=x]22[/url]-1234",
        "\n1. 536\n2. 22\n3. 1234",
        "536.\n22.\n1234.",
        "536-22-\r\n      1234",
        "0x35 0x33 0x36 0x2d 0x32 0x32 0x2d 0x31 0x32 0x33 0x34",
        "35 33 36 32 32 31 32 33 34",
        "hex(2):35,00,33,00,36,00,2d,00,32,00,32,00,2d,00,31,00,32,00,33,00,34,00,00,00",
        "[53, 51, 54, 45, 50, 50, 45, 49, 50, 51, 52]",
        "SSN | x\n" + "\n".join(f"{sign} | {9 - int(sign)}" for sign in "536221234") + "\n",
        "SSN\n" + "\n".join(f"x,{sign},{at}7" for at, sign in enumerate("536-22-1234")) + "\n",
        '\\char53\\char51\\char54-\\char50\\symbol{50}-\\char"31 234',
        "5\b53\b36\b6-22-1234",
        "5\b_3\b_6\b_-_\b2_\b2-1234",
        "5\x1b[8m9\x1b[0m36-\x1b[1m22\x1b[0m-1234",
        '{"ssn": ["536", "22", "1234"]}',
        '{"area": "536", "group": 22, "serial": "1234"}',
        '{"ssn": "\\u0035\\u0033\\u0036-22-1234"}',
        "a,b,c\n536,22,1234",
        '"536";"22";"1234"',
        "5|3|6|2|2|1|2|3|4",
        "SSN\n5\n3\n6\n-\n2\n2\n-\n1\n2\n3\n4",
        "SSN\t5\t3\t6\t2\t2\t1\t2\t3\t4",
        "BEGIN:VCALENDAR\r\nSUMMARY:536-\r\n 22-12\r\n\t34\r\nEND:VCALENDAR",
        "BEGIN:VCALENDAR\r\nX-ALT-DESC;FMTTYPE=text/html:5<b>3</b>6-2\r\n 2-1234\r\n",
        "BEGIN:VCARD\r\nNOTE;QUOTED-PRINTABLE:=35=\r\n=336-22-1234\r\n",
        "BEGIN:VCARD\r\nNOTE;ENCODING=QUOTED-PRINTABLE:SSN=\r\n =3536=2D2=\r\n2-12=\r\n34\r\n",
        "BEGIN:VCARD\r\nNOTE;ENCODING=QUOTED-PRINTABLE:536=\r\n =2D2=\r\n 2-1=\r\n\t=3234\r\n",
        "BEGIN:VCARD\r\nNOTE;ENCODING=b:NTM2LTIyLTEyMzQ=\r\n",
        "BEGIN:VCARD\r\nPHOTO:data:text/plain;base64,NTM2LTIyLTEyMzQ=\r\n",
        "dn: cn=a\ndescription:: NTM2LTIy\n LTEyMzQ=\n",
        'BEGIN:VCALENDAR\r\nDESCRIPTION;X-A="a:b";ENCODING=QUOTED-PRINTABLE:=3536-=\r\n22-1234\r\n',
        f"BEGIN:VCALENDAR\r\nDESCRIPTION;X-A={'a' * 300};ENCODING=QUOTED-PRINTABLE:=3536-=\r\n22-1234\r\n",
        'BEGIN:VCALENDAR\r\nDESCRIPTION;ALTREP="data:text/html,536%3Cb%3E-22-%3C/b%3E1234":x\r\n',
        'BEGIN:VCARD\r\nKEY;VALUE=uri:"data:text/plain;base64,NTM2LTIyLTEyMzQ="\r\n',
    ],
)
def test_it_is_read_as_people_read_it(source: str) -> None:
    found = texts(source)
    assert any(NUMBER in text or BARE in text for text in found)


def test_lines_folded_within_a_character_are_read() -> None:
    folded = b"\r\n ".join(bytes([each]) for each in "\uff15\uff13\uff16-22-1234".encode())
    content = extract("a.ics", b"BEGIN:VCALENDAR\r\nSUMMARY:" + folded + b"\r\nEND:VCALENDAR\r\n")
    assert any("\uff15\uff13\uff16-22-1234" in part.text for part in content.parts)


@pytest.mark.parametrize(
    "source",
    [
        "The **quick** fox, 12-24 of them, at 10:30 on 2026-01-05; see [1] and (2).",
        "a,b,c\n12,7,2026\n1,22,333\n",
        "one two or three of them",
        '{"width": 120, "height": 45, "at": [1, 2], "name": "x"}',
        "1\n2\n3\n",
        "> quoted 12\n> and more 13\n",
        "3 minus 1 is two; the one 4 and two 5 (6) [7]",
        "[12](34) and 120x80x145 mm",
        "1'234'567, 123'456'789 and 5'10",
        "1. 12\n2. 7\n3. 400\n",
        "30 31 32\n",
        "name,rate\na,5\nb,3\nc,4\n",
        "rate\tx\n" + "4\t12\n" * 60,
    ],
)
def test_ordinary_texts_have_one_reading(source: str) -> None:
    assert text_readings(source.encode()) == (source,)


@pytest.mark.parametrize(
    "source", ["sechs", "<p>fünf drei sechs <b>zwei</b> zwei eins zwei drei vier", "<p>5<b>36</b> dash 22 dash 1234"]
)
def test_what_is_displayed_is_read_so_too(source: str) -> None:
    found = extract("a.html", source.encode(), charset="utf-8").parts
    assert any(NUMBER in part.text or BARE in part.text for part in found) is source.startswith("<p>")


def test_a_flowed_quotation() -> None:
    found = text_readings(b"> SSN 536-22- \n> 1234\n", flowed=True, delsp=True)
    assert any(NUMBER in text for text in found)


def test_enriched_text() -> None:
    source = "SSN <bold>5</bold>36<italic>-22</italic>-<color><param>red</param>1234</color>"
    assert any(NUMBER in text for text in texts(source, "text/enriched"))


def test_files_in_cards_have_their_places() -> None:
    card = "BEGIN:VCALENDAR\nATTACH;ENCODING=BASE64;FILENAME=pay.txt:U1NOIDUzNi0yMi0xMjM0\nEND:VCALENDAR\n"
    content = extract("invite.ics", card.encode())
    assert [part.place for part in content.parts if NUMBER in part.text] == ["invite.ics > pay.txt"]
    assert holds_files(card.encode())
    assert not holds_files(b"BEGIN:VCALENDAR\nSUMMARY:a\nEND:VCALENDAR\n")


def test_the_words_of_a_card() -> None:
    card = read_card('BEGIN:VCARD\nN:Moore;Alice;;;\nNOTE:a\\, b\\nc\\;\nTEL;TYPE="a:b":5\nEND:VCARD\n')
    assert "NOTE:a, b\nc;" in card.texts[0]
    assert "MooreAlice" in card.texts[0]
    assert read_card("no card").texts == ()
    assert read_card("# settings\r\n" * 100 + "here\r\ndn: none\r\n") == read_card("no card"), "each line in one way"


def test_digits_side_by_side_and_below_each_other() -> None:
    assert joined_cells("SSN\t536\t22\t1234") == "SSN 536221234"
    assert joined_cells("SSN 536 22 1234") == ""
    assert joined_lines("1\n2\n3") == ""
    assert joined_columns("name,a,b,c\nBob,536,22,1234", "name,a,b,c\nBob").startswith("name,a,b,c")
    assert joined_columns("1,2,3\n4,5,6", "1,2,3") == ""


def test_long_texts_cost_no_more_than_a_look() -> None:
    assert list(spelled_readings("5*" * (3 << 20), b"5*5*5")) == []
    assert sum(map(len, spelled_readings("**5**-" * 50_000, b"**5**-5"))) < 64 * 1024


@pytest.mark.parametrize("head", [b"SSN 536-22-1234 and more words of a text.\r\n" * 200, b"SSN 536-22-1234, then "])
def test_noise_behind_a_text_is_told_and_what_is_legible_is_read(head: bytes) -> None:
    content = extract("a.txt", head + random.Random(2).randbytes(1 << 17), media_type="text/plain")
    assert any("536-22-1234" in part.text for part in content.parts)
    assert len(content.parts[0].text) < len(head) + 16_000
    assert [fact.unreadable for fact in content.files] == [True]
