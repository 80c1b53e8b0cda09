"""Charts: titles and labels, and their numbers as the formats display them."""

from typing import Final

from lxml import etree

from policy.extraction.cells.format import displayed
from policy.extraction.text.tables import joined_cells
from policy.extraction.xmltext import local

_MOST_FORMATS: Final = 8
_LONGEST: Final = 200  # characters of a format


def chart_text(root: "etree._Element") -> str:
    """The cached values of each series on a line, as displayed and, where that differs, as stored."""
    lines: list[str] = []
    labels = {each.get("formatCode", "") for each in root.iter("{*}numFmt")}
    formats = [code for code in sorted(labels) if code and len(code) <= _LONGEST][:_MOST_FORMATS]
    for cache in root.iter("{*}strCache", "{*}numCache", "{*}strLit", "{*}numLit", "{*}lvl"):
        own = next((each.text or "" for each in cache.iterchildren("{*}formatCode")), "")
        points = list(cache.iterchildren("{*}pt"))
        stored = [value.text or "" for point in points for value in point.iterchildren("{*}v", "{*}t")]
        stored += [point.text or "" for point in points if point.text and not len(point)]
        lines.append("\t".join(stored))
        numbers = local(cache) in {"numCache", "numLit"}
        for code in dict.fromkeys((own, *(point.get("formatCode", "") for point in points[:_MOST_FORMATS]), *formats)):
            if numbers and code and code != "General" and len(code) <= _LONGEST:
                lines.append("\t".join(displayed(value, code) for value in stored))
    text = "\n".join(line for line in dict.fromkeys(lines) if line.strip())
    return "\n".join(filter(None, (text, joined_cells(text))))
