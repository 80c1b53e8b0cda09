"""Documents made by real programs, each with a number in a place that common readers miss: `modern/expected.json`.

The scripts beside them make them anew: `make_documents.py` says how, and which program made which.
"""

import json
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import msoffcrypto.format.ooxml
import pytest

from gateway.children.pool import ChildPool
from policy.extraction.collected import File
from policy.extraction.extract import extract
from rules.finding import Confidence
from rules.matching import Matcher
from rules.pack import load_builtin

FOLDER = Path(__file__).parent / "modern"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text())


@cache
def matcher() -> Matcher:
    return Matcher(load_builtin())


@pytest.mark.parametrize("name", EXPECTED)
def test_the_number_is_found_where_it_is(name: str) -> None:
    expected = EXPECTED[name]
    password = expected.get("password", "")
    content = extract(name, (FOLDER / name).read_bytes(), passwords=(password,) if password else ())
    assert not [fact.reason for fact in content.files if fact.unreadable]
    assert [fact.encrypted for fact in content.files if fact.depth == 0] == [bool(password)]
    digits = expected["number"].replace("-", "")
    (finding,) = [each for each in matcher().scan(content).findings if each.detector == "us.ssn"]
    sure = [hit for hit in finding.hits if hit.confidence.rank >= Confidence.MEDIUM.rank]
    places = {hit.place for hit in sure if "".join(filter(str.isdigit, hit.value)) == digits}
    assert places, "nothing is found"
    assert any(expected["place"] in place for place in places), places


@pytest.mark.parametrize("name", [name for name, each in EXPECTED.items() if each.get("password")])
def test_without_its_password_a_file_is_told(name: str) -> None:
    content = extract(name, (FOLDER / name).read_bytes(), passwords=("wrong", "also wrong"))
    assert [(fact.encrypted, fact.reason) for fact in content.files] == [(True, "needs a password")]


def test_there_are_enough_of_them() -> None:
    assert len(EXPECTED) >= 60
    assert {each["by"] for each in EXPECTED.values()} >= {"LibreOffice", "SheetJS", "qpdf", "Chromium"}


async def test_a_locked_file_is_opened_in_a_child_that_can_open_no_file() -> None:
    """What opens it must be loaded before the child locks itself in."""
    locked = BytesIO()
    document = BytesIO((FOLDER / "docx-footer.docx").read_bytes())
    msoffcrypto.format.ooxml.OOXMLFile(document).encrypt("Tiger7!", locked)
    async with ChildPool(1) as pool:
        outcome = await pool.read(File("a.docx", locked.getvalue(), "a.docx"), ("wrong", "Tiger7!"))
    assert [fact.reason for fact in outcome.content.files] == ["opened with a password"]
    assert any(EXPECTED["docx-footer.docx"]["number"] in part.text for part in outcome.content.parts)
