"""The process that children are forked from, and what a child does. It never sees a stranger's bytes itself.

The gateway has threads and an event loop and cannot be forked safely; this process has neither. It loads every parser
once, so that a child starts in milliseconds and shares that memory.
"""

import array
import codecs
import contextlib
import encodings
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import policy.extraction
from gateway.children import sandbox
from gateway.children.words import CONNECT, FORK, JOB, KILL, PID, RECOGNISE, REPLY, NurserySettings, Tesseract
from policy.extraction.collected import File
from policy.extraction.extract import Outcome, read_whole
from policy.reader.limits import Limits

_FRAME_MARKS: Final = 2_000
_FRAME_FACTS: Final = 1_000
_FRAME_WEIGHT: Final = 128 * 1024
_MARK_WEIGHT: Final = 64  # bytes of text that take as long as one mark
# What the standard library imports on first use.
_LAZY: Final = (
    "heapq",
    "_strptime",
    "unicodedata",
    "stringprep",
    "locale",
    "copy",
    "calendar",
    "fractions",
    "hmac",
    "gzip",
)
_MODEST: Final = 10  # niceness of tesseract: mail comes first
_PROGRAM_PATHS: Final = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/dev/null")
_REAP_SECONDS: Final = 0.2


def main(descriptor: int, settings: str) -> None:
    """Fork children for the gateway's pools until the gateway ends; then end all children.

    `descriptor` is the socket through which the pools send their lines, one each. What is said on a line concerns the
    children of its pool only, and they are killed when it closes.
    """
    nursery = NurserySettings.from_json(settings)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the gateway drains first; its end is our end
    alone = sandbox.leave_network()
    sandbox.die_with_parent(nursery.parent)
    _warm(nursery.limits)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=descriptor) as door:
        _Children(nursery, alone, door).run()


class _Children:
    """All children, and a line to each pool of the gateway's that they work for."""

    def __init__(self, nursery: NurserySettings, alone: bool, door: socket.socket) -> None:
        self._nursery, self._alone, self._door = nursery, alone, door
        self._lines: dict[int, tuple[socket.socket, set[int]]] = {}  # by descriptor: the line, and its children
        self._children: set[int] = set()  # all that have not been collected
        self._poll = select.poll()

    def run(self) -> None:
        """Until nobody is left who could ask for a line."""
        self._poll.register(self._door, select.POLLIN)
        is_open = True
        while is_open:
            ready = self._poll.poll(_REAP_SECONDS * 1000 if self._children else None)
            self._reap()
            for descriptor, _ in ready:
                if descriptor == self._door.fileno():
                    is_open = self._greet()
                else:
                    self._hear(descriptor)
        for descriptor in list(self._lines):
            self._let_go(descriptor)
        for pid in self._children:
            os.waitpid(pid, 0)

    def _greet(self) -> bool:
        message, descriptors = _receive(self._door)
        if message == CONNECT and descriptors:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=descriptors[0])
            self._lines[line.fileno()] = line, set()
            self._poll.register(line, select.POLLIN)
        return bool(message)

    def _hear(self, descriptor: int) -> None:
        line, children = self._lines[descriptor]
        message, descriptors = _receive(line)
        if not message:
            self._let_go(descriptor)
        elif message.startswith(KILL):
            pid = int(message[1:])
            if pid in children:
                os.kill(pid, signal.SIGKILL)
        elif message.startswith(RECOGNISE) and descriptors and self._nursery.tesseract:
            life = partial(_recognise, descriptors[0], self._nursery.tesseract, int(message[1:]))
            self._fork(children, descriptors[0], life)
        elif message == FORK and descriptors:
            self._fork(children, descriptors[0], partial(_read_files, descriptors[0], self._nursery, self._alone))

    def _fork(self, children: set[int], descriptor: int, life: Callable[[], None]) -> None:
        """Fork a process that keeps this descriptor alone, runs `life` and exits."""
        pid = _fork((self._door, *(line for line, _ in self._lines.values())), descriptor, life)
        children.add(pid)
        self._children.add(pid)

    def _let_go(self, descriptor: int) -> None:
        """Kill the children of a pool that has closed its line."""
        self._poll.unregister(descriptor)
        line, children = self._lines.pop(descriptor)
        line.close()
        for pid in children:
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            for _, children in self._lines.values():
                children.discard(pid)


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    try:
        message, ancillary, _, _ = control.recvmsg(64, socket.CMSG_SPACE(array.array("i", [0]).itemsize))
    except ConnectionError:
        return b"", []
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return message, list(descriptors)


def _fork(others: Iterable[socket.socket], descriptor: int, life: Callable[[], None]) -> int:
    """Fork a process that keeps `descriptor` and none of `others`, runs `life` and exits. Returns its id."""
    own = os.getpid()
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    try:
        for other in others:
            other.close()
        sandbox.die_with_parent(own)
        life()
    finally:
        os._exit(0)


def _recognise(descriptor: int, tesseract: Tesseract, seconds: int) -> None:
    """Run tesseract on what comes through the descriptor; end its answer with how that went."""
    own = os.getpid()
    os.write(descriptor, PID.pack(own))
    inner = os.fork()
    if not inner:
        _become(descriptor, tesseract, seconds, own)
    _, status = os.waitpid(inner, 0)
    os.write(descriptor, b"\0" if status == 0 else b"\1")


def _become(descriptor: int, tesseract: Tesseract, seconds: int, parent: int) -> None:
    """Become tesseract, which may read its own files, write none, and has no network. Does not return."""
    try:
        sandbox.die_with_parent(parent)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for standard in (0, 1):
            os.dup2(descriptor, standard)
        sandbox.limit_resources(tesseract.memory_bytes, beyond_now=False)
        sandbox.limit_cpu(seconds)
        with contextlib.suppress(OSError):  # the shipped unit of systemd does not allow it
            os.nice(_MODEST)
        sandbox.lock_to_reading([*_PROGRAM_PATHS, str(Path(tesseract.program).parent), tesseract.data or "/usr/share"])
        environment = {"LANG": "C.UTF-8", "PATH": os.defpath, "OMP_THREAD_LIMIT": "1"}
        if tesseract.data:
            environment["TESSDATA_PREFIX"] = tesseract.data
        arguments = [tesseract.program, "stdin", "stdout", "-l", "+".join(tesseract.languages)]
        os.execve(tesseract.program, arguments, environment)  # noqa: S606 (the program that was found, no shell)
    finally:
        os._exit(127)


def _read_files(descriptor: int, nursery: NurserySettings, alone: bool) -> None:
    """Read one file after the other until the gateway closes the socket."""
    jobs = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    sandbox.limit_resources(nursery.memory_bytes)
    granted = [*(["network"] if alone else []), *sandbox.lock_down()]
    jobs.sendall(_frame({"pid": os.getpid(), "sandbox": granted}, []))
    while head := _take(jobs, JOB.size):
        described, size = JOB.unpack(head)
        about = json.loads(_take(jobs, described))
        sandbox.limit_cpu(nursery.cpu_seconds)
        passwords, pictures = tuple(about.pop("passwords")), bool(about.pop("pictures"))
        file = File(data=bytes(_take(jobs, size)), **about)
        outcome = read_whole(file, nursery.limits, passwords, pictures=pictures)
        for frame in frames_of(outcome):
            jobs.sendall(frame)


def _take(jobs: socket.socket, size: int) -> bytearray:
    """Read exactly so many bytes; empty once the other side has closed."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    got = 0
    while got < size:
        count = jobs.recv_into(view[got:])
        if not count:
            os._exit(0)
        got += count
    return buffer


def frames_of(outcome: Outcome) -> Iterator[bytes]:
    """What a child answers: JSON, since the gateway must not trust it, each piece with the bytes it speaks of.

    A piece is small, so that the gateway is not held by taking in a large one; an empty one ends the answer.
    """
    lines: list[Any] = []
    texts: list[bytes] = []
    weight = 0
    for part in outcome.content.parts:
        text = part.text.encode("utf-8", "replace")
        first, rest = part.marks[:_FRAME_MARKS], part.marks[_FRAME_MARKS:]
        lines.append([part.place, len(text), first])
        texts.append(text)
        weight += len(text) + _MARK_WEIGHT * (1 + len(first))
        for at in range(0, len(rest), _FRAME_MARKS):
            yield _frame({"parts": lines}, texts)
            lines, texts = [], []
            yield _frame({"marks": rest[at : at + _FRAME_MARKS]}, [])
        if weight > _FRAME_WEIGHT:
            yield _frame({"parts": lines}, texts)
            lines, texts, weight = [], [], 0
    yield _frame({"parts": lines, "met_a_lock": outcome.met_a_lock}, texts)
    files = [
        [fact.name, fact.kind.value, fact.size, fact.place, fact.depth, fact.encrypted, fact.unreadable, fact.reason]
        for fact in outcome.content.files
    ]
    for at in range(0, len(files), _FRAME_FACTS):
        yield _frame({"files": files[at : at + _FRAME_FACTS]}, [])
    for picture in outcome.pictures:
        about = [picture.name, picture.place, picture.depth, len(picture.data)]
        yield _frame({"pictures": [about]}, [picture.data])
    yield _frame({}, [])


def _frame(about: dict[str, Any], texts: list[bytes]) -> bytes:
    described = json.dumps(about, ensure_ascii=False).encode("utf-8", "replace") if about else b""
    return b"".join((REPLY.pack(len(described), sum(map(len, texts))), described, *texts))


def _warm(limits: Limits) -> None:
    """Use every parser once: what a library loads on first use could not be opened any more in a child."""
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(LookupError, ImportError):
            codecs.lookup(module.name)
    parsers = pkgutil.walk_packages(policy.extraction.__path__, "policy.extraction.")
    modules = (module.name for module in parsers)
    for name in (*_LAZY, *modules):
        importlib.import_module(name)
    for data in _samples():
        read_whole(File("sample", data, "sample"), limits)
    gc.collect()
    gc.freeze()  # what is shared stays shared


def _samples() -> list[bytes]:
    """One small file of each format."""
    import io
    import tarfile
    import zipfile

    import pypdfium2

    def packed(**entries: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in entries.items():
                archive.writestr(name.replace("_", "/", 1) + ".xml", text)
        return out.getvalue()

    types = {"[Content/Types]": "<Types/>"}
    paragraph = '<w:document xmlns:w="w"><w:p><w:r><w:t>text</w:t></w:r></w:p></w:document>'
    document = packed(**{"[Content_Types]": "", **types, "word_document": paragraph})
    sheet = "<worksheet><sheetData><row><c r='A1'><v>1E3</v></c></row></sheetData></worksheet>"
    book = packed(**{**types, "xl_worksheets/sheet1": sheet, "xl_workbook": "<workbook/>"})
    pdf = io.BytesIO()
    made = pypdfium2.PdfDocument.new()
    made.new_page(100, 100).close()
    made.save(pdf)
    made.close()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO(b""))
    mail = b"From: a@example.com\r\nSubject: =?utf-8?q?x?=\r\nContent-Type: text/html\r\n\r\n<p>x &amp; y</p>"
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2048)
    split = b"<p>5<b>3</b>6<i>-</i>2<b>2</b>-12<b>3</b>4</p>"
    return [split, document, book, pdf.getvalue(), tar.getvalue(), mail, ole, b"{\\rtf1 x}", b"BZh9", b"\xfd7zXZ\0"]
