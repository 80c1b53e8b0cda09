"""Formulas that put texts together: worked out where a workbook was saved without their results.

Not a calculator: signs, texts, and the functions that make texts of cells. What it does not know has no value.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from policy.extraction.cells.functions import ARITHMETIC, FUNCTIONS, Unknown, Value, compared, cut, number_of, text_of
from policy.extraction.cells.lookups import LOOKUPS

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"]|"")*")|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)"""
    r"""|(?P<cell>(?:(?:'(?:[^']|'')+'|[\w.]+)!)?\$?[A-Za-z]{1,3}\$?\d{1,7}(?![\w(.]))"""
    r"""|(?P<call>[A-Za-z_][\w.]*)\(|(?P<name>[A-Za-z_\\][\w.\\]*)|(?P<sign><=|>=|<>|[-+*/^&=<>%(),;:{}@]))"""
)
_CELL: Final = re.compile(r"(?:(?:'((?:[^']|'')+)'|([\w.]+))!)?(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})\Z")
_LONGEST: Final = 8_192  # characters of a formula, as Excel has it
_DEEPEST: Final = 60  # formulas within formulas, brackets within brackets
_MOST_CELLS: Final = 4_000  # of one range
_STEPS: Final = 400_000  # of one workbook


class Cells(Protocol):
    """Where the values of cells come from."""

    def value(self, sheet: str, column: int, row: int) -> Value | str | None:
        """What stands in a cell, columns and rows from 1; the formula with its `=` where its result is not known."""
        ...

    def named(self, name: str) -> str:
        """The formula of a defined name; empty where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class _Reference:
    sheet: str
    column: int
    row: int
    fixed_column: bool
    fixed_row: bool


@dataclass(frozen=True, slots=True)
class _Node:
    """`what` is an operator, the name of a function in upper case, `value`, `cell`, `range`, `name`."""

    what: str
    parts: tuple["_Node", ...] = ()
    value: Value | _Reference | None = None


@dataclass(slots=True)
class Calculator:
    """Works out formulas of one workbook, all of them together within a number of steps."""

    cells: Cells
    steps: int = 0
    most: int = _STEPS
    lost: bool = False  # the last formula was one that is not followed
    _parsed: dict[str, _Node | None] = field(default_factory=dict)

    @property
    def is_spent(self) -> bool:
        """Whether there are steps left."""
        return self.steps > self.most

    def result(self, formula: str, sheet: str, across: int = 0, down: int = 0) -> str | None:
        """The text a formula shows, moved `across` and `down` (shared ones); None where it is not followed."""
        self.lost = False
        try:
            node = self._parse(formula.removeprefix("=")) if len(formula) <= _LONGEST and not self.is_spent else None
            if node is not None:
                return text_of(_Run(self, sheet, across, down, 0).value(node))
        except (ArithmeticError, ValueError, IndexError):
            return None  # a cell that shows an error
        except (Unknown, RecursionError):
            pass
        self.lost = True
        return None

    def _parse(self, formula: str) -> _Node | None:
        if formula not in self._parsed:
            if len(self._parsed) > 5_000:
                self._parsed.clear()
            try:
                self._parsed[formula] = _Parser(formula).whole()
            except (Unknown, ValueError):
                self._parsed[formula] = None
        return self._parsed[formula]


class _Parser:
    """Operator precedence as in sheets: comparison, &, + -, * /, ^, sign, %."""

    _LEVELS: Final = (("=", "<", ">", "<=", ">=", "<>"), ("&",), ("+", "-"), ("*", "/"), ("^",))

    def __init__(self, formula: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        formula = formula.rstrip()
        while at < len(formula):
            match = _TOKEN.match(formula, at)
            if not match:
                raise Unknown
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            at = match.end()
        self._at = 0
        self._depth = 0

    def whole(self) -> _Node:
        node = self._level(0)
        if self._at != len(self._tokens):
            raise Unknown
        return node

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) and self._is("sign") else ""

    def _is(self, kind: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][0] == kind

    def _level(self, level: int) -> _Node:
        if level == len(self._LEVELS):
            return self._signed()
        node = self._level(level + 1)
        while (sign := self._peek()) in self._LEVELS[level]:
            self._at += 1
            node = _Node(sign, (node, self._level(level + 1)))
        return node

    def _signed(self) -> _Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unknown
        if self._peek() in {"-", "+", "@"}:
            sign = self._peek()
            self._at += 1
            node = self._signed()
            node = _Node("negative", (node,)) if sign == "-" else node
        else:
            node = self._one()
            while self._peek() in {"%", ":"}:
                sign = self._peek()
                self._at += 1
                node = _Node("%", (node,)) if sign == "%" else _Node("range", (node, self._one()))
        self._depth -= 1
        return node

    def _one(self) -> _Node:
        if self._at >= len(self._tokens):
            raise Unknown
        kind, word = self._tokens[self._at]
        self._at += 1
        if kind == "text":
            return _Node("value", value=word[1:-1].replace('""', '"'))
        if kind == "number":
            return _Node("value", value=float(word))
        if kind == "cell":
            return _Node("cell", value=_reference(word))
        if kind == "call":
            return _Node(word.upper().removeprefix("_XLFN.").removeprefix("COM.SUN.STAR."), tuple(self._arguments(")")))
        if kind == "name":
            low = word.lower()
            return _Node("value", value=low == "true") if low in {"true", "false"} else _Node("name", value=word)
        if word == "(":
            node = self._level(0)
            self._expect(")")
            return node
        if word == "{":
            return _Node("list", tuple(self._arguments("}")))
        raise Unknown

    def _arguments(self, end: str) -> list[_Node]:
        found: list[_Node] = []
        while True:
            if self._peek() == end:
                self._at += 1
                return found
            if self._peek() in {",", ";"}:
                self._at += 1
                found.append(_Node("value", value=""))
                continue
            found.append(self._level(0))
            if self._peek() in {",", ";"}:
                self._at += 1
            elif self._peek() != end:
                raise Unknown

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise Unknown
        self._at += 1


def _reference(token: str) -> _Reference:
    match = _CELL.match(token)
    if not match:
        raise Unknown
    quoted, plain, fixed, letters, fixed_row, row = match.groups()
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return _Reference((quoted or plain or "").replace("''", "'"), column, int(row), bool(fixed), bool(fixed_row))


@dataclass(slots=True)
class _Run:
    """One evaluation, at one place."""

    calculator: Calculator
    sheet: str
    across: int
    down: int
    depth: int
    names: dict[str, Value] = field(default_factory=dict)

    def value(self, node: _Node) -> Value:
        """Of a node that has one. Raises Unknown."""
        self.calculator.steps += 1
        if self.depth > _DEEPEST or self.calculator.is_spent:
            raise Unknown
        match node.what:
            case "value":
                assert isinstance(node.value, str | float | bool)
                return node.value
            case "cell":
                assert isinstance(node.value, _Reference)
                return self._cell(node.value)
            case "name":
                return self._named(str(node.value))
            case "negative":
                return -number_of(self.value(node.parts[0]))
            case "%":
                return number_of(self.value(node.parts[0])) / 100
            case "&":
                return cut(text_of(self.value(node.parts[0])) + text_of(self.value(node.parts[1])))
            case "+" | "-" | "*" | "/" | "^":
                return ARITHMETIC[node.what](*(number_of(self.value(part)) for part in node.parts))
            case "=" | "<" | ">" | "<=" | ">=" | "<>":
                return compared(node.what, *(self.value(part) for part in node.parts))
            case "IF":
                truth = self.value(node.parts[0])
                chosen = 1 if (truth and truth != 0) else 2
                return self.value(node.parts[chosen]) if chosen < len(node.parts) else False
            case "IFERROR" | "IFNA":
                try:
                    return self.value(node.parts[0])
                except (Unknown, ArithmeticError, ValueError):
                    return self.value(node.parts[1])
            case "LET":
                return self._let(node)
            case "INDIRECT":
                return self._formula(text_of(self.value(node.parts[0])), self.sheet)
            case "OFFSET":
                return self._offset(node)
        if node.what in LOOKUPS:
            return LOOKUPS[node.what]([self._square(part) for part in node.parts])
        known = FUNCTIONS.get(node.what)
        if known is None:
            raise Unknown
        return known([self._all(part) for part in node.parts])

    def _let(self, node: _Node) -> Value:
        """Names for values, and what they come to (LET)."""
        run = replace(self, names=dict(self.names))
        for name, part in zip(node.parts[::2], node.parts[1:-1:2], strict=False):
            run.names[str(name.value).lower()] = run.value(part)
        return run.value(node.parts[-1])

    def _offset(self, node: _Node) -> Value:
        cell = node.parts[0].value
        if not isinstance(cell, _Reference) or len(node.parts) != 3:
            raise Unknown
        column, row = self._moved(cell)
        down, across = (int(number_of(self.value(part))) for part in node.parts[1:])
        return self._at(cell.sheet, column + across, row + down)

    def _all(self, node: _Node) -> list[Value]:
        """The values of an argument; a range has many."""
        return [value for row in self._square(node) for value in row]

    def _square(self, node: _Node) -> list[list[Value]]:
        """The values of an argument by rows."""
        if node.what == "list":
            return [[self.value(part) for part in node.parts]]
        if node.what != "range":
            return [[self.value(node)]]
        first, last = (part.value for part in node.parts)
        if not isinstance(first, _Reference) or not isinstance(last, _Reference):
            raise Unknown
        left, top = self._moved(first)
        right, bottom = self._moved(last)
        if (abs(right - left) + 1) * (abs(bottom - top) + 1) > _MOST_CELLS:
            raise Unknown
        return [
            [self._at(first.sheet, column, row) for column in range(min(left, right), max(left, right) + 1)]
            for row in range(min(top, bottom), max(top, bottom) + 1)
        ]

    def _moved(self, cell: _Reference) -> tuple[int, int]:
        return cell.column + (0 if cell.fixed_column else self.across), cell.row + (0 if cell.fixed_row else self.down)

    def _cell(self, cell: _Reference) -> Value:
        return self._at(cell.sheet, *self._moved(cell))

    def _at(self, sheet: str, column: int, row: int) -> Value:
        self.calculator.steps += 1
        found = self.calculator.cells.value(sheet or self.sheet, column, row)
        if isinstance(found, str) and found.startswith("="):
            return self._formula(found, sheet or self.sheet)
        return "" if found is None else found

    def _named(self, name: str) -> Value:
        if name.lower() in self.names:
            return self.names[name.lower()]
        formula = self.calculator.cells.named(name)
        if not formula:
            raise Unknown
        return self._formula(formula, self.sheet)

    def _formula(self, formula: str, sheet: str) -> Value:
        node = self.calculator._parse(formula.removeprefix("="))
        if node is None:
            raise Unknown
        return _Run(self.calculator, sheet, 0, 0, self.depth + 1).value(node)
