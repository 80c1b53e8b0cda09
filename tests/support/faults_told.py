"""What the faults of a run came to: a line for each test, from the file that `SEALGATE_BOOKS` names.

Windows in which a message may arrive twice: our 250 was not heard by the client, or the next hop's not by us (a worker
that was stopped behind its last look at the lease counts as the second).
"""

import json
import sys
from pathlib import Path


def main() -> None:
    """Print the table."""
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    if not rows:
        print("no books were kept")
        return
    heads = list(rows[0])
    control = [row for row in rows if "without_fsync" in row["test"]]
    kept = [row for row in rows if row not in control]
    total = {"test": "in all"} | {head: sum(row[head] for row in kept) for head in heads[1:]}
    lines = [[str(row[head]) for head in heads] for row in (*kept, total, *control)]
    widths = [max(len(line[at]) for line in (heads, *lines)) for at in range(len(heads))]
    for line in (heads, *lines):
        cells = [
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells))
    if control:
        print("The last line is the control: nobody waited for the disk, so the power cut has to lose mail.")


if __name__ == "__main__":
    main()
