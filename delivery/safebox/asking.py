"""What a sender writes into a mail so that its guests can prove themselves: telephone numbers, a question.

    X-Sealgate-Phone: bob@post.example=+41 79 123 45 67, carol@post.example=+49 151 1234567
    X-Sealgate-Question: Where did we meet first?
    X-Sealgate-Answer: In Davos

The headers are taken off on every route. Pure, and blocking where an answer is hashed.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from delivery.phones import as_number
from delivery.safebox.headers import address_key, all_headers, decoded
from delivery.speech import Phrase, phrase
from policy.intent import ANSWER_HEADER, PHONE_HEADER, QUESTION_HEADER

SHORTEST: Final = 3  # letters and digits of an answer, once it is normalised
LONGEST: Final = 200
_MOST: Final = 1000  # numbers in one mail
_MAX_HEAD: Final = 2**20
_MINE: Final = re.compile(
    rb"^x-sealgate-(?:phone|question|answer)[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE
)


class PhoneFrom(StrEnum):
    """Who gave us a telephone number."""

    SENDER = "sender"  # in the mail
    DIRECTORY = "directory"  # in the admin's file
    OWNER = "owner"  # said later
    GUEST = "guest"  # counts once the owner has confirmed it


@dataclass(frozen=True, slots=True)
class ProofHeaders:
    """What a mail says about how its guests prove themselves. `untaken`: sentences about what could not be used."""

    phones: Mapping[str, str] = field(default_factory=dict, repr=False)  # address key -> E.164; "" stands for everybody
    question: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)
    untaken: tuple[Phrase, ...] = field(default=(), repr=False)

    def phone_for(self, address: str) -> str:
        """The number of one guest; empty: none is told."""
        return self.phones.get(address_key(address), self.phones.get("", ""))


@dataclass(frozen=True, slots=True)
class Proof:
    """How one guest may prove themselves beside mail. `answer` is hashed."""

    phone: str = field(default="", repr=False)
    phone_from: PhoneFrom = PhoneFrom.SENDER
    question: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)


def read_proof_headers(raw: bytes) -> ProofHeaders:
    """What the header of a mail says. Never raises: what cannot be read is among `untaken`."""
    head = raw[:_MAX_HEAD]
    for empty_line in (b"\r\n\r\n", b"\n\n"):  # the second is looked for before the first only
        at = head.find(empty_line)
        head = head[:at] if at >= 0 else head
    if b"sealgate" not in head.lower():
        return ProofHeaders()
    mine = [found[0] for found in islice(_MINE.finditer(head), _MOST)]  # what else stands there is not parsed
    if not mine:
        return ProofHeaders()
    headers = all_headers(BytesHeaderParser(policy=compat32).parsebytes(b"\r\n".join(mine)))
    untaken: list[Phrase] = []
    phones = _phones(headers.get(PHONE_HEADER, ()), untaken)
    question = " ".join(map(decoded, headers.get(QUESTION_HEADER, ())))[:LONGEST].strip()
    answer = " ".join(map(decoded, headers.get(ANSWER_HEADER, ()))).strip()
    if question and len(normalise_answer(answer)) < SHORTEST:
        short = phrase("The question was not taken: its answer has fewer than {n} letters and digits.", n=SHORTEST)
        untaken.append(short)
        question = ""
    elif answer and not question:
        untaken.append(phrase("The answer was not taken: there is no question to it."))
    return ProofHeaders(phones, question, answer if question else "", tuple(untaken))


def _phones(values: Sequence[str], untaken: list[Phrase]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    written = [one.strip() for value in values for one in re.split(r"[,;]", decoded(value)) if one.strip()]
    for one in written[:_MOST]:
        address, equals, number = one.rpartition("=")
        plain = as_number(number)
        if plain is None or (equals and "@" not in address):
            shown = address.strip() if equals and "@" in address else phrase("everybody")
            untaken.append(
                phrase(
                    "The telephone number of {whom} was not taken: write it with its country, as +41791234567.",
                    whom=shown,
                )
            )
            continue
        found[address_key(address) if equals else ""] = plain
    return found


def normalise_answer(answer: str) -> str:
    """An answer as it is compared: letters and digits only, case-folded, without accents."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", answer[: 4 * LONGEST]).casefold())
    return "".join(char for char in folded if char.isalnum())[:LONGEST]


def hash_answer(answer: str) -> str:
    """Argon2id of the normalised answer, as a PHC string. Blocks for some 30 ms."""
    return _hasher().hash(normalise_answer(answer))


def is_answer(kept: str, typed: str) -> bool:
    """Whether `kept` is the hash of the answer `typed`. Takes equally long for one that is too short."""
    try:
        return _hasher().verify(kept, normalise_answer(typed)) and len(normalise_answer(typed)) >= SHORTEST
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    # OWASP's parameters for Argon2id, as for passwords; an answer is weaker, so its tries are few
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
