"""The words of RTF by what they do, and its code pages ([MS-RTF] 1.9.1)."""

import re
from typing import Final

# A word with its number, a byte, a sign that is escaped, the ends of groups, plain text.
TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]+)?[ ]?|\\'([\r\n]{0,4}[0-9a-fA-F][\r\n]{0,4}[0-9a-fA-F])|\\([^a-zA-Z])|([{}])"
    rb"|[\r\n\0]+|([^\\{}\r\n\0]+)"
)

# Tables and settings: no words that anybody is shown.
SILENT: Final = frozenset(
    {b"colortbl", b"stylesheet", b"listtable", b"listoverridetable", b"rsidtbl", b"generator", b"themedata",
     b"colorschememapping", b"datastore", b"latentstyles", b"mmathPr", b"xmlnstbl", b"filetbl", b"fonttbl",
     b"objclass", b"panose", b"falt", b"fontemb", b"template", b"blipuid", b"pgptbl",
     b"pnseclvl", b"objtime", b"passwordhash", b"writereservhash", b"password"}
)  # fmt: skip
SIGNS: Final = {
    b"cell": "\t", b"tab": "\t", b"nestcell": "\t", b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022",
    b"lquote": "'", b"rquote": "'", b"ldblquote": '"', b"rdblquote": '"', b"emspace": " ", b"enspace": " ",
    b"qmspace": " ", b"zwj": "", b"zwnj": "", b"softline": " ", b"line": "\n", b"lbr": "\n",
}  # fmt: skip
ENDS: Final = frozenset({b"par", b"sect", b"page", b"row", b"nestrow", b"column"})
ESCAPED: Final = {b"~": "\u00a0", b"_": "-", b"-": "", b"\n": "\n", b"\r": "\n", b"*": "", b"|": "", b":": ""}
SHOWN: Final = frozenset(
    {b"shptxt", b"shppict", b"listtext", b"pntext", b"htmltag", b"do", b"dptxbxtext", b"moMath", b"moMathPara"}
)  # read though marked with \*
LABELLED: Final = {
    b"header": "header", b"headerl": "header", b"headerr": "header", b"headerf": "header", b"footer": "footer",
    b"footerl": "footer", b"footerr": "footer", b"footerf": "footer", b"footnote": "footnotes",
    b"annotation": "comments", b"info": "properties", b"userprops": "properties",
}  # fmt: skip
# What is in them only readers of old show, or the lists of contents and words that are made of it.
UNSEEN: Final = frozenset({b"nonshppict", b"tc", b"tcn", b"xe"})
OF_MACHINES: Final = {b"mac": "mac-roman", b"pc": "cp437", b"pca": "cp850"}
BYTES: Final = {b"objdata": "object", b"pict": "picture"}
SYMBOLS: Final = 2  # the character set of symbol fonts
LOOKS: Final = ("b", "i", "ul", "strike", "super", "sub", "highlight", "cb", "charscalex", "up", "dn", "cs", "outl",
                 "shad", "expndtw")  # fmt: skip
