"""Older and binary documents as real programs write them: every number of `expected.json` is found, also in a child."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.workers import WorkerPool
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


def test_children_read_the_same() -> None:
    """Nothing is imported or opened that a child may not."""

    async def read() -> list[Content]:
        async with WorkerPool(1) as pool:
            files = [File(name, (HERE / name).read_bytes(), name) for name in EXPECTED]
            return [(await pool.read(file)).content for file in files]

    contents = asyncio.run(read())
    assert contents == [extract(name, (HERE / name).read_bytes()) for name in EXPECTED]
