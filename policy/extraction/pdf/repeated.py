"""How often the forms of a PDF are drawn: each may draw others more than once, and those others again."""

import re
from collections import Counter
from typing import Final

from policy.extraction.pdf.objects import Objects, Reference, Stream

_DO: Final = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)[\0\t\n\f\r ]+Do(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_MOST_DRAWN: Final = 100_000  # of one form with all that stands in it; PDFium draws some sixty thousand in a second
_ROOM: Final = 1024 * 1024  # of one form's content
_DEEPEST: Final = 200
_MOST_FORMS: Final = 20_000  # that are looked at


def draws_too_often(objects: Objects) -> bool:
    """Whether one form, with the forms that it draws, comes to more than are read."""
    forms = [number for number, value in objects.by_number.items() if _is_form(value)][:_MOST_FORMS]
    known: dict[int, int] = {}
    return any(_drawn(number, objects, known, 0) > _MOST_DRAWN for number in forms)


def _is_form(value: object) -> bool:
    return isinstance(value, Stream) and value.about.get("Subtype") == "Form" and "Resources" in value.about


def _drawn(number: int, objects: Objects, known: dict[int, int], depth: int) -> int:
    """How many forms are drawn for one: itself, and those within."""
    if number in known or depth > _DEEPEST:
        return known.get(number, 1)
    known[number] = 1  # where it draws itself, it is drawn once
    stream = objects.by_number.get(number)
    if not isinstance(stream, Stream) or not _is_form(stream):
        return 1
    named = objects.dictionary(objects.dictionary(stream.about.get("Resources")).get("XObject"))
    if not any(isinstance(each, Reference) and _is_form(objects.get(each)) for each in named.values()):
        return 1
    count = 1
    for name, times in Counter(_DO.findall(stream.data(_ROOM) or b"")).items():
        inner = named.get(name.decode("latin-1"))
        if isinstance(inner, Reference):
            count += times * _drawn(inner.number, objects, known, depth + 1)
    known[number] = min(count, _MOST_DRAWN + 1)
    return known[number]
