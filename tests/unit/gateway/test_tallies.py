"""Each gateway on a data folder counts in a place of its own, and leaves nothing for ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.tallies import FOLDER, Tallies

_ANOTHER = """
import sys
from gateway.tallies import Tallies
print(Tallies.take(sys.argv[1]).folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "")  # put back as it was


def test_two_gateways_on_one_folder_have_places_of_their_own(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _ANOTHER, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as another:
        assert another.stdout is not None
        theirs = Path(another.stdout.readline().strip())
        (theirs / "counter_1.db").write_bytes(b"1")
        ours = Tallies.take(str(tmp_path))
        assert os.environ[FOLDER] == ours.folder
        assert Path(ours.folder) != theirs
        ours.remove()
        assert (theirs / "counter_1.db").read_bytes() == b"1"
        another.kill()
        another.wait()
    assert theirs.is_dir()  # left by one that was killed
    again = Tallies.take(str(tmp_path))
    assert Path(again.folder) == theirs
    assert not list(theirs.iterdir())
    again.remove()
    assert not theirs.exists()
    for taken in (ours, again):
        os.close(taken.lock)


def test_only_what_counts_for_the_living_is_forgotten(tmp_path: Path) -> None:
    tallies = Tallies.take(str(tmp_path))
    names = {"gauge_livesum_7.db", "gauge_livemax_7.db", "counter_7.db", "gauge_livesum_17.db", "gauge_mostrecent_7.db"}
    for name in names:
        Path(tallies.folder, name).touch()
    tallies.forget(7)
    left = {one.name for one in Path(tallies.folder).iterdir()}
    assert names - left == {"gauge_livesum_7.db", "gauge_livemax_7.db"}
    os.close(tallies.lock)
