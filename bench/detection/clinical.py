"""Codes of diagnoses, procedures, drugs and tests, and the formats in which they travel."""

import random

from detection.digits import letters, luhn, other_last, some, words

_MONTHS = words("January February March April May June July August September October November December")
# Out of the published tables, so that near-misses can be made of what they do not hold.
_ICD10 = words(
    "E11.9 E11.65 I10 I25.10 J45.909 M54.5 F32.9 F41.1 K21.9 N39.0 R07.9 S72.001A T78.40XA Z79.4 Z00.00 C50.911 C34.90 "
    "B20 G40.909 H26.9 L40.0 O80 P07.30 Q21.0 D64.9 E78.5 M17.11 J18.9 A41.9 N18.6 I48.91 K50.90 F10.20 B18.2 G35"
)
_ICD9 = words(
    "250.00 401.9 272.4 530.81 V58.69 V70.0 E849.0 414.01 493.90 724.2 311 300.00 585.6 427.31 V10.3 E885.9 174.9"
)
_CPT = words(
    "99213 99214 99203 99285 93000 71046 80053 85025 36415 90837 90834 27447 43239 45378 70450 97110 99396 20610"
)
_HCPCS = words("J1885 G0438 E0601 A0428 J3301 G0008 Q2037 L3000 J0696 G0202 E0143 A4253 K0001 P9612 V2020 J9035 C1776")
_NDC = words(
    "0002-8215-01 50090-2875-0 00093-7214-01 0781-1506-10 68180-513-01 0378-0018-93 00074-4339-02 55111-0158-10"
)


def icd10(rng: random.Random) -> str:
    """A code of ICD-10-CM."""
    return rng.choice(_ICD10)


def no_icd10(rng: random.Random) -> str:
    """What no chapter holds."""
    return rng.choice(
        (
            f"{letters(rng, 2)}{some(rng, 2)}.{some(rng, 1)}",
            f"{some(rng, 1)}{letters(rng, 1)}1.9",
            "pending",
            "deferred",
        )
    )


def icd9(rng: random.Random) -> str:
    """A code of ICD-9-CM."""
    return rng.choice(_ICD9)


def no_icd9(rng: random.Random) -> str:
    """What no chapter holds."""
    return rng.choice((f"{some(rng, 5)}.{some(rng, 3)}", f"X{some(rng, 2)}.{some(rng, 1)}", "pending", "none"))


def cpt(rng: random.Random) -> str:
    """A code of CPT."""
    return rng.choice(_CPT)


def no_cpt(rng: random.Random) -> str:
    """Too short, too long, or a word."""
    return rng.choice((some(rng, 3), some(rng, 7), letters(rng, 5), "manual"))


def hcpcs(rng: random.Random) -> str:
    """A code of HCPCS level II."""
    return rng.choice(_HCPCS)


def no_hcpcs(rng: random.Random) -> str:
    """Too short, too long, or a word."""
    return rng.choice(
        (letters(rng, 1, "AEGJ") + some(rng, 2), letters(rng, 1, "AEGJ") + some(rng, 6), "level", "update")
    )


def ndc(rng: random.Random) -> str:
    """Labeler, product, package: 4-4-2, 5-3-2, 5-4-1 or 5-4-2."""
    return rng.choice(_NDC)


def no_ndc(rng: random.Random) -> str:
    """No such groups."""
    return rng.choice(
        (
            f"{some(rng, 3)}-{some(rng, 3)}-{some(rng, 4)}",
            f"{some(rng, 2)}-{some(rng, 2)}-{some(rng, 2)}",
            some(rng, 5),
            "directory",
        )
    )


def loinc(rng: random.Random) -> str:
    """A number and its Luhn digit."""
    made = luhn(some(rng, rng.choice((4, 5)), "123456789"))
    return f"{made[:-1]}-{made[-1]}"


def no_loinc(rng: random.Random) -> str:
    """Another check digit."""
    return other_last(rng, loinc(rng))


def hl7(rng: random.Random) -> str:
    """A message of HL7 v2, or a resource of FHIR."""
    number, born = some(rng, 7), f"19{rng.randint(40, 99)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    two = f"MSH|^~\\&|LAB|HOSP|EHR|HOSP|20240311||ADT^A01|{some(rng, 5)}|P|2.5\n"
    two += f"PID|1||{number}^^^HOSP^MR||DOE^JANE||{born}|F"
    fhir = f'{{"resourceType": "Patient", "identifier": [{{"system": "urn:oid:1.2.36.146", "value": "{number}"}}], '
    fhir += '"birthDate": "1960-01-02"}'
    return rng.choice((two, fhir))


def no_hl7(rng: random.Random) -> str:
    """Bars and braces that are something else."""
    return rng.choice(
        (
            f"|a|b|{some(rng, 3)}|",
            f"MSH is short for message header, see page {some(rng, 2)}",
            f'{{"type": "Order", "id": "{some(rng, 6)}"}}',
            f"PID {some(rng, 4)} was killed",
        )
    )


def born(rng: random.Random) -> str:
    """A day on which somebody may have been born."""
    year, month, day = rng.randint(1930, 2012), rng.randint(1, 12), rng.randint(1, 28)
    name = words("January February March April May June July August September October November December")[month - 1]
    forms = (
        f"{month:02}/{day:02}/{year}",
        f"{year}-{month:02}-{day:02}",
        f"{day} {name} {year}",
        f"{name} {day}, {year}",
        f"{day:02}.{month:02}.{year}",
    )
    return rng.choice(forms)


def not_born(rng: random.Random) -> str:
    """No date."""
    return rng.choice(
        ("unknown", f"{rng.randint(13, 99)}/{rng.randint(32, 99)}/{some(rng, 4)}", some(rng, 3), "required")
    )
