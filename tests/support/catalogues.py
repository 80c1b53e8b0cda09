"""Collects what is said from templates and code, and brings the catalogues up to date: `python catalogues.py`.

`make generate` runs it. Translations stay; sentences that nobody says any more go; new ones come untranslated, which a
test refuses. Places are told without line numbers, so that moving a sentence changes no catalogue.
"""

import ast
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from delivery.languages import Language

SPEAKERS = ("delivery", "portal")  # folders with a catalogue; what `gateway` says to people is in that of delivery
MARKS = {"_": None, "say": (1,), "count": (2, 3), "phrase": (1,)}
METHODS = {"translate": (1,), "filled": (1,), "count": (2, 3)}  # of `Speech`
_DATE = datetime(2026, 11, 22, tzinfo=UTC)  # a date in the file would change with each run
_HEADER = "# What {name} says, in {language}. `make generate` adds new sentences, empty: please translate them.\n#"


def folder_of(name: str) -> Path:
    """The package, wherever it is installed."""
    return Path(str(files(name)))


@lru_cache(maxsize=2)
def said_in(name: str) -> Catalog:
    """Every sentence that a folder says, without translations."""
    said = Catalog(domain=name, creation_date=_DATE, fuzzy=False)
    for place, text in _sentences(name):
        said.add(text, locations=[(place, 0)])
    return said


def _sentences(name: str) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    places = [folder_of(name)] + ([folder_of("gateway")] if name == "delivery" else [])
    for folder in places:
        for path in sorted(folder.rglob("*")):
            place = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            if path.suffix == ".py":
                yield from ((place, text) for text in said_by_code(path.read_text("utf-8")))
            elif path.suffix in (".html", ".txt") and "templates" in path.parts:
                with path.open("rb") as file:
                    for _, text, *_ in extract(babel_extract, file, MARKS, options={"silent": "false"}):
                        yield place, text


def said_by_code(source: str) -> Iterator[str | tuple[str, ...]]:
    """What a module marks. Babel's own reader of Python stumbles over bytes, and over names of methods."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        marks, name = (MARKS, node.func.id) if isinstance(node.func, ast.Name) else (METHODS, node.func.attr)
        if name in marks:
            wanted = [node.args[at - 1 : at] for at in marks[name] or (1,)]
            said = [arg.value for args in wanted for arg in args if isinstance(arg, ast.Constant)]
            texts = [text for text in said if isinstance(text, str)]
            if len(texts) == len(wanted):
                yield texts[0] if len(texts) == 1 else tuple(texts)


def catalogue_path(name: str, language: str) -> Path:
    """Where a folder's catalogue of a language lies."""
    return folder_of(name) / "locale" / f"{language}.po"


def brought_up_to_date(name: str, language: str) -> bytes:
    """The catalogue as it should be: what is said now, with the translations that it has."""
    path = catalogue_path(name, language)
    before = read_po(io.BytesIO(path.read_bytes()), locale=language) if path.is_file() else Catalog(locale=language)
    now = said_in(name)
    made = Catalog(
        locale=language,
        domain=name,
        header_comment=_HEADER.format(name=name, language=language),
        project="Sealgate",
        version="1",
        copyright_holder="Sealgate",
        msgid_bugs_address="",
        creation_date=_DATE,
        revision_date=_DATE,
        last_translator="Sealgate",
        language_team=language,
        fuzzy=False,
    )
    for message in now:
        if message.id:
            known = before.get(message.id)
            made.add(message.id, known.string if known else None, locations=message.locations)
    into = io.BytesIO()
    write_po(into, made, width=100, include_lineno=False, sort_by_file=True)
    return re.sub(rb'^"(Generated-By|Report-Msgid-Bugs-To): .*\n', b"", into.getvalue(), flags=re.MULTILINE)


if __name__ == "__main__":
    for folder in SPEAKERS:
        for tongue in Language:
            if tongue is not Language.EN:
                target = catalogue_path(folder, tongue)
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(brought_up_to_date(folder, tongue))
