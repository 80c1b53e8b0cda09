"""Zip files in every reading: what the directory says, what the headers say, what stands behind other things."""

import base64
import io
import struct
import zipfile
import zlib

import pytest

from policy.extraction.extract import extract
from rules.content import Content

NUMBER = "536-22-1234"
TEXT = b"SSN 536-22-1234\n"
OTHER = b"SSN 536-22-9999\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
# By pyzipper, and by the old cipher; the password is Tiger7!
AES_128 = "UEsDBBQAAQBjADksdl0AAAAAKQAAADAAAAAFAAsAYS50eHQBmQcAAgBBRQEIAG9Vpey1YmRO+XoO1eH416vH6GKOiKc7EjqhTdVVl0LXFilyhlUe+hB+UEsBAhQDFAABAGMAOSx2XQAAAAApAAAAMAAAAAUACwAAAAAAAAAAAIABAAAAAGEudHh0AZkHAAIAQUUBCABQSwUGAAAAAAEAAQA+AAAAVwAAAAAA"  # noqa: E501 (bytes)
AES_256 = "UEsDBBQAAQBjADksdl0AAAAAMQAAADAAAAAFAAsAYS50eHQBmQcAAgBBRQMIAGuBvY7vjzl2005Viictuw3B3jVut0t9MUxd3JgxxhoyBzGtlKfMMvAJazniUK41aR5QSwECFAMUAAEAYwA5LHZdAAAAADEAAAAwAAAABQALAAAAAAAAAAAAgAEAAAAAYS50eHQBmQcAAgBBRQMIAFBLBQYAAAAAAQABAD4AAABfAAAAAAA="  # noqa: E501 (bytes)
OLD = "UEsDBBQAAQAIAAAAIQAEhnsOIQAAADAAAAAFAAAAYS50eHTIv6WgMrHjoP83NmrK9FDPbmSwrdqQp68LNUchwr+cIolQSwECFAAUAAEACAAAACEABIZ7DiEAAAAwAAAABQAAAAAAAAAAAAAAAAAAAAAAYS50eHRQSwUGAAAAAAEAAQAzAAAARAAAAAAA"  # noqa: E501 (bytes)


def entry(
    data: bytes, *, name: bytes = b"a.txt", method: int = 8, flags: int = 0, size: int | None = None, wide: bool = False
) -> tuple[bytes, bytes]:
    """A local header with its bytes, and the facts for the directory."""
    packer = zlib.compressobj(9, 8, -15)
    packed = packer.compress(data) + packer.flush() if method == 8 else data
    told = len(data) if size is None else size
    crc = zlib.crc32(data)
    sizes = (0xFFFFFFFF, 0xFFFFFFFF) if wide else (len(packed), told)
    extra = struct.pack("<HHQQ", 1, 16, told, len(packed)) if wide else b""
    facts = struct.pack("<3H2H3I2H", 20, flags, method, 0, 33, crc, *sizes, len(name), len(extra))
    streamed = struct.pack("<3H2H3I2H", 20, flags, method, 0, 33, 0, 0, 0, len(name), 0)
    local = b"PK\3\4" + (streamed + name if flags & 8 else facts + name + extra) + packed
    if flags & 8:
        local += b"PK\7\x08" + struct.pack("<3I", crc, len(packed), len(data))
    return local, b"PK\1\2" + struct.pack("<H", 20) + facts + bytes(10) + b"%b" + name + extra


def archive(*entries: tuple[bytes, bytes], front: bytes = b"", comment: bytes = b"") -> bytes:
    body, directory = front, b""
    for local, facts in entries:
        directory += facts.replace(b"%b", struct.pack("<I", len(body)), 1)
        body += local
    ending = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(body), len(comment)
    )
    return body + directory + ending + comment


def shown(content: Content) -> str:
    return "\n".join(part.text for part in content.parts)


READ = {
    "plain": archive(entry(TEXT)),
    "stored": archive(entry(TEXT, method=0)),
    "sizes behind the data": archive(entry(TEXT, flags=8)),
    "stored, sizes behind the data": archive(entry(TEXT, flags=8, method=0)),
    "sizes of 64 bits": archive(entry(TEXT, wide=True)),
    "something in front": PNG + archive(entry(TEXT)),
    "something in front that offsets count": archive(entry(TEXT), front=PNG),
    "66 KB and more behind": PNG + archive(entry(TEXT)) + bytes(70_000),
    "a stored zip within": archive(entry(archive(entry(TEXT)), method=0)),
    "comment": archive(entry(b"x"), comment=TEXT),
    "a name alone": archive(entry(b"", name=NUMBER.encode())),
    "two zips": archive(entry(TEXT)) + archive(entry(b"x", name=b"b.txt")),
    "an end within the comment": archive(entry(TEXT), comment=b"PK\5\6" + bytes(18)),
}


@pytest.mark.parametrize("data", READ.values(), ids=READ)
def test_it_is_read(data: bytes) -> None:
    content = extract("a.zip", data)
    assert NUMBER in shown(content)


@pytest.mark.parametrize("name", ["plain", "sizes behind the data", "sizes of 64 bits", "66 KB and more behind"])
def test_sound_ones_are_not_told(name: str) -> None:
    assert not any(fact.unreadable for fact in extract("a.zip", READ[name]).files)


def test_two_names_of_one_entry_are_both_read() -> None:
    local, facts = entry(TEXT, name=b"aaaaa")
    content = extract("a.zip", archive((local, facts.replace(b"aaaaa", b"bbbbb"))))
    assert {"a.zip > aaaaa", "a.zip > bbbbb"} <= {part.place for part in content.parts}
    assert any(fact.unreadable for fact in content.files)


def test_two_methods_of_one_entry_are_both_read() -> None:
    """Stored by the directory, packed by the header."""
    local, facts = entry(TEXT)
    stored = facts[:10] + b"\0\0" + facts[12:]
    assert NUMBER in shown(extract("a.zip", archive((local, stored))))


def test_entries_past_the_directory_are_read_and_told() -> None:
    data = archive(entry(b"x"))
    hidden = entry(TEXT, name=b"b.txt")[0]
    content = extract("a.zip", hidden + data)
    assert NUMBER in shown(content)
    assert any(fact.unreadable for fact in content.files)


def test_a_directory_that_leads_nowhere_is_told() -> None:
    local, facts = entry(TEXT)
    data = archive((local, facts)).replace(b"PK\3\4", b"PK\3\5", 1)
    assert any(fact.unreadable for fact in extract("a.zip", data).files)


def test_one_that_is_not_what_its_checksum_says_is_told_and_read() -> None:
    data = archive(entry(TEXT, method=0)).replace(TEXT, OTHER)
    content = extract("a.zip", data)
    assert "536-22-9999" in shown(content)
    assert [fact.unreadable for fact in content.files] == [False, True]


@pytest.mark.parametrize("packed", [AES_128, AES_256, OLD], ids=["AES-128", "AES-256", "old cipher"])
def test_a_known_password_opens_it(packed: str) -> None:
    content = extract("a.zip", base64.b64decode(packed), passwords=("wrong", "Tiger7!"))
    assert NUMBER in shown(content)
    assert [(fact.encrypted, fact.unreadable) for fact in content.files] == [(True, False), (True, False)]


@pytest.mark.parametrize("packed", [AES_128, AES_256, OLD], ids=["AES-128", "AES-256", "old cipher"])
def test_without_it_it_is_told(packed: str) -> None:
    content = extract("a.zip", base64.b64decode(packed), passwords=("wrong", "tiger7!"))
    assert NUMBER not in shown(content)
    assert all(fact.encrypted for fact in content.files)


@pytest.mark.slow
def test_trying_has_an_end() -> None:
    """5,000 locked entries and 600 words do not take minutes."""
    locked = base64.b64decode(OLD)
    local = locked[: locked.index(b"PK\1\2")]
    facts = locked[len(local) : locked.index(b"PK\5\6")]
    pair = (local, facts[:42] + b"%b" + facts[46:])
    content = extract("a.zip", archive(*([pair] * 300)), passwords=tuple(f"word{n}" for n in range(600)))
    assert sum(fact.encrypted for fact in content.files) == 301


def test_zipfile_agrees() -> None:
    """Names, methods and bytes as the standard library has them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number, method in enumerate(
            (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        ):
            made.writestr(f"ü{number}.txt", f"number {number}", method)
    content = extract("a.zip", out.getvalue())
    assert [fact.name for fact in content.files] == ["a.zip", "ü0.txt", "ü1.txt", "ü2.txt", "ü3.txt"]
    assert not any(fact.unreadable for fact in content.files)
    assert all(f"number {number}" in shown(content) for number in range(4))
