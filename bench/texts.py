"""Texts for benches: words and numbers as people write them, some of which detectors look for."""

import random

WORDS = (
    *("invoice", "quarter", "meeting", "project", "budget", "review", "customer", "delivery", "schedule", "attached"),
    *("please", "regarding", "forward", "contract", "supplier", "agenda", "Tuesday", "update", "figures", "estimate"),
    *("department", "thanks", "shipping", "order", "confirm", "proposal", "the", "and", "with", "from", "this", "that"),
    *("which", "before", "after", "total", "account", "number", "report", "2026", "417", "1,250.00", "10:30", "v2.1"),
)


def prose(rng: random.Random, size: int) -> str:
    """Lines of words and numbers as people write them."""
    lines: list[str] = []
    while size > 0:
        line = ""
        while len(line) < 68:
            line += rng.choice(WORDS) + " "
        lines.append(line.rstrip())
        size -= len(line) + 1
    return "\r\n".join(lines) + "\r\n"
