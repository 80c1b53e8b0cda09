"""Codes of diagnoses, procedures, drugs and laboratory tests."""

import re
from importlib.resources import files
from typing import Final

from rules.verdict import Verdict, digits_of, luhn_valid

_ICD10: Final = re.compile(r"([A-Z])([0-9][0-9AB])(?:\.?([0-9A-Z]{1,4}))?")
_ICD9: Final = re.compile(r"(?:([0-9]{3})|V([0-9]{2})|E([0-9]{3}))(?:\.?[0-9]{1,2})?")
_CPT: Final = re.compile(r"([0-9]{5})(?:-[0-9A-Z]{2})?|[0-9]{4}[AFMTU]")
_HCPCS: Final = re.compile(r"([A-V])([0-9]{4})(?:-[0-9A-Z]{2})?")
_NDC: Final = re.compile(
    r"[0-9]{4}-[0-9]{4}-[0-9]{2}|[0-9]{5}-[0-9]{3}-[0-9]{2}|[0-9]{5}-[0-9]{4}-[0-9]{1,2}|[0-9]{10,11}"
)

# CPT Category I by its sections: anesthesia, surgery, radiology, laboratory, medicine, evaluation and management.
_CPT_SECTIONS: Final = ((100, 1999), (10004, 69990), (70010, 79999), (80047, 89398), (90281, 99199), (99202, 99607))
# HCPCS Level II: the letters in use, with the first and last number of each (CMS, alphanumeric index).
_HCPCS_SECTIONS: Final = {
    "A": (21, 9999),
    "B": (4034, 9999),
    "C": (1000, 9999),
    "D": (100, 9999),
    "E": (100, 8002),
    "G": (8, 9999),
    "H": (1, 2041),
    "J": (120, 9999),
    "K": (1, 1406),
    "L": (112, 9900),
    "M": (4, 1449),
    "P": (2028, 9615),
    "Q": (35, 9996),
    "R": (70, 76),
    "S": (12, 9999),
    "T": (1000, 5999),
    "U": (1, 5),
    "V": (2020, 5364),
}


def _categories() -> dict[str, str]:
    """Each category of ICD-10-CM with what may stand behind it; `-` where it has no subdivisions."""
    text = files("rules").joinpath("words", "icd10_categories.txt").read_text("utf-8")
    known: dict[str, str] = {}
    for line in text.split("\n")[1:]:
        fourth, _, names = line.partition(" ")
        known.update(dict.fromkeys(names.split(), fourth))
    return known


_CATEGORIES: Final = _categories()


def icd10(text: str) -> Verdict:
    """A diagnosis code of ICD-10-CM: its category is one, and the fourth place is one of that category's."""
    match = _ICD10.fullmatch(text.upper())
    if match is None:
        return Verdict.NO
    fourth = _CATEGORIES.get(match[1] + match[2], "")
    rest = match[3] or ""
    return Verdict.YES if fourth and (not rest or rest[0] in fourth) else Verdict.NO


def icd10_named(text: str) -> Verdict:
    """As `icd10`, where a label makes up for a subdivision that other editions of ICD-10 have."""
    match = _ICD10.fullmatch(text.upper())
    return Verdict.YES if match is not None and match[1] + match[2] in _CATEGORIES else Verdict.NO


def icd9(text: str) -> Verdict:
    """A diagnosis code of ICD-9-CM: 001-999, V01-V91 or E000-E999, with up to two places behind it."""
    match = _ICD9.fullmatch(text.upper())
    if match is None:
        return Verdict.NO
    disease, factor = match[1], match[2]
    if disease:
        return Verdict.YES if disease != "000" else Verdict.NO
    return Verdict.YES if not factor or 1 <= int(factor) <= 91 else Verdict.NO


def cpt(text: str) -> Verdict:
    """A procedure code of CPT: a section's range, or a code of Category II or III or of a laboratory."""
    match = _CPT.fullmatch(text.upper())
    if match is None:
        return Verdict.NO
    if match[1] is None:
        return Verdict.YES
    found = any(first <= int(match[1]) <= last for first, last in _CPT_SECTIONS)
    return Verdict.YES if found else Verdict.NO


def hcpcs(text: str) -> Verdict:
    """A code of HCPCS Level II within its letter's range."""
    match = _HCPCS.fullmatch(text.upper())
    first, last = _HCPCS_SECTIONS.get(match[1], (1, 0)) if match else (1, 0)
    return Verdict.YES if match and first <= int(match[2]) <= last else Verdict.NO


def ndc(text: str) -> Verdict:
    """A National Drug Code in one of its four groupings, or its ten or eleven digits (21 CFR 207.33)."""
    if not _NDC.fullmatch(text) or len(set(digits_of(text))) < 3:
        return Verdict.NO
    return Verdict.YES


def loinc(text: str) -> Verdict:
    """A LOINC code: up to six digits, a dash and their Luhn digit."""
    digits = digits_of(text)
    return Verdict.YES if 3 <= len(digits) <= 7 and luhn_valid(digits) else Verdict.NO
