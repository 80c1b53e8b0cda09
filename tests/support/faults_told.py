"""What the faults of a run came to: a line for each test, from the file that `SEALGATE_BOOKS` names.

Windows in which a message may arrive twice: our 250 was not heard by the client, or the next hop's not by us (a worker
that was stopped behind its last look at the lease counts as the second).
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The table; what is told of is at least one test."""
    heads = list(rows[0])
    control = [row for row in rows if "without_fsync" in row["test"]]
    kept = [row for row in rows if row not in control]
    total = {"test": "in all"} | {head: sum(row[head] for row in kept) for head in heads[1:]}
    lines = [[str(row[head]) for head in heads] for row in (*kept, total, *control)]
    widths = [max(len(line[at]) for line in (heads, *lines)) for at in range(len(heads))]
    said = []
    for line in (heads, *lines):
        cells = [
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        said.append("  ".join(cells))
    if control:
        said.append("The last line is the control: nobody waited for the disk, so the power cut has to lose mail.")
    return "\n".join(said)


def main() -> None:
    """Print the table."""
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    print(table(rows) if rows else "no books were kept")


if __name__ == "__main__":
    main()
