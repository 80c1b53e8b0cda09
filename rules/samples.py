"""A pack's own samples: what has to be found, and what must not be."""

from collections.abc import Sequence
from dataclasses import dataclass

from rules.detector import Detector, Found
from rules.finding import Confidence
from rules.matching import Matcher


@dataclass(frozen=True, slots=True)
class SampleFailure:
    """One sample that does not hold. Samples are no secrets: they stand in the pack."""

    detector: str
    source: str
    text: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.source}: {self.detector}: {self.text!r}: expected {self.expected}, got {self.got}"


def run_samples(matcher: Matcher, detectors: Sequence[Detector]) -> tuple[SampleFailure, ...]:
    """Every sample of `detectors` that fails with `matcher`."""
    failures: list[SampleFailure] = []
    for detector in detectors:
        for sample in detector.found:
            got = confidence_of(matcher, detector.id, sample.text)
            if not _holds(sample, got):
                expected = sample.confidence.value if sample.confidence else "a hit"
                failures.append(_failure(detector, sample.text, expected, got))
        for text in detector.ignored:
            got = confidence_of(matcher, detector.id, text)
            if got is not None:
                failures.append(_failure(detector, text, "nothing", got))
    return tuple(failures)


def confidence_of(matcher: Matcher, detector: str, text: str) -> Confidence | None:
    """How sure a detector is of a text; None where it finds nothing."""
    return next((f.confidence for f in matcher.scan_text(text) if f.detector == detector), None)


def _holds(sample: Found, got: Confidence | None) -> bool:
    return got is not None and sample.confidence in (None, got)


def _failure(detector: Detector, text: str, expected: str, got: Confidence | None) -> SampleFailure:
    return SampleFailure(detector.id, detector.source, text, expected, got.value if got else "nothing")
