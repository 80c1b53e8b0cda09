"""Passwords: hashed with Argon2id in a thread, and checked against those that attackers try first."""

import asyncio
import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 256
_AT_ONCE: Final = 2  # hashes at a time: each takes 19 MiB
_TURNED: Final = str.maketrans("013457@$!|", "oleastasii")


class Weak(StrEnum):
    """Why a password is not taken."""

    SHORT = "short"
    LONG = "long"
    COMMON = "common"
    PERSONAL = "personal"


class Passwords:
    """Hashes and checks. One for the whole portal: it bounds how many hashes are made at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        # OWASP's parameters for Argon2id: 19 MiB, two passes, one lane; about 30 ms here.
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._dummy = self._hasher.hash("nobody has this password, and nobody ever will")

    async def hash(self, password: str) -> str:
        """The PHC string to keep."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, prepared(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Is it the password? None or empty, where there is none: takes as long, and is never true."""
        async with self._turn:
            fits = await asyncio.to_thread(self._verify, kept or self._dummy, prepared(password))
        return fits and bool(kept)

    def is_outdated(self, kept: str) -> bool:
        """Was it made with older parameters than ours?"""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def prepared(password: str) -> str:
    """The form that is hashed: NFC, since keyboards differ in how they compose letters (RFC 8265, OpaqueString)."""
    return unicodedata.normalize("NFC", password)


def weakness(password: str, *about: str) -> Weak | None:
    """Why not to take it; None: it is fine. `about`: the guest's address, the organisation: nothing built on these."""
    if len(password) > 4 * LONGEST:  # composing takes the square of the accents upon one letter
        return Weak.LONG
    length = len(prepared(password))
    if length < SHORTEST:
        return Weak.SHORT
    if length > LONGEST:
        return Weak.LONG
    plain = unicodedata.normalize("NFKC", password).casefold()
    words = sorted({word for text in about for word in _words(text)}, key=len, reverse=True)
    if any(_is_built_on(plain, word) for word in words) or _is_little_more(plain, words):
        return Weak.PERSONAL
    return Weak.COMMON if _is_common(plain) else None


def _is_common(plain: str) -> bool:
    known = common()
    if plain in known or len(set(plain)) < 5 or _is_run(plain):
        return True
    bare = _bare(plain)
    chunk = _repeated(bare)
    return not bare or any(form in known for form in (bare, bare.translate(_TURNED), chunk, chunk.translate(_TURNED)))


def _bare(plain: str) -> str:
    """Without the digits and signs that people put around a word to make it longer."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)


def _repeated(text: str) -> str:
    """The shortest piece that the text is a repetition of; the text itself, if it is none."""
    at = (text + text).find(text, 1) if text else 0
    return text[:at]


def _is_run(plain: str) -> bool:
    """`abcdefghijkl`, `987654321098`: each character the neighbour of the one before."""
    steps = {ord(b) - ord(a) for a, b in pairwise(plain)}
    return steps <= {1, -9} or steps <= {-1, 9}


def _is_built_on(plain: str, word: str) -> bool:
    bare = _bare(plain)
    return word in {bare, bare.translate(_TURNED), _repeated(bare)} or (word in plain and len(plain) - len(word) < 6)


def _is_little_more(plain: str, words: list[str]) -> bool:
    """`maria.oberhofer1` of maria.oberhofer-katz@…: once the words are out, hardly anything is left."""
    left = plain
    for word in words:
        left = left.replace(word, "")
    return left != plain and len(re.sub(r"[\W_]", "", left)) < 6


def _words(text: str) -> list[str]:
    folded = text.casefold()
    whole = {folded, folded.partition("@")[0]}
    return [word for word in whole | {re.sub(r"[\W_]+", "", folded), *re.split(r"[\W_]+", folded)} if len(word) >= 4]


@lru_cache(maxsize=1)
def common() -> frozenset[str]:
    """The passwords and words that attackers try first."""
    lines = (files("portal") / "words" / "passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
