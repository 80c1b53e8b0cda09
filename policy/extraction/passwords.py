"""Words of a mail that may be the password of a file in it, the likeliest first."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from policy.extraction.text.plain import text_readings
from policy.reader.mime import Leaf
from rules.content import FileFact, Part

_MOST_TEXT: Final = 8 * 1024  # characters of each text that are looked at
_WITHIN: Final = 16 * 1024  # bytes of a body that are looked at
_MOST_TEXTS: Final = 6
MOST_WORDS: Final = 300  # of one mail; what is slow to try is tried with fewer
_LONGEST: Final = 64
_SHORTEST: Final = 3
_TOLD: Final = re.compile(
    r"(?:pass[ -]?(?:word|wort|phrase|code|wd)?|kennwort|pwd?|pin|code|secret|geheim|key|mot\s+de\s+passe|mdp"
    r"|contrase[nñ]a|clave|senha|wachtwoord|l[oö]senord|adgangskode|passord|salasana|has[lł]o|heslo|jelsz[oó]|parola"
    r"|şifre|пароль|密码|密碼|パスワード|暗証番号|비밀번호|암호)(?![a-z])[^\n]{0,160}(?:\n[ \t]*[^\s]{1,64})?",
    re.I,
)
_SAID: Final = re.compile(r"(?:[:=：]|\b(?:is|ist|lautet|est|es|è|[eé]|are)\b)\s*(?=(.{1,64}))", re.I)
_QUOTED: Final = re.compile(
    "[\"'`\u201c\u201e\u2018\u00ab*_<(\\[]([^\"'`\u201d\u201c\u2019\u00bb*_<>()\\[\\]\n]{3,64})"
    "[\"'`\u201d\u201c\u2019\u00bb*_>)\\]]"
)
_WORD: Final = re.compile(r"\S{3,64}")
_AROUND: Final = ".,;:!?\"'`()[]{}<>*_=\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb\u3002\uff0c\uff1a"


def likely_passwords(texts: Iterable[str], most: int = MOST_WORDS) -> tuple[str, ...]:
    """Words near `password` and its like, then quoted ones, those of letters and digits mixed, and all others."""
    heads = [text[:_MOST_TEXT] for text, _ in zip(texts, range(_MOST_TEXTS), strict=False)]
    told = [match[0] for text in heads for match in _TOLD.finditer(text)]
    said = (each.strip() for text in told for match in _SAID.finditer(text) for each in _spellings(match[1].strip()))
    words = [word for text in heads for found in _WORD.findall(text) for word in _spellings(found)]
    ranked = chain(
        said,
        (word for text in told for found in _WORD.findall(text) for word in _spellings(found)),
        (found for text in heads for found in _QUOTED.findall(text)),
        sorted(words, key=_is_plain),
    )
    chosen: dict[str, None] = {}
    for word in ranked:
        if _SHORTEST <= len(word) <= _LONGEST:
            chosen[word] = None
            if len(chosen) == most:
                break
    return tuple(chosen)


def _spellings(word: str) -> tuple[str, ...]:
    """As it stands, and without the signs around it: `Tiger7!` may be meant with its sign or without."""
    bare = word.strip(_AROUND)
    ended = word.rstrip(_AROUND)
    return tuple(dict.fromkeys((bare, word, ended)))


def _is_plain(word: str) -> int:
    """Lowest for what looks like a password."""
    kinds = (any(map(str.isdigit, word)), any(map(str.isalpha, word)), not word.isalnum(), not word.islower())
    return 4 - sum(kinds)


def words_of(items: Iterable[Part | FileFact | Leaf]) -> Iterator[str]:
    """Subject and bodies of a mail, if it holds files at all."""
    if any(isinstance(item, Leaf) and item.is_file for item in items):
        for item in items:
            if isinstance(item, Part):
                yield item.text
            elif isinstance(item, Leaf) and not item.is_file and item.media_type.startswith("text/"):
                yield from text_readings(item.data[:_WITHIN], item.charset)
