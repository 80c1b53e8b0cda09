"""From what pydantic says of a value to one problem at its place, in words for people."""

import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from delivery.sections import LATER
from gateway.yamlmarks import Document
from policy.problem import Path, Problem, did_you_mean, one_of
from policy.source import kind_of

# what is planned and has a name already: told apart from misspellings
_LATER_KEYS: Final = frozenset(
    {
        *("captcha", "email_validation"),
        *("secure_link", "extra_encryption", "link_key", "question", "passkey", "sms", "voice", "theme", "host"),
    }
)
_LATER_VALUES: Final = frozenset({"dane", "mta-sts"})
_EXPECTED: Final[Mapping[str, str]] = {
    "string": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "keys with values",
    "model": "keys with values",
    "path": "a path",
    "none": "null",
}


def problem_of(error: ErrorDetails, document: Document, model: type[BaseModel]) -> Problem | None:
    """The problem of one of pydantic's errors; None for what only follows from another."""
    path: Path = tuple(error["loc"])
    sort, value = error["type"], error.get("input")
    context: dict[str, Any] = error.get("ctx") or {}
    if sort == "default_factory_not_called" or (sort == "too_short" and value):
        return None  # its entries, or what it is made of, are wrong: told already
    if sort == "extra_forbidden":
        return _unknown(path, document, model)
    if sort == "missing":
        return _missing(path, document, model)
    at_key = isinstance(value, dict)
    if path[-1] == "[key]":  # a name is wrong, not what stands under it
        path, at_key = path[:-1], True
    if sort == "sealgate":
        return document.problem(path, context["cause"], context["hint"], key=at_key)
    if sort in ("enum", "literal_error"):
        return _none_of(path, value, context, document)
    if sort == "value_error":
        cause = str(context.get("error", error["msg"]))
        said = f'"{value}" is not read here: {cause}' if isinstance(value, str | int | float) else cause
        return document.problem(path, said, key=at_key)
    if sort in ("greater_than_equal", "less_than_equal"):
        least = sort == "greater_than_equal"
        limit = context["ge" if least else "le"]
        return document.problem(
            path, f"{value} is too {'small' if least else 'large'}: at {'least' if least else 'most'} {limit}"
        )
    if sort == "too_short":
        return document.problem(path, "is empty, at least one is expected")
    return _other_type(path, sort, value, error["msg"], document)


def _unknown(path: Path, document: Document, model: type[BaseModel]) -> Problem:
    name = str(path[-1])
    known = keys_at(model, path[:-1])
    if name not in known and name in _LATER_KEYS and not did_you_mean(name, known):
        return document.problem(path, LATER, "leave it out", key=True)
    hint = did_you_mean(name, known) or f"known here: {one_of(known)}"
    return document.problem(path, "is no key here", hint, key=True)


def _missing(path: Path, document: Document, model: type[BaseModel]) -> Problem | None:
    """A key that is there misspelt is told as that alone."""
    section = document.data
    for step in path[:-1]:
        section = section[step]
    known = keys_at(model, path[:-1])
    if any(key not in known and did_you_mean(key, (str(path[-1]),)) for key in section):
        return None
    found = document.problem(path[:-1], "is missing", about(model, path), key=True)
    return Problem(found.file, found.line, found.column, document.problem(path, "").key, found.cause, found.hint)


def _none_of(path: Path, value: object, context: Mapping[str, Any], document: Document) -> Problem:
    words = re.findall(r"'([^']*)'|\b(\d+)\b", str(context.get("expected", "")))
    names = [word or number for word, number in words]
    if isinstance(value, dict | list) or value is None:
        return document.problem(
            path, f"{kind_of(value)} stands where one of {one_of(names)} should be", key=isinstance(value, dict)
        )
    if value in _LATER_VALUES:
        return document.problem(path, f'"{value}": {LATER}', f"one of {one_of(names)}")
    if isinstance(value, int | float) and f"{value}" in names:
        return document.problem(path, "a number stands where a text should be", f'quote it: "{value}"')
    return document.problem(path, f'"{value}" is none of {one_of(names)}', did_you_mean(str(value), names))


def _other_type(path: Path, sort: str, value: object, message: str, document: Document) -> Problem:
    expected = _EXPECTED.get(sort.partition("_")[0])
    if expected is None or not sort.endswith(("_type", "_parsing", "_from_float", "_attributes_type")):
        return document.problem(path, message[:1].lower() + message[1:], key=isinstance(value, dict))
    hint = ""
    if expected == "a list" and isinstance(value, str | int | float):
        hint = f"write [{value}]" if isinstance(value, int | float) or "*" not in str(value) else f'write ["{value}"]'
    elif expected == "a text" and isinstance(value, int | float):
        hint = f'quote it: "{value}"'
    elif expected == "true or false" and isinstance(value, str):
        hint = "only true and false, without quotes"
    elif expected == "a whole number" and isinstance(value, str) and value.isdigit():
        hint = "leave the quotes out"
    return document.problem(
        path, f"{kind_of(value)} stands where {expected} should be", hint, key=isinstance(value, dict)
    )


def keys_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The keys that a section of the configuration knows."""
    found = _at(model, path)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return tuple(field.alias or name for name, field in found.model_fields.items())
    return ()


def about(model: type[BaseModel], path: Path) -> str:
    """The first sentence of what a field is for."""
    section = _at(model, path[:-1])
    if not (isinstance(section, type) and issubclass(section, BaseModel)):
        return ""
    for name, field in section.model_fields.items():
        if path[-1] in (name, field.alias):
            return re.split(r"(?<=\.) ", field.description or "")[0]
    return ""


def _at(model: Any, path: Path) -> Any:
    """The type that stands at the path: walks models, lists and mappings."""
    found = bare(model)
    for step in path:
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields: Iterable[tuple[str, Any]] = ((f.alias or n, f.annotation) for n, f in found.model_fields.items())
            found = bare(next((kind for name, kind in fields if name == step), None))
        else:
            inner = [inner for inner in get_args(found) if inner is not Ellipsis]
            found = bare(inner[-1]) if inner else None
    return found


def bare(annotation: Any) -> Any:
    """The type without Annotated and without `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            inner = [kind for kind in get_args(annotation) if kind is not type(None)]
            if len(inner) != 1:
                return annotation
            annotation = inner[0]
        else:
            return annotation
