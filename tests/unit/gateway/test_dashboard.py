"""The Grafana dashboard and the page of metrics: both speak of what is measured, and of all of it."""

import json
import re
from pathlib import Path

from delivery.store.ages import Waiting
from gateway.telemetry import Metrics

DOCS = Path(__file__).parents[3] / "docs"
NAME = re.compile(r"\bsealgate_[a-z_]+\b")


def measured() -> set[str]:
    """Every name, without what histograms and counters put behind theirs."""
    metrics = Metrics()
    metrics.watch_queue(lambda: Waiting({"due": 1}, {"5m": 1}, 1.0, 0))
    names = re.findall(r"^# HELP (sealgate_\w+)", metrics.text().decode(), re.MULTILINE)
    return {base(name) for name in names if not name.endswith("_created")}


def base(name: str) -> str:
    return re.sub(r"_(bucket|count|sum|total)$", "", name)


def labels(expression: str) -> set[str]:
    return set(re.findall(r"(?:by|without) \(([^)]*)\)", expression))


def test_the_dashboard_shows_what_is_measured_and_all_of_it() -> None:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    names = {base(name) for expression in shown for name in NAME.findall(expression)}
    assert names == measured()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_it_sums_by_labels_that_there_are() -> None:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    metrics = Metrics()
    known = {"le", "state", "below", "process", "instance"}
    for one in vars(metrics).values():
        known |= set(getattr(one, "_labelnames", ()))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            for said in labels(target["expr"]):
                assert {label.strip() for label in said.split(",")} <= known, target["expr"]
            for shown in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                assert shown in known
                assert shown in target["expr"]


def test_every_metric_is_in_the_docs() -> None:
    page = (DOCS / "telemetry.md").read_text()
    assert {base(name) for name in NAME.findall(page)} == measured()
