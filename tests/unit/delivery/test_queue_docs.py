"""docs/queue.md tells the truth about the states and the commands."""

import re
from pathlib import Path

from delivery.items import ENDS, MOVES, State
from gateway.cli.queue import command

PAGE = (Path(__file__).parents[3] / "docs" / "queue.md").read_text()


def test_the_drawing_is_the_table_of_moves():
    drawn = re.findall(r"^    (\w+) --> (\w+)$", PAGE, re.MULTILINE)
    assert sorted(drawn) == sorted((start.value, to.value) for start, ends in MOVES.items() for to in ends)


def test_the_drawing_names_every_end():
    assert set(re.findall(r"^    (\w+) --> \[\*\]$", PAGE, re.MULTILINE)) == {state.value for state in ENDS}
    assert all(not MOVES[state] for state in ENDS)


def test_every_state_is_explained():
    assert re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE) == [state.value for state in State]


def test_every_command_is_told():
    told = set(re.findall(r"`queue (\w+)", PAGE)) - {"list"} | {"list"}
    assert set(command.commands) <= told
