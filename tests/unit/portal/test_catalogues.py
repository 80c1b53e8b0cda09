"""What is said is marked, collected, and translated whole: no sentence is left in English, none lost its values."""

import ast
import io
import re
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from babel.messages import Message
from babel.messages.pofile import read_po
from catalogues import MARKS, SPEAKERS, brought_up_to_date, catalogue_path, folder_of, said_by_code
from marked import unmarked

from delivery.languages import LOCALES, NAMES, TAGS, Language
from delivery.notices.templating import TEMPLATES, environment
from portal.web import render

OTHERS = [language for language in Language if language is not Language.EN]
CATALOGUES = [(name, language) for name in SPEAKERS for language in OTHERS]
# Names and addresses that stand in both: a translation may leave out none of these either.
_KEPT = re.compile(r"\+41[ \d]+|[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}|SafeBox|JSON|UTC")


@pytest.mark.slow  # reads every template
def test_every_word_of_a_template_is_marked() -> None:
    found = {}
    for folder, made in ((render.TEMPLATES, render.environment()), (TEMPLATES, environment())):
        paths = [path for path in sorted(folder.rglob("*")) if path.suffix in (".html", ".txt")]
        assert len(paths) > 30
        found |= {str(path): words for path in paths if (words := list(unmarked(path, made)))}
    assert not found


def test_a_word_that_is_not_marked_is_seen(tmp_path: Path) -> None:
    seen = {
        '<p>{{ _("Yes") }} but</p>': ["but"],
        '<a title="Go on" class="a b">{{ x }}</a>': ["Go on"],
        '<i data-late="Too late now">{{ "Not here" if x else _("Here") }}</i>': ["Too late now", "Not here"],
        "{# A comment. #}{% if x %}{{ say('Up to {n}.', n=1) }}{% endif %}": [],
    }
    for source, found in seen.items():
        path = tmp_path / "a.html"
        path.write_text(source)
        assert list(unmarked(path, render.environment())) == found


def messages(name: str, language: str) -> list[Message]:
    with catalogue_path(name, language).open("rb") as file:
        return [message for message in read_po(file, locale=language) if message.id]


def forms(text: object) -> list[str]:
    return [text] if isinstance(text, str) else [str(form) for form in text or ()]  # type: ignore[attr-defined] # tuple


def ends(text: str) -> str:
    """The mark it ends with; empty for what is no sentence."""
    return text[-1] if text[-1] in ".:?…" else ""


def values(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(("name", "language"), CATALOGUES)
def test_every_sentence_is_translated_whole(name: str, language: Language) -> None:
    for message in messages(name, language):
        said, wanted = forms(message.string), forms(message.id)
        assert not message.fuzzy and all(said), f"not translated: {message.id}"
        for form in said:
            assert values(form) == values(wanted[-1]), f"{message.id}: {form}"
            assert set(_KEPT.findall(form)) == set(_KEPT.findall(wanted[-1])), form
            assert form == form.strip() and "  " not in form and "'" not in form and '"' not in form, form
            assert ends(form) == ends(wanted[-1]) or wanted[-1][-1] == ",", form  # a salutation ends as it does there


def test_a_language_has_a_name_and_ways_to_write_dates_and_to_be_read_aloud() -> None:
    assert set(NAMES) == set(LOCALES) == set(TAGS) == set(Language)
    assert all(Path(str(files(name)), "locale", f"{language}.po").is_file() for name, language in CATALOGUES)


@pytest.mark.slow  # reads every module
@pytest.mark.parametrize(("name", "language"), CATALOGUES)
def test_catalogues_hold_what_is_said_and_nothing_else(name: str, language: Language) -> None:
    """`make generate` brings them up to date."""
    kept = catalogue_path(name, language).read_bytes()
    made = brought_up_to_date(name, language)
    assert {m.id for m in read_po(io.BytesIO(made))} == {m.id for m in read_po(io.BytesIO(kept))}
    assert made == kept


@pytest.mark.slow  # reads every module
def test_code_says_nothing_before_it_knows_to_whom() -> None:
    """At import there is no reader: `phrase` says it later. And what is put together cannot be collected."""
    for path in sorted(folder_of("portal").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        inside = {id(one) for node in ast.walk(tree) if is_code(node) for one in ast.walk(node)}
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKS:
                assert id(call) in inside or call.func.id == "phrase", f"{path}:{call.lineno} is said at import"
                said = call.args[1:3] if call.func.id == "count" else call.args[:1]
                together = any(isinstance(one, ast.JoinedStr | ast.BinOp) for one in said)
                assert not together, f"{path}:{call.lineno} is put together"


def is_code(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def test_what_code_marks_is_collected() -> None:
    source = """
A = phrase("One {x}." " Two.", x=1)
def f(): return _("Three"), say("Four {y}", y=2), count(n, "five", "fives"), b"x".count(b"y"), _(name)
"""
    assert list(said_by_code(source)) == ["One {x}. Two.", "Three", "Four {y}", ("five", "fives")]
