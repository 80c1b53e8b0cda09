"""What the gateway and the process that children are forked from (`nursery.py`) say to each other.

The settings of that process, passed on its command line, and the words on a line. Imports as little as it can: the
process that looks after the workers has it in memory, too (`workers/parent.py`).
"""

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any, Final

from policy.reader.limits import Limits

JOB: Final = struct.Struct("!IQ")  # lengths of the description and of the file
REPLY: Final = struct.Struct("!IQ")  # lengths of a piece of an answer, and of the bytes behind it
CONNECT: Final = b"C"  # a line of its own for one who wants children
FORK: Final = b"F"
KILL: Final = b"K"
RECOGNISE: Final = b"R"
PID: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Tesseract:
    """The program that reads what is drawn in pictures."""

    program: str
    languages: tuple[str, ...] = ("eng",)
    data: str = ""  # where its languages lie, if not where it looks itself
    memory_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NurserySettings:
    """What the process is told on its command line: limits of the children, and the program for pictures."""

    parent: int  # process id of the gateway
    memory_bytes: int
    cpu_seconds: int
    limits: Limits
    tesseract: Tesseract | None = None

    def to_json(self) -> str:
        """As JSON, for the command line of the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "NurserySettings":
        """From what `to_json` gave."""
        values: dict[str, Any] = json.loads(text)
        limits, tesseract = Limits(**values.pop("limits")), values.pop("tesseract")
        return cls(**values, limits=limits, tesseract=Tesseract(**tesseract) if tesseract else None)
