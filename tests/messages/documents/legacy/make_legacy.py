"""Makes the documents of this folder with real programs: LibreOffice (doc, xls, ppt) and SheetJS (xlsb, BIFF5, BIFF8).

    python make_legacy.py            # needs soffice, node and `npm install xlsx` where $NODE_PATH finds it

Each holds numbers of its own in places that common readers miss; `expected.json` says which, and where they are found.
The sources are OpenDocument in one XML file each, with the places marked.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
_PLACE = re.compile(r"@@(-?)([^@~]+)(?:~([^@]*))?@@")


def number(at: int) -> str:
    """A Social Security number of its own for each place."""
    return f"536-{21 + at // 9000}-{1234 + at}"


def filled(source: str, start: int) -> tuple[str, dict[str, str]]:
    """A source with a number in each of its places, and the places by number.

    `@@-place@@`: without hyphens; `@@place~NOISE@@`: with something within it that nobody sees.
    """
    places: dict[str, str] = {}
    given: dict[str, str] = {}

    def fill(match: re.Match[str]) -> str:
        place = match[2]
        given.setdefault(place, number(start + 1 + len(given)))
        places[given[place]] = place
        text = given[place].replace("-", "") if match[1] else given[place]
        return f"{text[:3]}{match[3]}{text[3:]}" if match[3] else text

    return _PLACE.sub(fill, source), places


def converted(source: str, suffix: str, target: str, filter_name: str, name: str) -> None:
    """One file by LibreOffice."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"in.{suffix}")
        path.write_text(source, encoding="utf-8")
        profile = f"-env:UserInstallation=file://{folder}/profile"
        convert = ["--headless", "--convert-to", f"{target}:{filter_name}", "--outdir", folder, str(path)]
        subprocess.run(["soffice", profile, *convert], check=True, capture_output=True, timeout=180)
        shutil.copy(Path(folder, f"in.{target}"), HERE / name)


def main() -> None:
    """All of them, and what is expected."""
    expected: dict[str, dict[str, str]] = {}
    made = (
        ("letter.doc", "fodt", "doc", "MS Word 97", 100),
        ("workbook.xls", "fods", "xls", "MS Excel 97", 200),
        ("slides.ppt", "fodp", "ppt", "MS PowerPoint 97", 400),
        ("noise.doc", "fodt", "doc", "MS Word 97", 500),
        ("noise.xls", "fods", "xls", "MS Excel 97", 550),
        ("noise.ppt", "fodp", "ppt", "MS PowerPoint 97", 600),
    )
    for name, suffix, target, filter_name, start in made:
        source = (HERE / "sources" / name).with_suffix(f".{suffix}").read_text(encoding="utf-8")
        text, expected[name] = filled(source, start)
        converted(text, suffix, target, filter_name, name)
    done = subprocess.run(["node", str(HERE / "make_sheets.js"), str(HERE)], check=True, capture_output=True, text=True)
    expected |= json.loads(done.stdout)
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
