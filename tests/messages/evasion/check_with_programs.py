"""Show each message of the corpus with real programs, and write down which of them display the value.

    python tests/messages/evasion/check_with_programs.py [FAMILY | FAMILY/NAME ...]

Mail programs (mutt, s-nail, mshow of mblaze), unpackers (munpack, ripmime, uudeview, Perl's MIME-tools), parsers (the
standard library, mailparser and postal-mime where NODE_PATH has them), and for pages, pictures and documents inside:
chromium, wkhtmltopdf and weasyprint (and what tesseract reads from their pictures), lynx, w3m, elinks, links2,
html2text, LibreOffice, openssl, gpg; poppler, MuPDF, Gnumeric, pandoc and unpackers for attachments. A program that is
missing is named and passed over; PROGRAMS=poppler,unzip asks only those.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from corpus import HERE
from programs import Chromium, programs, seen
from programs_files import file_programs


def shown_by(raw: bytes, value: str, shows: dict[str, Callable[[bytes, Path], str]]) -> list[str]:
    """The programs that display the value."""
    found = []
    for name, show in shows.items():
        with tempfile.TemporaryDirectory() as folder:
            text = show(raw, Path(folder))
        if os.environ.get("SHOW"):
            print(f"---- {name}\n{text}")
        if seen(value) in seen(text):
            found.append(name)
    return sorted(found)


def main() -> int:
    """Check those named, else all; 1 where fewer than two programs show one."""
    wanted = sys.argv[1:] or [""]
    paths = [
        path
        for path in sorted(HERE.glob("*/*.eml"))
        if any(f"{path.parent.name}/{path.stem}".startswith(w) for w in wanted)
    ]
    shows = programs() | file_programs()
    if only := os.environ.get("PROGRAMS"):
        shows = {name: show for name, show in shows.items() if name in only.split(",")}
    poor = 0
    for path in paths:
        facts = path.with_suffix(".json")
        told = json.loads(facts.read_text())
        told["shown_by"] = shown_by(path.read_bytes(), told["value"], shows)
        facts.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        enough = len(told["shown_by"]) >= 2 or {"encrypted", "unreadable"}.issuperset(told["found"])
        poor += not enough
        print(f"{'ok ' if enough else 'FEW'} {path.parent.name}/{path.stem}: {', '.join(told['shown_by'])}")
    if isinstance(browser := shows.get("chromium"), Chromium):
        browser.close()
    return 1 if poor else 0


if __name__ == "__main__":
    sys.exit(main())
