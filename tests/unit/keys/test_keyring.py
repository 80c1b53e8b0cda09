"""The keyring file: who may read it, what is refused, rotation, several processes."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from keys.backends.file import check_access
from keys.errors import BackendDown, KeyMissing, KeyringInvalid
from keys.keyring import KeyRing, keyring_path
from keys.sealing import WrappedKey
from keys.tokens import new_id

SECRET = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def status(mode: int, uid: int = 1000, kind: int = stat.S_IFREG) -> os.stat_result:
    return os.stat_result((kind | mode, 1, 1, 1, uid, uid, 100, 0, 0, 0))


def test_made_loaded_and_used(path: Path) -> None:
    wrapped = KeyRing.create(path).wrap(SECRET, b"default/kek")
    for where in (path, str(path), f"file://{path}"):
        ring = KeyRing.load(where)
        assert ring.unwrap(wrapped, b"default/kek") == SECRET
        assert ring.ids() == (ring.primary,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keyring.json"]


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    KeyRing.create(tmp_path / "new" / "keyring.json")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_never_made_over_a_file_that_exists(path: Path) -> None:
    KeyRing.create(path)
    before = path.read_bytes()
    with pytest.raises(KeyringInvalid, match="not overwritten") as error:
        KeyRing.create(path)
    assert "rotate" in error.value.hint
    assert path.read_bytes() == before


def test_nor_over_a_link_that_leads_nowhere(path: Path) -> None:
    path.symlink_to("elsewhere")
    with pytest.raises(KeyringInvalid, match="exists"):
        KeyRing.create(path)


def test_rotation_makes_a_new_primary_and_the_old_still_unwraps(path: Path) -> None:
    ring = KeyRing.create(path)
    old, wrapped = ring.primary, ring.wrap(SECRET, b"x")
    new = ring.rotate()
    assert (ring.primary, ring.ids()) == (new, (old, new))
    assert ring.wrap(SECRET, b"x").key_id == new
    for each in (ring, KeyRing.load(path)):
        assert each.unwrap(wrapped, b"x") == SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_running_process_finds_the_root_that_another_made(path: Path) -> None:
    running = KeyRing.create(path)
    other = KeyRing.load(path)
    other.rotate()
    wrapped = other.wrap(SECRET, b"x")
    assert wrapped.key_id not in running.ids()
    assert running.unwrap(wrapped, b"x") == SECRET
    assert running.ids() == other.ids()


def test_rotations_at_once_lose_no_root(path: Path) -> None:
    KeyRing.create(path)
    rings = [KeyRing.load(path) for _ in range(8)]
    made: list[str] = []
    threads = [threading.Thread(target=lambda ring=ring: made.append(ring.rotate())) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(made) < set(KeyRing.load(path).ids())
    assert len(KeyRing.load(path).ids()) == 9


def test_what_a_killed_rotation_left_holds_keys_and_goes_with_the_next(path: Path) -> None:
    ring = KeyRing.create(path)
    left = path.with_name(f".{path.name}.{new_id()}")
    left.write_bytes(path.read_bytes())
    others = path.with_name(f".{path.name}.bak")  # an admin's own
    others.write_bytes(path.read_bytes())
    ring.rotate()
    assert not left.exists()
    assert others.exists()


def test_a_link_stays_a_link_when_rotated(path: Path) -> None:
    KeyRing.create(path.with_name("real.json"))
    path.symlink_to("real.json")
    KeyRing.load(path).rotate()
    assert path.is_symlink()
    assert len(KeyRing.load(path.with_name("real.json")).ids()) == 2


def test_a_running_process_goes_on_when_the_file_is_gone(path: Path) -> None:
    ring = KeyRing.create(path)
    wrapped = ring.wrap(SECRET, b"x")
    path.unlink()
    assert ring.unwrap(wrapped, b"x") == SECRET
    stranger = WrappedKey(1, "r-unknown", wrapped.wrapped, wrapped.commitment)
    with pytest.raises(BackendDown):
        ring.unwrap(stranger, b"x")


def test_an_unknown_root_is_a_missing_key(path: Path) -> None:
    ring = KeyRing.create(path)
    wrapped = ring.wrap(SECRET, b"x")
    with pytest.raises(KeyMissing, match="r-unknown"):
        ring.unwrap(WrappedKey(1, "r-unknown", wrapped.wrapped, wrapped.commitment), b"x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601, 0o440])
def test_a_file_open_to_others_is_refused_with_what_to_do(path: Path, mode: int) -> None:
    KeyRing.create(path)
    path.chmod(mode)
    with pytest.raises(KeyringInvalid, match="others than its owner") as error:
        KeyRing.load(path)
    assert error.value.hint == f"run: chmod 600 {path}"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_owner_may_be_us_or_root(mode: int) -> None:
    for uid in (0, 1000):
        check_access(Path("/etc/k"), status(mode, uid), 1000, None)
    check_access(Path("/etc/k"), status(mode, 998), 0, None)
    with pytest.raises(KeyringInvalid, match="belongs to user 1001") as error:
        check_access(Path("/etc/k"), status(mode, 1001), 1000, None)
    assert "chown 1000" in error.value.hint


def test_credentials_of_systemd_may_be_readable_by_their_group_there_only() -> None:
    folder = Path("/run/credentials/sealgate.service")
    for mode in (0o400, 0o440):
        check_access(folder / "keyring", status(mode, 0), 1000, folder)
    for mode in (0o444, 0o460, 0o404):
        with pytest.raises(KeyringInvalid):
            check_access(folder / "keyring", status(mode, 0), 1000, folder)
    with pytest.raises(KeyringInvalid):
        check_access(Path("/etc/keyring"), status(0o440, 0), 1000, folder)


def test_only_a_plain_file_is_a_keyring(tmp_path: Path) -> None:
    with pytest.raises(KeyringInvalid, match="plain file"):
        KeyRing.load(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyringInvalid, match="plain file"):
        KeyRing.load(tmp_path / "pipe")


def test_a_missing_file_says_how_to_make_it(path: Path) -> None:
    with pytest.raises(KeyringInvalid, match="there is no keyring") as error:
        KeyRing.load(path)
    assert "keys init" in error.value.hint


DAMAGES = {
    "empty": lambda value: "",
    "no json": lambda value: json.dumps(value)[:-5],
    "no object": lambda value: "[]",
    "deep": lambda value: "[" * 100_000,
    "other": lambda value: json.dumps({**value, "sealgate": "box"}),
    "no roots": lambda value: json.dumps({**value, "roots": []}),
    "no list": lambda value: json.dumps({**value, "roots": 5}),
    "no primary": lambda value: json.dumps({**value, "primary": "r-other"}),
    "twice": lambda value: json.dumps({**value, "roots": value["roots"] * 2}),
    "no base64": lambda value: json.dumps({**value, "roots": [{**value["roots"][0], "secret": "*SECRET*"}]}),
    "short": lambda value: json.dumps({**value, "roots": [{**value["roots"][0], "secret": "U0VDUkVU"}]}),
    "no zone": lambda value: json.dumps({**value, "roots": [{**value["roots"][0], "created": "2025-01-01T00:00:00"}]}),
    "binary": lambda value: "\x00\xff",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_shows_nothing_of_itself(path: Path, damage: str) -> None:
    KeyRing.create(path)
    path.write_text(DAMAGES[damage](json.loads(path.read_text())))
    with pytest.raises(KeyringInvalid, match=r"keyring\.json") as error:
        KeyRing.load(path)
    shown = str(error.value) + error.value.hint + repr(error.value.__cause__)
    assert "SECRET" not in shown
    assert "U0VDUkVU" not in shown
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_a_format_of_the_future_is_named(path: Path) -> None:
    KeyRing.create(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(KeyringInvalid, match="format 2"):
        KeyRing.load(path)


def test_a_failed_rotation_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = KeyRing.create(path)
    before, primary = path.read_bytes(), ring.primary

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyringInvalid, match="No space left"):
        ring.rotate()
    monkeypatch.undo()
    assert (path.read_bytes(), ring.primary) == (before, primary)
    assert [entry.name for entry in path.parent.iterdir()] == ["keyring.json"]


def test_keys_is_a_path_or_a_file_url_and_nothing_else() -> None:
    assert keyring_path("file:///etc/sealgate/keyring.json") == Path("/etc/sealgate/keyring.json")
    assert keyring_path("file:///etc/my%20keys.json") == Path("/etc/my keys.json")
    assert keyring_path("keys.json") == Path("keys.json")
    for wrong in (
        "vault://host/x",
        "awskms://x",
        "https://example.com/k",
        "file://host/etc/k",
        "file:///k?x=1",
        "file:k",
    ):
        with pytest.raises(KeyringInvalid) as error:
            keyring_path(wrong)
        assert "file:///etc/sealgate/keyring.json" in error.value.hint


def test_nothing_secret_prints(path: Path) -> None:
    ring = KeyRing.create(path)
    secret = json.loads(path.read_text())["roots"][0]["secret"]
    for text in (repr(ring), repr(ring._backend), repr(ring._backend._ring), repr(ring.roots())):
        assert secret not in text
