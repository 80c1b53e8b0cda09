"""The rig: Sealgates that are started fast, killed at named points, and never left running."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from faults_ledger import PACK, POLICY, Store
from mailhosts import wait_for
from started import CONFIG, Gateway, _greets, _open

# seconds: a worker looks about often, so that no test waits for it
TIMES: Final = {"delivery.worker:POLL": 0.1, "delivery.worker:KEEP": 0.3}


class Zygote:
    """Starts Sealgates with faults built in; see `faults_zygote.py`."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("faults_zygote.py")
        paths = os.pathsep.join([str(script.parent), str(script.parents[2]), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        self._read()

    def start(self, words: list[str], log: Path, arm: dict[str, Any] | None = None) -> int:
        """Fork `sealgate WORDS`; its process id, which is its group's."""
        return int(self._ask({"words": words, "log": str(log), "arm": arm})["pid"])

    def wait(self, pid: int, seconds: float = 0.0) -> int | None:
        """Its exit code (negative: a signal's number), or None while it runs."""
        code = self._ask({"wait": pid, "seconds": seconds})["code"]
        return None if code is None else int(code)

    def close(self) -> None:
        """End, with whoever still runs."""
        self._process.communicate(timeout=30)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the zygote ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


class FaultyGateway(Gateway):
    """A Sealgate whose named points can be triggered. `arm`: see `faults_armed.Arming`."""

    def __init__(self, zygote: Zygote, folder: Path, ports: dict[str, int], **options: Any) -> None:
        self.zygote = zygote
        self.arm: dict[str, Any] = {"trigger": str(folder / "trigger"), "fired": str(folder / "fired"), "times": TIMES}
        self.pid: int | None = None
        self.database = str(options.get("database", ""))
        super().__init__(folder, ports, **options)
        (folder / "fired").touch()
        _with_own_rules(self.config)

    @classmethod
    def twin(cls, other: "FaultyGateway", ports: dict[str, int], *, more: str) -> "FaultyGateway":
        """A second one on the same data and keys, with doors and faults of its own."""
        made = cls.__new__(cls)
        made.zygote, made.folder, made.pid, made.database = other.zygote, other.folder, None, other.database
        made.smtp, made.portal = ports["smtp"], ports["portal"]
        made.arm = other.arm | {"trigger": str(other.folder / "trigger-2"), "fired": str(other.folder / "fired-2")}
        made.config, made.log = other.folder / "config-2.yaml", other.folder / "log-2"
        made.config.write_text(CONFIG.format(**ports, more=more, database=other.database))
        _with_own_rules(made.config)
        return made

    @property
    def store(self) -> Store:
        """Where its rows are, for who reads them past the product."""
        return self.database.removeprefix("database: ") or self.folder / "data"

    # -- as Gateway -----------------------------------------------------------------------------------------------

    def command(self, *words: str, ok: int = 0) -> str:
        """Run `sealgate ...` and give what it printed."""
        out = self.folder / "command.out"
        out.unlink(missing_ok=True)
        pid = self.zygote.start([*words, "--config", str(self.config)], out)
        code = self.zygote.wait(pid, 900)  # beside other work a machine may give it next to nothing
        said = out.read_text()
        assert code == ok, f"sealgate {' '.join(words)}: exit {code}\n{said}"
        return said

    def start(self) -> None:
        """Start serving, and wait until both doors are open."""
        self.begin()
        wait_for(lambda: self._ended() or (_greets(self.smtp) and _open(self.portal)), seconds=180, why=str(self.log))
        assert not self._ended(), f"serve ended: {self.log.read_text()}"

    def begin(self) -> None:
        """Start serving, without waiting."""
        self.pid = self.zygote.start(["serve", "--config", str(self.config)], self.log, self.arm)

    def refused_to_start(self) -> str:
        """Start where that must fail; what was said."""
        self.log.write_text("")
        pid = self.zygote.start(["serve", "--config", str(self.config)], self.log, self.arm)
        assert self.zygote.wait(pid, 60) in (1, 2), self.log.read_text()
        assert "Traceback" not in self.log.read_text()
        return self.log.read_text()

    def _ended(self) -> bool:
        return self.pid is None or self.zygote.wait(self.pid) is not None

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGTERM)
        code = self.zygote.wait(self.pid, 60)
        self.pid = None
        assert code is not None, "it did not stop"
        return code

    def kill(self, *, alone: bool = False) -> None:
        """kill -9 of the whole process group; or of its first process alone."""
        assert self.pid is not None
        (os.kill if alone else os.killpg)(self.pid, signal.SIGKILL)
        assert self.zygote.wait(self.pid, 30) == -signal.SIGKILL
        self.pid = None

    def freeze(self) -> None:
        """SIGSTOP of the whole group: from now on nobody of it says anything."""
        assert self.pid is not None
        os.killpg(self.pid, signal.SIGSTOP)
        wait_for(lambda: all(_is_stopped(pid) for pid in family(self.pid)), why="nothing of it moves")

    def close(self) -> None:
        """End whatever still runs."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.zygote.wait(self.pid, 30)
            self.pid = None

    # -- faults ---------------------------------------------------------------------------------------------------

    def trigger(self, point: str, act: str = "kill", **more: Any) -> None:
        """From now on the point acts, once (`fail`: each time until `calm`)."""
        beside = self.folder / "trigger.new"
        beside.write_text(json.dumps({"point": point, "act": act, **more}))
        beside.replace(self.folder / "trigger")

    def calm(self) -> None:
        """No point acts any more."""
        (self.folder / "trigger").unlink(missing_ok=True)

    def fired(self) -> list[str]:
        """The points that acted, in order."""
        return (self.folder / "fired").read_text().splitlines()

    def dies(self, seconds: float = 120.0) -> None:
        """Wait until a point has killed the group."""
        assert self.pid is not None
        code = self.zygote.wait(self.pid, seconds)
        assert code == -signal.SIGKILL, f"not killed: {code}; {self.fired()}; {self.log.read_text()[-3000:]}"
        self.pid = None


def family(pid: int | None) -> list[int]:
    """A process, and all below it."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid or 0, *(one for child in below for one in family(int(child)))]


def _is_stopped(pid: int) -> bool:
    """Its first thread, which runs the loop; another one may still be within a call of the kernel."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TtZ"
    except OSError:
        return True


def _with_own_rules(config: Path) -> None:
    """One detector in place of hundreds: those take seconds to compile, and faults do not care."""
    config.write_text(config.read_text().replace("rules: [builtin]", "rules: [pack.yaml]"))
    (config.parent / "pack.yaml").write_text(PACK)
    (config.parent / "policy.yaml").write_text(POLICY)
