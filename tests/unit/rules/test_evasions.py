"""A number is found however it is dressed, where a human reader would plainly see it."""

import pytest

from rules.finding import Confidence
from rules.matching import Matcher

DRESSED = {
    "us.ssn": [
        "SSN: 536/22/1234",
        "SSN 536_22_1234",
        "SSN 536  22  1234",
        "SSN: 536\n22\n1234",
        "SSN: 536\t22\t1234",
        "ssn#536-22-1234x",
        "SSN 5 3 6 - 2 2 - 1 2 3 4",
        "SSN: 5-3-6-2-2-1-2-3-4",
        "SSN=3D536-22-1234",
        "SSN%3A536-22-1234",
        "https://x.example/?ssn=536221234&x=1",
        '<p ssn="536221234"/>',
        '{"socialSecurityNumber": "536221234"}',
        "S.S.N. 536221234",
        "SSN 53622 1234",
        "Name: Doe SSN: 536-22-1234DOB: 1/1/1980",
        "\uff15\uff13\uff16\uff0d\uff12\uff12\uff0d\uff11\uff12\uff13\uff14",
        "5\u200b3\u200b6-22-1234",
        "536\u00ad-22-1234",
        "536\u250022\u25001234",
        "536\u00b722\u00b71234",
        "536-22-=\n1234",
    ],
    "payment.card": [
        "4716/3791/4202/1968",
        "4716 - 3791 - 4202 - 1968",
        "4716--3791--4202--1968",
        "card 4716\t3791\t4202\t1968",
        "card 4 7 1 6 3 7 9 1 4 2 0 2 1 9 6 8",
        "card4716379142021968",
        "card=3D4716379142021968",
        "card 471637 9142021968",
        "cardno4716379142021968end",
        "Amex 3453 4206 7490 433",
    ],
    "iban": ["GB82/WEST/1234/5698/7654/32", "GB82\tWEST\t1234\t5698\t7654\t32", "iban=gb82west12345698765432&"],
    "us.itin": ["ITIN 9 1 2 7 0 1 2 3 4", "ITIN 912-701234", "itin=912701234"],
    "us.aba": ["ABA 011-401-533", "routingNumber: 011401533", "ABA011401533"],
    "medical.mrn": ["MRN 0 0 4 1 2 3 4 5", "MRN\t00412345"],
    "us.npi": ["NPI 123-456-7893", "NPI1234567893x"],
    "us.mbi": ["MBI 1EG4.TE5.MK73", "MBI1EG4TE5MK73"],
}
ORDINARY = [
    "Version 1.2, build 717728202. Please return the W-9.",
    "https://docs.example/d/717728202/edit?tab=4",
    "Lottery: 5 3 6 2 2 1 2 3 4",
    "rows\n536\n22\n1234\n88",
    "Springfield, IL 06913-6185\n5 9 2 0 3 6 7 4 9 8 1 8 5 7 7 6 5",
    "The card machine is down since 2026-01-04 09:15, ticket 4471.",
    "Order 4716-3791 of 4202, page 1968",
]


@pytest.mark.parametrize(("detector", "text"), [(name, text) for name, texts in DRESSED.items() for text in texts])
def test_dressed_numbers(matcher: Matcher, detector: str, text: str) -> None:
    found = {finding.detector: finding.confidence for finding in matcher.scan_text(text)}
    assert found[detector].rank >= Confidence.MEDIUM.rank


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines(matcher: Matcher, text: str) -> None:
    assert [f.detector for f in matcher.scan_text(text) if f.confidence is not Confidence.LOW] == []
