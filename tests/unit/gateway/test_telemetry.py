"""What the service tells of itself: never content, and metrics that count what happened."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from delivery.items import Reply
from delivery.store.ages import Waiting
from gateway.telemetry import Metrics, start_logging, where


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def told(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_events_are_json_with_their_fields(out: io.StringIO) -> None:
    start_logging("json", out)
    structlog.get_logger("x").info("queue.leased", items=3, sender="ä@example.com")
    (line,) = told(out)
    assert (line["event"], line["items"], line["sender"], line["level"]) == ("queue.leased", 3, "ä@example.com", "info")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed")])
def test_a_log_that_cannot_be_written_harms_nobody(out: io.StringIO, error: Exception) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise error

        def flush(self) -> None:
            raise error

    start_logging("json", Full())
    structlog.get_logger("x").info("queue.leased")


def test_other_libraries_speak_the_same_way(out: io.StringIO) -> None:
    start_logging("json", out)
    logging.getLogger("aiohttp.server").warning("late by %s", 3)
    (line,) = told(out)
    assert (line["event"], line["level"]) == ("late by 3", "warning")


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_told_without_its_text(out: io.StringIO, form: Any) -> None:
    start_logging(form, out)
    try:
        raise ValueError("body: SSN 536-22-1234")
    except ValueError:
        structlog.get_logger("x").exception("smtp.failed")
        structlog.get_logger("x").error("smtp.failed", exc_info=True)
        logging.getLogger("library").exception("library failed")
    assert "536-22" not in out.getvalue()
    assert out.getvalue().count("ValueError") == 3
    assert "test_telemetry.py" in out.getvalue()


def test_what_clients_say_is_not_logged(out: io.StringIO) -> None:
    start_logging("json", out, level=logging.DEBUG)
    logging.getLogger("mail.log").info("AUTH PLAIN secret")
    logging.getLogger("mail.log").debug("Subject: secret")
    assert out.getvalue() == ""


def test_where_names_places_and_no_text() -> None:
    try:
        json.loads("{536-22-1234")
    except ValueError as error:
        place = where(error)
    assert "test_telemetry.py" in place
    assert "536" not in place
    assert where(ValueError("never raised")) == ""


def test_metrics_count() -> None:
    metrics = Metrics()
    metrics.accepted(inbound=False, size=1000, seconds=0.003)
    metrics.refused("sender", Reply(550, "5.7.1", "You may not send as this address"))
    metrics.decided("safebox", "Patients")
    metrics.delivered("relay", "sent")
    metrics.session_opened()
    metrics.sessions(7)
    metrics.policy_loaded(1.5)
    metrics.watch_queue(lambda: Waiting({"due": 3, "held": 1}, {"5m": 3, "+Inf": 1}, 7.5, 2))
    metrics.arrived("relay", 0.2)
    metrics.peer("relay", "pki", "TLSv1.3")
    metrics.committed(5, 0.002)
    metrics.memory(1, 1000)
    text = metrics.text().decode()
    for line in (
        'sealgate_messages_accepted_total{direction="outbound"} 1.0',
        "sealgate_message_bytes_accepted_total 1000.0",
        'sealgate_refusals_total{reply="550 5.7.1",stage="sender"} 1.0',
        'sealgate_decisions_total{route="safebox",rule="Patients"} 1.0',
        'sealgate_deliveries_total{outcome="sent",route="relay"} 1.0',
        'sealgate_queue_items{state="due"} 3.0',
        'sealgate_intake_seconds_bucket{le="0.005"} 1.0',
        'sealgate_queue_items_by_age{below="+Inf"} 1.0',
        "sealgate_queue_oldest_seconds 7.5",
        "sealgate_circuits_open 2.0",
        'sealgate_delivery_seconds_bucket{le="0.25",route="relay"} 1.0',
        'sealgate_tls_verdicts_total{proof="pki",protocol="TLSv1.3",route="relay"} 1.0',
        'sealgate_commit_works_bucket{le="8.0"} 1.0',
        "sealgate_commit_seconds_count 1.0",
        'sealgate_process_memory_bytes{process="1"} 1000.0',
        "sealgate_smtp_connections_total 1.0",
        "sealgate_smtp_sessions 7.0",
        "sealgate_policy_loaded_timestamp_seconds 1.5",
    ):
        assert line in text


def test_two_processes_have_metrics_of_their_own() -> None:
    one, two = Metrics(), Metrics()
    one.decided("relay", "otherwise")
    assert b'route="relay"' not in two.text()
