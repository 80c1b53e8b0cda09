"""docs/audit.md names every kind of event, and no other."""

import re
from pathlib import Path

from delivery.store.audit import EventKind

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"


def test_the_page_names_every_kind_of_event() -> None:
    table = PAGE.read_text().split("| kind | says |")[1].split("\n## ")[0]
    named = [
        name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", row.split(" | ")[0])
    ]
    assert sorted(named) == sorted(EventKind)
