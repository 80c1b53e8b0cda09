"""Numbers of cards, accounts, banks and papers."""

import random

from detection.digits import UPPER, grouped, letters, luhn, mod97, other_last, some, weighted, words

# SWIFT's IBAN registry: the BBAN's structure, n digits, a letters, c either.
_BBANS = {
    "AT": "16n", "BE": "12n", "CH": "5n12c", "CZ": "20n", "DE": "18n", "DK": "14n", "EE": "16n", "ES": "20n",
    "FI": "14n", "FR": "10n11c2n", "GB": "4a14n", "GR": "7n16c", "HR": "17n", "HU": "24n", "IE": "4a14n",
    "IT": "1a10n12c",
    "LT": "16n", "LU": "3n13c", "LV": "4a13c", "MT": "4a5n18c", "NL": "4a10n", "NO": "11n", "PL": "24n", "PT": "21n",
    "RO": "4a16c", "SE": "20n", "SI": "15n", "SK": "20n", "TR": "5n1n16c", "AE": "3n16n", "SA": "2n18c", "IL": "19n",
}  # fmt: skip
_CLASSES = {"n": "0123456789", "a": UPPER, "c": "0123456789" + UPPER}
_BANKS = words(
    "DEUTDEFF DEUTDEFF500 COBADEFFXXX BNPAFRPP SOGEFRPP BOFAUS3N CHASUS33 CITIUS33 WFBIUS6S HBUKGB4B BARCGB22 LOYDGB2L "
    "UBSWCHZH80A CRESCHZZ80A INGBNL2A ABNANL2A RABONL2U BBVAESMM BSCHESMM UNCRITMM BCITITMM NDEADKKK ESSESESS DNBANOKK "
    "GIBAATWW KREDBEBB PKOPPLPW CEKOCZPP MIDLGB22 IRVTUS3N PNCCUS33 ROYCCAT2 TDOMCATT BOTKJPJT CTBAAU2S DBSSSGSG"
)
_BRANDS = (
    ("4", 16), ("4", 16), ("4", 16), ("51", 16), ("52", 16), ("53", 16), ("54", 16), ("55", 16), ("2221", 16),
    ("2655", 16),
    ("34", 15), ("37", 15), ("6011", 16), ("65", 16), ("3528", 16), ("3589", 16), ("36", 14), ("38", 14),
)  # fmt: skip


def pan(rng: random.Random) -> str:
    """ISO/IEC 7812: an issuer's range, its length, and Luhn."""
    prefix, length = rng.choice(_BRANDS)
    return luhn(prefix + some(rng, length - len(prefix) - 1))


def no_pan(rng: random.Random) -> str:
    """Another check digit, or a range that no issuer has."""
    return rng.choice(
        (other_last(rng, pan(rng)), other_last(rng, pan(rng)), luhn(rng.choice(("10", "0", "99")) + some(rng, 13)))
    )


def pan_written(rng: random.Random, number: str) -> str:
    """In groups as embossed, or in one piece."""
    by = rng.choice(" - ")
    if rng.random() < 0.4:
        return number
    return grouped(number, 4, 6, 5, by=by) if len(number) == 15 else grouped(number, 4, 4, 4, 4, by=by)


def iban(rng: random.Random) -> str:
    """ISO 13616: the country's BBAN and two check digits."""
    country = rng.choice(sorted(_BBANS))
    bban, number = "", ""
    for char in _BBANS[country]:
        if char.isdigit():
            number += char
        else:
            bban += "".join(rng.choice(_CLASSES[char]) for _ in range(int(number)))
            number = ""
    return mod97(country, bban)


def no_iban(rng: random.Random) -> str:
    """Other check digits, a digit lost, or no country that has any."""
    good = iban(rng)
    wrong = good[:2] + f"{(int(good[2:4]) + rng.randint(1, 90)) % 97 + 2:02}"[:2] + good[4:]
    if wrong[2:4] == good[2:4]:
        wrong = good[:2] + f"{(int(good[2:4]) + 11) % 97 + 2:02}" + good[4:]
    return rng.choice((wrong, wrong, good[:-1], mod97(rng.choice(("US", "CA", "JP")), some(rng, 16))))


def iban_written(rng: random.Random, number: str) -> str:
    """In fours as on paper, or in one piece."""
    return number if rng.random() < 0.5 else " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def bic(rng: random.Random) -> str:
    """ISO 9362, of banks that there are."""
    return rng.choice(_BANKS)


def no_bic(rng: random.Random) -> str:
    """No country, no length, or a word."""
    return rng.choice(
        (
            letters(rng, 4) + rng.choice(("XX", "QQ", "ZZ", "YY")) + "2L",
            letters(rng, 7),
            letters(rng, 5) + "99",
            "TRANSFER",
            "PAYMENTS",
        )
    )


def aba(rng: random.Random) -> str:
    """Federal Reserve: 01-12, 21-32 and a check digit by 3, 7, 1."""
    body = f"{rng.choice([*range(1, 13), *range(21, 33)]):02}{some(rng, 6)}"
    return body + str(-weighted(body, (3, 7, 1, 3, 7, 1, 3, 7)) % 10)


def no_aba(rng: random.Random) -> str:
    """Another check digit, or a prefix that is not given."""
    return rng.choice((other_last(rng, aba(rng)), rng.choice(("45", "55", "93", "77")) + some(rng, 7)))


def account(rng: random.Random) -> str:
    """8 to 17 digits."""
    return some(rng, rng.choice((8, 9, 10, 10, 11, 12, 12, 13, 14, 16, 17)), "123456789")


def no_account(rng: random.Random) -> str:
    """Too short or too long."""
    return rng.choice((some(rng, 4), some(rng, 5), some(rng, 6), some(rng, 19), some(rng, 22)))


def cusip(rng: random.Random) -> str:
    """ANSI X9.6: eight characters and a digit by modulus 10 double add double."""
    body = some(rng, 6) if rng.random() < 0.5 else some(rng, 5) + letters(rng, 1, "ABCDEFGHJKLMNPQRSTUVWXYZ")
    body += rng.choice(("10", "20", "AB", "A1", "BC"))
    total = 0
    for place, char in enumerate(body):
        value = int(char, 36) * (1 + place % 2)
        total += value // 10 + value % 10
    return body + str(-total % 10)


def isin(rng: random.Random) -> str:
    """ISO 6166: country, nine characters, and Luhn over the letters as numbers."""
    body = rng.choice(("US", "DE", "GB", "FR", "CH", "JP", "NL")) + rng.choice(
        (some(rng, 9), some(rng, 3) + letters(rng, 1) + some(rng, 5))
    )
    return body + luhn("".join(str(int(char, 36)) for char in body))[-1]


def changed(make, rng: random.Random) -> str:
    """What `make` makes, with another check digit."""
    return other_last(rng, make(rng))


def cvv(rng: random.Random) -> str:
    """Three digits, or four."""
    return some(rng, rng.choice((3, 3, 3, 4)))


def no_cvv(rng: random.Random) -> str:
    """Too long, too short, or a word."""
    return rng.choice((some(rng, 1), some(rng, 2), some(rng, 6), "required", "field", "code"))


def expiry(rng: random.Random) -> str:
    """Month and year."""
    month, year = rng.randint(1, 12), rng.randint(25, 32)
    return rng.choice((f"{month:02}/{year}", f"{month:02}/20{year}", f"{month:02}-{year}"))


def no_expiry(rng: random.Random) -> str:
    """No month, or no date."""
    return rng.choice((f"{rng.randint(13, 99)}/{rng.randint(25, 32)}", "soon", "never", some(rng, 2)))


def track(rng: random.Random) -> str:
    """ISO/IEC 7813: track 1 or track 2."""
    number, until = luhn("4" + some(rng, 14)), f"{rng.randint(26, 31)}{rng.randint(1, 12):02}"
    one = f"%B{number}^DOE/JANE^{until}101{some(rng, 10)}?"
    return rng.choice((one, f";{number}={until}101{some(rng, 8)}?"))


def no_track(rng: random.Random) -> str:
    """Luhn does not hold, or no card stands in it."""
    number = other_last(rng, luhn("4" + some(rng, 14)))
    return rng.choice((f"%B{number}^DOE/JANE^2712101?", f";{number}=2712101{some(rng, 8)}?", f";{some(rng, 5)}=27121?"))
