"""Tesseract, which reads what is drawn in pictures: where it is, what it knows, and what the admin wants of it."""

import re
import shutil
import subprocess
from typing import Annotated, Final

from pydantic import Field

from delivery.sections import Section

_LIST_SECONDS: Final = 10
_LANGUAGE: Final = r"[A-Za-z][A-Za-z0-9_]{1,40}(/[A-Za-z0-9_]{2,40})?"
Language = Annotated[str, Field(pattern=f"^{_LANGUAGE}$")]


class ReadingSettings(Section):
    """How messages are read."""

    pictures: bool = Field(
        default=False,
        description="Read what is drawn in pictures and scanned pages, by tesseract, which costs seconds.",
    )
    seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        default=10,
        description="For all pictures of one message; a picture that is not read by then counts as unreadable.",
    )
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=10)] = Field(
        default=("eng",), description="Languages of the pictures, as `tesseract --list-langs` names them."
    )


def find_tesseract() -> str | None:
    """The path of the program; None: it is not installed."""
    return shutil.which("tesseract")


def known_languages(program: str) -> frozenset[str]:
    """What this tesseract can read; empty where it does not answer."""
    try:
        done = subprocess.run(  # noqa: S603 (the program that was found, with fixed arguments)
            [program, "--list-langs"], capture_output=True, text=True, timeout=_LIST_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    lines = done.stdout.splitlines() if not done.returncode else []
    return frozenset(line for line in lines if re.fullmatch(_LANGUAGE, line))
