"""SIGHUP: what waits for a restart, and what would keep the gateway from starting, is told."""

import asyncio
import os
import signal
from pathlib import Path

import structlog
from smallest import write_config
from structlog.testing import capture_logs

from gateway.settings import Settings, load_settings
from gateway.signals import ConfigurationWatch, differences, on_hangup
from policy.problem import dotted

MORE = (
    "database: postgresql://sealgate:secret-one@db.example.com/sealgate",
    "partners: {st-mary: {domains: [stmary.example], host: gw.stmary.example}}",
    'notices: {from: "Clinic <secure@example.com>"}',
)


def _told(watch: ConfigurationWatch) -> list[structlog.typing.EventDict]:
    with capture_logs() as log:
        watch.tell()
    return log


def _change(config: Path, before: str, after: str) -> None:
    text = config.read_text()
    assert before in text
    config.write_text(text.replace(before, after))


def test_a_file_that_says_the_same_is_told_to(tmp_path: Path) -> None:
    config = write_config(tmp_path, *MORE)
    settings = load_settings(config, policy=False)
    assert settings.file == config
    _change(config, "hostname:", "# a remark\nhostname:")
    assert _told(ConfigurationWatch(settings)) == [
        {"event": "config.unchanged", "log_level": "info", "file": str(config)}
    ]


def test_what_changed_is_named_and_no_value_of_it(tmp_path: Path) -> None:
    config = write_config(tmp_path, *MORE)
    settings = load_settings(config, policy=False)
    _change(config, "secret-one", "secret-two")
    _change(config, "127.0.0.1:2526", "127.0.0.1:2527")
    _change(config, "clients: [127.0.0.0/8]", "clients: [10.0.0.0/8]")
    _change(config, "st-mary: {domains: [stmary.example]", "st-anne: {domains: [stanne.example]")
    _change(config, '"Clinic <', '"Praxis <')
    [line] = _told(ConfigurationWatch(settings))
    assert (line["event"], line["log_level"]) == ("config.waits_for_restart", "warning")
    assert set(line["keys"]) == {
        "database", "next_hop.host", "listeners[0].clients", "partners.st-mary", "partners.st-anne", "notices.from",
    }  # fmt: skip
    assert "secret-" not in str(line)


def test_another_number_of_listeners_is_told_as_one_change(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path), policy=False)
    more = settings.model_copy(update={"listeners": settings.listeners * 2})
    assert [dotted(place) for place in differences(settings, more)] == ["listeners"]


def test_what_would_keep_it_from_starting_is_told_with_its_place(tmp_path: Path) -> None:
    config = write_config(tmp_path, *MORE)
    settings = load_settings(config, policy=False)
    _change(config, "hostname: gate.example.com", "hostnam: gate.example.com")
    first, *_, last = _told(ConfigurationWatch(settings))
    assert (first["event"], first["line"], first["log_level"]) == ("config.refused", 2, "error")
    assert "hostname" in first["problem"] and last["in_force"] == "the configuration of the start"
    config.unlink()
    told = _told(ConfigurationWatch(settings))
    assert "does not exist" in told[0]["problem"]


def test_no_file_ends_the_gateway(tmp_path: Path) -> None:
    """Whatever is read, and whatever goes wrong with it."""
    config = write_config(tmp_path)
    settings = load_settings(config, policy=False)
    config.unlink()
    config.mkdir()
    assert {line["event"] for line in _told(ConfigurationWatch(settings))} == {"config.refused"}
    assert _told(ConfigurationWatch(Settings.model_construct())) == []


async def test_each_signal_is_heard(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    watch, heard = ConfigurationWatch(load_settings(config, policy=False)), list[int]()
    on_hangup(lambda: heard.append(1), watch.tell_soon)
    with capture_logs() as log:
        running = asyncio.create_task(watch.run())
        async with asyncio.timeout(30):
            for number in (1, 2):
                os.kill(os.getpid(), signal.SIGHUP)
                while len(log) < number:
                    await asyncio.sleep(0.001)
        running.cancel()
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
    assert heard == [1, 1]
