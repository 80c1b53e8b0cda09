"""The parent of the workers writes its lines as all others are written."""

import io
import json
import logging
import re
from typing import Any

import pytest
import structlog

from gateway.plainlog import PlainLog
from gateway.telemetry import start_logging

AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("level", ["info", "error"])
def test_lines_are_those_that_structlog_writes(form: Any, level: str) -> None:
    plain, other = io.StringIO(), io.StringIO()
    facts = {"process": 1, "code": -9, "name": "ä"}
    getattr(PlainLog(form, plain), level)("worker_process.ended", **facts)
    root = logging.getLogger()
    handlers, least = root.handlers[:], root.level
    try:
        start_logging(form, other)
        getattr(structlog.get_logger("x"), level)("worker_process.ended", **facts)
    finally:
        root.handlers, root.level = handlers, least
        structlog.reset_defaults()
    assert AT.search(plain.getvalue())
    assert AT.sub("", plain.getvalue()) == AT.sub("", other.getvalue())


def test_of_an_exception_only_its_kind_is_written() -> None:
    out = io.StringIO()
    PlainLog("json", out).error("worker_process.failed", process=0, exc_info=ValueError("SSN 536-22-1234"))
    assert json.loads(out.getvalue())["error"] == "ValueError"
    assert "536-22" not in out.getvalue()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("closed")])
def test_a_line_that_cannot_be_written_harms_nobody(error: Exception) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise error

    PlainLog("json", Full()).info("gateway.ready")
