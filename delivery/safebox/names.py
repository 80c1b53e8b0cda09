"""Names and types of documents made safe: they come from strangers and end on other people's disks and screens."""

import re
import unicodedata
from typing import Final

MAX_CHARS: Final = 150
MAX_BYTES: Final = 220  # most file systems take 255 bytes of UTF-8; a browser may add ` (1)`

_LOOK_AT: Final = 4000  # characters of a name that are looked at; the end is kept, where the extension is
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, bidi overrides, zero width, …
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_UNKNOWN: Final = "application/octet-stream"

_EXTENSIONS: Final = {
    "application/pdf": ".pdf",
    "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/pgp-signature": ".asc",
    "application/zip": ".zip",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "message/rfc822": ".eml",
    "message/delivery-status": ".txt",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
}
_KINDS: Final = {
    "pdf": ("pdf",),
    "document": ("doc", "docx", "docm", "odt", "rtf", "pages"),
    "spreadsheet": ("xls", "xlsx", "xlsm", "xlsb", "ods", "csv", "tsv", "numbers"),
    "presentation": ("ppt", "pptx", "pptm", "odp", "key"),
    "picture": ("jpg", "jpeg", "png", "gif", "webp", "heic", "tif", "tiff", "bmp", "svg", "dcm"),
    "text": ("txt", "md", "log", "html", "htm", "xml", "json"),
    "archive": ("zip", "7z", "rar", "gz", "tgz", "tar", "bz2", "xz"),
    "mail": ("eml", "msg", "ics"),
}
_PROGRAMS: Final = frozenset(
    (
        "apk",
        "app",
        "appx",
        "bat",
        "chm",
        "cmd",
        "com",
        "cpl",
        "dll",
        "dmg",
        "exe",
        "hta",
        "img",
        "iso",
        "jar",
        "js",
        "jse",
        "lnk",
        "msi",
        "pif",
        "ps1",
        "reg",
        "scr",
        "sh",
        "vbe",
        "vbs",
        "wsf",
    )
)
_KIND_OF: Final = {extension: kind for kind, extensions in _KINDS.items() for extension in extensions}


def clean_name(name: str, content_type: str, position: int) -> str:
    """A file name with no path, control or invisible character, nothing a file system reserves, and not too long.

    What is left of nothing becomes `document-POSITION` with an extension after its type.
    """
    name = unicodedata.normalize("NFC", name[-_LOOK_AT:])
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = "".join(" " if c.isspace() else c for c in name)
    name = "".join(c for c in name if unicodedata.category(c) not in _INVISIBLE)
    name = " ".join(re.sub(r'[<>:"|?*]', "_", name).split()).strip(". ")
    if not name:
        return f"document-{position}{_EXTENSIONS.get(content_type, '')}"
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > 12:
        stem, dot, extension = name, "", ""
    tail = dot + extension
    stem = stem[: MAX_CHARS - len(tail)]
    while len((stem + tail).encode()) > MAX_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(". ") or "_") + tail


def clean_type(content_type: str) -> str:
    """The MIME type in lower case without parameters; `application/octet-stream` where it is none."""
    bare = content_type[:300].partition(";")[0].strip().lower()
    return bare if _TYPE.fullmatch(bare) else _UNKNOWN


def is_program(name: str) -> bool:
    """Whether the ending of a name is one that some system runs."""
    return "." in name and name.rpartition(".")[2].lower() in _PROGRAMS


def kind_of(name: str, content_type: str) -> str:
    """A coarse word for the icon: pdf, document, spreadsheet, presentation, picture, text, archive, mail, other."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _KIND_OF:
        return _KIND_OF[ending]
    if ending in _PROGRAMS:  # whatever type its sender declared
        return "other"
    if content_type.startswith("image/"):
        return "picture"
    if content_type == "message/rfc822":
        return "mail"
    return "text" if content_type.startswith("text/") else "pdf" if content_type == "application/pdf" else "other"
