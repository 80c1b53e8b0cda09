"""Text of OpenDocument trees: paragraphs as displayed, changes both ways, notes, comments, hidden text."""

from collections.abc import Callable
from typing import Final

from lxml import etree

from policy.extraction.opendocument.formats import shown_by
from policy.extraction.opendocument.styles import OdfLists, OdfStyles
from policy.extraction.text.pieces import (
    BOUND,
    CACHED,
    DELETED,
    HIDDEN,
    INSERTED,
    RUBY,
    Line,
    Piece,
    Reading,
    readings_of,
)
from policy.extraction.xmltext import attribute, local

_MOST_SPACES: Final = 1_000
_MOST_DELETED: Final = 20_000  # changes that are put back where they were
_BESIDE: Final = frozenset(
    {"title", "desc", "creator", "creator-initials", "sender-initials", "script", "event-listeners", "binary-data",
     "tracked-changes", "math", "dde-connection-decl", "sequence-decls", "forms", "annotation-end", "module",
     "user-field-decls", "variable-decls", "content-validations", "named-expressions", "database-ranges"}
)  # fmt: skip
_SILENT: Final = frozenset(
    {"styles", "automatic-styles", "font-face-decls", "settings", "binary-data", "image-map", "date", "date-string"}
)
# Attributes that a program shows: in its lists, on pointing at something, in place of the text.
_SHOWN: Final = frozenset(
    {"name", "title", "description", "help-text", "label", "href", "string-value", "string-value-if-true", "formula",
     "string-value-if-false", "current-value", "default-value", "expression", "condition", "value-list", "text",
     "current-string-value", "note", "search-text", "caption-id", "author", "section-name", "display-name",
     "comment"}
)  # fmt: skip
_FIELDS: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"  # whose dates stand in lines, not beside notes
_PROPERTIES: Final = ("user-defined", "subject", "keywords", "initial-creator")
_CONTROLS: Final = ("{*}text", "{*}textarea", "{*}formatted-text", "{*}combobox", "{*}button", "{*}fixed-text",
                    "{*}number", "{*}date")  # fmt: skip
_MOST_CONTROLS: Final = 20_000
_LONGEST_BOX: Final = 40  # characters
_AMBIGUOUS: Final = frozenset({"date", "title", "description", "creator"})  # fields that share their names
_FLAT: Final = frozenset({"p", "h"})


class OdfWalk:
    """One pass over a tree; paragraphs, rows and cells inside each other are kept on stacks."""

    def __init__(self, styles: OdfStyles) -> None:
        self.beside: list[str] = []
        self._styles = styles
        self._lists = OdfLists(styles)
        self._lines: list[list[Line]] = [[]]
        self._rows: list[list[Line]] = []
        self._open: list[tuple[Line, int]] = []  # open paragraphs, and how deep the text was when they began
        self._flags: list[int] = [0]
        self._looks: list[str] = [""]
        self._inline: list[bool] = [False]  # whether text stands in the open paragraph
        self._inserted: set[str] = set()
        self._deleted: dict[str, list[Piece]] = {}
        self._put_back: set[str] = set()
        self._kinds: dict[str, int] = {}  # of changes: DELETED or INSERTED
        self._fields: dict[str, str] = {}  # of the user, by their names
        self._controls: dict[str, str] = {}  # what is filled in, by the controls' names
        self._leftwards: list[bool] = []  # whether the cells of each open table run so
        self._cells: list[tuple[str, str, str]] = []  # of open cells: format, kind and value
        self._slide = ""
        self._numbers = [0, 0, 0]  # paragraphs, tables, slides

    def readings(self, root: "etree._Element") -> list[Reading]:
        """Of a whole tree, the displayed one first; last what stands beside it."""
        for changes in root.iter("{*}tracked-changes"):
            self._changes(changes)
        for field in root.iter("{*}user-field-decl", "{*}variable-set"):
            value = attribute(field, "string-value") or attribute(field, "value") or "".join(map(str, field.itertext()))
            self._fields[attribute(field, "name")] = value
        for _, control in zip(range(_MOST_CONTROLS), root.iter(*_CONTROLS), strict=False):
            told = attribute(control, "current-value") or attribute(control, "value") or attribute(control, "label")
            self._controls[attribute(control, "id")] = told
        self._go(root)
        while self._open:
            self._lines[0].append(self._open.pop()[0])
        found = readings_of(self._lines[0])
        for key, pieces in self._deleted.items():  # nowhere put back
            self.beside += [text for text, _, _ in pieces if key not in self._put_back]
        said = "\n\n".join(dict.fromkeys(text.strip() for text in self.beside if text.strip()))
        return [*found, *([Reading(said)] if said else [])]

    def _changes(self, changes: "etree._Element") -> None:
        cells = ("".join(map(str, cell.itertext())) for cell in changes.iter("{*}change-track-table-cell"))
        self.beside += [text for _, text in zip(range(_MOST_DELETED), cells, strict=False)]
        for region in changes.iterchildren("{*}changed-region"):
            key = attribute(region, "id")
            for change in region:
                kind = local(change)
                if kind == "insertion":
                    self._kinds[key] = INSERTED
                elif kind == "deletion" and len(self._deleted) < _MOST_DELETED:
                    self._kinds[key] = DELETED
                    texts = [
                        "".join(map(str, p.itertext()))
                        for p in change.iterchildren("{*}p", "{*}h", "{*}list", "{*}table")
                    ]
                    self._deleted[key] = [("\n".join(texts), DELETED, "")]
                    self.beside += [author.text or "" for author in change.iter("{*}creator")]

    def _go(self, root: "etree._Element") -> None:
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag
            if not isinstance(tag, str):
                if event == "end" and element.tail:
                    self._text(element.tail)
                continue
            name = tag.rpartition("}")[2]
            if name in _AMBIGUOUS and tag.startswith(_FIELDS):
                name = "field"
            if event == "start":
                if name in _SILENT or name == "tracked-changes":
                    walk.skip_subtree()
                self._start(name, element)
            else:
                self._end(name)
                if element.tail and element is not root:
                    self._text(element.tail)

    def _start(self, name: str, element: "etree._Element") -> None:
        flags, look, inline = self._flags[-1], self._looks[-1], self._inline[-1]
        style = ""
        if element.attrib:
            for key, value in element.attrib.items():
                short = str(key).rpartition("}")[2]
                if short == "style-name":
                    style = str(value)
                elif short in _SHOWN and len(value) > 2:
                    self.beside.append(str(value))
            if style:
                flags |= self._styles.flags.get(style, 0)
                look = self._styles.looks.get(style, "") or look if name == "span" else look
        if name in _FLAT:
            inline = True
            self._paragraph(element, style)
        elif name in _BESIDE or name in {"annotation", "note", "frame", "note-body", "custom-shape"}:
            inline = False
        handler = _STARTS.get(name)
        if handler:
            flags |= handler(self, element)
        self._flags.append(flags)
        self._looks.append(look)
        self._inline.append(inline or name in {"note-citation", "ruby-text"})
        text = element.text
        if text and name not in _SILENT:
            self._text(text)

    def _end(self, name: str) -> None:
        self._flags.pop()
        self._looks.pop()
        self._inline.pop()
        if name in _FLAT and self._open:
            self._lines[-1].append(self._open.pop()[0])
        elif name in {"table-cell", "covered-table-cell"} and len(self._lines) > 1:
            cell = self._cell_of(self._lines.pop(), *self._cells.pop())
            if self._rows:
                self._rows[-1].append(cell)
        elif name == "table-row" and self._rows:
            row = Line(mark=f"table {self._numbers[1]}" if not self._slide else self._slide)
            cells = self._rows.pop()
            for number, cell in enumerate(cells):
                row.pieces += [*([("\t", 0, "")] if number else []), *cell.pieces]
            if self._leftwards and self._leftwards[-1]:
                row.other = "\t".join(cell.shown() for cell in reversed(cells))
            self._lines[-1].append(row)
        elif name == "table" and self._leftwards:
            self._leftwards.pop()
        elif name in {"list", "numbered-paragraph"}:
            self._lists.close()

    def _cell_of(self, lines: list[Line], code: str, kind: str, stored: str) -> Line:
        """A cell's paragraphs in one line; its value in its format beside what was saved of it."""
        cell = Line()
        for line in lines:
            cell.pieces += [*([(" ", 0, "")] if cell.pieces else []), *line.pieces]
        formatted = shown_by(code, kind, stored)
        if formatted and formatted != cell.shown():
            cell.pieces = [(text, flags | CACHED, look) for text, flags, look in cell.pieces]
            cell.pieces.append((formatted, BOUND, ""))
        return cell

    def _text(self, text: str) -> None:
        if self._inline[-1] and self._open:
            if "\n" in text or "\t" in text:
                text = text.replace("\n", " ").replace("\t", " ")
            self._add(text)
        elif not text.isspace():
            self.beside.append(text)

    def _add(self, text: str, flags: int = 0) -> None:
        flags |= self._flags[-1] | (INSERTED if self._inserted else 0)
        if self._open:
            self._open[-1][0].pieces.append((text, flags, self._looks[-1]))

    def _paragraph(self, element: "etree._Element", style: str) -> None:
        self._numbers[0] += 1
        line = Line(mark=self._slide or f"paragraph {self._numbers[0]}")
        label = self._lists.heading(element) if local(element) == "h" else ""
        label = label or self._lists.label(style)
        if label:
            line.pieces.append((label.rstrip(" \t"), 0, ""))
            line.pieces.append((label[len(label.rstrip(" \t")) :], 0, "suffix"))
        self._open.append((line, len(self._flags)))
        if next(element.iterchildren("{*}hidden-paragraph"), None) is not None:
            self._flags[-1] |= HIDDEN

    def _spaces(self, element: "etree._Element") -> int:
        count = attribute(element, "c")
        self._add(" " * min(_MOST_SPACES, int(count) if count.isdecimal() and len(count) < 6 else 1))
        return 0

    def _tab(self, _: "etree._Element") -> int:
        self._add("\t")
        return 0

    def _break(self, _: "etree._Element") -> int:
        self._add("\n")
        return 0

    def _change(self, element: "etree._Element") -> int:
        """Where something was deleted."""
        self._put_back.add(attribute(element, "change-id"))
        for text, flags, _ in self._deleted.get(attribute(element, "change-id"), ()):
            self._add(text, flags)
        return 0

    def _user_field(self, element: "etree._Element") -> int:
        """A field whose value stands in its declaration: shown as it stands there, whatever was saved with the text."""
        return self._told(element, self._fields.get(attribute(element, "name"), ""))

    def _property(self, element: "etree._Element") -> int:
        """A field that shows one of the document's properties."""
        name = local(element)
        key = f"user-defined {attribute(element, 'name')}" if name == "user-defined" else name
        if name == "date":
            return 0
        return self._told(element, self._styles.fields.get(key, ""))

    def _choice(self, element: "etree._Element") -> int:
        """A list of which one entry is shown."""
        labels = list(element.iterchildren("{*}label"))
        chosen = [each for each in labels if attribute(each, "current-selected") == "true"] or labels[:1]
        saved = any(each.tail and each.tail.strip() for each in element) or (element.text or "").strip()
        for each in chosen:
            self._add(attribute(each, "value"), BOUND if saved else 0)
        return 0

    def _told(self, element: "etree._Element", value: str) -> int:
        """A field as its value is now, beside what was saved of it."""
        saved = "".join(str(each) for each in element.itertext()).strip()
        if not value or value == saved:
            return 0
        self._add(value, BOUND if saved else 0)
        return CACHED

    def _control(self, element: "etree._Element") -> int:
        """A control of a form that stands in the line."""
        if self._inline[-1]:
            self._add(self._controls.get(attribute(element, "control"), ""), BOUND)
        return 0

    def _frame(self, element: "etree._Element") -> int:
        """A box of one short text that stands in the line."""
        if attribute(element, "anchor-type") == "as-char" and self._inline[-1]:
            texts = [str(text) for p in element.iter("{*}p") for text in p.itertext()]
            if sum(map(len, texts)) <= _LONGEST_BOX:
                self._add("".join(texts), BOUND)
        return 0

    def _change_start(self, element: "etree._Element") -> int:
        key = attribute(element, "change-id")
        if self._kinds.get(key) == INSERTED:
            self._inserted.add(key)
        return 0

    def _change_end(self, element: "etree._Element") -> int:
        self._inserted.discard(attribute(element, "change-id"))
        return 0

    def _gloss(self, element: "etree._Element") -> int:
        self.beside.append("".join(str(each) for each in element.itertext()))
        return RUBY

    def _hidden(self, element: "etree._Element") -> int:
        around = self._flags[-1]
        self._flags[-1] |= HIDDEN
        self._saved(element)
        self._flags[-1] = around
        return HIDDEN

    def _saved(self, element: "etree._Element") -> int:
        """A field that shows a text of its own, where none was saved with it."""
        if not "".join(str(each) for each in element.itertext()).strip():
            self._add(attribute(element, "string-value") or attribute(element, "string-value-if-true"))
        return 0

    def _section(self, element: "etree._Element") -> int:
        return HIDDEN if attribute(element, "display") in {"none", "condition"} else 0

    def _variable(self, element: "etree._Element") -> int:
        return HIDDEN if attribute(element, "display") == "none" else 0

    def _page(self, element: "etree._Element") -> int:
        self._numbers[2] += 1
        hidden = attribute(element, "style-name") in self._styles.hidden
        self._slide = f"slide {self._numbers[2]}{' (hidden)' if hidden else ''}"
        return 0

    def _notes(self, _: "etree._Element") -> int:
        self._slide = f"{self._slide.removesuffix(' > notes')} > notes"
        return 0

    def _table(self, element: "etree._Element") -> int:
        self._numbers[1] += 1
        self._leftwards.append(attribute(element, "style-name") in self._styles.leftwards)
        return 0

    def _row(self, _: "etree._Element") -> int:
        self._rows.append([])
        return 0

    def _cell(self, element: "etree._Element") -> int:
        self._lines.append([])
        kind = attribute(element, "value-type")
        value = attribute(element, f"{kind}-value") or attribute(element, "value")
        self._cells.append((self._styles.codes.get(attribute(element, "style-name"), ""), kind, value))
        return 0

    def _label(self, element: "etree._Element") -> int:
        self.beside.append(attribute(element, "value"))  # one of a list's choices
        return 0

    def _list(self, element: "etree._Element") -> int:
        self._lists.open(element)
        return 0

    def _numbered(self, element: "etree._Element") -> int:
        self._lists.numbered(element)
        return 0

    def _item(self, element: "etree._Element") -> int:
        self._lists.item(element)
        return 0


_STARTS: Final[dict[str, Callable[[OdfWalk, "etree._Element"], int]]] = {
    "s": OdfWalk._spaces,
    "tab": OdfWalk._tab,
    "line-break": OdfWalk._break,
    "change": OdfWalk._change,
    "change-start": OdfWalk._change_start,
    "user-field-get": OdfWalk._user_field,
    "variable-get": OdfWalk._user_field,
    "drop-down": OdfWalk._choice,
    "control": OdfWalk._control,
    "frame": OdfWalk._frame,
    "numbered-paragraph": OdfWalk._numbered,
    "field": OdfWalk._property,
    **dict.fromkeys(_PROPERTIES, OdfWalk._property),
    "change-end": OdfWalk._change_end,
    "ruby-text": OdfWalk._gloss,
    "note-citation": OdfWalk._gloss,
    "hidden-text": OdfWalk._hidden,
    "conditional-text": OdfWalk._saved,
    "section": OdfWalk._section,
    "variable-set": OdfWalk._variable,
    "variable-input": OdfWalk._variable,
    "page": OdfWalk._page,
    "notes": OdfWalk._notes,
    "table": OdfWalk._table,
    "table-row": OdfWalk._row,
    "table-cell": OdfWalk._cell,
    "covered-table-cell": OdfWalk._cell,
    "label": OdfWalk._label,
    "list": OdfWalk._list,
    "list-item": OdfWalk._item,
}
