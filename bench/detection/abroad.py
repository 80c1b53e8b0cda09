"""Numbers that states of other countries give to people and firms."""

import random

from detection.digits import ean, grouped, letters, luhn, mod11_10, other_last, some, verhoeff, weighted


def _until(make):
    """`make` until it gives something."""

    def made(rng: random.Random) -> str:
        while True:
            value = make(rng)
            if value:
                return value

    return made


@_until
def nhs(rng: random.Random) -> str:
    """UK: nine digits and a digit by modulus 11."""
    body = some(rng, 9, "4679")
    check = 11 - weighted(body, range(10, 1, -1)) % 11
    return "" if check == 10 else grouped(body + str(check % 11), 3, 3, 4, by=rng.choice((" ", " ", "-", "")))


def nino(rng: random.Random) -> str:
    """UK: two letters (no D F I Q U V, no O second), six digits, A to D."""
    while True:
        first = letters(rng, 1, "ABCEGHJKLMNOPRSTWXYZ") + letters(rng, 1, "ABCEGHJKLMNPRSTWXYZ")
        if first not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"):
            break
    return grouped(first + some(rng, 6) + letters(rng, 1, "ABCD"), 2, 2, 2, 2, by=rng.choice((" ", "")))


def no_nino(rng: random.Random) -> str:
    """A prefix or a suffix that is not given."""
    good = nino(rng).replace(" ", "")
    return rng.choice((rng.choice(("GB", "DA", "QQ", "UV")) + good[2:], good[:-1] + letters(rng, 1, "EFGHXYZ")))


def sin(rng: random.Random) -> str:
    """Canada: Luhn over nine digits."""
    return grouped(luhn(some(rng, 8, "1245679")), 3, 3, 3, by=rng.choice(" -"))


def ohip(rng: random.Random) -> str:
    """Ontario's health card: ten digits by Luhn, and a version code."""
    return grouped(luhn(some(rng, 9, "123456789")), 4, 3, 3, by=rng.choice(" -")) + rng.choice(
        ("", "-" + letters(rng, 2))
    )


def steuer_id(rng: random.Random) -> str:
    """Germany: of ten digits one stands twice or thrice, then MOD 11,10."""
    order = list("0123456789")
    rng.shuffle(order)
    order[rng.randrange(2, 10)] = order[0]
    if order[0] == "0":
        order[0], order[1] = order[1], order[0]
    if any(order[at] == order[at + 1] == order[at + 2] for at in range(8)) or order[0] == "0":
        return steuer_id(rng)
    return grouped(mod11_10("".join(order)), 2, 3, 3, 3, by=rng.choice((" ", "")))


def svnr(rng: random.Random) -> str:
    """Germany's pension insurance: area, day of birth, letter, number, check digit."""
    area = f"{rng.choice((10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 24, 28, 50, 53, 65)):02}"
    body = f"{area}{rng.randint(1, 28):02}{rng.randint(1, 12):02}{rng.randint(40, 99):02}"
    letter, number = letters(rng, 1), f"{rng.randint(0, 99):02}"
    digits = f"{body}{ord(letter) - 64:02}{number}"
    total = 0
    for digit, factor in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True):
        product = int(digit) * factor
        total += product // 10 + product % 10
    whole = f"{body}{letter}{number}{total % 10}"
    return whole if rng.random() < 0.5 else f"{whole[:2]} {whole[2:8]} {whole[8]} {whole[9:]}"


def nir(rng: random.Random) -> str:
    """France: sex, year, month, department, commune, order, key of 97."""
    department = rng.choice([*range(1, 20), *range(21, 96)])
    body = f"{rng.choice('12')}{rng.randint(30, 99):02}{rng.randint(1, 12):02}{department:02}"
    body += f"{rng.randint(1, 990):03}{rng.randint(1, 999):03}"
    key = f"{97 - int(body) % 97:02}"
    return rng.choice((body + key, f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {key}"))


def ahv(rng: random.Random) -> str:
    """Switzerland: 756 and an EAN-13."""
    made = ean("756" + some(rng, 9))
    return rng.choice((grouped(made, 3, 4, 4, 2, by="."), grouped(made, 3, 4, 4, 2, by="."), made))


def dni(rng: random.Random) -> str:
    """Spain: eight digits and a letter by 23."""
    body = some(rng, 8)
    return body + rng.choice(("", "", "-")) + "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23]


def nie(rng: random.Random) -> str:
    """Spain, of foreigners: X, Y or Z, seven digits, the letter."""
    first, body = rng.choice("XYZ"), some(rng, 7)
    return first + rng.choice(("", "-")) + body + "TRWAGMYFPDXBNJZSQVHLCKE"[int(str("XYZ".index(first)) + body) % 23]


_ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def codice_fiscale(rng: random.Random) -> str:
    """Italy: name, day of birth, place, check letter."""
    day = rng.randint(1, 28) + rng.choice((0, 40))
    body = (
        letters(rng, 6, "BCDFGLMNPRSTVZ")
        + f"{rng.randint(30, 99):02}{rng.choice('ABCDEHLMPRST')}{day:02}"
        + letters(rng, 1, "ABCDEFGHIL")
        + some(rng, 3)
    )
    total = sum(
        _ODD[char] if place % 2 == 0 else int(char, 36) - (0 if char.isdigit() else 10)
        for place, char in enumerate(body)
    )
    return body + chr(65 + total % 26)


def no_codice_fiscale(rng: random.Random) -> str:
    """Another check letter."""
    return other_last(rng, codice_fiscale(rng), "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@_until
def bsn(rng: random.Random) -> str:
    """Netherlands: the test of eleven."""
    body = some(rng, 8, "12345678")
    check = weighted(body, range(9, 1, -1)) % 11
    return "" if check == 10 else body + str(check)


def cpf(rng: random.Random) -> str:
    """Brazil, of people: two digits by modulus 11."""
    body = some(rng, 9)
    for _ in range(2):
        rest = weighted(body, range(len(body) + 1, 1, -1)) * 10 % 11
        body += str(rest % 10)
    return rng.choice((f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}",) * 2 + (body,))


def cnpj(rng: random.Random) -> str:
    """Brazil, of firms: two digits by modulus 11."""
    body = some(rng, 8) + "0001"
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        rest = weighted(body, weights) % 11
        body += str(0 if rest < 2 else 11 - rest)
    return rng.choice((f"{body[:2]}.{body[2:5]}.{body[5:8]}/{body[8:12]}-{body[12:]}",) * 2 + (body,))


def aadhaar(rng: random.Random) -> str:
    """India: twelve digits by Verhoeff, the first 2 to 9."""
    return grouped(verhoeff(some(rng, 11, "23456789")), 4, 4, 4, by=rng.choice((" ", " ", "-", "")))


def pan_india(rng: random.Random) -> str:
    """India's tax number: the fourth letter says what kind of person."""
    return letters(rng, 3) + rng.choice("PPPCHFAT") + letters(rng, 1) + f"{rng.randint(1, 9999):04}" + letters(rng, 1)


def no_pan_india(rng: random.Random) -> str:
    """A kind of person that is none."""
    good = pan_india(rng)
    return rng.choice((good[:3] + rng.choice("DEIKMNOQRSUVWXYZ") + good[4:], good[:5] + "0000" + good[9]))


def tfn(rng: random.Random) -> str:
    """Australia's tax number: nine digits by modulus 11."""
    while True:
        number = some(rng, 9, "123456789")
        if weighted(number, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0:
            return grouped(number, 3, 3, 3, by=rng.choice((" ", "")))


def medicare_au(rng: random.Random) -> str:
    """Australia's Medicare card: eight digits, check digit, issue."""
    body = some(rng, 8, "23456")
    number = body + str(weighted(body, (1, 3, 7, 9, 1, 3, 7, 9)) % 10) + rng.choice("123456789")
    return grouped(number, 4, 5, 1, by=rng.choice((" ", "")))


def wrong(make):
    """What `make` makes, with another last digit; where it ends in an index or a suffix, with another digit before."""

    def made(rng: random.Random) -> str:
        return other_last(rng, make(rng))

    return made


def wrong_letter(make):
    """What `make` makes, with another last letter."""

    def made(rng: random.Random) -> str:
        return other_last(rng, make(rng), "TRWAGMYFPDXBNJZSQVHLCKE")

    return made


def no_medicare_au(rng: random.Random) -> str:
    """Another check digit, or a first digit that is not given."""
    good = medicare_au(rng).replace(" ", "")
    return good[:8] + str((int(good[8]) + rng.randint(1, 9)) % 10) + good[9:]


def no_svnr(rng: random.Random) -> str:
    """Another check digit."""
    good = svnr(rng).replace(" ", "")
    return other_last(rng, good)


def no_ohip(rng: random.Random) -> str:
    """Another check digit."""
    good = ohip(rng)[:12]
    return other_last(rng, good)


def no_steuer_id(rng: random.Random) -> str:
    """Another check digit, or ten different digits."""
    good = steuer_id(rng).replace(" ", "")
    return rng.choice((other_last(rng, good), mod11_10("1234567890"), mod11_10("9876543210")))
