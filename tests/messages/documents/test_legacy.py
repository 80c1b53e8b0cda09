"""Older and binary documents as real programs write them: every number of `expected.json` is found, also in a child."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.children.pool import ChildPool
from policy.extraction.collected import File
from policy.extraction.extract import extract
from rules.content import Content

HERE = Path(__file__).parent / "legacy"
EXPECTED = json.loads((HERE / "expected.json").read_text())


def missing(name: str, content: Content) -> list[str]:
    return [place for number, place in EXPECTED[name].items() if not any(number in part.text for part in content.parts)]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_place_is_read(name: str) -> None:
    content = extract(name, (HERE / name).read_bytes())
    assert missing(name, content) == []
    assert not any(fact.unreadable or fact.encrypted for fact in content.files)


@pytest.mark.parametrize("name", ["workbook.xls", "excel97.xls", "excel95.xls", "book.xlsb"])
def test_cells_have_their_marks(name: str) -> None:
    content = extract(name, (HERE / name).read_bytes())
    number = next(number for number, place in EXPECTED[name].items() if place == "hidden sheet")
    part = next(part for part in content.parts if number in part.text)
    at = part.text.index(number)
    assert part.place == f"{name} > Salaries (hidden)"
    assert [mark for offset, mark in part.marks if offset <= at][-1] == "A1"


_NO_DOCUMENTS = {".py", ".js", ".json", ".md", ".txt", ".pyc", ".fodt", ".fods", ".fodp"}
DOCUMENTS = [path for path in sorted(HERE.parent.rglob("*.*")) if path.suffix not in _NO_DOCUMENTS and path.is_file()]


def test_children_read_the_same() -> None:
    """Nothing is imported or opened that a child may not: in all the documents that there are."""

    async def read() -> list[Content]:
        async with ChildPool(1) as pool:
            return [(await pool.read(File(path.name, path.read_bytes(), path.name))).content for path in DOCUMENTS]

    contents = asyncio.run(read())
    here = [extract(path.name, path.read_bytes()) for path in DOCUMENTS]
    assert [path.name for path, there, own in zip(DOCUMENTS, contents, here, strict=True) if there != own] == []
