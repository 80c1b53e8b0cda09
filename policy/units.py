"""Durations and sizes as people write them: `5 minutes`, `30 days`, `50 MiB`, `10 MB`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

MAX_SECONDS = 36_525 * 86400
MAX_BYTES = 2**50

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_BYTES = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}


def parse_duration(value: object) -> timedelta:
    """Read `N second(s)|minute(s)|hour(s)|day(s)|week(s)`; raise ValueError with an example otherwise."""
    if isinstance(value, timedelta):
        return value
    match = (
        re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+?)s?\s*", str(value).lower())
        if isinstance(value, str)
        else None
    )
    if match is None or match[2] not in _SECONDS:
        raise ValueError("a duration is a number and a unit, such as `30 seconds`, `4 hours` or `5 days`")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > MAX_SECONDS:
        raise ValueError("that is longer than 100 years")
    return timedelta(seconds=seconds)


def parse_size(value: object) -> int:
    """Read `N B|KB|MB|GB|KiB|MiB|GiB` to bytes; raise ValueError with an example otherwise."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_BYTES:
        return value
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*", value.lower()) if isinstance(value, str) else None
    if match is None or match[2] not in _BYTES:
        raise ValueError("a size is a number and a unit, such as `50 MiB` or `10 MB`")
    size = float(match[1]) * _BYTES[match[2]]
    if size > MAX_BYTES:
        raise ValueError("that is larger than 1024 TiB")
    return int(size)


def parse_written_size(value: object) -> int:
    """As `parse_size`, but a number alone is refused: `size: 25` was meant as megabytes, and would be bytes."""
    return parse_size(value if isinstance(value, str) else str(value))


def has_every_zone(at: datetime) -> bool:
    """Whether the moment can be written in every time zone: near year 1 and year 9999, in some it cannot."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return first + timedelta(days=2) < at.replace(tzinfo=UTC) < last - timedelta(days=2)


def show_duration(value: timedelta) -> str:
    """Write a duration the way it is read, in its largest whole unit."""
    seconds = int(value.total_seconds())
    for unit in ("week", "day", "hour", "minute", "second"):
        if seconds and seconds % _SECONDS[unit] == 0:
            number = seconds // _SECONDS[unit]
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "0 seconds"


def show_size(value: int) -> str:
    """Write a size the way it is read, in its largest whole unit."""
    for unit in ("TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "KB"):
        if value and value % _BYTES[unit.lower()] == 0:
            return f"{value // _BYTES[unit.lower()]} {unit}"
    return f"{value} B"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["30 seconds", "4 hours", "5 days"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(show_size, return_type=str),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["50 MiB", "10 MB"]}),
]
