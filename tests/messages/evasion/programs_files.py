"""The programs of this machine that open attachments: pages, documents, sheets and archives."""

import email
import email.policy
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from programs import PROFILE, files_in, run, text_of, tried

AGAIN = "cp {file} {out}/top.zip; for n in 1 2 3 4 5 6; do for z in {out}/*.zip; do UNPACK $z; done; done"
DEEPER = "cp {file} {out}/a; while gzip -dc < {out}/a > {out}/b; do mv {out}/b {out}/a; done"
SHEETS = "xlsx|csv|slk|dif"
TO_PNG = ("--headless", "--convert-to", "png")
PRINTED = (
    f"soffice {PROFILE} --headless --convert-to pdf --outdir {{out}} {{file}} >&2; pdftotext -layout {{out}}/*.pdf -"
)
GNUMERIC = "for form in html:html40 stf:stf_csv; do ssconvert -T Gnumeric_$form {file} {out}/a; cat {out}/a; done"
ZIPFILE = ("/usr/bin/python3", "-m", "zipfile", "-e", "{file}", "{out}")
# What each is called: the program, the endings of the files it opens, its words. It writes into `{out}`, or to us.
OPENING: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "poppler": ("pdftotext", "pdf", ("pdftotext", "-layout", "{file}", "-")),
    "mupdf": ("mutool", "pdf|xps", ("mutool", "draw", "-q", "-F", "txt", "{file}")),
    "pdfdetach": ("pdfdetach", "pdf", ("pdfdetach", "-saveall", "-o", "{out}", "{file}")),
    "qpdf": ("qpdf", "pdf", ("qpdf", "--show-attachment=a.zip", "{file}")),
    "gnumeric": ("ssconvert", SHEETS, ("sh", "-c", GNUMERIC)),
    "libreoffice printed": ("soffice", f"docx|odt|{SHEETS}", ("sh", "-c", PRINTED)),
    "pandoc": ("pandoc", "docx|odt", ("pandoc", "-t", "plain", "--columns=400", "{file}")),
    "unzip": ("unzip", "zip", ("unzip", "-qq", "-o", "-d", "{out}", "{file}")),
    "python-zipfile": ("/usr/bin/python3", "zip", ZIPFILE),
    "bsdtar": ("bsdtar", "zip|tar|gz|xz|lzma", ("bsdtar", "-x", "-f", "{file}", "-C", "{out}")),
    "bsdcat": ("bsdcat", "gz|xz|lzma", ("bsdcat", "{file}")),
    "funzip": ("funzip", "zip", ("sh", "-c", "funzip < {file}")),
    "jar": ("jar", "zip", ("jar", "xf", "{file}")),
    "tar": ("tar", "tar", ("tar", "-x", "-f", "{file}", "-C", "{out}")),
    "busybox tar": ("busybox", "tar", ("busybox", "tar", "-x", "-f", "{file}", "-C", "{out}")),
    "xz": ("xz", "xz|lzma", ("xz", "-dc", "{file}")),
    "unzip again": ("unzip", "zip", ("sh", "-c", AGAIN.replace("UNPACK", "unzip -qq -o -d {out}"))),
    "bsdtar again": ("bsdtar", "zip", ("sh", "-c", AGAIN.replace("UNPACK", "bsdtar -x -C {out} -f"))),
    "gzip again": ("gzip", "gz", ("sh", "-c", DEEPER)),
}
# The same of programs that draw the first page into `{png}` (or `{base}` and that ending), which is then looked at.
DRAWING: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "libreoffice drawn": ("soffice", f"docx|odt|{SHEETS}", ("soffice", PROFILE, *TO_PNG, "{file}")),
    "poppler drawn": ("pdftoppm", "pdf", ("pdftoppm", "-r", "200", "-png", "-singlefile", "{file}", "{base}")),
    "mupdf drawn": ("mutool", "pdf|xps", ("mutool", "draw", "-q", "-r", "200", "-o", "{png}", "{file}")),
}


def saved(raw: bytes, work: Path, endings: str) -> Iterator[Path]:
    """Attachments with such endings, as files."""
    for number, part in enumerate(email.message_from_bytes(raw, policy=email.policy.default).walk()):
        name = (tried(lambda part=part: [part.get_filename() or ""]) or [""])[0]
        if not part.is_multipart() and re.search(rf"\.(?:{endings})$", name):
            path = work / f"{number}-{Path(name).name}"
            path.write_bytes(part.get_payload(decode=True))
            yield path


def opened(endings: str, *command: str) -> Callable[[bytes, Path], str]:
    """What a program writes of attachments with such endings."""

    def show(raw: bytes, work: Path) -> str:
        out = work / "out"
        out.mkdir()
        said = b""
        for file in saved(raw, work, endings):
            said += run(*(word.format(file=file, out=out) for word in command), folder=out)
        return files_in(out) + text_of(said)

    return show


def drawn(endings: str, *command: str) -> Callable[[bytes, Path], str]:
    """What can be read from the picture that a program makes of such attachments."""

    def show(raw: bytes, work: Path) -> str:
        found = []
        for file in saved(raw, work, endings):
            picture = file.with_suffix(".png")
            run(*(word.format(file=file, png=picture, base=file.with_suffix("")) for word in command), folder=work)
            found += [text_of(run("tesseract", picture, "-", "--psm", mode)) for mode in ("6", "11")]
        return "\n".join(found)

    return show


def file_programs() -> dict[str, Callable[[bytes, Path], str]]:
    """Those of this machine."""
    found: dict[str, Callable[[bytes, Path], str]] = {}
    for make, table in ((opened, OPENING), (drawn, DRAWING)):
        for name, (program, endings, words) in table.items():
            if shutil.which(program):
                found[name] = make(endings, *words)
            else:
                print(f"{name}: not on this machine", file=sys.stderr)
    return found
