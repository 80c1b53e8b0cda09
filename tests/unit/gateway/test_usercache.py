"""The cache of commands: the user's own, or none."""

import os
from pathlib import Path

import pytest

from gateway.matchcache import FileCache
from gateway.usercache import WithUsers, kept_for_user


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sealgate"


def test_what_one_command_keeps_the_next_finds(home: Path) -> None:
    first = kept_for_user()
    assert first is not None
    first.put("key", b"compiled" * 10)
    second = kept_for_user()
    assert second is not None
    assert second.get("key") == b"compiled" * 10
    assert {oct(path.stat().st_mode & 0o777) for path in home.iterdir()} == {"0o600"}


def test_a_folder_or_key_that_others_may_touch_is_none(home: Path) -> None:
    assert kept_for_user() is not None
    (home / "key").chmod(0o644)
    assert kept_for_user() is None
    (home / "key").chmod(0o600)
    home.chmod(0o755)
    assert kept_for_user() is None


def test_no_place_is_no_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert kept_for_user() is None
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    assert kept_for_user() is None


def test_what_a_command_compiled_the_service_finds_and_the_other_way_round(home: Path, tmp_path: Path) -> None:
    users = kept_for_user()
    assert users is not None
    users.put("a", b"compiled" * 10)
    own = FileCache(tmp_path / "matcher", b"k" * 32)
    both = WithUsers(own)
    assert both.get("a") == own.get("a") == b"compiled" * 10
    both.put("b", b"another" * 10)
    assert users.get("b") == own.get("b") == b"another" * 10
    assert both.get("c") is None


def test_a_service_without_a_home_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "nowhere")
    both = WithUsers(FileCache(tmp_path / "matcher", b"k" * 32))
    both.put("a", b"compiled" * 10)
    assert both.get("a") == b"compiled" * 10
