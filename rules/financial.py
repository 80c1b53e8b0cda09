"""Numbers of cards, accounts and banks."""

import re
from importlib.resources import files
from typing import Final

from stdnum import numdb

from rules.verdict import Verdict, digits_of, is_date, is_repeated, luhn_valid

# Issuers' ranges (ISO/IEC 7812) as first and last prefix, with the lengths in use.
_ISSUERS: Final = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14, 16)),  # Diners Club
    ("3095", "3095", (14, 16)),
    ("36", "36", (14, 16, 19)),
    ("38", "39", (14, 16, 19)),
    ("6011", "6011", (16, 19)),  # Discover
    ("644", "659", (16, 19)),
    ("3528", "3589", (16, 19)),  # JCB
    ("1800", "1800", (15,)),
    ("2131", "2131", (15,)),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Verve, RuPay, Dankort
    ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("63", "63", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("67", "67", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("2200", "2205", (16, 17, 18, 19)),  # Mir
    ("60", "60", (16,)),  # RuPay, Hipercard
    ("81", "82", (16,)),
    ("9792", "9792", (16,)),  # Troy
)
# What payment providers print in their manuals for tests.
_TEST_CARDS: Final = frozenset(
    {
        "4111111111111111", "4012888888881881", "4222222222222", "4242424242424242", "4000056655665556",
        "4000000000000002", "4000000000000077", "4000000000003220", "4000000000009995", "4000002500003155",
        "4005519200000004", "4009348888881881", "4012000033330026", "4012000077777777", "4217651111111119",
        "4500600000000061", "4917610000000000", "4988438843884305", "5105105105105100", "5555555555554444",
        "5200828282828210", "5454545454545454", "5424000000000015", "5431111111111111", "2223003122003222",
        "2223000048400011", "2222400010000008", "2222420000001113", "378282246310005", "371449635398431",
        "378734493671000", "370000000000002", "340000000000009", "341111111111111", "30569309025904",
        "38520000023237", "36148900647913", "6011111111111117", "6011000990139424",
        "6011000000000012", "3530111333300000", "3566002020360505", "3566111111111113", "6200000000000005",
        "6304000000000000", "6759649826438453", "5019717010103742", "6331101999990016", "4444333322221111",
    }
)  # fmt: skip

# ISO 3166-1 alpha-2, and XK, which SWIFT uses for Kosovo.
_COUNTRY_CODES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
_COUNTRIES: Final = frozenset(_COUNTRY_CODES.split())
_NOT_BICS: Final = frozenset(files("rules").joinpath("words", "not_bics.txt").read_text("utf-8").split("\n")[1:])
_BIC: Final = re.compile(r"[A-Z]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_ABA_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)
_ABA_FIRST: Final = frozenset([*range(1, 13), *range(21, 33), *range(61, 73)])  # no 00 (government), 80 (cheques)
IBAN_SEPARATORS: Final = str.maketrans("", "", " .-/_\t\n")
_FIELD: Final = re.compile(r"(\d+)!?([nac])")
_CLASSES: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}


_NEVER: Final = re.compile(r"[^\s\S]")


def _lengths() -> dict[str, frozenset[int]]:
    """The lengths of cards by their first four digits, which say all that `_ISSUERS` asks; read once, at import."""
    known: dict[str, set[int]] = {}
    for first, last, lengths in _ISSUERS:
        below, above = int(first.ljust(4, "0")), int(last.ljust(4, "9"))
        for prefix in range(below, above + 1):
            known.setdefault(f"{prefix:04}", set()).update(lengths)
    return {prefix: frozenset(lengths) for prefix, lengths in known.items()}


_LENGTHS: Final = _lengths()


def _iban_shapes() -> dict[str, tuple[int, re.Pattern[str]]]:
    """Each country's whole length and its BBAN as a pattern, from the registry that python-stdnum carries."""
    shapes: dict[str, tuple[int, re.Pattern[str]]] = {}
    for _length, country, _last, facts, _below in numdb.get("iban").prefixes:
        fields = "".join(_CLASSES[kind] + f"{{{size}}}" for size, kind in _FIELD.findall(facts["bban"]))
        length = 4 + sum(int(size) for size, _ in _FIELD.findall(facts["bban"]))
        shapes[country] = (length, re.compile(fields))
    return shapes


_IBAN_SHAPES: Final = _iban_shapes()
_IBAN_REST: Final = {  # behind the country, however it is spaced
    length: re.compile(rb"(?:[ ./_\n\t-]{0,2}[A-Za-z0-9]){%d}(?![A-Za-z0-9])" % (length - 2))
    for length in {length for length, _ in _IBAN_SHAPES.values()}
}


def card(text: str) -> Verdict:
    """A payment card's number: an issuer's range with one of its lengths, and Luhn."""
    digits = digits_of(text)
    if len(digits) not in _LENGTHS.get(digits[:4], ()) or not luhn_valid(digits) or is_repeated(digits):
        return Verdict.NO
    return Verdict.EXAMPLE if digits in _TEST_CARDS else Verdict.YES


def iban(text: str) -> Verdict:
    """An IBAN: its country's BBAN shape and length, and mod 97."""
    compact = text.translate(IBAN_SEPARATORS).upper()
    length, shape = _IBAN_SHAPES.get(compact[:2], (0, _NEVER))
    if len(compact) != length or not compact[2:4].isdigit() or not shape.fullmatch(compact, 4):
        return Verdict.NO
    number = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
    return Verdict.YES if int(number) % 97 == 1 else Verdict.NO


def iban_end(data: bytes, start: int) -> int:
    """Where the IBAN that begins at `start` ends, by its country's length; 0 where there is none so long."""
    country = data[start : start + 2].decode("ascii", "replace").upper()
    length, _ = _IBAN_SHAPES.get(country, (0, _NEVER))
    match = _IBAN_REST[length].match(data, start + 2) if length else None
    return match.end() if match else 0


def aba(text: str) -> Verdict:
    """A routing number of a US bank: Federal Reserve district or thrift or electronic prefix, and the check digit."""
    digits = digits_of(text)
    if len(digits) != 9 or int(digits[:2]) not in _ABA_FIRST:
        return Verdict.NO
    total = sum(weight * int(digit) for weight, digit in zip(_ABA_WEIGHTS, digits, strict=True))
    return Verdict.YES if total % 10 == 0 else Verdict.NO


def bic(text: str) -> Verdict:
    """A bank identifier code: four letters, a country, a place that is not a test one, perhaps a branch; no word."""
    match = _BIC.fullmatch(text)
    found = match is not None and match[1] in _COUNTRIES and text[7] != "0" and text not in _NOT_BICS
    return Verdict.YES if found else Verdict.NO


def bic_any_case(text: str) -> Verdict:
    """As `bic`, where a label before it makes up for small letters."""
    return bic(text.upper())


def account(text: str) -> Verdict:
    """An account number as banks of the US write them; they have no check digit."""
    digits = digits_of(text)
    if not 8 <= len(digits) <= 17 or is_repeated(digits) or is_date(digits):
        return Verdict.NO
    return Verdict.YES
