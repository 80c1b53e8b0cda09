"""Form data that a viewer lays over its PDF (FDF; ISO 32000-1, 12.7.7): each field by its name."""

from typing import Final

from policy.extraction.pdf.objects import Objects, read_objects, text_of

FDF: Final = b"%FDF-"
_DEEPEST: Final = 40
_MOST: Final = 20_000  # fields


def field_lines(data: bytes, room: int) -> tuple[str, bool]:
    """A line for each field, `name: value`, and what else is said; whether all was looked at. Never raises."""
    objects = read_objects(data, room)
    lines: list[str] = []
    for value in objects.every():
        _walk(objects, value, "", lines, 0)
    lines += [text_of(each) for each in objects.loose if isinstance(each, bytes)]
    return "\n".join(dict.fromkeys(line for line in lines if line.strip())), objects.whole and len(lines) < _MOST


def _walk(objects: Objects, value: object, name: str, lines: list[str], depth: int) -> None:
    """The entries of a dictionary below the name of its field (`T`), which may be a part of a longer one."""
    if depth > _DEEPEST or len(lines) >= _MOST:
        return
    if isinstance(value, list):
        for each in value:
            _walk(objects, each, name, lines, depth + 1)
    elif isinstance(value, dict):
        title = value.get("T")
        inner = ".".join(part for part in (name, text_of(title) if isinstance(title, bytes) else "") if part)
        for entry, each in value.items():
            if entry not in {"T", "ID", "Parent", "P"}:
                _walk(objects, objects.get(each) if depth else each, inner, lines, depth + 1)
    elif isinstance(value, bytes):
        lines.append(f"{name}: {text_of(value)}" if name else text_of(value))
