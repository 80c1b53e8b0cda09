"""Show each message of the corpus with real programs, and write down which of them display the value.

    python tests/messages/evasion/check_with_programs.py [FAMILY | FAMILY/NAME ...]

Mail programs (mutt, s-nail, mshow of mblaze), unpackers (munpack, ripmime, uudeview, Perl's MIME-tools), parsers (the
standard library, mailparser and postal-mime where NODE_PATH has them), and for pages, pictures and documents inside:
chromium, lynx, w3m, LibreOffice, openssl, gpg. A program that is missing is named and passed over.
"""

import email
import email.policy
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from corpus import HERE

DOCUMENTS = {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".rtf", ".doc", ".xls", ".csv", ".dif", ".slk"}
DASHES = dict.fromkeys(map(ord, "‐‑‒–—−﹣-"), "-")
SECONDS = 60
LYNX = ("-display_charset=utf-8",)
W3M = ("-O", "utf-8", "-T", "text/html")
NODE = """
const raw = require("fs").readFileSync(0);
const show = (m) => { console.log(m.subject, m.from && m.from.text, m.to && m.to.text, m.text, m.html);
  m.attachments.forEach((a) => console.log(a.filename || "", Buffer.from(a.content || "").toString())); };
const one = require(process.argv[1]);
if (process.argv[1] === "mailparser") one.simpleParser(raw).then(show);
else (one.default || one).parse(raw).then(show);
"""
PERL = (
    "use MIME::Parser; my $p = new MIME::Parser; $p->output_dir($ARGV[1]); $p->extract_uuencode(1);"
    "$p->parse_open($ARGV[0]);"
)
MUTT = """
set header_cache="" folder="{home}" mbox_type=maildir charset=utf-8 assumed_charset="utf-8:windows-1252"
set mailcap_path="{home}/mailcap" wait_key=no quit=yes sleep_time=0 rfc2047_parameters=yes crypt_use_gpgme=no
set crypt_verify_sig=no implicit_autoview=no display_filter="cat > {home}/shown" reflow_text=yes reflow_wrap=200
set smime_verify_opaque_command="openssl cms -verify -noverify -inform DER -in %f"
set pgp_decode_command="gpg --batch --no-verbose --output - %f" pgp_verify_command="true"
set pgp_decrypt_command="gpg --batch --no-verbose --output - %f"
auto_view text/html text/enriched
unignore *
push "<display-message><exit><exit>"
"""


def seen(text: str) -> str:
    """Text as the eye compares it: without what is not displayed, digits and dashes of all scripts alike."""
    shown = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in {"Cf", "Mn", "Cc"})
    plain = "".join(shown).translate(DASHES)
    return "".join(str(unicodedata.digit(c, c)) for c in plain if not c.isspace())


def run(*command: str | Path, data: bytes = b"", folder: Path | None = None) -> bytes:
    """What a program writes; nothing where it fails to end."""
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, cwd=folder, check=False)
    except subprocess.TimeoutExpired:
        return b""
    return done.stdout


def text_of(data: bytes) -> str:
    """Bytes that a program wrote."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "replace")


def files_in(folder: Path) -> str:
    """Names and contents of all files below a folder."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join(f"{path.name}\n{text_of(path.read_bytes())}" for path in found)


def leaves(raw: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Type, charset and bytes of each leaf by the standard library."""
    for part in email.message_from_bytes(raw, policy=email.policy.default).walk():
        if not part.is_multipart():
            data = part.get_payload(decode=True)
            yield part.get_content_type(), part.get_content_charset() or "", data if isinstance(data, bytes) else b""


def stdlib(raw: bytes, work: Path) -> str:
    """Headers, names and contents by both policies of the standard library."""
    out: list[str] = []
    for policy in (email.policy.default, email.policy.compat32):
        message = email.message_from_bytes(raw, policy=policy)
        out += tried(lambda message=message: [str(value) for value in message.values()])
        for part in message.walk():
            out += tried(lambda part=part: [part.get_filename() or ""])
            if not part.is_multipart():
                if isinstance(part, EmailMessage) and part.get_content_maintype() == "text":
                    out += tried(lambda part=part: [part.get_content()])
                out += tried(lambda part=part: [text_of(part.get_payload(decode=True))])
    return "\n".join(out)


def tried(read: Callable[[], list[str]]) -> list[str]:
    """What a parser gives, or nothing."""
    try:
        return read()
    except Exception:  # noqa: BLE001 (the parser raises what it likes)
        return []


def mutt(raw: bytes, work: Path) -> str:
    """What the pager of mutt shows, in a terminal of its own."""
    for name in ("cur", "new", "tmp"):
        (work / "box" / name).mkdir(parents=True)
    (work / "box" / "cur" / "1.a.b:2,S").write_bytes(raw.replace(b"\r\n", b"\n"))
    (work / "mailcap").write_text("text/html; w3m -I %{charset} -T text/html -dump -cols 400 %s; copiousoutput\n")
    (work / "rc").write_text(MUTT.format(home=work))
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm", HOME=str(work), LC_ALL="C.UTF-8", COLUMNS="400")
        os.execvp("mutt", ["mutt", "-n", "-R", "-F", str(work / "rc"), "-f", str(work / "box")])
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    os.waitpid(child, 0)
    os.close(terminal)
    shown = work / "shown"
    return text_of(shown.read_bytes()) if shown.exists() else ""


def unpacker(*command: str) -> Callable[[bytes, Path], str]:
    """A program that writes the parts of `{mail}` into the folder `{out}`."""

    def show(raw: bytes, work: Path) -> str:
        mail, out = work / "mail", work / "out"
        mail.write_bytes(raw)
        out.mkdir()
        said = run(*(word.format(mail=mail, out=out) for word in command), folder=out)
        return files_in(out) + text_of(said)

    return show


def node(library: str) -> Callable[[bytes, Path], str]:
    """A parser for Node."""
    return lambda raw, work: text_of(run("node", "-e", NODE, library, data=raw))


def s_nail(raw: bytes, work: Path) -> str:
    """What s-nail prints of a mailbox with this message."""
    box = work / "mbox"
    lines = re.sub(rb"(?m)^From ", b">From ", raw.replace(b"\r\n", b"\n"))
    box.write_bytes(b"From a@example.com Mon Jan  5 09:30:00 2026\n" + lines + b"\n\n")
    return text_of(run("s-nail", "-n", "-R", "-#", "-S", "ttycharset=utf-8", "-Y", "Print 1", "-f", box))


def pages(*command: str) -> Callable[[bytes, Path], str]:
    """A text browser over each page; `{charset}` is what the part declares."""

    def show(raw: bytes, work: Path) -> str:
        out = []
        for number, (media_type, charset, data) in enumerate(leaves(raw)):
            if "html" in media_type:
                page = work / f"{number}.html"
                page.write_bytes(data)
                out.append(text_of(run(*(word.format(charset=charset or "utf-8", page=page) for word in command))))
        return "\n".join(out)

    return show


def openssl(raw: bytes, work: Path) -> str:
    """Signed S/MIME opened, without asking who signed."""
    signed = [data for media_type, _, data in leaves(raw) if "pkcs7" in media_type or "cms" in media_type]
    out = [run("openssl", "cms", "-verify", "-noverify", "-inform", "DER", data=data) for data in signed]
    out += [run("openssl", "cms", "-uncompress", "-inform", "DER", data=data) for data in signed]
    inner = b"\n".join(data for data in out if data)
    return text_of(inner) + (stdlib(inner, work) if inner else "")


def gpg(raw: bytes, work: Path) -> str:
    """Signed and packed PGP opened, without asking who signed."""
    home = work / "gnupg"
    home.mkdir(mode=0o700)
    data = [data for _, _, data in leaves(raw) if b"-----BEGIN PGP" in data or data[:1] >= b"\x80"]
    return "\n".join(text_of(run("gpg", "--homedir", home, "--batch", "--decrypt", data=one)) for one in data)


def libreoffice(raw: bytes, work: Path) -> str:
    """Documents converted to text (a table to comma separated values)."""
    out: list[str] = []
    for part in email.message_from_bytes(raw, policy=email.policy.default).walk():
        name = (tried(lambda part=part: [part.get_filename() or ""]) or [""])[0]
        ending = Path(name).suffix.lower()
        if part.is_multipart() or ending not in DOCUMENTS:
            continue
        document = work / f"document{ending}"
        document.write_bytes(part.get_payload(decode=True))
        table = ending in {".xlsx", ".ods", ".xls", ".csv", ".dif", ".slk"}
        profile = f"-env:UserInstallation=file://{tempfile.gettempdir()}/check-with-programs-profile"
        run("soffice", profile, "--headless", "--convert-to", "csv" if table else "txt:Text", document, folder=work)
        made = document.with_suffix(".csv" if table else ".txt")
        out.append(text_of(made.read_bytes()) if made.exists() and made != document else "")
    return "\n".join(out)


class Chromium:
    """One browser for all; scripts do not run, as in mail programs."""

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        self._browser = self._playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])

    def __call__(self, raw: bytes, work: Path) -> str:
        """Each page and text as displayed; where it turns directions, also what a picture of it says."""
        out = []
        for media_type, charset, data in leaves(raw):
            if media_type.startswith(("text/", "image/svg", "application/xhtml", "application/xml")):
                turned = re.search(
                    rb"(?i)\xe2\x80[\xad\xae]|&#x202e|&#8238|&#x202d|<bdo|direction\s*:|row-reverse", data
                )
                out.append(self._page(media_type, charset, data, work / "page.png" if turned else None))
        return "\n".join(out)

    def _page(self, media_type: str, charset: str, data: bytes, picture: Path | None) -> str:
        context = self._browser.new_context(java_script_enabled=False, device_scale_factor=2)
        page = context.new_page()
        kind = media_type + (f"; charset={charset}" if charset else "")

        def answer(route: Any) -> None:
            own = route.request.is_navigation_request() and route.request.frame == page.main_frame
            route.fulfill(body=data, content_type=kind) if own else route.abort()

        page.route("**/*", answer)
        try:
            page.goto("http://mail.example/", wait_until="load", timeout=10_000)
            text = "\n".join([page.title(), *(frame.evaluate(SHOWN) for frame in page.frames)])
            if picture:
                page.screenshot(path=picture)
                text += "\n" + text_of(run("tesseract", picture, "-", "--psm", "6"))
        except Exception as error:  # noqa: BLE001 (a page that the browser will not show)
            text = ""
            print(f"chromium: {type(error).__name__}", file=sys.stderr)
        context.close()
        return text

    def close(self) -> None:
        """End the browser."""
        self._browser.close()
        self._playwright.stop()


SHOWN = """() => (document.body ? document.body.innerText : document.documentElement.textContent) + "\\n" +
  [...document.querySelectorAll("input:not([type=hidden]),textarea")].map((f) => f.value || f.placeholder).join("\\n")"""


def programs() -> dict[str, Callable[[bytes, Path], str]]:
    """Those of this machine."""
    known: dict[str, tuple[str, Callable[[bytes, Path], str]]] = {
        "mutt": ("mutt", mutt),
        "munpack": ("munpack", unpacker("munpack", "-q", "-t", "-f", "-C", "{out}", "{mail}")),
        "ripmime": ("ripmime", unpacker("ripmime", "-i", "{mail}", "-d", "{out}")),
        "uudeview": ("uudeview", unpacker("uudeview", "-i", "-q", "-a", "-s", "-p", "{out}", "{mail}")),
        "mime-tools": ("perl", unpacker("perl", "-e", PERL, "{mail}", "{out}")),
        "mblaze": ("mshow", unpacker("mshow", "-A", "text/html", "{mail}")),
        "s-nail": ("s-nail", s_nail),
        "mailparser": ("node", node("mailparser")),
        "postal-mime": ("node", node("postal-mime")),
        "openssl": ("openssl", openssl),
        "gpg": ("gpg", gpg),
        "lynx": ("lynx", pages("lynx", "-dump", "-width=400", "-assume_charset={charset}", *LYNX, "{page}")),
        "w3m": ("w3m", pages("w3m", "-dump", "-cols", "400", "-I", "{charset}", *W3M, "{page}")),
        "libreoffice": ("soffice", libreoffice),
    }  # fmt: skip
    found: dict[str, Callable[[bytes, Path], str]] = {"stdlib": stdlib}
    for name, (program, show) in known.items():
        if shutil.which(program):
            found[name] = show
        else:
            print(f"{name}: not on this machine", file=sys.stderr)
    if shutil.which("chromium") or shutil.which("chromium-browser"):
        found["chromium"] = Chromium()
    return found


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
    shows = programs()
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
