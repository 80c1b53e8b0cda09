"""The reader's language: which one it is, and saying things in it.

A reader's own choice counts first (the menu at the foot of every page sets a cookie), then what their browser asks
for (Accept-Language), then what the profile of the message says, then the first of the configured languages.
"""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from aiohttp import web
from markupsafe import Markup, escape

from delivery.languages import DELIVERY_CATALOGUES, Language, language_named
from delivery.speech import Speech, current_speech, speak, speech_in
from portal.services import services_of
from portal.web.visitor import chosen_language

CATALOGUES: Final = (Path(str(files("portal") / "locale")), DELIVERY_CATALOGUES)
_MOST_ASKED: Final = 20  # languages of an Accept-Language header that are looked at


def _(text: str) -> str:
    """The reader's words for an English sentence, or for a phrase that somebody else made."""
    return current_speech().translate(text)


def say(text: str, **values: object) -> Markup:
    """A whole sentence with values in it: `say("Locked until {hour}", hour=…)`. Values are escaped, markup is kept."""
    return Markup(str(escape(_(text)))).format(**values)  # noqa: S704 - the sentence is escaped


def count(number: int, one: str, many: str) -> str:
    """`1 document`, `3 documents`; a whole sentence with `{number}` in it has it there."""
    return current_speech().count(number, one, many)


def told(text: str) -> str:
    """The reader's words for a phrase; a name, or other people's words, as they are."""
    return current_speech().word(text)


def size(octets: int) -> str:
    """`412 KB`, `17.6 MB`: in powers of ten, as file managers show them."""
    return current_speech().size(octets)


@lru_cache(maxsize=len(Language))
def portal_speech(language: Language) -> Speech:
    """A language with the portal's words. Blocks some 40 ms the first time."""
    return speech_in(language, *CATALOGUES)


def reader_speaks(request: web.Request) -> None:
    """Begin to answer in the reader's language, as far as it is known without asking the database."""
    offered = services_of(request).languages
    language = chosen_language(request) or _asked_for(request.headers.get("Accept-Language", ""), offered) or offered[0]
    speak(portal_speech(language))


def message_speaks(request: web.Request, language: Language | None) -> None:
    """A message was found whose profile says in which language its guests are spoken to: unless the reader did."""
    offered = services_of(request).languages
    if (
        language not in offered
        or chosen_language(request)
        or _asked_for(request.headers.get("Accept-Language", ""), offered)
    ):
        return
    speak(portal_speech(language))


@lru_cache(maxsize=256)
def _asked_for(header: str, offered: tuple[Language, ...]) -> Language | None:
    """The language of a browser's list with the highest weight, the first of equals (RFC 9110, 12.5.4)."""
    best, most = None, 0.0
    for one in header[:400].split(",")[:_MOST_ASKED]:
        tag, _, weight = one.partition(";")
        language = offered[0] if tag.strip() == "*" else language_named(tag)
        try:
            value = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in offered and most < value <= 1:
            best, most = language, value
    return best
