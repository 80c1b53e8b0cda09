"""Telephone numbers: one form (E.164: a plus, the country, at most 15 digits), and how one is shown to strangers."""

import re
import unicodedata
from typing import Final

_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
_BETWEEN: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u202f]+")


def as_number(text: str) -> str | None:
    """`+41 79 123 45 67`, `0041 79 …`, `tel:+41…` as `+41791234567`; None: no number, or its country is not told."""
    if len(text) > 60:
        return None
    plain = unicodedata.normalize("NFKC", text).strip().lower().removeprefix("tel:")
    plain = _BETWEEN.sub("", plain.replace("(0)", ""))
    if plain.startswith("00"):
        plain = f"+{plain[2:]}"
    return plain if plain.isascii() and _NUMBER.fullmatch(plain) else None


def masked_number(number: str) -> str:
    """`+41 ••• 67`: enough to know one's own by, too little to call another's."""
    return f"{number[:3]} ••• {number[-2:]}"
