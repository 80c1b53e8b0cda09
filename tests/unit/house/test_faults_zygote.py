"""What starts Sealgates for the tests of faults: it never takes one process for another."""

import os
import signal
from pathlib import Path

import faults_zygote
import pytest
from faults_rig import Zygote
from faults_zygote import Children


@pytest.mark.slow
def test_ctrl_c_leaves_it_to_end_what_it_started(tmp_path: Path) -> None:
    zygote = Zygote()
    try:
        os.kill(zygote._process.pid, signal.SIGINT)
        assert zygote.wait(zygote.start(["--version"], tmp_path / "log"), 60) == 0
    finally:
        zygote.close()


def test_an_id_that_comes_again_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: dict[int, int] = {}
    monkeypatch.setattr(faults_zygote, "wait", lambda pid, _seconds: ends.get(pid))
    children = Children()
    children.began(7)
    assert children.code(7, 0) is None
    ends[7] = -9
    assert children.code(7, 0) == children.code(7, 0) == -9
    del ends[7]
    children.began(7)
    assert children.code(7, 0) is None
