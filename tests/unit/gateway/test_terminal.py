"""Text of other people on a terminal of ours."""

import json

import pytest

from gateway.cli.context import print_json
from gateway.cli.terminal import printable

STEERS = "a\x1b[31m\x9b2J\u202efdp\u2028\x7f\ue000\U000e0041\ud800 é 漢"


def test_json_is_read_as_written_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"subject": STEERS, "plain": "é"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"subject": STEERS, "plain": "é"}
    assert out.removesuffix("\n").isprintable() and "é 漢" in out


def test_text_for_people_steers_no_terminal() -> None:
    assert printable(STEERS).isprintable()
