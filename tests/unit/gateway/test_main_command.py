"""`sealgate` itself: finding the command that was meant, and what its exit codes mean."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

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
