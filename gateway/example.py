"""The commented example of a configuration, and its JSON Schema: both written from the settings themselves."""

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.mistakes import bare
from gateway.settings import Settings
from gateway.yamlmarks import scalar

HEAD: Final = """\
# The configuration of Sealgate. `sealgate config check` tells every mistake in it.
#
# What is not commented out is required, or stands with the value it has when it is left out. Lines that begin with
# `#` and no space show what else can be said. Relative paths are relative to this file.
"""
_KEYS: Final = {
    "partners": "st-mary",
    "profiles": "standard",
    "profile_groups": "personnel",
}  # example names of what is named freely
_WIDTH: Final = 116


def example() -> str:
    """The whole `config.example.yaml`."""
    return HEAD + "".join(f"{line}\n" for line in _section(Settings, 0, off=False))


def schema() -> str:
    """JSON Schema of the configuration (draft 2020-12)."""
    found = Settings.model_json_schema(by_alias=True)
    for model in _sections(Settings):
        node = found if model is Settings else found["$defs"][model.__name__]
        for name, field in model.model_fields.items():
            about = node["properties"][field.alias or name]
            if about.get("default") is not None:  # as it is written in the file: pydantic would say PT5M
                about["default"] = _written(field)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Sealgate configuration"}
    return json.dumps({**found, **head}, indent=2, ensure_ascii=False)


def _sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A section and all sections within it."""
    yield model
    for field in model.model_fields.values():
        inner, _ = _model(field.annotation)
        if inner is not None:
            yield from _sections(inner)


def _section(model: type[BaseModel], indent: int, *, off: bool) -> Iterator[str]:
    """The lines of a section; `off`: all of it is commented out."""
    for name, field in model.model_fields.items():
        if field.annotation is type(None):  # its place is kept for a later version
            continue
        if indent == 0:
            yield ""
        for line in textwrap.wrap(field.description or "", _WIDTH - indent):
            yield f"{' ' * indent}# {line}"
        yield from _field(field.alias or name, field, indent, off=off)


def _field(name: str, field: FieldInfo, indent: int, *, off: bool) -> Iterator[str]:
    inner, many = _model(field.annotation)
    off = off or _is_off(field)
    if inner is None:
        yield _line(f"{name}: {_flow(_value(field))}", indent, off)
    elif many is tuple:
        yield _line(f"{name}:", indent, off)
        first, *others = _section(inner, indent + 4, off=off)
        lines = [first, *others]
        key = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("# "))
        yield from lines[:key]
        yield _line(f"- {lines[key].lstrip().removeprefix('#')}", indent + 2, off)
        yield from lines[key + 1 :]
    elif many is dict:
        off = off or name in ("partners", "profile_groups")
        yield _line(f"{name}:", indent, off)
        yield _line(f"{_KEYS[name]}:", indent + 2, off)
        yield from _section(inner, indent + 4, off=off)
    else:
        off = off or all(map(_is_off, inner.model_fields.values()))
        yield _line(f"{name}:", indent, off)
        yield from _section(inner, indent + 2, off=off)


def _is_off(field: FieldInfo) -> bool:
    """True where an example stands in place of a default that says nothing."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    if field.is_required() or extra.get("needed"):
        return False
    default = _default(field)
    return default is None or (default in ((), {}) and bool(field.examples))


def _line(text: str, indent: int, off: bool) -> str:
    """With `#` in front of it, and no space, where it is commented out."""
    return f"{' ' * indent}{'#' if off else ''}{text}"


def _model(annotation: Any) -> tuple[type[BaseModel] | None, Any]:
    """The section that stands there, and whether in a list or under names."""
    kind = bare(annotation)
    many = get_origin(kind)
    if many in (tuple, dict):
        inner = [bare(arg) for arg in get_args(kind) if arg is not Ellipsis]
        kind = inner[-1]
    return (kind, many) if isinstance(kind, type) and issubclass(kind, BaseModel) else (None, None)


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _value(field: FieldInfo) -> Any:
    """The default as it is written in the file, else the example."""
    if field.is_required() or _default(field) is None or (field.examples and not _default(field)):
        return field.examples[0] if field.examples else None
    return _written(field)


def _written(field: FieldInfo) -> Any:
    """The default as the file would have it."""
    holder: Any = type("Holder", (BaseModel,), {"__annotations__": {"v": field.rebuild_annotation()}})
    return json.loads(holder.model_construct(v=_default(field)).model_dump_json(by_alias=True))["v"]


def _flow(value: Any) -> str:
    """YAML on one line: words bare, everything else as JSON."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    bare_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9/][\w./ -]*", value) and scalar(value) == value
    if bare_word:
        return str(value)
    return json.dumps(value, ensure_ascii=False)
