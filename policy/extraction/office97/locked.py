"""Office documents with a password: opened where one of the words that are known fits.

A try costs what the file says: 100,000 rounds of SHA-512 are some 0.1 s of processor. The rounds of all tries together
are bounded, so that a file cannot ask for more.
"""

import re
import struct
import xml.dom.expatbuilder
import xml.dom.minidom
from io import BytesIO
from typing import Final

# What msoffcrypto and its own libraries load when they first meet a file: a child can open nothing by then.
import cryptography.hazmat.backends.openssl.backend
import msoffcrypto
import msoffcrypto.format.doc97
import msoffcrypto.format.ooxml
import msoffcrypto.format.ppt97
import msoffcrypto.format.xls97
import olefile
from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

from policy.extraction.collected import Collected, File

# Imported here, since a child that was forked opens no file any more.
_LOADED: Final = (cryptography.hazmat.backends.openssl.backend, xml.dom.expatbuilder)

_BROKEN: Final = (
    DecryptionError, FileFormatError, ParseError, OSError, ValueError, IndexError, KeyError, TypeError, AttributeError,
    struct.error, RecursionError, MemoryError, OverflowError, NotImplementedError, AssertionError, EOFError,
)  # fmt: skip
_WRONG: Final = (InvalidKeyError,)
_ROUNDS: Final = 4_000_000  # of all tries together: about 2 s
_STANDARD_ROUNDS: Final = 50_000  # ECMA-376 standard encryption, by the standard
_LEGACY_ROUNDS: Final = 1_000  # RC4: much cheaper than these, but set up anew each time
_DEFAULT: Final = "VelvetSweatshop"  # opens what Excel shows without asking
_SPIN: Final = re.compile(rb'spinCount="(\d{1,10})"')


def open_locked(file: File, into: Collected) -> bytes | None:
    """What is behind the password; None where none of the words fits or the file is broken."""
    rounds = _rounds(file.data)
    most = max(1, _ROUNDS // max(1, rounds)) if rounds <= _ROUNDS else 0
    for password in dict.fromkeys((_DEFAULT, *filter(None, into.to_try()))):
        if most <= 0:
            return None
        most -= 1
        try:
            opened = _opened(file.data, password)
        except _WRONG:
            continue
        except _BROKEN:
            return None
        if opened is not None:
            return opened if into.budget.take_bytes(len(opened)) else None
    return None


def _rounds(data: bytes) -> int:
    """How much one try costs."""
    try:
        with olefile.OleFileIO(BytesIO(data)) as container:
            if not container.exists("EncryptionInfo"):
                return _LEGACY_ROUNDS
            info = bytes(container.openstream("EncryptionInfo").read(65_536))
    except _BROKEN:
        return _LEGACY_ROUNDS
    said = _SPIN.findall(info)
    return 2 * max(int(each) for each in said) if said else _STANDARD_ROUNDS


def _opened(data: bytes, password: str) -> bytes | None:
    """Raises InvalidKeyError where the password is wrong, one of _BROKEN where the file is."""
    office = msoffcrypto.OfficeFile(BytesIO(data))
    if not office.is_encrypted():
        return None
    try:
        office.load_key(password=password, verify_password=True)
    except InvalidKeyError:
        raise
    except (TypeError, DecryptionError):
        office.load_key(password=password)  # kinds that cannot be verified beforehand fail when they are opened
    out = BytesIO()
    office.decrypt(out)
    return out.getvalue()
