"""What fields of Word show that have no stored result: a sign by its number, quoted words, glosses above words."""

import re
from typing import Final

from policy.extraction.cells.format import displayed
from policy.extraction.cells.formulas import Calculator
from policy.extraction.cells.functions import Value

_SYMBOL: Final = re.compile(r"\s*SYMBOL\s+(?:0x([0-9A-Fa-f]{1,4})|(\d{1,5}))\b", re.I)
_WORDS: Final = re.compile(r"""\s*(?:QUOTE\s+"?([^"\\]*)"?|(?:MACROBUTTON|GOTOBUTTON)\s+\S+\s+(.*))""", re.I)
_CODES: Final = re.compile(r"\s*QUOTE((?:\s+\d{1,5})+)\s*(?:\\|\Z)", re.I)
_NUMBER: Final = re.compile(r"\s*=([^\\]{1,1000})(.*)", re.DOTALL)
_PICTURE: Final = re.compile(r"\\#\s*(?:\"([^\"]{1,100})\"|(\S{1,100}))")
_COUNTED: Final = re.compile(r"\s*SEQ\s+\S.*?\\r\s*(\d{1,9})", re.I)
_EQUATION: Final = re.compile(r"\s*EQ\b(.*)", re.I | re.DOTALL)
_RAISED: Final = re.compile(r"\\s\s?\\(?:up|do)\s?\d{0,4}\s?\([^()]{0,500}\)", re.I)
_SWITCH: Final = re.compile(r"\\\*\s*(?:\"[^\"]{0,100}\"|\S{1,40})|\\[a-z]{1,3}\s?\d{0,4}", re.I)
_MOST: Final = 20_000


def unasked(instruction: str) -> str:
    """The text that the instruction itself gives; empty where there is none."""
    instruction = instruction[:_MOST]
    sign = _SYMBOL.match(instruction)
    if sign:
        code = int(sign[1], 16) if sign[1] else int(sign[2])
        return chr(code) if 0 < code < 0xD800 else ""
    equation = _EQUATION.match(instruction)
    if equation:
        return equation_text(equation[1])
    if codes := _CODES.match(instruction):
        signs = [int(code) for code in codes[1].split()]
        return "".join(chr(code) for code in signs if 0 < code < 0xD800)
    if number := _NUMBER.match(instruction):
        return _worked_out(number[1], _PICTURE.search(number[2]))
    if counted := _COUNTED.match(instruction):
        return counted[1]
    words = _WORDS.match(instruction)
    return (words[1] or words[2] or "") if words else ""


class _NoCells:
    """A formula of a text asks for none that are known."""

    def value(self, sheet: str, column: int, row: int) -> Value | None:
        return None

    def named(self, name: str) -> str:
        return ""


def _worked_out(formula: str, picture: re.Match[str] | None) -> str:
    result = Calculator(_NoCells()).result(formula, "") or ""
    return displayed(result, picture[1] or picture[2]) if picture else result


def equation_text(text: str) -> str:
    """Of an equation, what stands on the line: not what is raised above it, nor its switches and brackets."""
    text = _SWITCH.sub("", _RAISED.sub("", text))
    return re.sub(r"[(),;]|^\s+|\s+$", "", text)
