"""The templates of notices, and what they may use to speak the reader's language in lines that fit a mail."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, pass_eval_context, select_autoescape
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from markupsafe import Markup, escape

from delivery.notices.wording import one_line
from delivery.speech import current_speech, said

TEMPLATES: Final = Path(__file__).parent / "templates"
_WIDTH: Final = 72
_SPACES: Final = re.compile(r"[ \t\n\r\v\f]+")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, read once a process."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        finalize=said,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(unprefixed=_unprefixed, titled=_titled, wrap=_wrapped, item=_item, line=one_line)
    made.filters.update(told=_word, date=_date, time=_time, span=_span, size=_size)
    made.globals.update(_=_told, say=_say, count=_count)
    return made


def _told(text: str) -> str:
    return current_speech().translate(text)


@pass_eval_context
def _say(context: EvalContext, text: str, **values: object) -> str:
    """A sentence with its values: in HTML both are escaped, but for values that are markup."""
    said = current_speech().translate(text)
    return Markup(str(escape(said))).format(**values) if context.autoescape else said.format(**values)  # noqa: S704 - escaped


@pass_eval_context
def _count(context: EvalContext, number: int, one: str, many: str, **values: object) -> str:
    """The same with a number in it."""
    speech = current_speech()
    said, values = speech.catalogue.counted(number, one, many), {"number": speech.number(number), **values}
    return Markup(str(escape(said))).format(**values) if context.autoescape else said.format(**values)  # noqa: S704 - escaped


def _word(text: str) -> str:
    return current_speech().word(text)


@pass_context
def _date(context: Context, when: datetime) -> str:
    """A day as the clocks of the notice's `zone` have it."""
    return current_speech().day(when.astimezone(context["zone"]))


@pass_context
def _time(context: Context, when: datetime) -> str:
    """A minute there, with the zone: the reader may live in another."""
    return current_speech().moment(when, context["zone"])


def _span(length: timedelta) -> str:
    return current_speech().span(length)


def _size(octets: int) -> str:
    return current_speech().size(octets)


def _wrapped(text: str) -> str:
    """A paragraph in lines of 72 characters; links and addresses stay whole."""
    return _filled(text)


def _item(text: str, mark: str = "*") -> str:
    """The same as one of a list, its lines below each other."""
    return _filled(text, f"{mark} ", " " * (len(mark) + 1))


def _filled(text: str, first: str = "", other: str = "") -> str:
    """Words in lines, each with what stands before it. Those that must stay on one line have other spaces between."""
    lines: list[str] = []
    line, begins = first, True
    for word in _SPACES.split(text.strip()):
        if not begins and len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line, begins = other, True
        line = f"{line}{word}" if begins else f"{line} {word}"
        begins = False
    return "\n".join([*lines, line]) if text.strip() else ""


def _titled(subject: str) -> str:
    """A subject, or that there is none (any more)."""
    return one_line(subject) or current_speech().translate("(no subject)")


def _unprefixed(subject: str) -> str:
    """The subject without the `Re:` it has, so that answers do not pile them up."""
    return re.sub(r"(?i)^(re|aw|antw|sv|rv)\s*:\s*", "", subject.strip())
