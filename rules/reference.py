"""The detectors as a page for people: `docs/detectors.md` is printed by this."""

from collections.abc import Iterable, Sequence
from typing import Final

from rules.checks import CHECKS
from rules.detector import Detector, WordList
from rules.finding import Confidence

_HEAD: Final = """# Detectors

Printed from the packs by `sealgate rules list --markdown`; a test compares.
Every sample here is run by `sealgate rules test`.

How sure a hit is: `low`, `medium` or `high`. A policy asks for `medium` or surer unless it says otherwise.

- A pattern gives the confidence that a hit begins with. *Alone* means that the value is no piece of a longer run of
  letters, digits, dashes, dots or slashes.
- A check throws out what cannot be. Numbers that manuals print as examples count one step less.
- A word of `near` on either side makes a hit surer, unless another detector's word stands nearer to the same value.
- A word of `unless` throws a hit out, unless a word of `near` stands nearer.
- Of overlapping hits of one detector the surest counts, then the longest.
- Terms of a weighted list are hits where the weights of distinct ones that stand together reach a threshold.

Text is read in one spelling: digits, dashes and spaces of all scripts as their plain ones, invisible characters
removed, and numbers that a mail program broke at a line's end made whole.
"""


def markdown(detectors: Sequence[Detector]) -> str:
    """The whole page."""
    lines = [_HEAD, "| id | finds | groups |", "| --- | --- | --- |"]
    lines += [f"| [`{d.id}`](#{_anchor(d.id)}) | {d.title} | {', '.join(sorted(d.groups))} |" for d in detectors]
    for detector in detectors:
        lines += ["", *_section(detector)]
    return "\n".join(lines) + "\n"


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _section(detector: Detector) -> Iterable[str]:
    yield f"## {detector.id}"
    yield ""
    yield f"{detector.title}. {detector.about}".rstrip()
    yield ""
    if detector.patterns:
        yield "| pattern | confidence | check | alone |"
        yield "| --- | --- | --- | --- |"
        for pattern in detector.patterns:
            alone = "yes" if pattern.alone else ""
            yield f"| {_code(pattern.regex)} | {pattern.confidence} | {pattern.check or ''} | {alone} |"
        yield ""
    for name in sorted({pattern.check for pattern in detector.patterns if pattern.check}):
        yield f"- Check `{name}`: {CHECKS[name].about}."
    if detector.words:
        yield f"- {_words(detector.words)}"
    for near in detector.near:
        yield f"- Near (within {near.within} characters, then {near.confidence}): {', '.join(near.words)}."
    for unless in detector.unless:
        yield f"- Unless (within {unless.within} characters): {', '.join(unless.words)}."
    yield from _samples(detector)


def _words(words: WordList) -> str:
    sums = ", ".join(f"{words.thresholds[level]} is {level}" for level in Confidence if level in words.thresholds)
    return f"{len(words.terms)} weighted terms, summed within {words.within} characters: {sums}."


def _samples(detector: Detector) -> Iterable[str]:
    yield ""
    yield "Found:"
    yield ""
    for sample in detector.found:
        yield f"- {_code(sample.text)}" + (f" ({sample.confidence})" if sample.confidence else "")
    if detector.ignored:
        yield ""
        yield "Ignored:"
        yield ""
        for text in detector.ignored:
            yield f"- {_code(text)}"


def _code(text: str) -> str:
    """Inline code, safe in a table's cell."""
    plain = text.replace("\n", "\\n").replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"
