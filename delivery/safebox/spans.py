"""How long things may last: a retention, and the range a sender may choose from."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from delivery.sections import Section, wrong
from policy.units import Duration, parse_duration, show_duration


def _retention(value: object) -> timedelta | None:
    if value is None or value == "forever":
        return None
    return timedelta(0) if value == "none" else parse_duration(value)


def show_retention(value: timedelta | None) -> str:
    """As it is written in the configuration: none, a duration, forever."""
    if value is None:
        return "forever"
    return show_duration(value) if value else "none"


Retention = Annotated[
    timedelta | None,
    BeforeValidator(_retention),
    PlainSerializer(show_retention, return_type=str),
    WithJsonSchema({"type": "string"}),
]  # None: forever; 0: none


class Span(Section):
    """From the shortest to the longest time a sender may ask for."""

    least: Duration = Field(default=timedelta(hours=1), alias="from", examples=["1 day"], description="The shortest.")
    to: Duration = Field(examples=["60 days"], description="The longest.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.least or self.least > self.to:
            raise wrong("from is longer than to, or 0", "write {from: 1 day, to: 60 days}")
        return self

    def holds(self, value: timedelta) -> bool:
        """Whether a time lies within."""
        return self.least <= value <= self.to


class RetentionSpan(Section):
    """From the shortest to the longest retention a sender may ask for; `none` and `forever` are ends of it."""

    least: Retention = Field(default=timedelta(0), alias="from", examples=["none"], description="The shortest.")
    to: Retention = Field(examples=["90 days"], description="The longest: a duration, or forever.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to is not None and (self.least is None or self.least > self.to):
            raise wrong("from is longer than to", "write {from: none, to: 90 days}")
        return self

    def holds(self, value: timedelta | None) -> bool:
        """Whether a retention lies within."""
        long_enough = value is None or (self.least is not None and value >= self.least)
        return long_enough and (self.to is None or (value is not None and value <= self.to))
