"""Long texts are looked through some at a time: what comes of it is what one look gives."""

import re

import pytest

from rules.disguise import undisguised
from rules.turns import finditer_in_turns, sub_in_turns

BORDER = 1 << 17
PATTERN = re.compile(r"(?<!\w)[a-c]+(?:-[a-c]+){0,3}(?!\w)")


@pytest.mark.parametrize("shift", [*range(-14, 3), BORDER - 5])
def test_a_match_over_the_border_is_found_once_and_whole(shift: int) -> None:
    text = " ." * ((BORDER + shift) // 2) + ";" * (shift % 2) + " abc-abc-abc abca xabc " + ". abc" * 30_000
    assert [match.span() for match in finditer_in_turns(PATTERN, text)] == [m.span() for m in PATTERN.finditer(text)]


def test_what_is_replaced_is_what_one_call_would_replace() -> None:
    text = " ".join(f"{'abc' * (place % 5)}-x abc-{place}" for place in range(40_000))
    assert sub_in_turns(PATTERN, lambda match: f"<{match[0]}>", text) == PATTERN.sub(r"<\g<0>>", text)


@pytest.mark.parametrize("shift", range(-12, 2))
def test_a_disguised_number_over_the_border_is_seen(shift: int) -> None:
    before = "word " * (BORDER // 5 + 1)
    text = f"{before[: BORDER + shift - 1]} 536-2O-12З4 and more"
    assert undisguised(text).endswith(" 536-20-1234 and more")
