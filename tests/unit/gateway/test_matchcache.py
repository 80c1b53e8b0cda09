"""The file of compiled patterns is taken only if it is ours and proves it."""

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import matchcache
from gateway.matchcache import FileCache
from rules.matching import Matcher
from rules.pack import load_builtin

KEY = b"k" * 32


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "matcher", KEY)


def only_file(cache: FileCache) -> Path:
    (path,) = [file for file in cache._folder.iterdir() if file.suffix == ".matcher"]
    return path


def test_what_is_put_is_given(cache: FileCache) -> None:
    assert cache.get("a") is None
    cache.put("a", b"database")
    assert cache.get("a") == b"database"
    assert cache.get("b") is None
    assert only_file(cache).stat().st_mode & 0o777 == 0o600
    assert cache._folder.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in cache._folder.iterdir()] == [only_file(cache).name]


def test_no_more_memory_is_taken_than_is_read(cache: FileCache) -> None:
    """A quarter of a gigabyte, for a moment, would be more than some limits grant."""
    cache.put("a", b"database")
    tracemalloc.start()
    try:
        assert cache.get("a") == b"database"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_changed_byte_is_refused(cache: FileCache) -> None:
    cache.put("a", b"database")
    path = only_file(cache)
    raw = path.read_bytes()
    for place in range(len(raw)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        assert cache.get("a") is None
    for cut in (0, 5, 32, len(raw) - 1):
        path.write_bytes(raw[:cut])
        assert cache.get("a") is None
    path.write_bytes(raw)
    assert cache.get("a") == b"database"


def test_another_key_is_refused(cache: FileCache) -> None:
    cache.put("a", b"database")
    assert FileCache(cache._folder, b"j" * 32).get("a") is None


def test_a_file_under_another_name_is_refused(cache: FileCache) -> None:
    """An old database with a right MAC does not stand in for a new one."""
    cache.put("old", b"database")
    cache._path("new").write_bytes(only_file(cache).read_bytes())
    cache._path("new").chmod(0o600)
    assert cache.get("new") is None
    assert cache.get("old") == b"database"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_what_others_can_touch_is_refused(cache: FileCache, mode: int) -> None:
    cache.put("a", b"database")
    only_file(cache).chmod(mode)
    assert cache.get("a") is None


def test_somebody_elses_file_is_refused(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put("a", b"database")
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert cache.get("a") is None


def test_a_link_is_refused(cache: FileCache, tmp_path: Path) -> None:
    cache.put("a", b"database")
    path = only_file(cache)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.get("a") is None


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused_and_stops_nothing(cache: FileCache, make: Callable[[Path], None]) -> None:
    cache.put("a", b"database")
    path = only_file(cache)
    path.unlink()
    make(path)
    assert cache.get("a") is None
    cache.put("a", b"database")  # which takes a pipe's place, and cannot take a folder's
    assert cache.get("a") == (None if path.is_dir() else b"database")
    assert [file.name for file in cache._folder.iterdir()] == [path.name]


def test_what_a_killed_process_left_goes(cache: FileCache) -> None:
    cache.put("a", b"database")
    draft = only_file(cache).with_name(f".{only_file(cache).name}.4711")
    for age in (0, 7200):
        draft.write_bytes(b"half")
        os.utime(draft, (time.time() - age, time.time() - age))
        cache.put("a", b"database")
        assert draft.exists() is (age == 0)


def test_another_processor_has_another_file(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put("a", b"database")
    monkeypatch.setattr(matchcache, "_processor", lambda: "x86_64 avx512")
    assert cache.get("a") is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = FileCache(tmp_path / "file", KEY)
    cache.put("a", b"database")
    assert cache.get("a") is None


def test_old_files_are_forgotten(cache: FileCache) -> None:
    for number in range(20):
        cache.put(str(number), b"database")
    assert cache.get("19") == b"database"
    assert len(list(cache._folder.iterdir())) == 16


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        FileCache(tmp_path, b"short")


def test_a_tampered_database_is_never_loaded(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    detectors = [detector for detector in load_builtin() if detector.id in ("us.mbi", "us.dea")]
    Matcher(detectors, cache)
    kept = {path: path.read_bytes() for path in cache._folder.glob("*.matcher")}
    assert kept
    changed = {path: raw[:-1] + bytes([raw[-1] ^ 1]) for path, raw in kept.items()}
    for path, raw in changed.items():
        path.write_bytes(raw)

    def refuse(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr("hyperscan.loadb", refuse)
    assert Matcher(detectors, cache).scan_text("MBI 1EG4-TE5-MK73") != ()
    assert any(path.read_bytes() != raw for path, raw in changed.items())  # made again, as far as they were needed
