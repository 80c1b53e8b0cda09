"""Documents and packed files that show a number in ways that are met seldom."""

import struct
import zipfile
from collections.abc import Iterator
from zlib import crc32

from corpus import SSN, TEXT, Evasion, write
from files import attached, packed, pdf, shown, stream


def documents() -> Iterator[tuple[str, str, bytes, str]]:
    """Documents."""
    mixed = rb"{\rtf1\ansi Her SSN is 5\'33{\v 99}6-{\*\x 77}\u50?\u50 ?\_1{\b 2}" + b"\r\n" + rb"3{\i }4}"
    yield "rtf-mixed", "form.rtf", mixed, "RTF 1.9.1"


def drawn() -> Iterator[tuple[str, str, bytes, str]]:
    """PDF."""
    hidden = "/Properties<</O1 6 0 R>>"
    layer = "<</Type/OCG/Name(x)>>"
    letters = " ".join(shown(sign, 120 + 7 * place) for place, sign in reversed(list(enumerate(SSN))))
    yield "pdf-sign-by-sign", "form.pdf", pdf(letters + " " + shown("Her SSN is", 40)), "ISO 32000-1, 9.4.3"
    kerned = "BT /F1 12 Tf 20 300 Td [(Her SSN is 5)-300(3)-300(6)-300(-)-300(2)-300(2-)-300(12)-300(34)] TJ ET"
    yield "pdf-spread", "form.pdf", pdf(kerned), "ISO 32000-1, 9.4.3"
    on = f"/OC /O1 BDC {shown('Her SSN is ' + SSN)} EMC"
    catalog = "/OCProperties<</OCGs[6 0 R]/D<</OFF[]>>>>"
    yield "pdf-layer", "form.pdf", pdf(on, layer, resources=hidden, catalog=catalog), "ISO 32000-1, 8.11"
    old = pdf(shown("Nothing"))
    new = stream(shown("Her SSN is " + SSN))
    at = len(old)
    last = int(old.rpartition(b"startxref")[2].split()[0])
    changed = old + b"4 0 obj\n" + new + b"\nendobj\n"
    table = b"xref\n4 1\n%010d 00000 n \ntrailer<</Size 6/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    yield "pdf-changed-later", "form.pdf", changed + table % (at, last, len(changed)), "ISO 32000-1, 7.5.6"


def zips() -> Iterator[tuple[str, str, bytes, str]]:
    """Zips that unpackers open."""
    yield "zip-bzip2", "a.zip", packed({"a.txt": TEXT}, zipfile.ZIP_BZIP2), "APPNOTE 6.3.9, 4.4.5"
    yield "zip-behind-program", "a.zip", b"MZ" + bytes(100) + packed({"a.txt": TEXT}), "APPNOTE 6.3.9, 4.1.9"
    name, size = b"a.txt", len(TEXT)
    extra = struct.pack("<HHQQ", 1, 16, size, size)
    local = struct.pack(
        "<IHHHHHIIIHH", 0x4034B50, 45, 0, 0, 0, 0x5C25, crc32(TEXT), 2**32 - 1, 2**32 - 1, 5, len(extra)
    )
    local += name + extra + TEXT
    sizes = (crc32(TEXT), 2**32 - 1, 2**32 - 1, 5, len(extra), 0, 0, 0, 0, 0)
    central = struct.pack("<IHHHHHHIIIHHHHHII", 0x2014B50, 45, 45, 0, 0, 0, 0x5C25, *sizes) + name + extra
    end = struct.pack("<IQHHIIQQQQ", 0x6064B50, 44, 45, 45, 0, 0, 1, 1, len(central), len(local))
    end += struct.pack("<IIQI", 0x7064B50, 0, len(local) + len(central), 1)
    end += struct.pack("<IHHHHIIH", 0x6054B50, 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    yield "zip-64", "a.zip", local + central + end, "APPNOTE 6.3.9, 4.3.14"


def evasions() -> Iterator[Evasion]:
    """All of them."""
    for name, file, data, at in (*documents(), *drawn(), *zips()):
        yield Evasion(f"files/{name}", attached(file, data), name.replace("-", " "), at)


if __name__ == "__main__":
    write(evasions())
