"""`sealgate` itself: finding the command that was meant, and what its exit codes mean."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from smallest import write_config

from gateway.cli.context import NO, WRONG
from gateway.cli.main import GROUPS, main


@pytest.mark.parametrize(("typed", "meant"), [("quue", "queue"), ("polcy", "policy"), ("boxes", "box")])
def test_a_word_that_is_nearly_a_command(typed: str, meant: str) -> None:
    result = CliRunner().invoke(main, [typed, "list"])
    assert result.exit_code == WRONG
    assert f"Did you mean '{meant}'?" in result.stderr


def test_a_word_that_is_none() -> None:
    result = CliRunner().invoke(main, ["xyzzy"])
    assert result.exit_code == WRONG
    assert "No such command 'xyzzy'" in result.stderr
    assert "Did you mean" not in result.stderr


def test_help_lists_every_command_and_says_what_exit_codes_mean() -> None:
    said = CliRunner().invoke(main, ["--help"]).stdout
    assert all(f"\n  {name} " in said for name in GROUPS)
    assert f"{NO} the answer is no" in said
    assert f"{WRONG} wrong use" in said


def test_a_crash_leaves_no_core_dump(tmp_path: Path) -> None:
    """Some start us with no limit: containers do."""
    crash = (
        "import os, signal\n"
        "import gateway.cli.completion as last\n"
        "from gateway.cli.main import main\n"
        "last.shell.callback = lambda name: os.kill(os.getpid(), signal.SIGSEGV)\n"
        "main(['completion', 'shell', 'bash'])\n"
    )
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    ended = subprocess.run(
        [sys.executable, "-c", crash],
        cwd=tmp_path,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)),
    )
    assert ended.returncode == -signal.SIGSEGV
    assert not list(tmp_path.iterdir())


def test_what_a_command_makes_is_its_owners_whatever_the_umask(tmp_path: Path) -> None:
    """With one that takes the owner's rights too, a service that is not root could not open what it made."""
    config = write_config(tmp_path, keys=False)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "keys", "init", "--config", str(config)],
        check=False, capture_output=True, text=True, preexec_fn=lambda: os.umask(0o777),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "keyring.json").stat().st_mode & 0o777 == 0o600


def test_a_reload_that_comes_while_it_starts_does_not_end_it(tmp_path: Path) -> None:
    """Whoever sends SIGHUP (logrotate, a hook of certbot) does not know whether the doors are open yet."""
    config = tmp_path / "config.yaml"
    os.mkfifo(config)
    start = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    with subprocess.Popen(start, stderr=subprocess.PIPE, text=True) as starting:
        with config.open("w") as file:  # until it reads its configuration, and waits for it there
            starting.send_signal(signal.SIGHUP)
            file.write("hostname: 1\n")
        _, told = starting.communicate(timeout=60)
    assert starting.returncode == WRONG, told
    assert "the configuration is not sound" in told
