"""Text of other people on a terminal of ours."""

import json
import subprocess
import sys
from pathlib import Path

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


def test_streams_that_were_closed_are_filled(tmp_path: Path) -> None:
    """Started so, `serve` ended without a word; and a file that is opened next must not become our stderr."""
    said = tmp_path / "said"
    program = (
        "import os, sys\n"
        "from gateway.cli.terminal import fill_streams\n"
        "fill_streams()\n"
        "print('nowhere', file=sys.stderr, flush=True)\n"
        f"opened = os.open({str(said)!r}, os.O_WRONLY | os.O_CREAT, 0o600)\n"
        "os.write(2, b'nowhere')\n"
        "os.write(opened, f'{opened > 2} {sys.stdin.read()!r} {sys.stdout.fileno()} {sys.stderr.fileno()}'.encode())\n"
    )
    closed = 'exec "$0" -c "$1" <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", closed, sys.executable, program], check=False, timeout=60).returncode == 0
    assert said.read_text() == "True '' 1 2"
