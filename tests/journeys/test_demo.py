"""`sealgate demo` comes up, shows the three ways, and ends cleanly on Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from mailhosts import wait_for

from gateway.demo.folder import DemoFailed, taken


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_shows_three_ways_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", "--folder", str(tmp_path / "demo")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as demo:  # fmt: skip
        said: list[str] = []
        reading = threading.Thread(target=lambda: said.extend(demo.stdout or ()), daemon=True)
        reading.start()
        try:
            wait_for(lambda: "Ctrl-C ends the demo" in "".join(said) or demo.poll() is not None, seconds=120)
            text = "".join(said)
            assert demo.poll() is None, text
            relayed, partner, notice = (
                urllib.request.urlopen(url).read().decode() for url in re.findall(r"http://\S+/mail/\d+", text)[:3]
            )
            assert "how about lunch" in relayed
            assert "Discharge letter.docx" in partner and "gateway.stmary.example" in partner
            assert "Discharge letter" not in notice and "/b/" in notice
            [link] = re.findall(r"http://localhost:\d+/b/\S+", text)
            assert "Alice Example" in urllib.request.urlopen(link).read().decode()
            page = re.findall(r"(http://localhost:\d+)/mail/", text)[0]
            texted = urllib.request.Request(f"{page}/telephone/text", b"to=%2B41791234567&text=048213")
            assert urllib.request.urlopen(texted).status == 201
            assert "+41791234567" in urllib.request.urlopen(page).read().decode()
            os.killpg(demo.pid, signal.SIGINT)
            wait_for(lambda: demo.poll() is not None, seconds=60)
            reading.join(10)
            assert demo.returncode == 0, "".join(said)
            assert "Traceback" not in "".join(said)
        finally:
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGKILL)


def test_the_demo_touches_no_folder_of_someone_else(tmp_path: Path) -> None:
    """Its folders are named `gateway` and `partner`: a checkout has one of these too."""
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "mine.txt").write_text("mine")
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--folder", str(tmp_path)],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "holds other things" in ended.stderr and "--folder" in ended.stderr
    assert (tmp_path / "gateway" / "mine.txt").read_text() == "mine"


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with taken(tmp_path), pytest.raises(DemoFailed, match="running"), taken(tmp_path):
        raise AssertionError("both have it")
