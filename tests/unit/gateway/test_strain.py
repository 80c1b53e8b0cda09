"""Room for more mail: disk and queue."""

from pathlib import Path

import pytest

from delivery.errors import StoreUnavailable
from gateway.smtp.replies import NO_SPACE, QUEUE_FULL
from gateway.strain import Strain


class Disk:
    def __init__(self, free: int, total: int = 2**40) -> None:
        self.f_frsize, self.f_bavail, self.f_blocks = 1, free, total


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(10_000)
    monkeypatch.setattr("os.statvfs", lambda _path: disk)
    return disk


def strain(free_disk: int = 1000, queue: int | None = None, waiting: int = 0) -> Strain:
    made = Strain(Path("/data"), free_disk=free_disk, queue=queue, count=lambda most: min(waiting, most))
    made.look()
    return made


def test_what_has_room_is_taken_and_what_has_none_is_not(disk: Disk) -> None:
    assert strain().refusal(9000) is None
    assert strain().refusal(9001) == NO_SPACE
    disk.f_bavail = 999
    full = strain()
    assert (full.refusal(), full.reason) == (NO_SPACE, "disk")
    disk.f_bavail = 10_000
    full.look()
    assert (full.refusal(), full.reason) == (None, "")
    assert strain(free_disk=0).refusal(10**9) is None


def test_a_full_disk_is_told_where_none_has_to_stay_free_too(disk: Disk) -> None:
    """The door does not refuse by a guess, but who asks whether mail is taken hears that it is not."""
    disk.f_bavail = 40_000
    full = strain(free_disk=0)
    assert (full.refusal(10**6), full.reason) == (None, "disk")
    disk.f_bavail = 10**6
    full.look()
    assert full.reason == ""


def test_of_a_small_disk_a_tenth_is_enough(disk: Disk) -> None:
    disk.f_blocks, disk.f_bavail = 5000, 600
    assert strain().refusal(100) is None
    assert strain().refusal(101) == NO_SPACE


def test_what_comes_between_two_looks_does_not_use_the_same_room(disk: Disk) -> None:
    made = strain()
    assert [made.take(1000) for _ in range(6)] == [None] * 5 + [NO_SPACE]
    assert made.refusal(1) == NO_SPACE and not made.has_room(0)
    made.look()  # what was written is seen by now, or was not written
    assert made.take(9001) == NO_SPACE and made.take(4500) is None and made.take(1) == NO_SPACE
    assert strain(free_disk=0).take(10**9) is None


def test_files_of_answers_end_before_mail_does(disk: Disk) -> None:
    assert strain().has_room(8000) and not strain().has_room(8001)
    disk.f_bavail = 1500
    assert not strain().has_room(0) and strain().refusal(500) is None, "mail goes on"
    assert strain(free_disk=0).has_room(10**9)


def test_a_long_queue_takes_no_more(disk: Disk) -> None:
    assert strain(queue=5, waiting=4).refusal() is None
    full = strain(queue=5, waiting=50)
    assert (full.refusal(), full.reason) == (QUEUE_FULL, "queue")


def test_what_cannot_be_looked_at_refuses_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def gone(_: object) -> int:
        raise StoreUnavailable("gone")

    made = Strain(tmp_path / "none", free_disk=1000, queue=1, count=gone)
    made.look()
    assert made.refusal() is None
    unknown = Strain(tmp_path / "none", free_disk=0, queue=None, count=gone)
    unknown.look()
    assert unknown.reason == ""
