"""The policy in force: changed files are taken when they are good, refused when they are not."""

import asyncio
import errno
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from delivery.errors import StoreUnavailable
from gateway.policies import PolicyKeeper
from gateway.settings import Settings, SettingsInvalid, load_settings
from keys.keyring import KeyRing
from policy.extraction.message import read_message
from policy.message import Message

RELAY = "version: 1\notherwise: relay\n"
SAFEBOX = "version: 1\notherwise: safebox\n"


class Heard:
    """An audit trail that can be told to fail."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str]]] = []
        self.gone = False

    async def __call__(self, event: str, facts: dict[str, str]) -> None:
        if self.gone:
            raise StoreUnavailable("gone")
        self.events.append((event, facts))

    @property
    def kinds(self) -> list[str]:
        return [event for event, _ in self.events]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    KeyRing.create(tmp_path / "keyring.json")
    (tmp_path / "policy.yaml").write_text(RELAY)
    (tmp_path / "config.yaml").write_text(
        "hostname: gate.example.com\ndomains: [example.com]\ndata: data\nkeys: file:keyring.json\n"
        'listeners: [{address: "127.0.0.1:2525"}]\nnext_hop: {host: smtp.example.net}\npolicy: policy.yaml\n'
        "rules: [local/*.yaml]\n"
        'portal: {url: "https://secure.example.com"}\n'
    )
    return load_settings(tmp_path / "config.yaml")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def keeper(settings: Settings, heard: Heard) -> PolicyKeeper:
    keeper = PolicyKeeper(settings, told=heard, every_seconds=0.001)
    keeper.load()
    return keeper


async def settled(keeper: PolicyKeeper) -> bool:
    """Look twice, since a change counts only once the files stand still."""
    return any([await keeper.look(), await keeper.look()])


async def test_nothing_is_read_again_that_has_not_changed(keeper: PolicyKeeper, heard: Heard) -> None:
    before = keeper.in_force
    assert not await settled(keeper)
    assert keeper.in_force is before
    assert heard.kinds == []


async def test_a_changed_policy_is_taken_with_a_matcher_of_its_own(
    keeper: PolicyKeeper, settings: Settings, heard: Heard
) -> None:
    before = keeper.in_force
    settings.policy.write_text(SAFEBOX)
    assert await settled(keeper)
    assert keeper.current.sha256 != before.policy.sha256
    assert keeper.current.text.otherwise.action == "safebox"
    assert keeper.matcher is not before.matcher
    assert heard.events == [("policy.loaded", {"sha256": keeper.current.sha256})]


async def test_a_replaced_file_of_the_same_size_and_time_is_noticed(keeper: PolicyKeeper, settings: Settings) -> None:
    import os

    about = settings.policy.stat()
    new = settings.policy.with_suffix(".new")
    new.write_text(RELAY.replace("relay", "hold "))
    os.utime(new, ns=(about.st_atime_ns, about.st_mtime_ns))
    new.replace(settings.policy)
    assert settings.policy.stat().st_size == about.st_size
    assert await settled(keeper)
    assert keeper.current.text.otherwise.action == "hold"


async def test_one_that_cannot_be_read_for_now_is_tried_again_by_itself(
    keeper: PolicyKeeper, settings: Settings, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No descriptor is left in this worker, while the others put the new policy in force."""
    from gateway import policies, policyfile

    def scarce(_path: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(policies, "_AGAIN", 0.0)
    settings.policy.write_text(SAFEBOX)
    with monkeypatch.context() as short:
        short.setattr(policyfile, "read_limited", scarce)
        for _ in range(5):
            assert not await keeper.look()
    assert heard.kinds == ["policy.refused"], "told once"
    assert await keeper.look()
    assert keeper.current.text.otherwise.action == "safebox"
    assert heard.kinds == ["policy.refused", "policy.loaded"]
    assert not await settled(keeper)


async def test_one_whose_mode_is_mended_is_read(keeper: PolicyKeeper, settings: Settings, heard: Heard) -> None:
    """What was refused because nobody might read it comes into force by chmod alone."""
    settings.policy.chmod(0o640 if settings.policy.stat().st_mode & 0o777 != 0o640 else 0o600)
    assert await settled(keeper)
    assert heard.kinds == ["policy.loaded"]


async def test_a_bad_one_is_refused_and_the_old_one_goes_on(
    keeper: PolicyKeeper, settings: Settings, heard: Heard
) -> None:
    before = keeper.in_force
    settings.policy.write_text("version: 1\nrules: [{name: a, then: saefbox}]\notherwize: hold\n")
    with capture_logs() as logs:
        assert not await settled(keeper)
    assert keeper.in_force is before
    told = [entry["problem"] for entry in logs if "problem" in entry]
    assert len(told) == 2
    assert 'Did you mean "safebox"?' in told[0]
    ((event, facts),) = heard.events
    assert event == "policy.refused"
    assert facts["in_force"] == before.policy.sha256
    assert facts["problems"] == "2"
    with capture_logs() as logs:
        assert not await settled(keeper)
    assert logs == [], "the same mistake is told once"


async def test_a_policy_whose_tests_fail_is_refused(keeper: PolicyKeeper, settings: Settings, heard: Heard) -> None:
    test = "tests: [{name: t, from: a@example.com, to: b@b.example, expect: hold}]\n"
    settings.policy.write_text(SAFEBOX + test)
    assert not await settled(keeper)
    assert heard.kinds == ["policy.refused"]
    settings.policy.write_text(SAFEBOX + test.replace("expect: hold", "expect: safebox"))
    assert await settled(keeper)


async def test_a_policy_that_is_gone_for_a_moment_changes_nothing(keeper: PolicyKeeper, settings: Settings) -> None:
    before = keeper.in_force
    settings.policy.unlink()
    assert not await settled(keeper)
    assert keeper.in_force is before
    settings.policy.write_text(SAFEBOX)
    assert await settled(keeper)


async def test_a_new_pack_is_a_change_too(keeper: PolicyKeeper, settings: Settings) -> None:
    folder = settings.policy.parent / "local"
    folder.mkdir()
    (folder / "ours.yaml").write_text(
        "detectors:\n  our.case:\n    title: Case number\n    groups: [identity]\n"
        "    patterns: [{regex: '\\bCASE-\\d{6}\\b', confidence: high}]\n"
        "    samples: {found: [CASE-123456], ignored: [CASE-1]}\n"
    )
    digest = keeper.current.sha256
    assert await settled(keeper)
    assert keeper.current.sha256 != digest
    settings.policy.write_text("rules: [{name: a, when: {content: {our.case: 1}}, then: hold}]\n")
    assert await settled(keeper)


async def test_a_file_that_is_being_written_is_not_taken(keeper: PolicyKeeper, settings: Settings) -> None:
    before = keeper.in_force
    for half in ("version: 1\n", "version: 1\nlists: {}\n", "version: 1\nlists: {}\nrules: []\n"):
        settings.policy.write_text(half)
        assert not await keeper.look()
    assert keeper.in_force is before
    assert await keeper.look()


async def test_a_file_that_changes_while_it_is_read_is_read_again(settings: Settings, heard: Heard) -> None:
    def read(raw: bytes) -> Message:
        settings.policy.write_text(SAFEBOX)
        return read_message(raw)

    keeper = PolicyKeeper(settings, told=heard, read=read)
    keeper.load()
    settings.policy.write_text(RELAY + "tests: [{name: t, from: a@example.com, to: b@b.example, expect: relay}]\n")
    assert not await settled(keeper)
    assert keeper.current.text.otherwise.action == "relay"
    assert await settled(keeper)
    assert keeper.current.text.otherwise.action == "safebox"
    assert heard.kinds == ["policy.loaded"]


async def test_sighup_reads_again_what_has_not_changed(keeper: PolicyKeeper, heard: Heard) -> None:
    before = keeper.in_force
    keeper.reload_soon()
    assert await keeper.look()
    assert keeper.in_force is not before
    assert keeper.current.sha256 == before.policy.sha256
    assert not await settled(keeper)


async def test_it_watches_until_told_to_stop(keeper: PolicyKeeper, settings: Settings, heard: Heard) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(keeper.run(stop))
    settings.policy.write_text(SAFEBOX)
    async with asyncio.timeout(30):
        while keeper.current.text.otherwise.action != "safebox":
            await asyncio.sleep(0)
        heard.gone = True
        settings.policy.write_text(RELAY + "lists: {}\n")
        while keeper.current.text.otherwise.action != "relay":
            await asyncio.sleep(0)
        heard.gone = False
        while len(heard.events) < 3:
            await asyncio.sleep(0)
        stop.set()
        await task
    assert heard.kinds == ["policy.loaded"] * 3, "what could not be told is told later"


def test_a_bad_policy_at_start_is_all_its_problems(settings: Settings) -> None:
    settings.policy.write_text("rule: []\notherwize: hold\n")
    with pytest.raises(SettingsInvalid) as invalid:
        PolicyKeeper(settings).load()
    assert len(invalid.value.problems) == 2


def test_nothing_decides_before_it_is_loaded(settings: Settings) -> None:
    with pytest.raises(RuntimeError):
        _ = PolicyKeeper(settings).in_force


async def test_a_changed_file_of_passwords_counts_as_a_change(
    keeper: PolicyKeeper, settings: Settings, tmp_path: Path
) -> None:
    secrets, policy = tmp_path / "passwords.txt", settings.policy
    policy.write_text(RELAY + "passwords: {file: passwords.txt}\n")
    before = keeper.current.sha256
    assert not await settled(keeper)  # the file is not there yet
    assert keeper.current.sha256 == before
    secrets.write_text("# of the payroll\nopen sesame\n\nopen sesame\n")
    assert await settled(keeper)
    assert keeper.current.text.passwords.texts == ("open sesame",)
    secrets.write_text("another one\n")
    assert await settled(keeper)
    assert keeper.current.text.passwords.texts == ("another one",)
    assert not await settled(keeper)
    policy.write_text(RELAY)
    assert await settled(keeper)
    assert keeper.current.text.passwords.texts == ()
    assert "another one" not in repr(keeper.current.text)


async def test_an_error_that_nobody_foresaw_ends_no_gateway(settings: Settings, heard: Heard) -> None:
    fails = False

    def read(raw: bytes) -> Message:
        if fails:
            raise ValueError("the text of a file")
        return read_message(raw)

    keeper = PolicyKeeper(settings, told=heard, read=read)
    keeper.load()
    before, fails = keeper.in_force, True
    case = "{name: x, from: a@example.com, to: b@there.test, attachments: [{name: a, content: QQ==}], expect: safebox}"
    settings.policy.write_text(f"{SAFEBOX}tests: [{case}]\n")
    with capture_logs() as logs:
        assert not await settled(keeper)
        assert not await settled(keeper)
    assert keeper.in_force is before
    assert [entry["problem"] for entry in logs if "problem" in entry] == [heard.events[0][1]["first"]]
    assert "ValueError" in heard.events[0][1]["first"]
    assert "the text" not in str(logs)
    assert heard.kinds == ["policy.refused"]
    fails = False
    settings.policy.write_text(f"{SAFEBOX}tests: [{case}] # mended\n")
    assert await settled(keeper)
