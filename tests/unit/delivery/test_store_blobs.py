"""Blob files: whole or not at all."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from delivery.errors import StoreFull, StoreUnavailable
from delivery.store.blobs import Blobs

PAST = datetime(1970, 1, 1, tzinfo=UTC)
FUTURE = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs")


def files(blobs):
    return [path for path in blobs._folder.rglob("*") if path.is_file()]


def test_what_is_committed_is_read_back_from_anywhere(blobs):
    with blobs.create() as writer:
        writer.write(b"hello ")
        writer.write(memoryview(b"world"))
        name = writer.commit()
    with blobs.open(name) as reader:
        assert reader.size == 11
        assert reader.read_at(0, 100) == b"hello world"
        assert reader.read_at(6, 3) == b"wor"
        assert reader.read_at(11, 1) == b""
    reader.close()


def test_files_are_for_their_owner_alone(blobs):
    blobs.keep(b"x")
    assert blobs._folder.stat().st_mode & 0o777 == 0o700
    for path in blobs._folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_file_and_folder_are_fsynced_before_the_name_is_given(blobs, monkeypatch):
    synced = []
    real = os.fsync

    def remember(descriptor):
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", remember)
    name = blobs.keep(b"x")
    partial, *folders = synced
    assert partial.endswith(f"partial-{name}"), "the content before the rename"
    assert folders == [str(blobs._folder), str(blobs._folder / name[-2:])], "a new shard, then the name in it"


def test_aborted_nothing_stays(blobs):
    with blobs.create() as writer:
        writer.write(b"x" * 100)
    writer.abort()
    assert files(blobs) == []


def test_an_exception_aborts(blobs):
    with pytest.raises(LookupError), blobs.create() as writer:
        writer.write(b"x")
        raise LookupError
    assert files(blobs) == []


def test_deleted_it_is_gone_and_may_be_deleted_again(blobs):
    name = blobs.keep(b"x")
    blobs.delete(name)
    blobs.delete(name)
    with pytest.raises(StoreUnavailable):
        blobs.open(name)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a/b", "..", "x\0y", "UPPER"])
def test_a_name_is_never_a_path(blobs, name):
    for act in (blobs.open, blobs.delete):
        with pytest.raises(StoreUnavailable):
            act(name)


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreUnavailable)])
@pytest.mark.parametrize("call", ["write", "fsync", "open"])
def test_trouble_has_one_face_and_leaves_nothing(blobs, monkeypatch, number, kind, call):
    def fail(*_args):
        raise OSError(number, "no")

    monkeypatch.setattr(f"delivery.store.blobs.os.{call}", fail)
    with pytest.raises(StoreUnavailable) as caught:
        blobs.keep(b"x")
    assert type(caught.value) is kind
    monkeypatch.undo()
    assert files(blobs) == []
    assert blobs.keep(b"x")


def test_the_sweep_takes_what_nothing_names_and_nothing_young(blobs):
    named, forgotten = blobs.keep(b"a"), blobs.keep(b"b")
    writer = blobs.create()
    asked = []

    def referenced(names):
        asked.extend(names)
        return {named}

    assert blobs.sweep(referenced, PAST) == 0
    assert asked == []
    assert blobs.sweep(referenced, FUTURE) == 2
    assert sorted(asked) == sorted([named, forgotten])
    assert [path.name for path in files(blobs)] == [named]
    writer.abort()


def test_the_sweep_asks_in_portions(blobs, monkeypatch):
    monkeypatch.setattr("delivery.store.blobs._SWEEP_BATCH", 3)
    names = {blobs.keep(b"x") for _ in range(10)}
    portions = []

    def referenced(some):
        portions.append(len(some))
        return set(some)

    assert blobs.sweep(referenced, FUTURE) == 0
    assert max(portions) == 3
    assert sum(portions) == len(names)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        Blobs(tmp_path / "file" / "blobs")
