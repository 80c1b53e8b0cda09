"""Makes the documents of this folder with real programs: LibreOffice, SheetJS, qpdf, Chromium, Python's writers.

    python make_documents.py     # needs soffice, node, npm, qpdf, chromium; fetches SheetJS and the writers for itself

Each holds one number in a place that common readers miss. `expected.json` says which number, which program made it,
and what the place is called where that is known. A program that does not carry a feature over into a format
gives a file without the number; it is left out (`holds` looks for the digits in the file itself, not with our reader).
"""

import html
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
import zlib
from pathlib import Path

import flat_sources

HERE = Path(__file__).parent
LARGEST = 32_000
PLACES = {
    "header": "header", "page-header": "", "comment": "", "hidden-sheet": "Salaries (hidden) > B1",
    "hidden-row": "Pay > B2",
    "hidden-column": "Pay > B1", "cell-comment": "Pay", "title": "properties", "own-property": "properties",
    "number-format": "Pay > B1", "hidden-slide": "slide 2 (hidden)", "notes": "notes",
}  # fmt: skip
_WRITERS = ("python-docx==1.2.0", "python-pptx==1.0.2", "XlsxWriter==3.2.9", "reportlab==4.4.4")


def number(at: int) -> str:
    """A Social Security number of its own for each file."""
    return f"536-22-{1001 + at}"


def filled(source: str, value: str) -> str:
    """The source with the number in its places."""
    first, second, third = value.split("-")
    for mark, part in (("@9", value.replace("-", "")), ("@a", first), ("@b", second), ("@c", third), ("@", value)):
        source = source.replace(mark, part)
    return source


def by_libreoffice(sources: dict[str, str], suffix: str, target: str, folder: Path) -> dict[str, bytes]:
    """Many files of one kind to another, in one run."""
    given, made = folder / f"in-{suffix}-{target}", folder / f"out-{suffix}-{target}"
    given.mkdir()
    for name, source in sources.items():
        (given / f"{name}.{suffix}").write_text(source, encoding="utf-8")
    convert = ["--headless", "--convert-to", target, "--outdir", str(made), *map(str, sorted(given.iterdir()))]
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{folder}/profile", *convert],
        check=True,
        capture_output=True,
        timeout=600,
    )
    plain = target.partition(":")[0]
    found = ((name, made / f"{name}.{plain}") for name in sources)
    return {name: path.read_bytes() for name, path in found if path.exists()}


def holds(data: bytes, value: str) -> bool:
    """Whether the groups of the number stand in the file, in their order, however far apart."""
    text = ""
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            text = "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    elif data[:5] == b"%PDF-":
        text = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=False).stdout.decode()
        for match in re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
            try:
                text += zlib.decompress(match[1]).decode("latin-1")
            except zlib.error:
                continue
        text += data.decode("latin-1")
    else:
        text = data.decode("utf-8", "replace")
    text = html.unescape(text)
    spelled = value.replace("-", "(?:.{0,3000}?)")
    wide = "".join(f"\\\\u{ord(sign)}." for sign in value)
    return bool(re.search(spelled, text, re.DOTALL) or re.search(wide, text) or value.replace("-", "") in text)


def with_libreoffice(keep: "Keeper", folder: Path) -> None:
    """Texts, sheets and slides, each in several formats."""
    plans = (
        (flat_sources.TEXTS, "fodt", ("docx", "odt", "rtf", "pdf"), "writer"),
        (flat_sources.SHEETS, "fods", ("xlsx", "ods"), "calc"),
        (flat_sources.SLIDES, "fodp", ("pptx", "odp"), "impress"),
    )
    for sources, suffix, targets, program in plans:
        for target in targets:
            chosen = {name: number(keep.next()) for name in sources if target != "pdf" or name in PDF_TEXTS}
            made = by_libreoffice(
                {name: filled(sources[name], value) for name, value in chosen.items()}, suffix, target, folder
            )
            for name, data in made.items():
                place = PLACES.get(name, "") if target in {"docx", "xlsx", "odt", "ods", "pptx", "odp"} else ""
                keep.file(f"{program}-{name}.{target}", data, chosen[name], "LibreOffice", place)
        if suffix != "fodp":
            for name in FLAT:
                if name in sources:
                    value = number(keep.next())
                    data = filled(sources[name], value).encode()
                    keep.file(f"{program}-{name}.{suffix}", data, value, "by hand, as LibreOffice reads it", "")


DRAWN = {
    "reportlab-upwards.pdf",
    "reportlab-backwards.pdf",
    "reportlab-unused-form.pdf",
}  # sign by sign, or packed twice
PDF_TEXTS = {
    "split-runs",
    "header",
    "footnote-within",
    "list-label",
    "table-cells",
    "title",
    "link-target",
    "white-noise",
}
FLAT = {"hidden-text", "deleted-noise", "hidden-sheet", "formula"}


class Keeper:
    """Keeps files and what is expected of them."""

    def __init__(self) -> None:
        self.expected: dict[str, dict[str, object]] = {}
        self._count = 0

    def next(self) -> int:
        """A fresh number's."""
        self._count += 1
        return self._count

    def file(self, name: str, data: bytes, value: str, program: str, place: str, *, password: str = "") -> None:
        """Keep a file, if it holds its number and is small."""
        if len(data) > LARGEST:
            sys.exit(f"{name} has {len(data)} bytes: too large")
        if not password and name not in DRAWN and not holds(data, value):
            print(f"left out: {name}")
            return
        (HERE / name).write_bytes(data)
        self.expected[name] = {"number": value, "by": program, "place": place}
        if password:
            self.expected[name]["password"] = password


def with_sheetjs(keep: Keeper, folder: Path) -> None:
    """Workbooks by SheetJS: see make_workbooks.js."""
    subprocess.run(
        ["npm", "install", "--silent", "--prefix", str(folder), "xlsx@0.18.5"], check=True, capture_output=True
    )
    shutil.copy(HERE / "make_workbooks.js", folder / "make_workbooks.js")
    plans = json.loads(
        subprocess.run(["node", "make_workbooks.js", "list"], cwd=folder, check=True, capture_output=True).stdout
    )
    for name, place in plans.items():
        value = number(keep.next())
        path = folder / name
        subprocess.run(["node", "make_workbooks.js", name, value], cwd=folder, check=True, capture_output=True)
        keep.file(name, path.read_bytes(), value, "SheetJS", place)


def with_writers(keep: Keeper, folder: Path) -> None:
    """Documents by python-docx, python-pptx, XlsxWriter and reportlab: see write_documents.py."""
    venv.create(folder / "writers", with_pip=True)
    python = folder / "writers" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", *_WRITERS], check=True)
    plans = json.loads(
        subprocess.run([str(python), "write_documents.py"], cwd=HERE, check=True, capture_output=True).stdout
    )
    for name, (program, place) in plans.items():
        value = number(keep.next())
        path = folder / name
        subprocess.run([str(python), "write_documents.py", name, value, str(path)], cwd=HERE, check=True)
        keep.file(name, path.read_bytes(), value, program, place)


def with_qpdf(keep: Keeper, folder: Path) -> None:
    """A PDF that qpdf packs, locks, and hides files in."""
    plans: dict[str, tuple[list[str], str, str]] = {
        "qpdf-object-streams.pdf": (["--object-streams=generate", "--compress-streams=y"], "page 1", ""),
        "qpdf-owner-password.pdf": (
            ["--encrypt", "", "secret", "256", "--extract=n", "--print=none", "--"],
            "page 1",
            "",
        ),
        "qpdf-user-password.pdf": (["--encrypt", "Tiger7!", "secret", "256", "--"], "page 1", "Tiger7!"),
        "qpdf-linearized.pdf": (["--linearize"], "page 1", ""),
    }
    for name, (arguments, place, password) in plans.items():
        value = number(keep.next())
        source = {"in": filled(flat_sources.TEXTS["split-runs"], value)}
        plain, made = folder / f"plain-{name}", folder / name
        own = folder / name.removesuffix(".pdf")
        own.mkdir()
        plain.write_bytes(by_libreoffice(source, "fodt", "pdf", own)["in"])
        subprocess.run(["qpdf", str(plain), *arguments, str(made)], check=True)
        data = made.read_bytes()
        if name == "qpdf-owner-password.pdf":
            keep.expected[name] = {"number": value, "by": "qpdf", "place": place}
            (HERE / name).write_bytes(data)
        else:
            keep.file(name, data, value, "qpdf", place, password=password)
    value = number(keep.next())
    note, plain, made = folder / "note.txt", folder / "empty.pdf", folder / "attached.pdf"
    note.write_text(f"SSN {value}\n")
    subprocess.run(
        ["qpdf", "--empty", "--pages", str(folder / "plain-qpdf-linearized.pdf"), "--", str(plain)], check=True
    )
    subprocess.run(["qpdf", str(plain), "--add-attachment", str(note), "--", str(made)], check=True)
    keep.file("qpdf-attachment.pdf", made.read_bytes(), value, "qpdf", "note.txt")


def with_chromium(keep: Keeper, folder: Path) -> None:
    """Pages that Chromium prints."""
    pages = {
        "chromium-shuffled.pdf": '<div style="position:relative">'
        + "".join(
            f'<span style="position:absolute;left:{at * 12}px;top:30px">{{{at}}}</span>'
            for at in (7, 2, 9, 0, 4, 10, 1, 5, 3, 8, 6)
        )
        + "</div>",
        "chromium-downwards.pdf": '<div style="width:1ch;word-break:break-all;font-family:monospace">{all}</div>',
        "chromium-white-noise.pdf": '<p>{a}<span style="color:#fff">99</span>-{b}-{c}</p>',
    }
    for name, page in pages.items():
        value = number(keep.next())
        first, second, third = value.split("-")
        for at, sign in enumerate(value):
            page = page.replace(f"{{{at}}}", sign)
        page = page.replace("{all}", value).replace("{a}", first).replace("{b}", second).replace("{c}", third)
        source, made = folder / "page.html", folder / name
        source.write_text(f"<!doctype html><title>x</title><body>{page}")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={made}",
             "--no-pdf-header-footer", str(source)], check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        (HERE / name).write_bytes(made.read_bytes())
        keep.expected[name] = {"number": value, "by": "Chromium", "place": "page 1"}


def main() -> None:
    """All of them, and what is expected."""
    keep = Keeper()
    for old in HERE.iterdir():
        if old.suffix not in {".py", ".js", ".md"} and old.is_file():
            old.unlink()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step in (with_libreoffice, with_sheetjs, with_writers, with_qpdf, with_chromium):
            step(keep, folder)
    (HERE / "expected.json").write_text(json.dumps(keep.expected, indent=1, sort_keys=True) + "\n")
    print(len(keep.expected), "files")


if __name__ == "__main__":
    main()
