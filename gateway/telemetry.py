"""What the service tells of itself: log lines as events with fields, and metrics for Prometheus. Never content."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO, TypeVar, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector

from delivery.items import Reply
from delivery.store.ages import Waiting
from delivery.verdicts import Verdict
from gateway import tallies, tallyfiles
from gateway.queuegauges import QueueGauges

M = TypeVar("M", bound=MetricWrapperBase)

_LEVELS: Final = {"warn": "warning", "exception": "error"}  # methods that have another name than their level

_QUIET: Final = {"mail.log": logging.ERROR}  # aiosmtpd: below, it prints what clients say; at DEBUG their messages too


def start_logging(
    form: Literal["json", "text"],
    stream: TextIO | None = None,
    level: int = logging.INFO,
    process: int | None = None,
) -> None:
    """Set up structlog and the standard library's logging, once, at start. Goes to stderr unless told otherwise.

    `process`: which of several workers says it, shown with each event.
    """
    out = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [_with_time_and_level(process), _without_content]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=_no_exception)
    )
    structlog.configure(
        processors=[*shared, renderer],
        # not by way of `logging`: that costs more than all the rest
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Lines(out))),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)


def _with_time_and_level(process: int | None) -> structlog.typing.Processor:
    """What every line has, in one step: three lines a message make each step count."""

    def add(_logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if process is not None:
            event["process"] = process
        event["level"] = _LEVELS.get(method, method)
        event["timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return event

    return add


class _Lines:
    """Where lines go. A full disk, or a reader that went away, costs the line and never the mail it tells of."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        """Write a line, or lose it if that fails."""
        with suppress(OSError, ValueError):  # ValueError: closed
            self._out.write(text)

    def flush(self) -> None:
        """Let go of what is buffered."""
        with suppress(OSError, ValueError):
            self._out.flush()


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, default=str
)  # made once: json.dumps would make one for each line


def _to_json(event: structlog.typing.EventDict, **_: Any) -> str:
    return _ENCODER.encode(event)


def where(error: BaseException) -> str:
    """Where an error arose, innermost first, as `file:line function`: its text could hold content."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames))


class Metrics:
    """Counters and gauges, of all workers together where there are several.

    Labels are few and fixed: routes, rules, states, reply codes.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shown = self.registry
        if os.environ.get(tallies.FOLDER):  # several processes count together, in files of that folder
            tallyfiles.use()
            self._shown = CollectorRegistry()
            MultiProcessCollector(self._shown)  # type: ignore[no-untyped-call]  # the library's
        self._of_the_door()
        self._of_deliveries()
        self._of_the_process()
        self._children: dict[tuple[object, ...], Any] = {}

    def _child(self, metric: M, *labels: str) -> M:
        """The one with these labels. The library finds it, too, but takes five times as long, again and again."""
        key = (metric, *labels)
        found: M | None = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found

    def _of_the_door(self) -> None:
        self._accepted = Counter(
            "sealgate_messages_accepted", "Messages answered with 250.", ["direction"], registry=self.registry
        )
        self._bytes = Counter("sealgate_message_bytes_accepted", "Their bytes.", registry=self.registry)
        self._refused = Counter(
            "sealgate_refusals",
            "What the door refused, by stage and reply.",
            ["stage", "reply"],
            registry=self.registry,
        )
        self._decisions = Counter(
            "sealgate_decisions", "Decisions, one a recipient.", ["route", "rule"], registry=self.registry
        )
        self._rates = Counter(
            "sealgate_rate_limits_reached",
            "Clients, logins and senders that reached a limit, each once a period.",
            ["scope", "what"],
            registry=self.registry,
        )
        self._intake = Histogram(
            "sealgate_intake_seconds",
            "From the final dot to the answer.",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
            registry=self.registry,
        )
        self._sessions = Gauge(
            "sealgate_smtp_sessions", "SMTP sessions now.", multiprocess_mode="livesum", registry=self.registry
        )
        self._sessions_total = Counter("sealgate_smtp_connections", "SMTP sessions so far.", registry=self.registry)

    def _of_deliveries(self) -> None:
        self._deliveries = Counter(
            "sealgate_deliveries", "Delivery attempts by outcome.", ["route", "outcome"], registry=self.registry
        )
        self._arrivals = Histogram(
            "sealgate_delivery_seconds",
            "From the acceptance of a message to its delivery, for each item sent or stored.",
            ["route"],
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
            registry=self.registry,
        )
        self._tls = Counter(
            "sealgate_tls_verdicts",
            "Deliveries tried, by how the peer was proven and with which protocol; `unproven` where proof was missing.",
            ["route", "proof", "protocol"],
            registry=self.registry,
        )
        self._tls_sessions = Counter(
            "sealgate_tls_sessions",
            "Sessions with mail servers, by the policy that counted, what proved them, and what was wrong.",
            ["policy", "proof", "flaw"],
            registry=self.registry,
        )

    def _of_the_process(self) -> None:
        self._commits = Histogram(
            "sealgate_commit_works",
            "Works that shared a commit.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=self.registry,
        )
        self._commit_seconds = Histogram(
            "sealgate_commit_seconds",
            "From the first work of a group to its commit, with the wait for other processes.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
            registry=self.registry,
        )
        self._memory = Gauge(
            "sealgate_process_memory_bytes",
            "Memory of a worker (PSS); of the first one with the children that read documents.",
            ["process"],
            multiprocess_mode="livemax",
            registry=self.registry,
        )
        self._policy = Gauge(
            "sealgate_policy_loaded_timestamp_seconds",
            "When the policy in force was loaded.",
            multiprocess_mode="mostrecent",
            registry=self.registry,
        )

        self._certificates = Gauge(
            "sealgate_certificate_expires_timestamp_seconds",
            "When the certificate of a listener or of the portal expires.",
            ["door"],
            multiprocess_mode="mostrecent",
            registry=self.registry,
        )

    def accepted(self, *, inbound: bool, size: int, seconds: float) -> None:
        """A message was answered with 250."""
        self._child(self._accepted, "inbound" if inbound else "outbound").inc()
        self._bytes.inc(size)
        self._intake.observe(seconds)

    def refused(self, stage: str, reply: Reply) -> None:
        """The door said no at this stage: connect, sender, recipient, message."""
        self._child(self._refused, stage, f"{reply.code} {reply.status}").inc()

    def rate_exceeded(self, scope: str, what: str) -> None:
        """A client, login or sender reached a limit on messages or recipients."""
        self._child(self._rates, scope, what).inc()

    def decided(self, route: str, rule: str) -> None:
        """One decision of the policy."""
        self._child(self._decisions, route, rule).inc()

    def delivered(self, route: str, outcome: str) -> None:
        """One attempt ended: sent, stored, deferred, refused, lost."""
        self._child(self._deliveries, route, outcome).inc()

    def arrived(self, route: str, seconds: float) -> None:
        """An item was sent or stored so long after its message was accepted."""
        self._child(self._arrivals, route).observe(max(0.0, seconds))

    def peer(self, route: str, proof: str, protocol: str) -> None:
        """How a peer was proven."""
        self._child(self._tls, route, proof, protocol).inc()

    def committed(self, works: int, seconds: float) -> None:
        """A group of works was committed. From the store's threads."""
        self._commits.observe(works)
        self._commit_seconds.observe(seconds)

    def memory(self, process: int, size: int) -> None:
        """Bytes that a worker and its children take."""
        self._memory.labels(str(process)).set(size)

    def tls_verdict(self, verdict: Verdict) -> None:
        """How TLS with a mail server went. An empty flaw: well."""
        flaw = "" if verdict.flaw is None else verdict.flaw.value
        self._child(self._tls_sessions, verdict.policy.kind.value, verdict.proof.value, flaw).inc()

    def sessions(self, now: int) -> None:
        """How many SMTP sessions there are."""
        self._sessions.set(now)

    def session_opened(self) -> None:
        """Count an SMTP session."""
        self._sessions_total.inc()

    def policy_loaded(self, at: float) -> None:
        """A policy came into force, in seconds since 1970."""
        self._policy.set(at)

    def certificate(self, door: str, until: datetime) -> None:
        """A door's certificate, and when it expires. `door`: a listener's address, or `portal`."""
        self._child(self._certificates, door).set(until.timestamp())

    def watch_queue(self, look: Callable[[], Waiting | None]) -> None:
        """Show the queue; `look` is asked, in a thread, when somebody looks."""
        self._shown.register(QueueGauges(look))

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self._shown)


def _without_content(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """An exception's text may quote a message: only its kind and places are written."""
    info = event.pop("exc_info", None)
    record: logging.LogRecord | None = event.get("_record")
    if record is not None and record.exc_info:
        info, record.exc_info, record.exc_text = record.exc_info, None, None
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["at"] = where(error)
    return event


def _no_exception(_out: TextIO, _info: Any) -> None:
    """Exceptions were turned into fields already."""


def _short(path: str) -> str:
    """The last two parts of a file's path."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])
