"""Certificates that are renewed under a running server."""

import asyncio
import errno
import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography import x509

from delivery.doors.renewal import Renewal


class Files:
    """A certificate and its key, which belong together where both say the same."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "fullchain.pem", folder / "privkey.pem"
        self.write(self.certificate, "old")
        self.write(self.key, "old")
        self.used: list[ssl.SSLContext] = []
        self.made: list[str] = []

    def write(self, file: Path, text: str) -> None:
        new = file.with_suffix(".new")
        new.write_text(text)
        new.replace(file)

    def make(self, _paths: Sequence[Path]) -> ssl.SSLContext:
        said = self.certificate.read_text()
        if said != self.key.read_text():
            raise ssl.SSLError(116, "[X509: KEY_VALUES_MISMATCH] key values mismatch")
        self.made.append(said)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def renewal(self) -> Renewal:
        return Renewal(
            self.make, [self.certificate, self.key], self.used.append, door="portal", event="portal.certificate"
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_renewed_pair_is_used_once_both_files_are_there(files: Files) -> None:
    renewal = files.renewal()
    files.write(files.certificate, "new")
    for _ in range(3):
        renewal.look()
    assert files.made == ["old"], "the new certificate does not belong to the old key"
    files.write(files.key, "new")
    renewal.look()
    assert files.made == ["old"], "whoever writes may not be done"
    renewal.look()
    assert files.made == ["old", "new"]
    assert len(files.used) == 2


def test_what_has_not_changed_is_not_read_again_unless_it_is_asked_for(files: Files) -> None:
    renewal = files.renewal()
    renewal.look()
    assert files.made == ["old"]
    renewal.read()
    assert files.made == ["old", "old"]


def test_a_file_that_is_gone_changes_nothing_until_it_is_back(files: Files) -> None:
    renewal = files.renewal()
    files.key.unlink()
    for _ in range(3):
        renewal.look()
    assert len(files.used) == 1
    files.write(files.key, "old")
    for _ in range(3):
        renewal.look()
    assert len(files.used) == 2


def test_files_that_cannot_be_opened_are_tried_again_though_they_do_not_change(files: Files) -> None:
    """No descriptor is left for a moment, or a folder's mode is mended; it is told once."""
    make, tries = files.make, 0

    def scarce(paths: Sequence[Path]) -> ssl.SSLContext:
        nonlocal tries
        tries += 1
        if 1 < tries < 5:
            raise OSError(errno.EMFILE, "Too many open files")
        return make(paths)

    files.make = scarce  # type: ignore[method-assign]  # as where the system is short of something
    renewal = files.renewal()
    files.write(files.certificate, "new")
    files.write(files.key, "new")
    with structlog.testing.capture_logs() as log:
        for _ in range(10):
            renewal.look()
    assert files.made == ["old", "new"]
    assert [line["event"] for line in log] == ["portal.certificate_refused", "portal.certificate_loaded"]


def test_one_whose_mode_is_mended_is_read(files: Files) -> None:
    renewal = files.renewal()
    renewal.look()
    files.key.chmod(0o400)
    for _ in range(2):
        renewal.look()
    assert files.made == ["old", "old"]


def test_one_that_is_broken_at_the_start_is_told(files: Files) -> None:
    files.write(files.key, "another's")
    with pytest.raises(ssl.SSLError):
        files.renewal()


async def test_it_is_looked_at_now_and_then_and_its_end_is_told(files: Files, authority: Any) -> None:
    pairs = [authority.issue("gate.example.com"), authority.issue("gate.example.com", expired=True)]
    ends = [x509.load_pem_x509_certificate(pair.certificate.read_bytes()).not_valid_after_utc for pair in pairs]
    told: list[tuple[str, datetime]] = []
    files.write(files.certificate, pairs[0].certificate.read_text())
    files.write(files.key, pairs[0].certificate.read_text())
    watch = asyncio.create_task(files.renewal().watch(lambda *said: told.append(said), every=0.001))
    async with asyncio.timeout(10):
        while not told:
            await asyncio.sleep(0.001)
        for file in (files.certificate, files.key):
            files.write(file, pairs[1].certificate.read_text())
        while len(told) < 2:
            await asyncio.sleep(0.001)
    watch.cancel()
    assert told == [("portal", ends[0]), ("portal", ends[1])]
