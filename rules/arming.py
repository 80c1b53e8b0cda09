"""Which detectors a text could name at all, told by the one pass: patterns that need a name run for no others."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from rules.context import gap, pieces
from rules.detector import Detector
from rules.engine import Expression

_SHORT: Final = 3  # letters; a shorter word is asked to stand alone, a longer one may be a piece of another
_FIELDS: Final = r"^[A-Z][A-Z0-9]{1,2}[|*]"  # a line of HL7 or X12, whose fields are named by where they stand


class Arming:
    """The words by which texts name the values of detectors with `named` patterns, as expressions for the engine."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        named: dict[str, set[int]] = defaultdict(set)
        needing = [i for i, d in enumerate(detectors) if any(pattern.named for pattern in d.patterns)]
        for index in needing:
            for near in filter(lambda near: near.names, detectors[index].near):
                for word in near.words:
                    named[_spelled(word)].add(index)
        self.expressions = [Expression(text, caseless=True, once=True) for text in named]
        self.detectors = [frozenset(indices) for indices in named.values()]
        if needing:
            self.expressions.append(Expression(_FIELDS, once=True, lines=True))
            self.detectors.append(frozenset(needing))


def _spelled(word: str) -> str:
    """The word or phrase for the engine, which folds the case of ASCII letters alone."""
    parts = pieces(word)
    body = gap(parts).join("".join(map(_char, part)) for part in parts)
    alone = len("".join(parts)) <= _SHORT and parts[0].isascii() and parts[-1].isascii()
    before = r"(?:\b|_|\d)" if alone and parts[0][0].isalnum() else ""
    behind = r"(?:\b|_|\d|[A-Z])" if alone and parts[-1][-1].isalnum() else ""
    return before + body + behind


def _char(char: str) -> str:
    if char.isascii():
        return re.escape(char)
    cases = {form for form in (char.lower(), char.upper()) if len(form) == 1}
    return f"[{''.join(sorted(cases))}]" if len(cases) > 1 else char
