"""Saying things in the language of whoever reads them: sentences, dates, numbers, sizes and lengths of time.

What is said is marked in English where it is written: `_("…")`, `say("… {name} …", name=…)` and `count(n, "file",
"files")` on pages and in notices, `phrase(…)` in code that does not know yet who will read it. The language is that of
the page or notice that is being written (`speaking`); outside of one, English.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final

from delivery.languages import DELIVERY_CATALOGUES, LOCALES, TAGS, Catalogue, Language, catalogue

_SPANS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"))


class Phrase(str):
    """A sentence in English that can be said in other languages too: it remembers itself before values were put in.

    Values are said as well: a length of time as people say it, a time in UTC, another phrase in the same language, a
    tuple as a choice of its parts (`a, b or c`).
    """

    text: str
    values: tuple[tuple[str, object], ...]

    def __new__(cls, text: str, values: tuple[tuple[str, object], ...] = ()) -> "Phrase":
        """In English, until somebody asks for more."""
        made = super().__new__(cls, ENGLISH.filled(text, values))
        made.text, made.values = text, values
        return made


def phrase(text: str, **values: object) -> Phrase:
    """`phrase("It is open for {time}.", time=timedelta(days=7))`."""
    return Phrase(text, tuple(values.items()))


@lru_cache(maxsize=512)  # a page of many people and events tells the same few days and hours again and again
def _day(when: date, locale: str) -> str:
    from babel.dates import format_date

    return str(format_date(when, "long", locale=locale))


@lru_cache(maxsize=2048)
def _hour(when: time, locale: str) -> str:
    from babel.dates import format_time

    return str(format_time(when, "short", locale=locale))


@dataclass(frozen=True, slots=True)
class Speech:
    """One language, with its translations, and how it writes numbers, dates and lengths of time."""

    language: Language
    catalogue: Catalogue = field(default=Catalogue({}), repr=False)

    @property
    def locale(self) -> str:
        """What Babel calls it."""
        return LOCALES[self.language]

    @property
    def tag(self) -> str:
        """With its country, for voices (BCP 47): `en-GB`, `de-DE`."""
        return TAGS[self.language]

    def translate(self, text: str) -> str:
        """The translation of an English sentence, or of a phrase with its values; English where there is none."""
        return self.filled(text.text, text.values) if isinstance(text, Phrase) else self.catalogue.one(text)

    def filled(self, text: str, values: tuple[tuple[str, object], ...]) -> str:
        """A sentence with its values put in."""
        said = self.catalogue.one(text)
        return said.format(**{name: self._value(value) for name, value in values}) if values else said

    def _value(self, value: object) -> object:
        if isinstance(value, Phrase):
            return self.translate(value)
        if isinstance(value, timedelta):
            return self.span(value)
        if isinstance(value, datetime):
            return self.minute(value.astimezone(UTC))
        return self.choice(tuple(str(self._value(one)) for one in value)) if isinstance(value, tuple) else value

    def count(self, number: int, one: str, many: str) -> str:
        """`1 document`, `3 documents`; a sentence that has `{number}` in it gets it there."""
        said, shown = self.catalogue.counted(number, one, many), self.number(number)
        return said.replace("{number}", shown) if "{number}" in said else f"{shown} {said}"

    def word(self, text: str) -> str:
        """A phrase in this language; everything else, such as a name, as it is."""
        return self.translate(text) if isinstance(text, Phrase) else text

    def choice(self, parts: tuple[str, ...]) -> str:
        """`a, b or c`."""
        from babel.lists import format_list

        return str(format_list(list(parts), style="or", locale=self.locale))

    def number(self, value: float, digits: int = 0) -> str:
        """`1,000`, `17.6`: with at most so many digits after the point."""
        from babel.numbers import format_decimal

        if digits == 0 and 0 <= value < 1000:
            return str(round(value))
        return str(format_decimal(value, "#,##0" + ("." + "#" * digits if digits else ""), locale=self.locale))

    def size(self, octets: int) -> str:
        """`412 KB`, `17.6 MB`: in powers of ten, as file managers show them."""
        if octets < 1000:
            return self.count(octets, "byte", "bytes")
        if octets < 999_500:
            return self.filled("{number} KB", (("number", self.number(octets / 1000)),))
        amount = octets / (10**6 if octets < 999_500_000 else 10**9)
        number = self.number(amount, 1 if amount < 99.95 else 0)
        shown = (("number", number),)
        return self.filled("{number} MB", shown) if octets < 999_500_000 else self.filled("{number} GB", shown)

    def span(self, length: timedelta) -> str:
        """`15 minutes`, `1 hour`, `30 days`: in the largest unit that leaves nothing over. Weeks are told in days."""
        from babel.units import format_unit

        seconds = max(0, round(length.total_seconds()))
        whole, unit = next(((size, name) for size, name in _SPANS if seconds % size == 0), (1, "second"))
        return str(format_unit(seconds // whole, f"duration-{unit}", locale=self.locale))

    def day(self, when: datetime) -> str:
        """`21 December 2026`"""
        return _day(when.date(), self.locale)

    def hour(self, when: datetime) -> str:
        """`10:15`"""
        return _hour(when.time().replace(second=0, microsecond=0), self.locale)

    def minute(self, when: datetime) -> str:
        """`21 December 2026, 10:15`"""
        return f"{self.day(when)}, {self.hour(when)}"

    def moment(self, when: datetime, zone: tzinfo) -> str:
        """A minute as the clocks of one place have it, which it names: `21 November 2026, 11:15 (Zurich, UTC+1)`."""
        local = when.astimezone(zone)
        offset = offset_of(local)
        if "/" not in str(zone) or str(zone).startswith("Etc/"):  # no place, but an offset itself
            return f"{self.minute(local)} {offset}"
        return f"{self.minute(local)} ({self.city(zone)}, {offset})"

    def city(self, zone: tzinfo) -> str:
        """What a time zone is called by: its city."""
        from babel.dates import get_timezone_location

        return str(get_timezone_location(zone, locale=self.locale, return_city=True))


def offset_of(local: datetime) -> str:
    """How far its clocks are from UTC: `UTC+1`, `UTC−3:30`, `UTC`."""
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02d}' if rest else ''}"


ENGLISH: Final = Speech(Language.EN)
_spoken: ContextVar[Speech] = ContextVar("spoken", default=ENGLISH)


def speech_in(language: Language, *folders: Path) -> Speech:
    """A language with the catalogues of some folders; without any, that of notices and of what SafeBoxes say."""
    return (
        Speech(language, catalogue(language, *(folders or (DELIVERY_CATALOGUES,))))
        if language is not Language.EN
        else ENGLISH
    )


def said(value: object) -> object:
    """What a template writes (Jinja's `finalize`): a phrase in the language spoken, everything else as it is."""
    return _spoken.get().translate(value) if isinstance(value, Phrase) else value


def current_speech() -> Speech:
    """The language in which this task writes its page or notice."""
    return _spoken.get()


def speak(speech: Speech) -> None:
    """From here on in this task, write in that language."""
    _spoken.set(speech)


@contextmanager
def speaking(speech: Speech) -> Iterator[None]:
    """Write in that language meanwhile."""
    before = _spoken.set(speech)
    try:
        yield
    finally:
        _spoken.reset(before)
