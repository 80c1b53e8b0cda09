"""How long a running gateway's event loop is held while it takes large and hostile mail: `make bench-loop`.

    python bench/loop.py             # every mail three times: the third time a long text is known
    python bench/loop.py --only xls  # those whose name holds a word

Starts the gateway with the shipped policy, one worker, and a sink behind it, and sends one mail after the other. Within
the gateway a timer is set to go off every two milliseconds; how much later than that it does is how long the loop was
held. A machine that is busy with something else is late, too: so the time in which the main thread waited for a
processor does not count, nor what exceeds the time that the gateway had of one meanwhile. What its threads were at
is looked at by one more, roughly.
"""

import argparse
import base64
import gc
import io
import json
import os
import random
import signal
import smtplib
import struct
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE.parent / "tests" / "support")]

from scan import HEAD, attached, page, plain  # noqa: E402 - found only by the path above
from texts import prose  # noqa: E402 - likewise

BEAT = 0.002  # seconds
NOTED = 0.005  # seconds of a hold that is worth a line
LOOKED = 0.012  # seconds, after which the main thread is looked at
ALLOWED = 20.0  # milliseconds
IDLE = ("runners.run", "thread._worker", "threading.wait", "selectors.select")  # what waits for something
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def book(rows: int, columns: int) -> bytes:
    """An Excel 97 workbook of numbers."""
    from ole_writer import container

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 1997, 0, 6))
    name = b"Sheet1"
    shared = len(begin) + 4 + 8 + len(name) + 4
    sheet = record(0x85, struct.pack("<IHBB", shared, 0, len(name), 0) + name)
    cells = b"".join(
        record(0x203, struct.pack("<HHHd", row, column, 0, row * 7919 % 100_003 + column))
        for row in range(rows)
        for column in range(columns)
    )
    own = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 1997, 0, 6)) + cells + record(0x0A, b"")
    return container({"Workbook": begin + sheet + record(0x0A, b"") + own})


def sheet(rows: int, columns: int) -> bytes:
    """An xlsx of numbers and words."""
    out = io.BytesIO()
    lines = "".join(
        f'<row r="{row}">'
        + "".join(f'<c r="{chr(65 + column)}{row}"><v>{row * 7919 % 100_003}</v></c>' for column in range(columns))
        + "</row>"
        for row in range(1, rows + 1)
    )
    space = "http://schemas.openxmlformats.org"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{space}/spreadsheetml/2006/main" xmlns:r="{space}/officeDocument/2006/relationships">'
            '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{space}/package/2006/relationships"><Relationship Id="r1" '
            f'Type="{space}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{space}/spreadsheetml/2006/main"><sheetData>{lines}</sheetData></worksheet>',
        )
    return out.getvalue()


def packed(count: int) -> bytes:
    """A zip of so many small texts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(f"folder/{number}.txt", f"Note {number}: account 12345{number:05}")
    return out.getvalue()


def parts(count: int) -> bytes:
    """A mail of so many parts."""
    one = b"--b\r\nContent-Type: text/plain\r\n\r\nPart %d, with 4111 1111 1111 %04d.\r\n"
    many = b"".join(one % (number, number % 10_000) for number in range(count))
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + many + b"--b--\r\n"


def nested(depth: int) -> bytes:
    """A mail in a mail in a mail, and parts within parts."""
    inner = b"Content-Type: text/plain\r\n\r\nSSN 536-22-1234\r\n"
    for number in range(depth):
        inner = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n' % (
            number,
            number,
            inner,
            number,
        )
    return HEAD + inner


def lines(count: int) -> bytes:
    """A mail whose header has so many lines."""
    return HEAD + b"".join(b"X%d: %d\r\n" % (n % 100, n % 10) for n in range(count)) + b"\r\nText.\r\n"


def numbers(rng: random.Random, count: int) -> bytes:
    """A text of nothing but valid numbers."""
    lines = (f"{rng.randint(100, 665):03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}" for _ in range(count))
    return plain("\r\n".join(lines) + "\r\n")


def unicode_text(rng: random.Random, size: int) -> bytes:
    """A text of many scripts, with digits of all kinds."""
    words = ("Ünïcödé ", "числа ", "数字 ", "４１１１ ", "١٢٣ ", "5\u200b36-22-1234 ", "naïve ", "\u202e4321\u202c ")
    text = "".join(rng.choice(words) for _ in range(size // 9))
    return plain("\r\n".join(text[at : at + 200] for at in range(0, len(text), 200)) + "\r\n")


def mails() -> dict[str, Callable[[], bytes]]:
    """What is sent, by name; made where it is asked for."""
    rng = random.Random(3)
    return {
        "4 KB text": lambda: plain(prose(rng, 3_600)),
        "64 KB, text attached": lambda: attached(prose(rng, 3_500), prose(rng, 45_000).encode(), "text/csv", "a.csv"),
        "64 KB page": lambda: page(rng, 60_000),
        "5 MB text": lambda: plain(prose(rng, 5_000_000)),
        "5 MB, text attached": lambda: attached("Hello\r\n", prose(rng, 3_700_000).encode(), "text/csv", "a.csv"),
        "5 MB of scripts": lambda: unicode_text(rng, 3_000_000),
        "5 MB, flowed": lambda: plain(prose(rng, 5_000_000).replace("\r\n", " \r\n")).replace(
            b"utf-8", b"utf-8; format=flowed"
        ),
        "10 MB quoted-printable": lambda: plain(
            "".join(f"=4{n % 10} line of {n} words=20=\r\n" for n in range(400_000))
        ).replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", 1),
        "40 MB text": lambda: plain("".join(f"{n:07} Ordinary words, and nobody minds.\r\n" for n in range(900_000))),
        "20 MB of UTF-8": lambda: plain("Größe und Übung, schön wärmer.\r\n" * 550_000),
        "2 MB page": lambda: page(rng, 2_000_000),
        "1 MB of numbers": lambda: numbers(rng, 75_000),
        "1 MB of one line": lambda: plain("".join(f"{rng.randrange(10**9)} " for _ in range(99_000)) + "\r\n"),
        "10 KB of numbers": lambda: numbers(rng, 750),
        "15 KB of scripts": lambda: unicode_text(rng, 14_000),
        "60 KB of parts": lambda: parts(850),
        "60 KB turned around": lambda: plain(("\u202e" + "12 \u202c" * 400 + "\r\n") * 20),
        "xls, 300,000 cells": lambda: attached("Hello\r\n", book(60_000, 5), "application/vnd.ms-excel", "a.xls"),
        "xlsx, 300,000 cells": lambda: attached("Hello\r\n", sheet(60_000, 5), XLSX, "a.xlsx"),
        "zip of 5,000 files": lambda: attached("Hello\r\n", packed(5_000), "application/zip", "a.zip"),
        "header of 100,000 lines": lambda: lines(100_000),
        "5,000 parts": lambda: parts(5_000),
        "nested 500 deep": lambda: nested(500),
        "5 MB of zeros": lambda: attached("Hello\r\n", bytes(3_700_000), "application/octet-stream", "a.bin"),
        "5 MB of noise": lambda: attached("Hello\r\n", rng.randbytes(3_700_000), "application/octet-stream", "a.bin"),
        "40 MB of noise": lambda: attached("Hello\r\n", rng.randbytes(29_000_000), "video/mp4", "a.mp4"),
        "5 MB of base64 in text": lambda: plain(
            base64.encodebytes(rng.randbytes(3_700_000)).decode().replace("\n", "\r\n")
        ),
    }


class Watch:
    """Within the gateway: a timer, and a thread that looks at the main one when it is late."""

    def __init__(self, told: Path) -> None:
        self._told = told.open("w")
        self._waits = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        self._last = time.perf_counter()
        self._spent = time.process_time()
        self._before = 0.0
        self._seen = ""
        self._began = 0.0
        gc.callbacks.append(self._collect)

    def _collect(self, phase: str, told: dict[str, int]) -> None:
        """Garbage collection, which nobody else can look at while it runs."""
        if phase == "start":
            self._began = time.perf_counter()
        elif (spent := time.perf_counter() - self._began) > NOTED:
            self._seen += f"[garbage of generation {told['generation']}: {spent * 1000:.1f} ms] "

    def beat(self) -> None:
        """Note how late it is, and set the timer again."""
        import asyncio

        now, spent, waited = time.perf_counter(), time.process_time(), self._waited()
        late = min(now - self._last - BEAT - (waited - self._before), spent - self._spent)
        if late > NOTED:
            self._told.write(json.dumps([time.time(), late * 1000, self._seen]) + "\n")
            self._told.flush()
        self._seen = ""
        self._last, self._spent, self._before = time.perf_counter(), time.process_time(), waited
        asyncio.get_running_loop().call_later(BEAT, self.beat)

    def _waited(self) -> float:
        """Seconds that this thread was in line for a processor, so far (the kernel's sched-stats).

        In one call: at the end of each it has to wait for the interpreter again, which would be held against the loop.
        """
        return int(os.pread(self._waits, 100, 0).split()[1]) / 1e9

    def look(self) -> None:
        """In a thread, for as long as the bench lives: however that ended, the gateway ends too."""
        bench = os.getppid()
        while os.getppid() == bench:
            time.sleep(LOOKED / 3)
            if not self._seen and time.perf_counter() - self._last > LOOKED:
                frames = sys._current_frames()
                own = threading.get_ident()
                places = (_where(frame) for key, frame in frames.items() if key != own)
                self._seen = " | ".join(place for place in places if not place.startswith(IDLE))
        os.kill(os.getpid(), signal.SIGTERM)


def _where(frame: object) -> str:
    found: list[str] = []
    while frame is not None and len(found) < 4:
        code = frame.f_code  # type: ignore[attr-defined]  # a frame
        found.append(f"{Path(code.co_filename).stem}.{code.co_name}:{frame.f_lineno}")  # type: ignore[attr-defined]
        frame = frame.f_back  # type: ignore[attr-defined]
    return " < ".join(found)


def serve(config: Path, told: Path) -> None:
    """The gateway itself, watched."""
    import asyncio

    import uvloop

    from gateway.app import serve as serve_gateway
    from gateway.settings import load_settings
    from gateway.signals import stop_on_signals

    async def run() -> None:
        stop, watch = stop_on_signals(), Watch(told)
        watch.beat()
        threading.Thread(target=watch.look, daemon=True).start()
        await serve_gateway(load_settings(config, trial=False), stop=stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def holds(told: Path, began: float, ended: float) -> Iterator[tuple[float, str]]:
    """Milliseconds, and where, of each hold in this time."""
    for line in told.read_text().splitlines():
        at, late, where = json.loads(line)
        if began <= at <= ended:
            yield late, where


def send(port: int, raw: bytes) -> str:
    """The answer."""
    with smtplib.SMTP("127.0.0.1", port, timeout=300) as client:
        try:
            client.sendmail("alice@example.com", ["bob@friends.example"], raw)
        except smtplib.SMTPResponseException as refused:
            return f"{refused.smtp_code} {refused.smtp_error!r}"[:60]
    return "250"


def measure(rounds: int, only: str) -> int:
    """Send and print; how many mails held the loop longer than is allowed."""
    from mailhosts import Sink
    from peers import free_port
    from started import Gateway

    class Watched(Gateway):
        def _serving(self) -> list[str]:
            return [sys.executable, str(HERE / "loop.py"), "--serve", str(self.config), str(told)]

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        told = folder / "held"
        ports = {"smtp": free_port(), "portal": free_port(), "world": free_port()}
        stack.enter_context(Sink(ports["world"]))
        gateway = Watched(folder / "gateway", ports, more="workers: 1")
        gateway.start()
        stack.callback(gateway.close)
        time.sleep(2)  # what comes after the start is over
        print(f"{'':<26}{'seconds':>9}{'longest hold':>15}{'over 20 ms':>12}  where")
        over = 0
        for name, make in mails().items():
            if only in name:
                raw = make()
                began = time.time()
                answers = {send(gateway.smtp, raw) for _ in range(rounds)}
                seconds = (time.time() - began) / rounds
                time.sleep(0.5)  # its delivery
                found = sorted(holds(told, began, time.time()), reverse=True)
                longest, where = found[0] if found else (0.0, "")
                count = sum(late > ALLOWED for late, _ in found)
                over += bool(count)
                told_too = "" if answers == {"250"} else " ".join(answers)
                print(
                    f"{name:<26}{seconds:>9.2f}{longest:>12.1f} ms{count:>12}  {where if count else ''} {told_too}",
                    flush=True,
                )
    return over


def main() -> None:
    """Measure, or be measured."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--serve", nargs=2, type=Path, help=argparse.SUPPRESS)
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--only", default="", help="mails whose name holds this")
    asked = reader.parse_args()
    if asked.serve:
        serve(*asked.serve)
        return
    sys.exit(1 if measure(asked.rounds, asked.only) else 0)


if __name__ == "__main__":
    main()
