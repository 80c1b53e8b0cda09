"""Files in force: a worker that is started again works by what the others took into use."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from delivery.dkimkeys import DkimKeyInvalid, make_key, read_key
from delivery.doors.contexts import server_context
from delivery.doors.inforce import FilesInForce, Kept
from delivery.doors.renewal import Renewal


class Memory:
    """What workers keep for one that comes later."""

    def __init__(self) -> None:
        self.kept: dict[Path, Kept] = {}

    def note(self, read: Mapping[Path, Kept]) -> None:
        self.kept |= read

    def ours(self) -> FilesInForce:
        """As for the workers of the start."""
        return FilesInForce(note=self.note)

    def for_another(self) -> FilesInForce:
        """As for one that is started again."""
        return FilesInForce(self.kept, self.note)


@pytest.fixture
def memory() -> Memory:
    return Memory()


def _read(files: FilesInForce, path: Path) -> str:
    with files.first(path) as (there,):
        return there.read_text()


def test_what_was_used_is_read_again_whatever_the_file_says_by_now(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    assert _read(memory.ours(), path) == "old"
    path.write_text("half of the n")
    assert _read(memory.for_another(), path) == "old"
    path.unlink()
    another = memory.for_another()
    assert _read(another, path) == "old"
    state = another.state(path)
    assert state is not None and state.size == 3
    with pytest.raises(FileNotFoundError):
        _read(memory.ours(), path)


def test_what_could_not_be_used_is_not_kept(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    _read(memory.ours(), path)
    path.write_text("broken")
    with pytest.raises(ValueError, match="broken"), memory.ours().anew(path) as (there,):
        raise ValueError(there.read_text())
    assert _read(memory.for_another(), path) == "old"


def test_what_changed_while_it_was_read_is_not_kept(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with memory.ours().first(path) as (there,):
        assert there.read_text() == "old"
        path.write_text("another")
    assert memory.kept == {}


def test_who_comes_later_shows_the_certificate_in_use_and_finds_what_is_new(
    memory: Memory, tmp_path: Path, authority: Any
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    used: list[ssl.SSLContext] = []

    def install(pair: Any) -> None:
        certificate.write_bytes(pair.certificate.read_bytes())
        key.write_bytes(pair.key.read_bytes())

    def begin(files: FilesInForce) -> Renewal:
        return Renewal(
            lambda paths: server_context(*paths), [certificate, key], used.append,
            door="portal", event="portal.certificate", in_force=files,
        )  # fmt: skip

    install(authority.issue("one.example"))
    first = begin(memory.ours())
    key.write_bytes(authority.issue("two.example").key.read_bytes())  # does not belong to the certificate
    with structlog.testing.capture_logs() as log:
        later = begin(memory.for_another())
        assert later.until == first.until
        for _ in range(3):
            later.look()
    assert [line["event"] for line in log] == ["portal.certificate_refused"]
    assert len(used) == 2
    install(authority.issue("three.example"))
    for _ in range(2):
        later.look()
    assert len(used) == 3
    certificate.unlink()
    begin(memory.for_another())
    assert len(used) == 4


def test_who_comes_later_signs_with_the_same_key(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "dkim.pem"
    make_key(path, bits=None)
    key = read_key(path, "example.com", "s1", memory.ours())
    path.write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQ")
    path.chmod(0o644)
    with pytest.raises(DkimKeyInvalid):
        read_key(path, "example.com", "s1")
    later = read_key(path, "example.com", "s1", memory.for_another())
    assert later.private.private_bytes_raw() == key.private.private_bytes_raw()  # type: ignore[union-attr]  # Ed25519
