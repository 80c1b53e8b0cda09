"""The machine-readable zone of passports and identity cards (ICAO 9303)."""

import re
from typing import Final

from rules.verdict import Verdict
from rules.world.arithmetic import Tests, icao_digit, is_day

# The line that holds the number, the dates and their check digits: of a passport or of a card in two lines.
_LINE: Final = re.compile(r"([A-Z0-9<]{9})(\d)([A-Z<]{3})(\d{6})(\d)([MFX<])(\d{6})(\d)([A-Z0-9<]{7,16})")


def mrz(text: str) -> Verdict:
    """The second line: number, date of birth and date of expiry, each with its check digit."""
    match = _LINE.fullmatch(re.sub(r"\s", "", text).upper())
    if match is None:
        return Verdict.NO
    number, number_check, _, born, born_check, _, until, until_check, _ = match.groups()
    checks = (icao_digit(number), icao_digit(born), icao_digit(until)) == (
        int(number_check),
        int(born_check),
        int(until_check),
    )
    return Verdict.YES if checks and is_day(born[:2], born[2:4], born[4:]) else Verdict.NO


TESTS: Final[Tests] = {"mrz": ("number and dates with their check digits (ICAO 9303)", mrz)}
