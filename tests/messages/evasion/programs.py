"""The programs of this machine that display mail, and what each shows of a message."""

import contextlib
import email
import email.policy
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from programs_data import COMMANDS

DOCUMENTS = {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".rtf", ".doc", ".xls", ".csv", ".dif", ".slk"}
DASHES = dict.fromkeys(map(ord, "‐‑‒–—−﹣-"), "-")
SECONDS = 60
PROFILE = f"-env:UserInstallation=file://{tempfile.gettempdir()}/check-with-programs-profile"
TURNED = re.compile(rb"(?i)\xe2\x80[\xad\xae]|&#x202[de]|&#8238|<bdo|direction\s*:|row-reverse")
STYLED = re.compile(rb"(?i)style|<svg|<font|<table")
LYNX = ("-display_charset=utf-8",)
ELINKS = ("-no-home", "-eval", 'set document.codepage.assume = "utf-8"', "-eval", "set document.css.enable = 1")
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
YENC = """
import sys, yenc
lines = open(sys.argv[1], "rb").read().replace(b"\\r\\n", b"\\n").split(b"\\n")
begin = [n for n, line in enumerate(lines) if line.startswith(b"=ybegin")][0]
end = [n for n, line in enumerate(lines) if line.startswith(b"=yend")][0]
decoder = yenc.Decoder(sys.stdout.buffer)
decoder.feed(b"\\r\\n".join(line for line in lines[begin + 1:end] if not line.startswith(b"=ypart")))
decoder.flush()
"""
MUTT = """
set header_cache="" folder="{home}" mbox_type=maildir charset=utf-8 assumed_charset="utf-8:windows-1252"
set mailcap_path="{home}/mailcap" wait_key=no quit=yes sleep_time=0 rfc2047_parameters=yes crypt_use_gpgme=no
set crypt_verify_sig=no implicit_autoview=no display_filter="cat > {home}/shown" reflow_text=yes reflow_wrap=200
set smime_verify_opaque_command="openssl cms -verify -noverify -inform DER -in %f"
set pgp_decode_command="gpg --batch --no-verbose --output - %f" pgp_verify_command="true"
set pgp_decrypt_command="gpg --batch --no-verbose --output - %f"
auto_view text/html
unignore *
push "<display-message><exit><exit>"
"""


def seen(text: str) -> str:
    """Text as the eye compares it: without what is not displayed, digits and dashes of all scripts alike."""
    shown = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in {"Cf", "Mn", "Me", "Cc"})
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
    with contextlib.suppress(OSError):
        while select.select([terminal], [], [], 5)[0] and os.read(terminal, 65536):
            pass
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)  # it has ended, or asks something
    os.waitpid(child, 0)
    os.close(terminal)
    shown = work / "shown"
    return re.sub(r".\x08|\x1b\[[0-9;]*m", "", text_of(shown.read_bytes())) if shown.exists() else ""


def unpacker(*command: str) -> Callable[[bytes, Path], str]:
    """A program that writes the parts of `{mail}` into the folder `{out}`."""

    def show(raw: bytes, work: Path) -> str:
        mail, out = work / "mail", work / "out"
        mail.write_bytes(raw)
        out.mkdir()
        said = run(*(word.format(mail=mail, out=out) for word in command), folder=out)
        return files_in(out) + text_of(said)

    return show


def on_leaves(*command: str) -> Callable[[bytes, Path], str]:
    """A program over each part as saved to a file (`{leaf}`), which may write into `{out}`."""

    def show(raw: bytes, work: Path) -> str:
        said = b""
        (work / "out").mkdir()
        for number, (_, _, data) in enumerate(leaves(raw)):
            leaf = work / f"leaf{number}"
            leaf.write_bytes(data)
            said += run(*(word.format(leaf=leaf, out=work / "out") for word in command), folder=work / "out")
        return files_in(work / "out") + text_of(said)

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


def rnp(raw: bytes, work: Path) -> str:
    """The same by RNP, which Thunderbird uses."""
    home = work / "rnp"
    home.mkdir(mode=0o700)
    out = []
    for number, (_, _, data) in enumerate(leaves(raw)):
        if b"-----BEGIN PGP" in data or data[:1] >= b"\x80":
            leaf = work / f"{number}.pgp"
            leaf.write_bytes(data)
            out.append(text_of(run("rnp", "--homedir", home, "--verify", "--output", "-", leaf)))
    return "\n".join(out)


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


def uconv(raw: bytes, work: Path) -> str:
    """Texts by the charsets of ICU."""
    texts = [(charset, data) for media_type, charset, data in leaves(raw) if media_type.startswith("text/")]
    return "\n".join(
        text_of(run("uconv", "-f", charset, "-t", "utf-8", data=data)) for charset, data in texts if charset
    )


def mflow(raw: bytes, work: Path) -> str:
    """Flowed texts by mflow of mblaze."""
    out = []
    for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk():
        if not part.is_multipart():
            (work / "type").write_text(str(part["content-type"]))
            command = 'PIPE_CONTENTTYPE="$(cat type)" mflow -w 500'
            out.append(text_of(run("sh", "-c", command, data=part.get_payload(decode=True), folder=work)))
    return "\n".join(out)


def on_types(types: str, *command: str) -> Callable[[bytes, Path], str]:
    """A program that reads parts of certain types from its standard input."""

    def show(raw: bytes, work: Path) -> str:
        found = (data for media_type, _, data in leaves(raw) if re.search(types, media_type))
        return "\n".join(text_of(run(*command, data=data)) for data in found)

    return show


def picture_of(data: bytes, ending: str, work: Path) -> str:
    """What LibreOffice draws of a text or page, read from the picture."""
    document = work / f"turned{ending}"
    document.write_bytes(data)
    run("soffice", PROFILE, "--headless", "--convert-to", "pdf", document, folder=work)
    run("pdftoppm", "-r", "200", "-png", "-singlefile", document.with_suffix(".pdf"), work / "turned")
    return text_of(run("tesseract", work / "turned.png", "-", "--psm", "6"))


def drawn(*command: str) -> Callable[[bytes, Path], str]:
    """A program that makes a `{pdf}` of each `{page}`: the text of it, and what can be read from its picture."""

    def show(raw: bytes, work: Path) -> str:
        out = []
        for number, (media_type, charset, data) in enumerate(leaves(raw)):
            if "html" in media_type:
                page, pdf = work / f"{number}.{'xhtml' if 'xhtml' in media_type else 'html'}", work / f"{number}.pdf"
                page.write_bytes(data)
                run(*(word.format(charset=charset or "utf-8", page=page, pdf=pdf) for word in command))
                if pdf.exists():
                    out.append(text_of(run("pdftotext", "-layout", pdf, "-")))
                    run("pdftoppm", "-r", "200", "-png", "-f", "1", "-singlefile", pdf, pdf.with_suffix(""))
                    out.append(text_of(run("tesseract", pdf.with_suffix(".png"), "-", "--psm", "6")))
        return "\n".join(out)

    return show


def libreoffice(raw: bytes, work: Path) -> str:
    """Documents converted to text (a table to comma separated values)."""
    turned = [(media_type, data) for media_type, _, data in leaves(raw) if TURNED.search(data)]
    out = [picture_of(data, ".html" if "html" in media_type else ".txt", work) for media_type, data in turned]
    for part in email.message_from_bytes(raw, policy=email.policy.default).walk():
        name = (tried(lambda part=part: [part.get_filename() or ""]) or [""])[0]
        ending = Path(name).suffix.lower()
        if part.is_multipart() or ending not in DOCUMENTS:
            continue
        document = work / f"document{ending}"
        document.write_bytes(part.get_payload(decode=True))
        table = ending in {".xlsx", ".ods", ".xls", ".csv", ".dif", ".slk"}
        run("soffice", PROFILE, "--headless", "--convert-to", "csv" if table else "txt:Text", document, folder=work)
        made = document.with_suffix(".csv" if table else ".txt")
        out.append(text_of(made.read_bytes()) if made.exists() and made != document else "")
    return "\n".join(out)


def borrowed_pages(raw: bytes, work: Path) -> str:
    """Each page with the parts that it borrows as files beside it, drawn by wkhtmltopdf."""
    parts = [part for part in email.message_from_bytes(raw).walk() if not part.is_multipart()]
    names: dict[bytes, bytes] = {}
    for number, part in enumerate(parts):
        if part["content-id"]:
            ending = {"text/css": "css", "image/svg+xml": "svg"}.get(part.get_content_type(), "html")
            path = work / f"part{number}.{ending}"
            path.write_bytes(part.get_payload(decode=True))
            names[b"cid:" + part["content-id"].strip("<> ").encode()] = path.as_uri().encode()
    out = []
    for number, part in enumerate(parts):
        if names and part.get_content_type() == "text/html":
            data = part.get_payload(decode=True)
            for asked, found in names.items():
                data = data.replace(asked, found)
            page, pdf = work / f"{number}.html", work / f"{number}.pdf"
            page.write_bytes(data)
            run("wkhtmltopdf", "-q", "--enable-local-file-access", page, pdf)
            out.append(text_of(run("pdftotext", "-layout", pdf, "-")))
            run("pdftoppm", "-r", "200", "-png", "-f", "1", "-singlefile", pdf, pdf.with_suffix(""))
            out.append(text_of(run("tesseract", pdf.with_suffix(".png"), "-", "--psm", "6")))
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
                turned = TURNED.search(data) or STYLED.search(data)
                out.append(self._page(media_type, charset, data, work / "page.png" if turned else None))
        return "\n".join(out)

    def whole(self, raw: bytes, work: Path) -> str:
        """A message with related parts, opened as the page that it is (RFC 2557)."""
        if b"multipart/related" not in raw:
            return ""
        saved = work / "mail.mht"
        saved.write_bytes(raw)
        page = self._browser.new_page(device_scale_factor=2)
        page.goto(saved.as_uri(), wait_until="load", timeout=10_000)
        text = str(page.evaluate(SHOWN))
        page.screenshot(path=work / "whole.png")
        page.close()
        return text + text_of(run("tesseract", work / "whole.png", "-", "--psm", "6"))

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


SHOWN = """() => [
  document.body ? document.body.innerText : document.documentElement.textContent,
  ...[...document.querySelectorAll("input:not([type=hidden]),textarea")].map((f) => f.value || f.placeholder)
].join("\\n")"""


def programs() -> dict[str, Callable[[bytes, Path], str]]:
    """Those of this machine."""
    known: dict[str, tuple[str, Callable[[bytes, Path], str]]] = {
        "mutt": ("mutt", mutt),
        "munpack": ("munpack", unpacker("munpack", "-q", "-t", "-f", "-C", "{out}", "{mail}")),
        "ripmime": ("ripmime", unpacker("ripmime", "-i", "{mail}", "-d", "{out}")),
        "uudeview": ("uudeview", unpacker("uudeview", "-i", "-q", "-a", "-s", "-p", "{out}", "{mail}")),
        "sharutils": ("uudecode", on_leaves("uudecode", "-o", "/dev/stdout", "{leaf}")),
        "unar": ("unar", on_leaves("unar", "-q", "-o", "{out}", "{leaf}")),
        "hexbin": ("hexbin", on_leaves("hexbin", "-U", "{leaf}")),
        "gzip": ("gzip", on_leaves("sh", "-c", "gzip -dc < {leaf}")),
        "python-yenc": ("/usr/bin/python3", on_leaves("/usr/bin/python3", "-c", YENC, "{leaf}")),
        "mime-tools": ("perl", unpacker("perl", "-e", PERL, "{mail}", "{out}")),
        "mblaze": ("mshow", unpacker("mshow", "-A", "text/html", "{mail}")),
        "s-nail": ("s-nail", s_nail),
        "mailparser": ("node", node("mailparser")),
        "postal-mime": ("node", node("postal-mime")),
        "openssl": ("openssl", openssl),
        "gpg": ("gpg", gpg),
        "rnp": ("rnp", rnp),
        "lynx": ("lynx", pages("lynx", "-dump", "-width=400", "-assume_charset={charset}", *LYNX, "{page}")),
        "w3m": ("w3m", pages("w3m", "-dump", "-cols", "400", "-I", "{charset}", *W3M, "{page}")),
        "elinks": ("elinks", pages("elinks", "-dump", "-dump-width", "400", *ELINKS, "{page}")),
        "links": ("links2", pages("links2", "-dump", "-width", "400", "-html-assume-codepage", "{charset}", "{page}")),
        "html2text": ("html2text", pages("html2text", "-utf8", "-width", "400", "{page}")),
        "wkhtmltopdf": ("wkhtmltopdf", drawn("wkhtmltopdf", "-q", "--encoding", "{charset}", "{page}", "{pdf}")),
        "weasyprint": ("weasyprint", drawn("weasyprint", "-q", "-e", "{charset}", "{page}", "{pdf}")),
        "uconv": ("uconv", uconv),
        "mflow": ("mflow", mflow),
        "busybox": ("busybox", on_leaves("busybox", "uudecode", "-o", "/dev/stdout", "{leaf}")),
        "libreoffice": ("soffice", libreoffice),
        "wkhtmltopdf with parts": ("wkhtmltopdf", borrowed_pages),
    }  # fmt: skip
    known |= {name: (program, on_types(types, *words)) for name, (program, types, words) in COMMANDS.items()}
    found: dict[str, Callable[[bytes, Path], str]] = {"stdlib": stdlib}
    for name, (program, show) in known.items():
        if shutil.which(program):
            found[name] = show
        else:
            print(f"{name}: not on this machine", file=sys.stderr)
    if shutil.which("chromium") or shutil.which("chromium-browser"):
        browser = Chromium()
        found["chromium"] = browser
        found["chromium archive"] = browser.whole
    return found
