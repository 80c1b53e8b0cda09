"""At rest everything is sealed: no word of a message in data, TMPDIR or logs, under load and after kill -9."""

import io
import smtplib
import threading
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from mailhosts import Sink, wait_for
from started import Gateway

from gateway.demo.samples import word_file

WORD = "zanzibarite"  # stands in subject, text, file name and document: nowhere else in the world
MARKS = [
    WORD.encode(),
    WORD.encode("utf-16-le"),
    WORD.upper().encode(),
    b"536-22-1234",
    b"emFuemliYXJpd",  # base64 of it, at the three possible offsets
    b"phbnppYmFyaX",
    b"6YW56aWJhcml0",
]


def _mail(letter: Callable[..., EmailMessage], to: str, size: int) -> EmailMessage:
    mail = letter(f"About {WORD}", f"The {WORD} letter. SSN 536-22-1234\n" + f"{WORD} " * (size // 12) + "\n", to)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:  # stored: a plain copy of the zip would show it
        archive.writestr(f"{WORD}.docx", word_file((f"{WORD}: SSN 536-22-1234",)))
        archive.writestr(f"{WORD}.txt", f"{WORD} 536-22-1234")
    mail.add_attachment(packed.getvalue(), maintype="application", subtype="zip", filename=f"{WORD}.zip")
    return mail


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _plaintext(*folders: Path) -> list[str]:
    found = []
    for path in _files(*folders):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        found += [f"{path.name}: {mark!r}" for mark in MARKS if mark in data]
    return found


def _is_taken(gateway: Gateway, mail: EmailMessage, to: str) -> bool:
    """Send it; False where the door says to come again, as it does on a machine with too much to do."""
    try:
        gateway.send(mail, "alice@example.com", to)
    except smtplib.SMTPDataError as refused:
        assert refused.smtp_code == 451
        return False
    return True


@pytest.mark.slow
def test_no_plaintext_under_load_and_after_kill(world: Sink, make_gateway, letter, tmp_path, monkeypatch) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    world.replies.update({"slow": "451 4.3.2 later"})
    gateway = make_gateway(world.port)
    gateway.start()
    looked, found, stop = [0], [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            found.extend(_plaintext(gateway.folder / "data", temporary))
            looked[0] += 1

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for number in range(40):
            size = 300_000 if number % 4 == 0 else 2_000
            to = ("dora@post.example", "slow@friends.example")[number % 2]
            mail = _mail(letter, to, size)
            wait_for(lambda mail=mail, to=to: _is_taken(gateway, mail, to), why="the door takes it")  # type: ignore[misc]  # defaults
    finally:
        stop.set()
        looker.join()
    gateway.kill()
    assert looked[0] > 2
    world.wait("dora@post.example")
    (gateway.folder / "policy.yaml").unlink()  # its own tests hold such a number; nothing else may
    folders = [gateway.folder, temporary]
    assert any(path.stat().st_size > 100_000 for path in _files(gateway.folder / "data")), "large bodies are in files"
    assert not found + _plaintext(*folders)
    (gateway.folder / "policy.yaml").write_text("version: 1\notherwise: relay\n")
    gateway.start()
    wait_for(lambda: len(world.for_("dora@post.example")) >= 20, why="every notice")
    gateway.stop()
    assert not _plaintext(*folders)
    assert list(temporary.iterdir()) == []
