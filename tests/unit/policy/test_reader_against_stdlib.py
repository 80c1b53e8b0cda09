"""What the standard library shows of a message's leaves, by both of its policies, stands in our readings."""

import base64
import email
import email.policy
import quopri
import random
import re
from collections.abc import Iterator
from email.message import EmailMessage, Message

import pytest

from policy.extraction.message import read_message

CHARSETS = [
    "us-ascii",
    "utf-8",
    "iso-8859-1",
    "utf-16",
    "utf-7",
    "koi8-r",
    "shift_jis",
    "cp037",
    '"utf-8"',
    "x-none",
    "",
]
WORDS = [
    "536-22-1234",
    "hello",
    "número",
    "Привет",
    "５３６",
    "=3D",
    "--b",
    "From",
    "a: b",
    "+AGE-",
    "~{",
    "=?utf-8?q?x?=",
]
BOUNDARIES = ["b", "bb", "b--", "b c", "b'", "=b", "b" * 80]
UNDONE = re.compile(r"[A-Za-z0-9+/=]{16,}")  # base64 as it stands says nothing to a person
ENDS = [b"\r\n", b"\n"]


def text(random: random.Random) -> str:
    """Some lines of words."""
    return "\n".join(" ".join(random.choices(WORDS, k=random.randint(0, 4))) for _ in range(random.randint(0, 4)))


def encoded(random: random.Random, data: bytes) -> tuple[str, bytes]:
    """A transfer encoding, sometimes a lie, and the body."""
    kind = random.choice(["7bit", "8bit", "base64", "quoted-printable", "BASE64", "x-none", ""])
    told = random.choice([kind] * 8 + ["base64", "quoted-printable", " base64 (c)", '"base64"'])
    if kind.lower() == "base64":
        body = base64.encodebytes(data) if random.random() < 0.7 else base64.b64encode(data).rstrip(b"=")
    elif kind == "quoted-printable":
        body = quopri.encodestring(data)
    else:
        body = data
    return told, body


def leaf(random: random.Random) -> bytes:
    """One text part."""
    charset = random.choice(CHARSETS)
    try:
        data = text(random).encode(charset.strip('"') or "ascii", "ignore")
    except LookupError:
        data = text(random).encode("utf-8")
    told, body = encoded(random, data)
    lines = [f"Content-Type: text/{random.choice(['plain', 'plain', 'html', 'csv', 'x-y'])}; charset={charset}"]
    lines += [f"Content-Transfer-Encoding: {told}"] if told else []
    lines += random.choice([[], [], ["Content-Disposition: attachment; filename=a.txt"], ["no header"], ["X-A: b\n c"]])
    random.shuffle(lines)
    return "\n".join(lines[: random.randint(0, 4)]).encode("utf-8") + b"\n\n" + body


def entity(random: random.Random, depth: int) -> bytes:
    """A part: a text, a multipart or a message."""
    chosen = random.random()
    if depth > 3 or chosen < 0.4:
        return leaf(random)
    if chosen < 0.5:
        return b"Content-Type: message/rfc822\n\nSubject: inner\n" + entity(random, depth + 1)
    boundary = random.choice(BOUNDARIES)
    written = random.choice([f'"{boundary}"', boundary, f'"{boundary}', f"{boundary}; charset=x", f' "{boundary}" (c)'])
    head = f"Content-Type: multipart/{random.choice(['mixed', 'alternative', 'digest', 'x'])}; boundary={written}\n\n"
    parts = [random.choice([b"", b"preamble\n"])]
    for _ in range(random.randint(0, 3)):
        parts += [
            b"--" + boundary.encode() + random.choice([b"", b"", b" ", b"\t"]),
            b"\n",
            entity(random, depth + 1),
            b"\n",
        ]
    if random.random() < 0.8:
        parts.append(b"--" + boundary.encode() + b"--\n" + random.choice([b"", b"epilogue"]))
    return head.encode() + b"".join(parts)


def message(seed: int) -> bytes:
    """A message, sometimes cut or with a line gone."""
    chance = random.Random(seed)
    raw = b"From: a@example.com\nSubject: =?utf-8?q?536-22-1234?=\n" + entity(chance, 0)
    lines = raw.split(b"\n")
    for _ in range(chance.choice([0, 0, 1, 2])):
        del lines[chance.randrange(len(lines))]
        lines = lines or [b""]
    return chance.choice(ENDS).join(lines)


def shown(parsed: Message) -> Iterator[str]:
    """Texts of the leaves."""
    for part in leaves(parsed):
        if part.get_content_maintype() != "text":
            continue
        data = tried(lambda part=part: part.get_payload(decode=True))
        if isinstance(data, bytes):
            yield data.decode(tried(part.get_content_charset) or "ascii", "ignore") if known(part) else ""
        content = tried(part.get_content) if isinstance(part, EmailMessage) else None
        if isinstance(content, str):
            yield content


def leaves(parsed: Message) -> Iterator[Message]:
    payload = parsed.get_payload()
    if not isinstance(payload, list):
        yield parsed
        return
    for part in payload:
        yield from leaves(part)


def known(part: Message) -> bool:
    return tried(lambda: "".encode(part.get_content_charset() or "ascii")) is not None


def tried(read):  # type: ignore[no-untyped-def]  # the parser under comparison raises what it likes
    try:
        return read()
    except Exception:  # noqa: BLE001
        return None


def squeezed(line: str) -> str:
    """ASCII without white space: all else the two parsers may decode or replace in different ways."""
    return "".join(c for c in line if "!" <= c <= "~")


def missed(raw: bytes) -> list[str]:
    """Lines that the standard library shows and our readings lack."""
    read = read_message(raw)
    if any(fact.unreadable for fact in read.content.files):
        return []
    ours = squeezed("".join(part.text for part in read.content.parts))
    lines = []
    for policy in (email.policy.default, email.policy.compat32):
        for one in shown(email.message_from_bytes(raw, policy=policy)):
            lines += [line for line in one.splitlines() if squeezed(line) not in ours and not UNDONE.fullmatch(line)]
    return lines


def test_every_line_of_every_leaf_is_among_the_readings() -> None:
    for seed in range(30):
        assert missed(message(seed)) == [], f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 2000, 500))
def test_the_same_for_many_more(start: int) -> None:
    for seed in range(start, start + 500):
        assert missed(message(seed)) == [], f"seed {seed}"
