"""RTF: its text, without the tables of fonts and colours."""

import re
from typing import Final

from policy.reader.charsets import codec

_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SILENT: Final = frozenset(
    {b"fonttbl", b"colortbl", b"stylesheet", b"listtable", b"listoverridetable", b"rsidtbl", b"generator", b"themedata",
     b"colorschememapping", b"datastore", b"latentstyles", b"pict", b"mmathPr", b"xmlnstbl", b"filetbl", b"revtbl"}
)  # fmt: skip
_SIGNS: Final = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"cell": "\t",
    b"tab": "\t", b"nestcell": "\t",
    b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022", b"lquote": "'", b"rquote": "'",
    b"ldblquote": '"', b"rdblquote": '"', b"emspace": " ", b"enspace": " ", b"nestrow": "\n",
}  # fmt: skip
_ESCAPED: Final = {b"~": " ", b"_": "-", b"-": "", b"\n": "\n", b"\r": "\n"}
_LOUD: Final = frozenset({b"shptxt", b"annotation", b"fldinst"})  # shown, though in a group that may be skipped
_OBJECT: Final = b"objdata"
_DEEPEST: Final = 1_000


def read_rtf(data: bytes, *, as_shown: bool = False) -> tuple[str, bool]:
    """The text, and whether it was read whole: embedded objects and too deep groups are not.

    `as_shown`: without hidden text and the instructions of fields.
    """
    charset = "cp1252"
    out: list[str] = []
    groups: list[tuple[bool, int]] = []
    silent = False
    skips = 1  # bytes that stand in for one \u
    skip = 0
    whole = True
    for match in _TOKEN.finditer(data):
        word, number, escape, sign, brace, plain = match.groups()
        if brace == b"{":
            whole &= len(groups) < _DEEPEST
            groups.append((silent, skips))
        elif brace == b"}":
            silent, skips = groups.pop() if groups else (False, 1)
            skip = 0
        elif word is not None:
            if word == b"u" and number:
                out.append("" if silent else chr(int(number) & 0xFFFF))
                skip = skips
            elif word == b"uc":
                skips = int(number or 1)
            elif word == b"ansicpg":
                charset = codec(f"cp{int(number or 1252)}") or charset
            elif word == b"bin":
                whole = False
            elif word in _SILENT or (as_shown and word == b"fldinst"):
                silent = True
            elif as_shown and word == b"v":
                silent = number != b"0"
            elif word in _LOUD:
                silent = False
            elif word == _OBJECT:
                silent, whole = True, False
            elif not silent:
                out.append(_SIGNS.get(word, ""))
        elif sign == b"*":
            silent = True
        elif silent:
            continue
        elif skip and (escape or plain):
            taken = 1 if escape else min(skip, len(plain))
            skip -= taken
            if plain:
                out.append(plain[taken:].decode(charset, "replace"))
        elif escape:
            out.append(bytes.fromhex(escape.decode()).decode(charset, "replace"))
        elif sign is not None:
            out.append(_ESCAPED.get(sign, sign.decode("latin-1")))
        elif plain is not None:
            out.append(plain.decode(charset, "replace"))
    return "".join(out), whole and not groups
