"""The detectors as a page for people: `docs/detectors.md` is printed by this."""

from collections.abc import Iterable, Sequence
from typing import Final

from rules.checks import CHECKS
from rules.detector import Detector, WordList
from rules.finding import Confidence

_HEAD: Final = """# Detectors

Printed from the packs by `sealgate rules list --markdown`; a test compares.
Every sample here is run by `sealgate rules test`. How to write [detectors of your own](#your-own), and to change or
switch off these, stands at the end, with [the checks](#the-checks) that patterns may name.

How sure a hit is: `low`, `medium` or `high`. A policy asks for `medium` or surer unless it says otherwise.

- A pattern gives the confidence that a hit begins with. *Alone* means that the value is no piece of a longer run of
  letters, digits, dashes, dots or slashes. *Named* means that the form says too little by itself: the value counts only
  where a word of `near` names it, beside it, in the header of its column, or by its field of HL7 or X12. Words of a
  `near` that *names nothing* (`names: false`) make surer what counts anyway, and name nothing.
- A check throws out what cannot be. Numbers that manuals print as examples count one step less.
- A word of `near` on either side makes a hit surer, unless another detector's word stands nearer to the same value.
- In a table, the header of a column speaks for every cell of the column that the value fills, however far above it.
- A word of `unless` in the same paragraph throws a hit out, unless a word of `near` stands nearer.
- A message costs so much work and no more. A text that would need more is told as a file that could not be read
  ("too many candidates to check"), which a rule asks for by `attachments: {unreadable: true}`.
- Of overlapping hits of one detector the surest counts, then the longest.
- Terms of a weighted list are hits where the weights of distinct ones that stand together reach a threshold.

Text is read in one spelling: digits, dashes and spaces of all scripts as their plain ones, invisible characters
removed, and numbers that a mail program broke at a line's end made whole.
"""

EXAMPLE: Final = r"""detectors:
  acme.badge:
    title: Badge number of ACME
    groups: [identity]                        # identity, financial, medical, secrets
    patterns:
      - {regex: '\bACME-\d{4}\b', confidence: high}
      - {regex: '(?i)\bbadge(?: no\.?)? (?P<value>\d{6})\b', check: luhn, alone: true}
      - {regex: '\b\d{6}\b', check: luhn, confidence: low}
    near: {words: [badge, staff no], within: 50, raise: medium}
    unless: {words: [order no], within: 20}
    samples:
      found: ["ACME-1234", {text: "Badge 118810", confidence: medium}]
      ignored: ["ACME-12", "order no 118810"]
"""
CHANGES: Final = r"""extend:                                       # added to what is there
  us.ssn:
    near: {words: [payroll no], within: 40, raise: high}
    unless: {words: [badge], within: 20}
  iban:
    except: [GB33 BUKB 2020 1555 5555 55]     # values that never count: the account in our own footer
  medical.terms:
    words: {terms: {ward 7: 6}, medium: 16}
override:                                     # in place of what is there, part by part
  us.ein:
    groups: [financial]
disable: [legal.terms]                        # as if it were not there
"""
_PARTS: Final = (
    ("`title`, `about`", "what it is called; more about it, if you like"),
    (
        "`groups`",
        "the groups that count it: `identity`, `financial`, `medical`, `secrets`; `[]`: none, and rules ask for it by "
        "its id",
    ),
    (
        "`patterns`",
        "each a `regex`, with a `check`, a `confidence` (left out: `medium`), `alone` and `named` (left out: `false`)",
    ),
    (
        "`words`",
        "a weighted list: `terms` with their weights, or `list` with the name of one that comes with Sealgate "
        "(`medical_terms`, `financial_terms`, `legal_terms`); the sums from which on it is `low`, `medium` and `high`; "
        "`within` how many characters the terms stand (left out: 1000)",
    ),
    (
        "`near`",
        "one or more sets of `words` that make a hit surer, `within` so many characters of it (left out: 100), up to "
        "the confidence that `raise` says (left out: `high`); `names` (left out: `true`)",
    ),
    (
        "`unless`",
        "one or more sets of `words`, or a `list` of those at the end, that throw a hit out, `within` so many "
        "characters (left out: 100)",
    ),
    ("`except`", "values that never count"),
    (
        "`samples`",
        "texts that have to be `found`, each exactly as sure as its `confidence` where it says one, and texts in which "
        "nothing may be found (`ignored`)",
    ),
)
_KEYS: Final = "\n".join(f"| {key} | {what} |" for key, what in (("key", "is"), ("---", "---"), *_PARTS))
_OWN: Final = f"""
## Your own

A file named under `rules` of the configuration adds detectors; `local-rules/*.yaml` beside it needs no naming. Run
`sealgate rules test` after each change: it names every mistake with its line, and every sample that does not hold. A
running gateway takes a changed pack within a second or two, without running its samples.

```yaml
{EXAMPLE}```

{_KEYS}

A detector needs `title`, `groups`, `samples`, and `patterns` or `words`. Its id is lower case words joined by dots.

Patterns are [RE2](https://github.com/google/re2/wiki/Syntax), so no pattern can stall the mail, and match 4096 bytes at
most: write `\\d{{1,12}}` and not `\\d+`. Look-around, back-references, possessive and atomic groups are refused, with
the place and what to write instead: `near`, `unless`, `alone` or a check. Where a pattern holds more than the value,
name the value's group `value`. `^` and `$` are the beginning and the end of a line. Case counts unless the pattern
begins with `(?i)`; words never mind it. A pattern with `named: true` counts only where a word of `near` names the
value; a `near` with `names: false` names none.
`words: {{terms: {{gross margin: 3, ebitda: 4}}, within: 1000, medium: 8}}` makes a weighted list.

A pack may also change what stands before it, built in or in a pack named earlier:

```yaml
{CHANGES}```

The keys below a detector are those of a new one. `extend` adds patterns, words near, words that excuse, groups, terms,
samples and values; a title or a threshold takes the place of the old one. `override` replaces each part that it names
and keeps the others. `rules show ID` tells from which packs a detector comes; `rules test` runs all samples, the old
ones too unless they were replaced. A policy that asks for a detector that is switched off is refused.

### The checks

"""


def markdown(detectors: Sequence[Detector]) -> str:
    """The whole page."""
    lines = [_HEAD, "| id | finds | groups |", "| --- | --- | --- |"]
    lines += [f"| [`{d.id}`](#{_anchor(d.id)}) | {d.title} | {', '.join(sorted(d.groups))} |" for d in detectors]
    for detector in detectors:
        lines += ["", *_section(detector)]
    lines.append(_OWN + "\n".join(f"- `{name}`: {check.about}." for name, check in CHECKS.items()))
    lines += ["", "The lists of words that `unless` can name:", "", *_shared(detectors)]
    return "\n".join(lines) + "\n"


def _shared(detectors: Sequence[Detector]) -> Iterable[str]:
    lists = {unless.shared: unless.words for d in detectors for unless in d.unless if unless.shared}
    for name, words in sorted(lists.items()):
        yield f"- `{name}`: {', '.join(words)}."


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _section(detector: Detector) -> Iterable[str]:
    yield f"## {detector.id}"
    yield ""
    yield f"{detector.title}. {detector.about}".rstrip()
    yield ""
    if detector.patterns:
        yield "| pattern | confidence | check | alone | named |"
        yield "| --- | --- | --- | --- | --- |"
        for pattern in detector.patterns:
            alone, named = "yes" if pattern.alone else "", "yes" if pattern.named else ""
            yield f"| {_code(pattern.regex)} | {pattern.confidence} | {pattern.check or ''} | {alone} | {named} |"
        yield ""
    for name in sorted({pattern.check for pattern in detector.patterns if pattern.check}):
        yield f"- Check `{name}`: {CHECKS[name].about}."
    if detector.words:
        yield f"- {_words(detector.words)}"
    for near in detector.near:
        note = "" if near.names else "; names nothing"
        yield f"- Near (within {near.within} characters, then {near.confidence}{note}): {', '.join(near.words)}."
    for unless in detector.unless:
        told = f"a word of the list `{unless.shared}`" if unless.shared else ", ".join(unless.words)
        yield f"- Unless (within {unless.within} characters): {told}."
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
