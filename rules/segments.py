"""Segments of HL7 v2 and X12: what a field is by its place, or by the qualifier beside it.

`PID|1||00412345^^^HOSP^MR|...|536221234` has no label that a person could read, and yet says all: the third field of
PID is a record number, the nineteenth a Social Security number. Each field is given the words that detectors know.
"""

import re
from collections.abc import Mapping
from typing import Final

_SEGMENT: Final = re.compile(rb"([A-Z][A-Z0-9]{1,2})([|*])")
_LONGEST: Final = 4096
_REPEATS: Final = re.compile(rb"[~|]")

# HL7 2.5.1 chapters 3, 4, 6 and 7: the segment and the number of the field.
_HL7: Final[Mapping[tuple[bytes, int], bytes]] = {
    (b"PID", 2): b"patient id",
    (b"PID", 3): b"mrn",
    (b"PID", 4): b"patient id",
    (b"PID", 7): b"date of birth",
    (b"PID", 18): b"patient account",
    (b"PID", 19): b"ssn",
    (b"PID", 20): b"driver's license",
    (b"MRG", 1): b"mrn",
    (b"NK1", 16): b"date of birth",
    (b"NK1", 37): b"ssn",
    (b"GT1", 8): b"date of birth",
    (b"GT1", 12): b"ssn",
    (b"IN1", 8): b"health insurance group no",
    (b"IN1", 18): b"date of birth",
    (b"IN1", 36): b"subscriber id health insurance",
    (b"IN1", 49): b"insured id health insurance",
    (b"IN2", 2): b"ssn",
    (b"IN2", 6): b"medicare",
    (b"IN2", 8): b"medicaid id",
    (b"IN2", 61): b"patient id",
    (b"PV1", 7): b"npi",
    (b"PV1", 8): b"npi",
    (b"PV1", 9): b"npi",
    (b"PV1", 17): b"npi",
    (b"OBR", 4): b"loinc",
    (b"OBR", 16): b"npi",
    (b"ORC", 12): b"npi",
    (b"OBX", 3): b"loinc",
    (b"DG1", 3): b"icd-10",
    (b"PR1", 3): b"cpt",
    (b"FT1", 19): b"icd-10",
    (b"FT1", 25): b"cpt",
    (b"RXE", 2): b"ndc",
    (b"RXD", 2): b"ndc",
    (b"RXA", 5): b"ndc",
}
# HL7 table 0203, the type of an identifier, which stands behind it in the same field.
_TYPES: Final[Mapping[bytes, bytes]] = {
    b"SS": b"ssn",
    b"MR": b"mrn",
    b"MRN": b"mrn",
    b"PI": b"patient id",
    b"PN": b"patient id",
    b"PT": b"patient id",
    b"AN": b"patient account",
    b"MC": b"medicare",
    b"MA": b"medicaid id",
    b"MB": b"member id health insurance",
    b"SN": b"subscriber id health insurance",
    b"DL": b"driver's license",
    b"PPN": b"passport",
    b"NH": b"nhs number",
    b"HC": b"health card number",
    b"JHN": b"health card number",
    b"NPI": b"npi",
    b"DEA": b"dea",
    b"EI": b"employer identification",
    b"TAX": b"tax id",
    b"LN": b"loinc",
    b"I10": b"icd-10",
    b"I9": b"icd-9",
    b"I9C": b"icd-9",
    b"C4": b"cpt",
    b"NDC": b"ndc",
}
# X12 005010: what the element before a value says of it, in the segments where it does.
_QUALIFIERS: Final[Mapping[bytes, Mapping[bytes, bytes]]] = {
    b"NM1": {
        b"34": b"ssn",
        b"MI": b"member id health insurance",
        b"II": b"patient id",
        b"XX": b"npi",
        b"FI": b"employer identification",
        b"24": b"employer identification",
        b"MR": b"medicaid id",
        b"N": b"subscriber id health insurance",
    },
    b"N1": {b"FI": b"employer identification", b"XX": b"npi"},
    b"REF": {
        b"SY": b"ssn",
        b"EI": b"employer identification",
        b"TJ": b"employer identification",
        b"EA": b"mrn",
        b"0F": b"subscriber id health insurance",
        b"1W": b"member id health insurance",
        b"IG": b"health insurance policy no",
        b"F6": b"hicn",
        b"NQ": b"medicaid id",
        b"HPI": b"npi",
        b"3H": b"patient account",
    },
    b"BPR": {b"01": b"routing", b"DA": b"bank account", b"SG": b"savings account"},
    b"N9": {b"SY": b"ssn", b"EI": b"employer identification"},
    b"LIN": {b"N4": b"ndc"},
    b"DMG": {b"D8": b"date of birth"},
}


def field_name(line: bytes, offset: int) -> bytes:
    """The words for the field at `offset` of a line of HL7 v2 or X12; empty where it has none that we know."""
    if offset > _LONGEST:
        return b""
    begin = max(line.rfind(b"\r", 0, offset), line.rfind(b"\x0b", 0, offset)) + 1
    match = _SEGMENT.match(line, begin)
    if match is not None and match[2] == b"|":
        return _hl7(match[1], line, begin, offset)
    begin = line.rfind(b"~", 0, offset) + 1
    match = _SEGMENT.match(line, begin)
    if match is None:
        return b""
    elements = line[begin:offset].split(match[2])
    return _QUALIFIERS.get(match[1], {}).get(elements[-2], b"") if len(elements) > 1 and not elements[-1] else b""


def _hl7(segment: bytes, line: bytes, begin: int, offset: int) -> bytes:
    """By the type that stands in the same repetition of the field, else by the field's number."""
    end = _REPEATS.search(line, offset, offset + _LONGEST)
    stop = end.start() if end else min(len(line), offset + _LONGEST)
    for component in line[offset:stop].split(b"^")[1:]:
        if component in _TYPES:
            return _TYPES[component]
    return _HL7.get((segment, line.count(b"|", begin, offset)), b"")
