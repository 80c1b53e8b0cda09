"""Numbers of other countries: the checks against python-stdnum, and what is found of them in texts."""

from itertools import cycle

import pytest
from national_numbers import KINDS, Kind

from rules.checks import CHECKS
from rules.finding import Confidence
from rules.matching import Matcher
from rules.verdict import Verdict

pytestmark = pytest.mark.slow  # numbers of seventy kinds: the packs' own samples are the quick look

COUNT = 24
FOUND = (
    "{name}: {number}",
    "Dear Ms Smith, the {name} is {number}. Best regards",
    "Name: Jane Doe\n{name} {number}\nCity: Springfield\n",
    "{number} ({name})",
    "Name\t{name}\tCity\nJane Doe\t{number}\tSpringfield 12345\n",
    "({name} {number})",
)
OTHERS = (
    "order no {number}",
    "Rechnungsnummer {number}",
    "Tel. {number}",
    "tracking number {number}",
    "{number}77123",
    "x{number}",
)


def ids(kind: Kind) -> str:
    return kind.detector


def sure(matcher: Matcher, detector: str, text: str) -> bool:
    return any(f.detector == detector and f.confidence is not Confidence.LOW for f in matcher.scan_text(text))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.stdnum], ids=ids)
def test_a_check_agrees_with_stdnum(kind: Kind) -> None:
    """What stdnum takes, ours takes; where ours takes more, docs/decisions/national-checks.md says why."""
    ours = [number for number in kind.guesses(400) if CHECKS[kind.check].test(number) is not Verdict.NO]
    theirs = [number for number in kind.guesses(400) if kind.is_valid(number)]
    assert set(theirs) <= set(ours)
    assert len(ours) - len(theirs) <= len(ours) / 3
    assert all(kind.is_valid(number) for number in kind.numbers(8)) or len(ours) > len(theirs)


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_a_number_beside_its_name_is_found(matcher: Matcher, kind: Kind) -> None:
    forms = zip(kind.numbers(COUNT), cycle(FOUND), cycle(kind.names), strict=False)
    texts = [form.format(name=name, number=number) for number, form, name in forms]
    assert [text for text in texts if not sure(matcher, kind.detector, text)] == []


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_what_only_looks_like_it_is_left(matcher: Matcher, kind: Kind) -> None:
    numbers = kind.numbers(COUNT)
    spoilt = zip(map(kind.spoilt, numbers), cycle(FOUND), cycle(kind.names), strict=False)
    texts = [form.format(name=name, number=number) for number, form, name in spoilt]
    texts += [
        form.format(number=number) for number, form in zip(numbers, cycle(OTHERS[4 * kind.certain :]), strict=False)
    ]
    assert [text for text in texts if sure(matcher, kind.detector, text)] == []


@pytest.mark.parametrize("kind", KINDS, ids=ids)
def test_a_number_without_its_name_counts_only_where_its_form_says_enough(matcher: Matcher, kind: Kind) -> None:
    texts = [f"Thank you, it is {number} as you said." for number in kind.numbers(6)]
    found = [sure(matcher, kind.detector, text) for text in texts]
    assert all(found) if kind.alone else not all(found)


@pytest.mark.parametrize(
    ("check", "number", "verdict"),
    [  # as printed by those who give them
        ("uk_nino", "QQ 12 34 56 C", Verdict.NO),
        ("uk_nino", "AB 12 34 56 C", Verdict.EXAMPLE),
        ("uk_driver_license", "MORGA657054SM9IJ", Verdict.YES),
        ("de_svnr", "15 070649 C 103", Verdict.YES),
        ("de_svnr", "15 070649 C 104", Verdict.NO),
        ("de_kvnr", "A123456780", Verdict.YES),
        ("de_personalausweis", "T22000129 3", Verdict.YES),
        ("de_personalausweis", "T22000129 4", Verdict.NO),
        ("de_passport", "C01X00T478", Verdict.YES),
        ("ch_ahv", "756.9217.0769.85", Verdict.YES),
        ("it_codice_fiscale", "RSSMRA85T10A562S", Verdict.YES),
        ("es_nuss", "281234567840", Verdict.YES),
        ("ca_sin", "046 454 286", Verdict.EXAMPLE),
        ("ca_ramq", "TREM 8551 1712", Verdict.YES),
        ("ca_ramq", "TREM 8575 1712", Verdict.NO),
        ("au_medicare", "2123 45670 1", Verdict.YES),
        ("au_medicare", "2123 45671 1", Verdict.NO),
        ("nz_nhi", "ZAC5361", Verdict.YES),
        ("nz_nhi", "ZAC3561", Verdict.NO),
        ("nz_nhi", "ZBD96LM", Verdict.YES),
        ("mx_curp", "HEGG560427MVZRRL04", Verdict.YES),
        ("sg_nric", "S1234567D", Verdict.YES),
        ("sg_nric", "S1234567A", Verdict.NO),
        ("hk_hkid", "A123456(3)", Verdict.YES),
        ("tw_id", "A123456789", Verdict.YES),
        ("hu_taj", "111 111 110", Verdict.YES),
        ("pl_identity_card", "ABA300000", Verdict.YES),
        ("pl_identity_card", "ABS 123456", Verdict.YES),
        ("pl_identity_card", "ABS 123546", Verdict.NO),
        ("nz_nhi", "JUL2002", Verdict.NO),
        ("au_tfn", "61.30.108.73", Verdict.NO),
        ("ru_snils", "112-233-445 95", Verdict.YES),
        ("kr_rrn_new", "211015-3123456", Verdict.YES),
        ("kr_rrn_new", "841015-1123456", Verdict.NO),
        ("fr_nir", "1 85 05 78 006 084", Verdict.YES),
        ("mrz", "L898902C36UTO7408122F1204159ZE184226B<<<<<10", Verdict.YES),
        ("mrz", "L898902C36UTO7408123F1204159ZE184226B<<<<<10", Verdict.NO),
    ],
)
def test_published_numbers(check: str, number: str, verdict: Verdict) -> None:
    assert CHECKS[check].test(number) is verdict
