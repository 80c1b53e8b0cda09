"""Fields of HL7 and X12 have no labels: their places and qualifiers say what they are."""

import pytest

from rules.segments import field_name

PID = b"PID|1||00412345^^^HOSP^MR~536221234^^^SSA^SS||DOE^JOHN||19800101|M||||||||||ACC-1|536221235|D1234567"
CLAIM = b"ST*837*0001~NM1*IL*1*DOE*JOHN****34*536221234~REF*SY*536221235~NM1*85*2*CLINIC*****XX*1234567893~"
PAID = b"BPR*I*1000*C*ACH*CCP*01*021000021*DA*1234567890*1512345678"


@pytest.mark.parametrize(
    ("line", "value", "name"),
    [
        (PID, b"00412345", b"mrn"),
        (PID, b"536221234", b"ssn"),
        (PID, b"536221235", b"ssn"),
        (PID, b"D1234567", b"driver's license"),
        (PID, b"19800101", b"date of birth"),
        (b"DMG*D8*19800101*F~", b"19800101", b"date of birth"),
        (b"OBX|1|NM|4548-4^HbA1c^LN||8.2|%", b"4548-4", b"loinc"),
        (b"DG1|1||E119^Diabetes^I10|", b"E119", b"icd-10"),
        (b"MSH|^~\\&|LAB\rPID|1||77||DOE\rDG1|1||E119", b"E119", b"icd-10"),
        (CLAIM, b"536221234", b"ssn"),
        (CLAIM, b"536221235", b"ssn"),
        (CLAIM, b"1234567893", b"npi"),
        (CLAIM, b"0001", b""),
        (PAID, b"021000021", b"routing"),
        (PAID, b"1234567890", b"bank account"),
        (b"the order|536221234", b"536221234", b""),
        (b"A|" * 3000 + b"536221234", b"536221234", b""),
    ],
)
def test_a_field_is_named_by_its_place(line: bytes, value: bytes, name: bytes) -> None:
    assert field_name(line, line.index(value)) == name
