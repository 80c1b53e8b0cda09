"""What commands advise where the stores fail."""

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from smallest import write_config

from delivery.errors import StoreUnavailable
from gateway.cli.serve import hint_to
from gateway.cli.stores import hint_about
from gateway.settings import load_settings

Usage = namedtuple("Usage", "total used free")


def test_a_fault_of_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says "disk I/O error" where it cannot grow the index of its log."""
    settings = load_settings(write_config(tmp_path, keys=True))
    failed = StoreUnavailable("the disk failed under the database")
    assert "own it" in hint_about(failed, settings)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 30, 1 << 30, 0))
    assert "free some space" in hint_about(failed, settings)


def test_a_file_that_may_not_be_read_is_no_port(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path, keys=True))
    denied = os.strerror(errno.EACCES)
    assert "ports below 1024" in hint_to(PermissionError(errno.EACCES, f"0.0.0.0:25: {denied}"), settings)
    assert "who owns it" in hint_to(PermissionError(errno.EACCES, denied, "data/metrics/1"), settings)
