"""docs/flow.md names files: each of them is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "flow.md"
DOOR = ROOT / "gateway" / "smtp"


def test_every_path_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:gateway|policy|rules|delivery|portal|keys|docs)/[\w/.]*)`", PAGE.read_text()))
    assert len(named) > 20
    assert not [path for path in named if not (ROOT / path).exists()]


def test_every_file_of_the_door_is_named() -> None:
    named = set(re.findall(r"`(\w+\.py)`", PAGE.read_text()))
    assert {path.name for path in DOOR.glob("*.py")} - named == {"__init__.py", "settings.py"}
