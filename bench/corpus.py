"""The repository's own labelled texts, made anew from a seed: `python bench/corpus.py > corpus.jsonl`.

Each line has the form {"id", "text", "label", "expected", "tier"}: for every type so many texts that hold a value,
and as many in which something only looks so: out of range, with a wrong check digit, or of the same form as something
else.
The values follow the issuers' published formats and are made by code of the bench's own (`detection/`).
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator

from detection import phrases
from detection.kind import Kind
from detection.kinds import KINDS


def corpus(each: int = 200, seed: int = 1) -> Iterator[dict[str, object]]:
    """`each` texts with a value and `each` without one, for every type."""
    for kind in KINDS:
        rng = random.Random(f"{seed} {kind.label}")  # so that a new type changes no other
        for number in range(2 * each):
            expected = number < each
            text = _with(kind, rng) if expected else _without(kind, rng)
            yield {
                "id": f"{kind.label}-{number:04}",
                "text": text,
                "label": kind.label,
                "detector": kind.detector,
                "expected": expected,
                "tier": "core",
            }


def _with(kind: Kind, rng: random.Random) -> str:
    value = kind.written(rng, kind.make(rng))
    if rng.random() < kind.bare:
        return phrases.bare(rng, value)
    language, name = rng.choice(kind.names)
    return phrases.found(rng, language, name, value)


def _without(kind: Kind, rng: random.Random) -> str:
    if kind.others and rng.random() < 0.5:
        return phrases.other(rng, phrases.shaped_like(rng, kind.written(rng, kind.make(rng))))
    language, name = rng.choice(kind.names)
    return phrases.found(rng, language, name, kind.written(rng, kind.miss(rng)))


def main() -> None:
    """Print the corpus."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--each", type=int, default=200, help="texts with and without a value, for each type")
    reader.add_argument("--seed", type=int, default=1)
    asked = reader.parse_args()
    for row in corpus(asked.each, asked.seed):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
