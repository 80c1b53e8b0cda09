"""Names of charsets as mail writes them (IANA registry, WHATWG Encoding, code pages), and which codec reads them."""

import codecs
import re
from functools import lru_cache
from typing import Final

EUC_TW: Final = "euc-tw"
ISO_2022_CN: Final = "iso-2022-cn"
UTF_7_IMAP: Final = "utf-7-imap"
OWN: Final = frozenset({EUC_TW, ISO_2022_CN, UTF_7_IMAP})  # Python has no codec for these; `charsets` reads them

# Codecs of Python that are no charset of mail, or that take more than linear time.
_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}
)
# As Windows numbers the charsets of fonts ([MS-WMF] 2.1.1.5), and RTF with it.
OF_FONTS: Final = {
    0: "cp1252", 1: "cp1252", 77: "mac-roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "cp936", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
# ASCII and Latin-1 are read as the superset that programs read them as; so are the charsets of East Asia.
_GROUPS: Final = {
    "cp1252": "iso-8859-1 iso8859-1 iso_8859-1 latin-1 latin1 l1 us-ascii ascii us ansi_x3.4-1968 ansi_x3.4-1986 "
    "iso646-us iso_646.irv:1991 iso-ir-6 iso-ir-100 ibm367 cp367 cp819 ibm819 ansi",
    "utf-7": "unicode-1-1-utf-7 unicode-2-0-utf-7 x-unicode-2-0-utf-7 x-unicode-1-1-utf-7 csunicode11utf7",
    "utf-8": "utf8 unicode-1-1-utf-8 unicode-2-0-utf-8 unicode20utf8 x-unicode20utf8 cesu-8 wtf-8 utf-8-mac utf8mb4",
    "utf-16": "unicode ucs-2 ucs2 iso-10646-ucs-2 csunicode csucs2 iso-10646 iso-10646-j-1 utf16 unicode-1-1 "
    "unicodelittle unicodebig unicodefeff unicodefffe ucs-2le ucs-2be ucs-2-internal utf-16-internal",
    "utf-32": "ucs-4 ucs4 iso-10646-ucs-4 csucs4 utf32 ucs-4le ucs-4be",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji csshiftjis windows-31j cswindows31j x-ms-cp932 mac-japanese",
    "gb18030": "gb2312 gb_2312 gb-2312 gb_2312-80 csgb2312 csiso58gb231280 chinese iso-ir-58 gbk gb_18030-2000 euc-cn "
    "euccn eucgb2312-cn x-euc-cn mac-chinesesimp cn-gb hp15cn",
    "cp949": "ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean csksc56011987 iso-ir-149 euc-kr cseuckr uhc "
    "mac-korean ksx1001 ks_x_1001",
    "big5hkscs": "big5 cn-big5 csbig5 x-x-big5 big5-hkscs big5-eten mac-chinesetrad",
    "cp874": "windows-874 dos-874 mac-thai tis-620 tis620 iso-8859-11 iso8859-11 tis620-2533",
    "euc_jis_2004": "x-euc-jp cseucpkdfmtjapanese euc-jp eucjp ujis",
    "iso2022_jp_2": "iso-2022-jp csiso2022jp iso-2022-jp-1 iso-2022-jp-2 jis7 jis",
    "hz": "hz-gb-2312 hz-gb2312 hzgb",
    "mac-roman": "macintosh mac mac-roman csmacintosh",
    "mac-latin2": "mac-ce mac-centraleurroman maccentraleurope",
    "mac-iceland": "mac-icelandic",
    "mac-cyrillic": "mac-ukrainian mac-uk",
    "iso-8859-8": "iso-8859-8-i iso-8859-8-e csiso88598i logical visual mac-hebrew",
    EUC_TW: "euc-tw euctw x-euc-tw cns11643",
    ISO_2022_CN: "iso-2022-cn iso-2022-cn-ext csiso2022cn",
    UTF_7_IMAP: "utf-7-imap imap4-utf-7 imap-utf-7 x-imap4-modified-utf7 utf7-imap",
}
_KNOWN: Final = {name: reads for reads, names in _GROUPS.items() for name in names.split()}
# Code pages by number that Python knows under another name, or not at all.
_PAGES: Final = {
    1200: "utf-16-le", 1201: "utf-16-be", 12000: "utf-32-le", 12001: "utf-32-be", 65000: "utf-7", 65001: "utf-8",
    20127: "cp1252", 20866: "koi8-r", 21866: "koi8-u", 20932: "euc_jis_2004", 51932: "euc_jis_2004", 943: "cp932",
    50220: "iso2022_jp_2", 50221: "iso2022_jp_2", 50222: "iso2022_jp_2", 50225: "iso2022_kr", 50227: ISO_2022_CN,
    51949: "cp949", 51936: "gb18030", 52936: "hz", 54936: "gb18030", 936: "gb18030", 1386: "gb18030", 1363: "cp949",
    950: "big5hkscs", 1370: "big5hkscs", 51950: EUC_TW, 20000: "big5hkscs", 10000: "mac-roman", 10007: "mac-cyrillic",
    10004: "mac-arabic", 10021: "cp874", 10029: "mac-latin2", 28591: "cp1252", 28605: "iso-8859-15", 20936: "gb18030",
}  # fmt: skip
# EBCDIC: letters, digits and the hyphen stand at the same places in all of them.
_EBCDIC_NUMBERS: Final = frozenset(
    {37, 256, 273, 274, 275, 277, 278, 280, 281, 284, 285, 290, 297, 420, 423, 424, 500, 833, 836, 838, 870, 871, 875,
     880, 905, 918, 924, 930, 933, 935, 937, 939, 1025, 1026, 1047, 1112, 1122, 1123, 1130, 1132, 1137, 1153, 1154,
     1155, 1156, 1157, 1158, 1160, 1164, 1364, 1371, 1388, 1390, 1399, *range(1140, 1150), *range(20273, 20425)}
)  # fmt: skip
_PREFIXES: Final = ("x-", "cs", "charset=")
_MOST_PREFIXES: Final = 4
_AROUND: Final = " \t\r\n\"'"
_LONGEST: Final = 200  # characters of a name
_NUMBERED: Final = re.compile(r"(?:x-)?(?:cs|x)?(?:cp|ibm|windows|ms|ccsid|codepage|ibm-)[-_ ]?0*(\d{1,5})\Z")
_ISO_8859: Final = re.compile(r"(?:x-)?(?:cs)?iso[-_ ]?8859[-_ ](\d{1,2})(?::\d{4})?(?:-[ei]|-windows.*)?\Z")


def codec(name: str) -> str | None:
    """Python's codec for a charset as mail names it; None when it has none."""
    found = reads_as(name)
    return None if found in OWN else found


@lru_cache(maxsize=512)
def reads_as(name: str) -> str | None:
    """What reads a charset as mail names it: a codec of Python, or one of OWN; None when there is none."""
    wanted = name.strip(_AROUND)[:_LONGEST].lower()
    if not wanted or not wanted.isascii() or "\0" in wanted or wanted.replace("_", "-") in _NOT_CHARSETS:
        return None
    for _ in range(_MOST_PREFIXES):
        reads = _known(wanted) or _numbered(wanted) or _python(wanted)
        prefix = next((each for each in _PREFIXES if wanted.startswith(each)), "")
        if reads or not prefix:
            return reads
        wanted = wanted.removeprefix(prefix).strip(_AROUND)
    return None


def _known(wanted: str) -> str | None:
    reads = _KNOWN.get(wanted) or _KNOWN.get(wanted.replace("_", "-"))
    return reads if reads is None or reads in OWN else _python(reads)


def _numbered(wanted: str) -> str | None:
    if wanted.startswith("ebcdic"):
        return "cp037"
    page = _NUMBERED.match(wanted)
    if page:
        number = int(page[1])
        reads = _PAGES.get(number) or _python(f"cp{number}") or _python(f"cp{number:03}")
        if reads is None and number in _EBCDIC_NUMBERS:
            reads = "cp037"
        return reads if reads is None or reads in OWN else _python(reads)
    part = _ISO_8859.match(wanted)
    return _python(f"iso8859-{part[1]}") if part and part[1] != "1" else None


def _python(wanted: str) -> str | None:
    try:
        found = codecs.lookup(wanted)
    except (LookupError, ValueError):
        return None
    return found.name if found._is_text_encoding else None
