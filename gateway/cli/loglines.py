"""Where log lines of a command go: standard output is for its answer alone, which may be JSON that a program reads."""

import importlib
import logging
import sys
from typing import Any


def log_apart() -> None:
    """Warnings and worse go to standard error from now on; `serve` sets up more (`gateway.telemetry`)."""
    if "structlog" not in sys.modules and "rich" not in sys.modules:
        # structlog draws tracebacks with rich where it finds it; ours shows none, and four megabytes are well saved
        sys.modules["rich"] = None  # type: ignore[assignment]  # this makes importing it fail
        importlib.import_module("structlog")
        del sys.modules["rich"]
    import structlog

    def logger(*_: Any) -> Any:
        return structlog.PrintLogger(sys.stderr)

    if not structlog.is_configured():
        structlog.configure(logger_factory=logger, wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
