"""Numbers of people, patients and prescribers in the United States."""

import random

from detection.digits import UPPER, grouped, letters, luhn, other_last, some, weighted, words

_EIN_PREFIXES = words(
    "01 02 03 04 05 06 10 11 12 13 14 15 16 20 21 22 23 24 25 26 27 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 "
    "47 48 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 71 72 73 74 75 76 77 80 81 82 83 84 85 86 87 88 "
    "90 91 92 93 94 95 98 99"
)
_NO_EINS = words("07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97")
_MBI_LETTERS = "ACDEFGHJKMNPQRTUVWXY"


def ssn(rng: random.Random) -> str:
    """SSA: area 001-899 but 666, group 01-99, serial 0001-9999."""
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03}{rng.randint(1, 99):02}{rng.randint(1, 9999):04}"


def no_ssn(rng: random.Random) -> str:
    """Out of range in one of its groups."""
    area, group, serial = f"{rng.randint(1, 665):03}", f"{rng.randint(1, 99):02}", f"{rng.randint(1, 9999):04}"
    return rng.choice((f"000{group}{serial}", f"666{group}{serial}", f"{area}00{serial}", f"{area}{group}0000"))


def ssn_written(rng: random.Random, number: str) -> str:
    """As people write it."""
    return grouped(number, 3, 2, 4, by=rng.choice("----- "))


def itin(rng: random.Random) -> str:
    """IRS: 9xx, fourth and fifth digit 50-65, 70-88, 90-92, 94-99."""
    group = rng.choice([*range(50, 66), *range(70, 89), 90, 91, 92, *range(94, 100)])
    return f"9{rng.randint(0, 99):02}{group}{rng.randint(1, 9999):04}"


def no_itin(rng: random.Random) -> str:
    """A group that is not given."""
    return f"9{rng.randint(0, 99):02}{rng.choice([*range(1, 50), *range(66, 70), 89, 93]):02}{rng.randint(1, 9999):04}"


def ein(rng: random.Random) -> str:
    """IRS: a campus's prefix and seven digits."""
    return f"{rng.choice(_EIN_PREFIXES)}-{some(rng, 7)}"


def no_ein(rng: random.Random) -> str:
    """A prefix that no campus has."""
    return f"{rng.choice(_NO_EINS)}-{some(rng, 7)}"


def passport(rng: random.Random) -> str:
    """Nine digits, or since 2021 a letter and eight."""
    return rng.choice((some(rng, 9, "123456789"), letters(rng, 1, "ABCDEFGHXYZ") + some(rng, 8)))


def no_passport(rng: random.Random) -> str:
    """Too short, too long, or with letters where there are none."""
    return rng.choice((some(rng, 6), some(rng, 12), letters(rng, 4) + some(rng, 3), letters(rng, 3)))


def licence(rng: random.Random) -> str:
    """States' forms (AAMVA)."""
    forms = (
        lambda: letters(rng, 1) + some(rng, 7),  # California
        lambda: some(rng, 8),  # Texas, Pennsylvania
        lambda: some(rng, 9),  # New York, Georgia
        lambda: letters(rng, 1) + grouped(some(rng, 12), 3, 3, 2, 3, 1, by="-"),  # Florida
        lambda: letters(rng, 1) + grouped(some(rng, 11), 3, 4, 4, by="-"),  # Illinois
        lambda: letters(rng, 1) + some(rng, 12),  # Florida, Michigan, Minnesota, Maryland
        lambda: letters(rng, 2) + some(rng, 6),  # Ohio
        lambda: letters(rng, 1) + some(rng, 8),  # Massachusetts, Kansas, Virginia
        lambda: letters(rng, 1) + some(rng, 14),  # New Jersey
        lambda: some(rng, 7),  # Oregon, Alabama
        lambda: grouped(some(rng, 9), 2, 3, 4, by="-"),  # Colorado
    )
    return rng.choice(forms)()


def no_licence(rng: random.Random) -> str:
    """Far too short, or words."""
    return rng.choice((some(rng, 3), letters(rng, 1) + some(rng, 2), "expired", "pending", "required", "class C"))


def npi(rng: random.Random) -> str:
    """CMS: Luhn over 80840 and the number."""
    return luhn("80840" + rng.choice("12") + some(rng, 8))[5:]


def no_npi(rng: random.Random) -> str:
    """Another check digit, or another beginning."""
    return rng.choice((other_last(rng, npi(rng)), luhn("80840" + some(rng, 9, "3456789"))[5:]))


def dea(rng: random.Random) -> str:
    """DEA: registrant's letter, name's letter, six digits, check digit."""
    body = some(rng, 6)
    check = (weighted(body[::2], (1, 1, 1)) + 2 * weighted(body[1::2], (1, 1, 1))) % 10
    return rng.choice("ABFGM") + letters(rng, 1) + body + str(check)


def no_dea(rng: random.Random) -> str:
    """Another check digit."""
    return other_last(rng, dea(rng))


def mbi(rng: random.Random) -> str:
    """CMS: C A AN N A AN N A A N N, without S L O I B Z."""
    either = _MBI_LETTERS + "0123456789"
    form = ("123456789", _MBI_LETTERS, either, "0123456789", _MBI_LETTERS, either, "0123456789")
    made = "".join(rng.choice(place) for place in form)
    return made + letters(rng, 2, _MBI_LETTERS) + some(rng, 2)


def no_mbi(rng: random.Random) -> str:
    """A letter that is not used, or a kind in the wrong place."""
    good = mbi(rng)
    at = rng.choice((1, 4, 7, 8))
    return rng.choice(
        (good[:at] + rng.choice("SLOIBZ") + good[at + 1 :], "0" + good[1:], good[:10] + rng.choice(UPPER))
    )


def mbi_written(rng: random.Random, number: str) -> str:
    """As on the card, or in one piece."""
    return rng.choice((grouped(number, 4, 3, 4, by="-"), number))


def hicn(rng: random.Random) -> str:
    """SSA: a social security number and a beneficiary's code."""
    code = rng.choice(("A", "B", "B1", "C1", "C2", "D", "D6", "E1", "M", "T", "W", "HA"))
    return rng.choice((ssn_written(rng, ssn(rng)) + "-" + code, ssn(rng) + code))


def no_hicn(rng: random.Random) -> str:
    """Out of range, or a code that is none."""
    return rng.choice((f"000-{some(rng, 2)}-{some(rng, 4)}-A", some(rng, 12), ssn(rng)[:7] + "A"))


def medicaid(rng: random.Random) -> str:
    """States' forms: New York, California, and plain digits."""
    forms = (
        lambda: letters(rng, 2) + some(rng, 5) + letters(rng, 1),
        lambda: "9" + some(rng, 7) + letters(rng, 1, "ACDEFGHMNPRTUVWXY"),
        lambda: some(rng, 9),
        lambda: some(rng, 10),
        lambda: some(rng, 12),
    )
    return rng.choice(forms)()


def no_medicaid(rng: random.Random) -> str:
    """Too short, or a word."""
    return rng.choice((some(rng, 3), some(rng, 4), "expansion", "eligible", "pending"))


def member(rng: random.Random) -> str:
    """Insurers' forms."""
    forms = (
        lambda: letters(rng, 3) + some(rng, 9),
        lambda: "W" + some(rng, 9),
        lambda: letters(rng, 1) + some(rng, 8),
        lambda: some(rng, 9),
        lambda: some(rng, 11),
        lambda: letters(rng, 3) + some(rng, 3) + letters(rng, 1) + some(rng, 5),
    )
    return rng.choice(forms)()


def no_member(rng: random.Random) -> str:
    """Too short, or a word."""
    return rng.choice((some(rng, 3), some(rng, 2), "required", "benefits", letters(rng, 2)))


def record(rng: random.Random) -> str:
    """Hospitals' forms."""
    forms = (
        lambda: some(rng, 6),
        lambda: some(rng, 7),
        lambda: some(rng, 8),
        lambda: "00" + some(rng, 6),
        lambda: some(rng, 10),
        lambda: letters(rng, 1) + some(rng, 7),
        lambda: letters(rng, 3) + some(rng, 6),
        lambda: grouped(some(rng, 6), 2, 2, 2, by="-"),
    )
    return rng.choice(forms)()


def no_record(rng: random.Random) -> str:
    """Too short, or a word."""
    return rng.choice((some(rng, 2), some(rng, 3), "pending", "requested", "not found"))
