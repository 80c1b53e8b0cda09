"""Payment cards: numbers, what stands on their magnetic stripes, when they expire."""

import re
from typing import Final
from urllib.parse import unquote

from rules.financial import within_dump, within_iban, within_row
from rules.verdict import Verdict, digits_of, is_repeated, luhn_valid, spoken_digits

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
    ("3500", "3599", (16,)),  # JCB gives 3528-3589; the expressions that programs copy take all of 35
    ("3528", "3589", (19,)),
    ("1800", "1800", (15,)),
    ("2131", "2131", (15,)),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Verve, RuPay, Elo, Dankort
    ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("63", "63", (12, 13, 14, 15, 16, 17, 18, 19)),  # and Elo
    ("67", "67", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("2200", "2205", (16, 17, 18, 19)),  # Mir, Borica
    ("60", "60", (16,)),  # RuPay, Hipercard
    ("81", "82", (16,)),
    ("8600", "8600", (16,)),  # Uzcard
    ("9860", "9860", (16,)),  # Humo
    ("9704", "9704", (16, 19)),  # Napas
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
        "38520000023237", "36148900647913", "6011111111111117", "6011000990139424", "4000000000000069",
        "4000000000000127", "4000000000000119", "4000000000000101", "4000002760003184", "4000008260003178",
        "4007000000027", "4012001037141112", "4212345678901237", "4263970000005262", "4444333322221111",
        "4462030000000000", "4484070000000000", "4508750015741019", "4539097887163333", "4666666666666669",
        "4715320629000001", "4911830000000", "4917300800000000", "5000300000000003", "5019717010103742",
        "5100060000000002", "5136333333333335", "5204245250001488", "5204740009900014", "5425230000004415",
        "5425233430109903", "5506900490000436", "5506900490000444", "5553042241984105", "5577000055770004",
        "6011000000000004", "6011000000000012", "6011000400000000", "6011500080009080", "6011601160116611",
        "6200000000000005", "6221260000000000", "6240008631401148", "6243030000000001", "6250941006528599",
        "6304000000000000", "6331101999990016", "6445644564456445", "6703444444444449", "6759649826438453",
        "6771798021000008", "6771798025000004", "6799990100000000019", "3530111333300000", "3566002020360505",
        "3566111111111113", "3528000700000000", "3569990010030400", "36006666333344", "36070500001020",
        "36700102000000", "30000000000004", "38000000000006", "374245455400126", "374251018720018", "374101000000608",
    }
)  # fmt: skip
_TRACK_1: Final = re.compile(r"%?[Bb]([0-9]{12,19})\^[^^]{2,26}\^([0-9]{4})[0-9]{3}.*", re.S)
_TRACK_2: Final = re.compile(r";?([0-9]{12,19})[=Dd]([0-9]{4})[0-9]{3}.*", re.S)
_EXPIRY: Final = re.compile(
    r"(?P<m1>[0-9]{1,2}) ?[/.-] ?(?:20)?(?P<y1>[0-9]{2})|(?P<m2>[01][0-9])(?P<y2>[2-4][0-9])"
    r"|20(?P<y3>[2-4][0-9])[/-](?P<m3>[01][0-9])"
)
_CARD_AND_MONTH: Final = re.compile(
    rb"([0-9](?:[ -]?[0-9]){13,15})[ ,;|/\t\n(-]{1,4}"
    rb"(?:[01][0-9][/|,;-]?(?:20)?[0-9]{2}[ ,;|/\t\n(-]{1,4})?(?:[A-Za-z.0-9 ]{3,32}[ :#=]{1,3})?$"
)
_DIGITS: Final = re.compile("[0-9]+")
_LINE_ABOVE: Final = re.compile(rb"(?:\A|\n[ \t>]{0,4}\n|[^0-9\s][ \t]?\n)[ \t>]{0,4}\Z")
_LINE_BELOW: Final = re.compile(rb"[ \t]{0,2}(?:\n[ \t>]{0,4}(?:\n|[^0-9\s]|\Z)|\Z)")
_ROUND: Final = 9  # zeros of a number that somebody made up, or counted
_FOUR_GROUPS: Final = re.compile(rb"(?<![0-9])[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?![0-9])")
_LONGEST_CARD: Final = 48
_FAULT: Final = re.compile(rb"\b(?:error|exception|warning|fault|status|bug)[\s:#\[(]{1,3}[a-z]{3}2?[ _-]$", re.I)
_URL_BEGINS: Final = re.compile(rb"(?:https?|ftp)://|www\.|mailto:|=https?%3a", re.I)
_PARAMETER: Final = re.compile(rb"[?&;]([A-Za-z0-9_.%\[\]-]{1,40})=$")
_CARD_PARAMETER: Final = re.compile(rb"card|cc|pan\b|credit|debit|payment|acct|account|visa|amex|number", re.I)
_ORDER: Final = re.compile(
    rb"\b(?:orders?|ref(?:erence)?|confirmation|transaction|trans|shipment|booking|reservation|case|ticket|item|product|"
    rb"article|job|batch|lot|request|document|doc|file|session|message|msg|event|user|customer|client|object|record|node|"
    rb"process|thread|device|asset|license|licence|key|hash|uuid|guid|tx|txn|auftrag|bestellung|beleg|rechnung|sendung|vorgang|"
    rb"vertrag|kunde|commande|facture|colis|pedido|factura|env[i\xc3\xad]{1,2}o|ordine|fattura|spedizione|encomenda|bestelling|"
    rb"factuur|zending)(?:e?[ns]?[ _-]?(?:id|no|nr|num|number|nummer|code|n\xc2\xb0|n\xc2\xba))?"
    rb"[\s\"'.:#=]{0,4}$",
    re.I,
)
_SLUG: Final = re.compile(rb"(?:[a-z]{2,}-){2,}\Z")  # of a file or a page: its number is its own
_LONG_SLUG: Final = re.compile(rb"(?<![a-z-])(?!\S*(?:card|cc-|visa|amex|pan-|number|pay))(?:[a-z]{2,}-){3,}\Z")
_OTHER_CARD: Final = re.compile(
    rb"\b(?:med(?:ical)?|health|insurance|gift|library|id|identity|green|residen(?:ce|t)|ead|work|student|member(?:ship)?|"
    rb"loyalty|sim|key|access|report|business|union|fishing|voter|transit|travel|bus|rail|metro|parking|ski|season|discount|"
    rb"museum|phone)[ _-]?cards?\b[^0-9\n]{0,24}\Z|"
    rb"\b(?:monats|jahres|park|bus|bahn|kunden|bonus|dauer|eintritts|fahr|geschenk|gesundheits|versicherten)karten?\b[^0-9\n]{0,20}\Z|"
    rb"\b(?:carte (?:des vins|grise|vitale|de fid|de bus|de transport|cadeau)|"
    rb"tarjeta (?:de transporte|sanitaria|de embarque|regalo)|"
    rb"carta (?:d'imbarco|fedelt|d'identit|regalo))[^0-9\n]{0,20}\Z",
    re.I,
)
_FRACTION: Final = re.compile(rb"[,(\[{+*=:-]\.\Z")  # of a number without its zero, in the data of a program
_LONGEST_NAME: Final = 30
_LONGEST_URL: Final = 300
_SPACE: Final = re.compile(rb"[\s<>\"']")


def _lengths() -> dict[str, frozenset[int]]:
    """The lengths of cards by their first four digits, which say all that `_ISSUERS` asks; read once, at import."""
    known: dict[str, set[int]] = {}
    for first, last, lengths in _ISSUERS:
        below, above = int(first.ljust(4, "0")), int(last.ljust(4, "9"))
        for prefix in range(below, above + 1):
            known.setdefault(f"{prefix:04}", set()).update(lengths)
    return {prefix: frozenset(lengths) for prefix, lengths in known.items()}


_LENGTHS: Final = _lengths()


def card(text: str) -> Verdict:
    """A payment card's number: an issuer's range with one of its lengths, and Luhn."""
    digits = digits_of(text)
    if len(digits) not in _LENGTHS.get(digits[:4], ()) or not luhn_valid(digits) or is_repeated(digits):
        return Verdict.NO
    if digits in _TEST_CARDS or len(set(digits)) == 2 or digits.count("0") >= _ROUND:
        return Verdict.EXAMPLE
    return Verdict.NO if digits[:8] == digits[8:] else Verdict.YES  # one half twice over is a pair of measures


def card_spoken(text: str) -> Verdict:
    """As `card`, each digit a word."""
    return card(spoken_digits(text))


def card_posted(text: str) -> Verdict:
    """As `card`, with its spaces and dashes as forms post them (WHATWG URL 5)."""
    return card(unquote(text))


def card_place(data: bytes, start: int, end: int) -> Verdict:
    """A number in a link, or behind the word order, says little unless its name does: one step less sure."""
    if within_iban(data, start, end) or within_dump(data, start, end):
        return Verdict.NO
    if not data[start:end].isdigit() and within_row(data, start, end, card):
        return Verdict.NO
    before = data[max(0, start - _LONGEST_URL) : start]
    if data[start:end].isdigit():
        if _FRACTION.search(before):
            return Verdict.NO
        if _LONG_SLUG.search(before):
            return Verdict.NO
        if _ORDER.search(before[-_LONGEST_NAME:]) or _SLUG.search(before[-_LONGEST_NAME:]):
            return Verdict.EXAMPLE
    gaps = list(_SPACE.finditer(before))
    token = before[gaps[-1].end() :] if gaps else before
    if not token or not _URL_BEGINS.search(token):
        return Verdict.YES
    parameter = _PARAMETER.search(token)
    named = parameter is not None and _CARD_PARAMETER.search(parameter[1]) is not None
    return Verdict.YES if named else Verdict.EXAMPLE


def lines_place(data: bytes, start: int, end: int) -> Verdict:
    """Not within a column of numbers: what stands above and below is no digit, and the lines hold nothing else."""
    above = _LINE_ABOVE.search(data, max(0, start - _LONGEST_NAME), start)
    return Verdict.YES if above and _LINE_BELOW.match(data, end) else Verdict.NO


def cvv_named_place(data: bytes, start: int, end: int) -> Verdict:
    """Not where it is an error that has this number, nor a group of a card's number."""
    if _FAULT.search(data[max(0, start - _LONGEST_NAME) : start]):
        return Verdict.NO
    first = max(0, start - _LONGEST_CARD)
    groups = _FOUR_GROUPS.finditer(data, first, min(len(data), end + _LONGEST_CARD))
    return Verdict.NO if any(match.start() <= start and end <= match.end() for match in groups) else Verdict.YES


def cvv_place(data: bytes, start: int, end: int) -> Verdict:
    """Whether it is a card's number that stands before the month and the year, or the label, and this."""
    match = _CARD_AND_MONTH.search(data, max(0, start - _LONGEST_CARD - _LONGEST_NAME), start)
    return card(match[1].decode()) if match is not None else Verdict.NO


def track(text: str) -> Verdict:
    """The first or second track of a card's stripe: its number, and a month in which it expires (ISO/IEC 7813)."""
    match = _TRACK_1.fullmatch(text) or _TRACK_2.fullmatch(text)
    if match is None or not 1 <= int(match[2][2:]) <= 12:
        return Verdict.NO
    return card(match[1])


def track_hex(text: str) -> Verdict:
    """As `track`, with the D that chips put for the sign between, and their padding."""
    return track(text.rstrip("Ff"))


def card_expiry(text: str) -> Verdict:
    """A month and a year of 2000-2059, as cards show them, or the year first."""
    match = _EXPIRY.fullmatch(text)
    if match is None:
        return Verdict.NO
    month = int(match["m1"] or match["m2"] or match["m3"])
    year = int(match["y1"] or match["y2"] or match["y3"])
    return Verdict.YES if 1 <= month <= 12 and year < 60 else Verdict.NO


def expiry_place(data: bytes, start: int, end: int) -> Verdict:
    """Not of a card that pays nothing: a medical card, a membership, a residence permit."""
    return Verdict.NO if _OTHER_CARD.search(data, max(0, start - _LONGEST_NAME), start) else Verdict.YES


def card_expiry_year_first(text: str) -> Verdict:
    """A year and a month, as stripes have them (ISO/IEC 7813): YYMM."""
    return card_expiry(text[2:] + text[:2])


def card_expiry_fields(text: str) -> Verdict:
    """As `card_expiry`, the month and the year in fields of their own."""
    numbers = _DIGITS.findall(text)
    return card_expiry(f"{numbers[0]}/{numbers[-1]}") if len(numbers) == 2 else Verdict.NO


def cvv(text: str) -> Verdict:
    """Three or four digits; no year."""
    digits = digits_of(text)
    return (
        Verdict.YES if len(digits) in (3, 4) and not ("1990" <= digits <= "2039" and len(digits) == 4) else Verdict.NO
    )
