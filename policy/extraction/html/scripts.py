"""What the scripts of a page write into it, where that stands in them packed: read without running anything.

A page that is attached writes itself in a browser: with `atob`, `unescape`, the codes of signs, a text put together or
turned around. Such texts are unpacked wherever they stand; a script that makes a text in any other way is not followed.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from policy.extraction.html.tree import Tree
from policy.reader.charsets import decode

_DECODES: Final = re.compile(
    r"\batob\b|\b(?:unescape|decodeURI(?:Component)?|eval|parseInt)\s?\(|\.reverse\(|charCodeAt|from(?:CharCode|CodePoint)"
    r"|Uint8Array|\bFunction\("
)
# Of which one stands wherever that matches: to look for these takes a hundredth of the time.
_NAMES: Final = (
    "atob", "unescape", "decodeURI", "eval", "parseInt", "reverse", "charCodeAt", "fromChar", "fromCode", "Uint8Array",
    "Function(",
)  # fmt: skip
_WRITES: Final = re.compile(
    r"document\.(?:write|body|open)|(?:inner|outer)(?:HTML|Text)|insertAdjacent|textContent|\bBlob\(|createObjectURL|srcdoc"
    r"|\beval\s?\(|location\b"
)
_OPEN: Final = re.compile(r"""(?<=["'`])\s{0,4}\+\s{0,4}(?=["'`])""")
# Each quote begins one, closed or not, so that none is looked through twice.
_STRING: Final = re.compile(
    r'"((?:[^"\\\n]|\\.?)*)(?:"|\Z|(?=\n))|\'((?:[^\'\\\n]|\\.?)*)(?:\'|\Z|(?=\n))|`((?:[^`\\]|\\.?)*)(?:`|\Z)', re.S
)
_PACKED: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}\Z")
_ESCAPE: Final = re.compile(r"\\(?:u\{?([0-9a-fA-F]{4})\}?|x([0-9a-fA-F]{2})|([0-7]{2,3})|(.))", re.S)
_LIST: Final = re.compile(
    r"[\[(]\s{0,9}((?:0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5})(?:\s{0,9},\s{0,9}(?:0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5})){6,})"
)
_JOINED: Final = re.compile(r"""\[([^\[\]]{3,4000})\]\s?\.join\(\s?(?:"([^"\n]{0,9})"|'([^'\n]{0,9})')?\s?\)""")
_HOLE: Final = re.compile(r"""\$\{\s{0,4}["']?([^{}"']{1,80})["']?\s{0,4}\}""")
_PERCENT: Final = re.compile("%(?:u[0-9a-fA-F]{4}|[0-9a-fA-F]{2})")
_WIDE_PERCENT: Final = re.compile("%u([0-9a-fA-F]{4})")
_MOST: Final = 2_000  # strings and lists of one page
_LONGEST: Final = 8 << 20  # characters of one script


def decodes(source: str) -> bool:
    """Whether a page's source, scripts or not, names what unpacks texts."""
    return any(name in source for name in _NAMES) and _DECODES.search(source) is not None


def handlers(tree: Tree) -> list[str]:
    """Scripts in attributes, that unpack something: they run when the page, or a picture in it, is loaded or not."""
    return [
        value
        for element in tree.elements
        if element.attributes
        for name, value in element.attributes.items()
        if name.startswith("on") and _DECODES.search(value)
    ][:_MOST]


def is_writing(scripts: list[str]) -> bool:
    """Whether a script unpacks something and writes into the page or opens it."""
    return any(_DECODES.search(script) and _WRITES.search(script) for script in scripts)


def unpacked_scripts(scripts: list[str]) -> Iterator[bytes]:
    """What stands packed in them: texts, pages or files."""
    left = _MOST
    for script in scripts:
        if len(script) > _LONGEST or not (_DECODES.search(script) or ".join(" in script or "${" in script):
            continue
        for found in _of(script):
            yield found
            left -= 1
            if left <= 0:
                return


def _of(script: str) -> Iterator[bytes]:
    whole = _whole(script)
    backwards = ".reverse(" in script
    for match in _STRING.finditer(whole):
        text = _ESCAPE.sub(_escaped, match[match.lastindex or 1])
        if "%" in text and _PERCENT.search(text):
            yield unquote_to_bytes(
                _WIDE_PERCENT.sub(lambda wide: chr(int(wide[1], 16)), text).encode("utf-8", "replace")
            )
        if backwards and len(text) > 3:
            yield text[::-1].encode("utf-8", "replace")
        for packed in (text, text[::-1]) if backwards else (text,):
            if data := _from_base64("".join(packed.split())):
                yield data
        if match[3] is not None and "${" in text:
            yield _HOLE.sub(r"\1", text).encode("utf-8", "replace")
    for match in _LIST.finditer(script):
        codes = [int(code, 0) if code[:2] in ("0x", "0X") else int(code) for code in re.split(r"[\s,]+", match[1])]
        if max(codes) < 256:
            yield bytes(codes)
        elif max(codes) < 0xD800:
            yield "".join(map(chr, codes)).encode()
    for match in _JOINED.finditer(whole):
        pieces = (piece.strip().strip("\"'`") for piece in match[1].split(","))
        yield (
            (match[2] or match[3] or ("" if match[2] is not None or match[3] is not None else ","))
            .join(pieces)
            .encode()
        )


def _whole(script: str) -> str:
    """With strings that are put together written as one."""
    pieces: list[str] = []
    done = 0
    for match in _OPEN.finditer(script):
        pieces.append(script[done : match.start() - 1])
        done = match.end() + 1
    return "".join((*pieces, script[done:])) if pieces else script


def _escaped(match: re.Match[str]) -> str:
    if match[1] or match[2]:
        return chr(int(match[1] or match[2], 16))
    if match[3]:
        return chr(int(match[3], 8))
    return {"n": "\n", "r": "", "t": "\t"}.get(match[4], match[4].strip("\n"))


def _from_base64(text: str) -> bytes:
    if len(text) < 16 or _PACKED.match(text) is None:
        return b""
    try:
        data = binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + "==="[: -len(text) % 4])
    except binascii.Error:
        return b""
    head = data[:256]
    is_text = (
        decode(head).isprintable() or sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head) * 20 > len(head) * 19
    )
    return data if is_text or len(data) > 64 else b""
