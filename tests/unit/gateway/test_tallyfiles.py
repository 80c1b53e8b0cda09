"""The files that workers count in have their room before they are written into."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.mmap_dict import MmapedDict

from gateway.tallyfiles import TallyFile

MANY = [f"a key that is as long as those of metrics are, with all of its labels: {number}" for number in range(2000)]


def _fill(file: Any) -> None:
    for number, key in enumerate(MANY):
        file.write_value(key, float(number), 0.0)


def _read(path: Path) -> dict[str, float]:
    library: Any = MmapedDict
    return {key: value for key, value, _, _ in library.read_all_values_from_file(str(path))}


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_has_no_holes_and_others_read_it(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    file: Any = TallyFile(str(path))
    assert path.stat().st_blocks * 512 >= path.stat().st_size
    _fill(file)
    assert path.stat().st_size > 1 << 16
    assert path.stat().st_blocks * 512 >= path.stat().st_size
    assert _read(path) == {key: float(number) for number, key in enumerate(MANY)}
    file.close()
    again: Any = TallyFile(str(path))
    assert again.read_value(MANY[7]) == (7.0, 0.0)
    again.close()


def test_where_no_room_can_be_promised_it_counts_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_words: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", unable)
    path = tmp_path / "counter_1.db"
    file: Any = TallyFile(str(path))
    _fill(file)
    assert _read(path)[MANY[-1]] == float(len(MANY) - 1)
    file.close()


def test_where_there_is_no_room_it_counts_on_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_words: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "counter_1.db"
    file: Any = TallyFile(str(path))
    file.write_value("before", 1.0, 0.0)
    before = _open_files()
    monkeypatch.setattr(os, "posix_fallocate", full)
    _fill(file)
    assert (file.read_value("before"), file.read_value(MANY[-1])) == ((1.0, 0.0), (float(len(MANY) - 1), 0.0))
    assert _read(path)["before"] == 1.0 and path.stat().st_size == 1 << 16
    later: Any = TallyFile(str(tmp_path / "counter_2.db"))
    _fill(later)
    assert later.read_value(MANY[3]) == (3.0, 0.0)
    for each in (file, later):
        each.close()
    assert _open_files() < before
