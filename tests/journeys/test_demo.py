"""`sealgate demo` comes up, shows the three ways, and ends cleanly on Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from mailhosts import wait_for

from gateway.demo.folder import DemoFailed, taken


@pytest.mark.slow
def test_the_demo_shows_three_ways_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", "--folder", str(tmp_path / "demo")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as demo:  # fmt: skip
        said: list[str] = []
        reading = threading.Thread(target=lambda: said.extend(demo.stdout or ()), daemon=True)
        reading.start()
        try:
            wait_for(lambda: "Ctrl-C ends the demo" in "".join(said) or demo.poll() is not None, seconds=300)
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
            _two_months_pass(page, link)
            os.killpg(demo.pid, signal.SIGINT)
            wait_for(lambda: demo.poll() is not None, seconds=60)
            reading.join(10)
            assert demo.returncode == 0, "".join(said)
            assert "Traceback" not in "".join(said)
        finally:
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGKILL)


def _two_months_pass(page: str, link: str) -> None:
    """Owner, two guests and a privileged participant; reminders, closing, deletion, by the clock of the page."""
    front = _read(page)
    for person in ("alice@example.com", "dora@post.example", "emil@elsewhere.example", "nora@example.com"):
        assert f"<dt>{person}</dt>" in front
    assert "<strong>open</strong>" in front and "still waits" not in front
    nobody = urllib.request.Request(f"{page}/clock", b"days=30", {"Sec-Fetch-Site": "cross-site"})
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(nobody)
    refused.value.close()
    closed = _read(f"{page}/clock", b"days=30")
    assert "<strong>closed</strong>" in closed and "30 days ahead" in closed
    for guest in ("dora@post.example", "emil@elsewhere.example"):  # neither opened it: 7 days and 1 day before its end
        wait_for(lambda guest=guest: _subjects(_read(page), guest).count("still waits for you") == 2)  # type: ignore[misc]  # a lambda with a default
    assert "Alice Example" in _read(link), "closed: it can be read on"
    for guest in ("dora@post.example", "emil@elsewhere.example"):  # what can still be read, and until when
        wait_for(lambda guest=guest: _subjects(_read(page), guest).count("is closed, ") == 1)  # type: ignore[misc]  # the same
    wait_for(lambda: "Closed: " in _subjects(_read(page), "alice@example.com"), why="nobody opened it: she is told")
    deleted = _read(f"{page}/clock", b"days=30")
    assert "<strong>deleted</strong>" in deleted
    wait_for(lambda: _subjects(_read(page), "dora@post.example").count("is kept until") == 1, why="three days before")
    with pytest.raises(urllib.error.HTTPError, match="410") as gone:
        _read(link)
    gone.value.close()


def _read(url: str, form: bytes | None = None) -> str:
    with urllib.request.urlopen(url, form) as answer:
        return str(answer.read().decode())


def _subjects(front: str, person: str) -> str:
    """What the mailbox page shows of one person's mail."""
    return front.partition(f"<h2>{person}</h2>")[2].partition("</section>")[0]


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
