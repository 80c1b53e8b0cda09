"""Numbers of accounts and banks."""

import re
from collections.abc import Callable
from importlib.resources import files
from typing import Final

from rules.countries import COUNTRIES
from rules.verdict import Verdict, digits_of, is_date, is_repeated

_NOT_BICS: Final = frozenset(files("rules").joinpath("words", "not_bics.txt").read_text("utf-8").split("\n")[1:])
_BANK_CODES: Final = (  # first letters of the banks that send most
    "ABNA AGRI AIBK ANZB ARAB BACX BARC BBDE BBVA BCEE BCIT BCVL BELA BFCE BKCH BKID BKKB BKTR BMIS BNLI BNPA "
    "BNPB BOFA BOFI BOFM BOTK BPMO BREX BSCH BSUI BUKB BYLA CAIX CCBP CCFR CESK CGDI CHAS CIBC CIBE CITI CMBC "
    "CMCI COBA CRES CRLY CTBA DABA DBSS DEUT DNBA DRES DSBA EBOS ESSE FNBB GEBA GENO GIBA HBUK "
    "HDFC HSBC HVBK HYVE ICBK ICIC INGB INGD IRVT KBNK KRED LOYD MELN MHCB MIDL MRMD NABA NATA NATX NBAD "
    "NDEA NEDS NOLA NORD NOSC NTSB NWBK OCBC OKOY OTPV PARB PASC PBNK PCBC PNBP POFI PSPB RABO RBOS REVO ROYC "
    "RZBA RZTI SABR SBIN SBOS SBZA SCBL SGSB SMBC SNSB SOGE SOLA SPKN STAN SWED SWHQ TDOM UBSW UCBA UNCR "
    "UNIO UOVB USBK VOWA WELA WFBI WPAC ZKBK"
)
_BANKS: Final = frozenset(_BANK_CODES.split())
_BIC: Final = re.compile(r"[A-Z]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
BIC_SEPARATORS: Final = str.maketrans("", "", " -")
_ABA_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)
_ABA_FIRST: Final = frozenset([*range(1, 13), *range(21, 33), *range(61, 73)])  # no 00 (government), 80 (cheques)
# What may stand between the signs of an IBAN, for mod 97 tells those that are none. > is not among it, since it begins
# lines that are quoted: a way to read a text in two ways here is one to keep the search busy for ever.
_IBAN_GAPS: Final = r" \t\n!\"#$%&'()*+,./:;<=?@\[\]\\^_`{|}~-"
IBAN_SEPARATORS: Final = str.maketrans("", "", " \t\n!\"#$%&'()*+,./:;<=>?@[]\\^_`{|}~-")
_OTHER_GROUPED: Final = re.compile(
    r"[0-9]{3}[ -][0-9]{3}[ -][0-9]{4}|[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}|[0-9]{5}[ -][0-9]{4}"
)
_YEAR: Final = re.compile("(?:19|20)[0-9]{2}")
# Whose account it is, where that stands before the word: no bank's.
_OTHER_ACCOUNT: Final = re.compile(
    rb"(?:\b(?:electric(?:ity)?|gas|water|sewer|utilit(?:y|ies)|power|energy|heating|waste|loyalty|rewards?|mileage|"
    rb"frequent fl[iy]er|phone|telephone|mobile|wireless|cable|internet|broadband|tv|user|customer|client|login|"
    rb"card ?member|credit card|"
    rb"e-?mail|member(?:ship)?|pg&e|xbox|playstation|nintendo|hulu|disney|uber|lyft|airbnb|walmart|github|gitlab|google|twitter|facebook|instagram|linkedin|netflix|spotify|paypal|amazon|aws|"
    rb"azure|ebay|steam|apple|microsoft|adobe|zoom|slack|verizon|comcast|xfinity|at&t|t-mobile|sprint|vodafone|spectrum|ups|"
    rb"fedex|dhl|toll|e-zpass|parking|library|student|patient|service|support|demo|test|trial|g/?l|(?:general )?ledger|"
    rb"expense|revenue|cost|checkout|branch|switch|merge)"
    rb"(?: (?:bill(?:ing)?|company|service|card|program|provider|wireless))?(?:'s)?[ _-]{1,2})"
    rb"(?:accounts?|acct|acc|a/c)\b[^0-9\n]{0,24}$",
    re.I,
)
_ACCOUNT_OF: Final = re.compile(
    rb" (?:of|for|on) (?:(?:your|my|our|the|their) )?(?:[a-z]{2,12} )?"
    rb"(?:electric(?:ity)?|gas|water|sewer|utilit(?:y|ies)|power|energy|heating|phone|telephone|mobile|cable|internet)"
    rb" (?:bills?|accounts?|company|meter|supply|service|subscription|provider)\b",
    re.I,
)
_ACCOUNT_OF_BYTES: Final = 48
_FARTHEST_LABEL: Final = 90
_ROUTING_DIGITS: Final = 9
_CLOUD_DIGITS: Final = 12  # of an account of Amazon's
_CLOUD_ACCOUNT: Final = re.compile(rb"(?:account_?id|owner_?account|owner_?id|source_?account)[\"'\s:=>]{1,8}$", re.I)
_ROUTING_LABEL: Final = re.compile(
    rb"\b(?:routing|transit|aba|rtn|r/t|ruta)(?: (?:number|no|nr|num|code))?[\s.:#=(-]{0,5}(?:is )?$", re.I
)
_LONGEST_IBAN: Final = 3 * 34  # with what may stand between its signs
_IBAN_BEGINS: Final = re.compile(rb"\b[A-Za-z][ ._-]?[A-Za-z][ ._-]?[0-9]")
_DUMP_BYTES: Final = 40
_HEX_BEFORE: Final = re.compile(rb"(?:\b[0-9A-Fa-f]{4,5}[ \t\r\n]{1,4})+\Z")
_HEX_BEHIND: Final = re.compile(rb"(?:[ \t\r\n]{1,4}[0-9A-Fa-f]{4,5}\b)+")
_ROW_BYTES: Final = 128
_FEWEST_BESIDE: Final = 3  # behind a card's number its month, its year and its code may stand
_ROW_BEFORE: Final = re.compile(rb"(?:\b[0-9]{4}[ \t\r\n]{1,4})+\Z")
_ROW_BEHIND: Final = re.compile(rb"(?:[ \t\r\n]{1,4}[0-9]{4}\b)+")
_HEX_MIXED: Final = re.compile(rb"[0-9][0-9]?[A-Fa-f]|[A-Fa-f][0-9]")
_FIELD: Final = re.compile(r"(\d+)([nac])")
_CLASSES: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}


_NO_SHAPE: Final = re.compile(r"[^\s\S]")


def _iban_shapes() -> dict[str, tuple[int, re.Pattern[str]]]:
    """Each country's whole length and the shape of its BBAN, as registered (ISO 13616)."""
    shapes: dict[str, tuple[int, re.Pattern[str]]] = {}
    for line in files("rules").joinpath("words", "ibans.txt").read_text("utf-8").splitlines():
        country, _, shape = line.partition(" ")
        if country != "#":
            sizes = _FIELD.findall(shape)
            fields = "".join(f"{_CLASSES[kind]}{{{size}}}" for size, kind in sizes)
            shapes[country] = (4 + sum(int(size) for size, _ in sizes), re.compile(fields))
    return shapes


_IBAN_SHAPES: Final = _iban_shapes()
_IBAN_REST: Final = {  # behind the country, however it is spaced
    length: re.compile(
        rb"(?:(?:[%b]{0,3}|>{1,3}|[ -]?\n>[> ]{0,4})[A-Za-z0-9]){%d}(?![A-Za-z0-9])" % (_IBAN_GAPS.encode(), length - 2)
    )
    for length in {length for length, _ in _IBAN_SHAPES.values()}
}


def iban(text: str) -> Verdict:
    """An IBAN: its country's BBAN shape and length, and mod 97."""
    compact = text.translate(IBAN_SEPARATORS).upper()
    length, shape = _IBAN_SHAPES.get(compact[:2], (0, _NO_SHAPE))
    if len(compact) != length or not compact[2:4].isdigit() or not shape.fullmatch(compact, 4):
        return Verdict.NO
    number = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
    return Verdict.YES if int(number) % 97 == 1 else Verdict.NO


def iban_end(data: bytes, start: int) -> int:
    """Where the IBAN that begins at `start` ends, by its country's length; 0 where there is none so long."""
    second = start + 1 if data[start + 1 : start + 2].isalpha() else start + 2  # letters may be spaced
    country = (data[start : start + 1] + data[second : second + 1]).decode("ascii", "replace").upper()
    length, _ = _IBAN_SHAPES.get(country, (0, _NO_SHAPE))
    match = _IBAN_REST[length].match(data, second + 1) if length else None
    return match.end() if match else 0


def within_iban(data: bytes, start: int, end: int) -> bool:
    """Whether what stands at start..end is a part of an IBAN: digits of an account may pass for another number."""
    for match in _IBAN_BEGINS.finditer(data, max(0, start - _LONGEST_IBAN), start + 1):
        stop = iban_end(data, match.start())
        if stop >= end and iban(data[match.start() : stop].decode("utf-8", "replace")) is Verdict.YES:
            return True
    return False


def within_dump(data: bytes, start: int, end: int) -> bool:
    """Whether groups of four digits stand in a row of hexadecimal ones: in a dump, or a table of characters."""
    before = _HEX_BEFORE.search(data[max(0, start - _DUMP_BYTES) : start])
    behind = _HEX_BEHIND.match(data, end, end + _DUMP_BYTES)
    beside = (before[0] if before else b"") + (behind[0] if behind else b"")
    return len(beside.split()) > 1 and _HEX_MIXED.search(beside) is not None


def within_row(data: bytes, start: int, end: int, check: Callable[[str], Verdict]) -> bool:
    """Whether groups of four digits stand in a long row of such groups, which are no further values themselves."""
    before = _ROW_BEFORE.search(data[max(0, start - _ROW_BYTES) : start])
    behind = _ROW_BEHIND.match(data, end, end + _ROW_BYTES)
    left, right = (found[0] if found else b"" for found in (before, behind))
    if len(left.split()) + len(right.split()) < _FEWEST_BESIDE:
        return False
    groups = end - start + 1
    beside = (left.rstrip()[1 - groups :], right.lstrip()[: groups - 1])
    return not any(check(text.decode()) in (Verdict.YES, Verdict.EXAMPLE) for text in beside)


def aba(text: str) -> Verdict:
    """A routing number of a US bank: Federal Reserve district or thrift or electronic prefix, and the check digit."""
    digits = digits_of(text)
    if len(digits) != 9 or int(digits[:2]) not in _ABA_FIRST:
        return Verdict.NO
    total = sum(weight * int(digit) for weight, digit in zip(_ABA_WEIGHTS, digits, strict=True))
    return Verdict.YES if total % 10 == 0 else Verdict.NO


def bic(text: str) -> Verdict:
    """A bank identifier code: four letters, a country, a place that is not a test one, perhaps a branch; no word."""
    compact = text.translate(BIC_SEPARATORS)
    match = _BIC.fullmatch(compact)
    if match is None or match[1] not in COUNTRIES or compact[7] == "0":
        return Verdict.NO
    is_word = compact in _NOT_BICS or compact.endswith("BANK")  # CITIBANK has Bosnia's country in it
    return Verdict.NO if is_word else Verdict.YES


def bic_any_case(text: str) -> Verdict:
    """As `bic`, where a label before it makes up for small letters."""
    return bic(text.upper())


def bic_known(text: str) -> Verdict:
    """As `bic`, of one of the banks that send most."""
    return bic(text) if text[:4] in _BANKS else Verdict.NO


def account(text: str) -> Verdict:
    """An account number as banks of the US write them; they have no check digit."""
    digits = digits_of(text)
    if not 8 <= len(digits) <= 17 or is_repeated(digits) or is_date(digits):
        return Verdict.NO
    return Verdict.YES


def account_routed(text: str) -> Verdict:
    """As `account`, from six digits, where a routing number before it says whose."""
    digits = digits_of(text)
    return Verdict.NO if not 6 <= len(digits) <= 17 or is_repeated(digits) else Verdict.YES


def account_place(data: bytes, start: int, end: int) -> Verdict:
    """Not where the words before say that it is an account with a utility, a shop or a website, or a routing number."""
    before = data[max(0, start - _FARTHEST_LABEL) : start]
    if _OTHER_ACCOUNT.search(before) or (end - start == _CLOUD_DIGITS and _CLOUD_ACCOUNT.search(before)):
        return Verdict.NO
    if _ACCOUNT_OF.match(data, end, end + _ACCOUNT_OF_BYTES):
        return Verdict.NO
    is_routing = end - start == _ROUTING_DIGITS and _ROUTING_LABEL.search(before)
    return Verdict.NO if is_routing and aba(data[start:end].decode("utf-8", "replace")) is Verdict.YES else Verdict.YES


def account_grouped(text: str) -> Verdict:
    """As `account`, in groups that are no phone, no Social Security number, no ZIP code and no years."""
    if _OTHER_GROUPED.fullmatch(text) or any(_YEAR.fullmatch(group) for group in re.split("[ -]", text)):
        return Verdict.NO
    return account(text)
