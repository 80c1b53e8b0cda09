"""Where values end whose patterns find only their beginning: passwords, tokens, keys, dates written out.

A pattern that spells out a long value of many possible characters makes the engine's tables large; finding the end
here costs nothing until something begins. Each takes the text and the place, and gives 0 where there is no such value.
"""

import re
from collections.abc import Callable
from typing import Final

_TOKEN: Final = re.compile(rb"[A-Za-z0-9_.~+/-]{8,2000}={0,2}")
_PASSWORD: Final = re.compile(rb"(?:[^\s\"'`<>,;&]|&(?![\w.-]{1,40}=|[a-z]{2,6};)){3,64}")
_LINE: Final = re.compile(rb"([^\s\"'`<>,;]{3,64})[\"'`*]{0,3}[ \t]{0,4}\r?(?:\n|\Z)")
_QUOTES: Final = re.compile("[“”„«»‘’]".encode())
_URL_PASSWORD: Final = re.compile(rb"[^\s@/\"'<>]{1,128}(?:@[^\s@/\"'<>]{1,64})?(?=@[A-Za-z0-9.\[_-])")
_JWT: Final = re.compile(rb"[\w-]{10,1000}\.[\w-]{0,8000}(?:\.[\w-]{0,8000}){0,2}\.[\w-]{20,2000}", re.ASCII)
_WIFI: Final = re.compile(rb"(?:[TSHRE]:[^;\n]{0,64};){0,4}P:[^;\n]{8,66};")
_HASH: Final = re.compile(rb"[./A-Za-z0-9=,$+_:-]{20,300}={0,2}")
# Behind the first line of a key: headers, an empty line, then lines of base 64, as text, quoted, or as JSON has them.
_KEY: Final = re.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:\\+[nr]|[\s>|\"'+,]){1,16}"
    rb"(?:[A-Za-z-]{3,20}: [^\n]{1,100}\n){0,6}[\s>|]{0,16}(?:[A-Za-z0-9+/=]{4,80}(?:\\+[nr]|[\s>|\"'+,]){0,16}){2,400}"
)
_LEAST_KEY: Final = 40  # characters of base 64
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=]{4,80}")
# Twelve words or more, with numbers before them or without, as wallets show them (BIP 39).
_SEED: Final = re.compile(rb"[a-z]{3,8}(?:[ ,\n]{1,3}(?:[0-9]{1,2}[.):]? ?)?[a-z]{3,8}){11,23}(?![a-z])")
# Of a date whose month is a word: the rest of the word, the day where it follows, the year.
_WORD: Final = r"[^\W\d_]{0,12}\.?"
_DAY_FIRST: Final = re.compile(
    rf"\d{{1,2}}(?:st|nd|rd|th|er|º|ª|°|\.)?[ ./-]{{0,3}}(?:day )?(?:of the |of |de )?{_WORD},?"
    r"[ ./-]{0,3}(?:del |de |of )?((?:19|20)\d{2}|\d{2})(?![\w-])",
    re.IGNORECASE,
)
_MONTH_FIRST: Final = re.compile(
    rf"{_WORD} {{0,2}}\d{{1,2}}(?:st|nd|rd|th)?,? {{0,2}}(?:19|20)\d{{2}}(?![\w-])", re.IGNORECASE
)
_LONGEST_DATE: Final = 64


def _by(pattern: re.Pattern[bytes]) -> Callable[[bytes, int], int]:
    def end(data: bytes, start: int) -> int:
        match = pattern.match(data, start)
        return match.end() if match else 0

    return end


token = _by(_TOKEN)
otp_seed = _by(re.compile(rb"(?i)otpauth://[th]otp/[^\s\"<>]{0,200}?[?&]secret=[A-Z2-7]{16,128}"))
jwt = _by(_JWT)
wifi = _by(_WIFI)
seed_phrase = _by(_SEED)
url_password = _by(_URL_PASSWORD)
password_hash = _by(_HASH)


def password(data: bytes, start: int) -> int:
    """The end of the word that begins at `start`: a blank, a quote or a sign that separates."""
    match = _PASSWORD.match(data, start)
    if match is None:
        return 0
    quote = _QUOTES.search(data, start, match.end())
    return quote.start() if quote else match.end()


def password_line(data: bytes, start: int) -> int:
    """As `password`, where nothing follows it on its line."""
    match = _LINE.match(data, start)
    return match.end(1) if match else 0


def private_key(data: bytes, start: int) -> int:
    """The end of the key's last line of base 64; 0 where no key follows its first line."""
    match = _KEY.match(data, start)
    if match is None:
        return 0
    head = data.index(b"-----", start + 5) + 5
    body = sum(len(run) for run in _BASE64.findall(data, head, match.end()))
    return match.end() if body >= _LEAST_KEY else 0


def day_first(data: bytes, start: int) -> int:
    """The end of a date such as 12. April 1985."""
    return _date(_DAY_FIRST, data, start)


def month_first(data: bytes, start: int) -> int:
    """The end of a date such as April 12th, 1985."""
    return _date(_MONTH_FIRST, data, start)


def _date(pattern: re.Pattern[str], data: bytes, start: int) -> int:
    text = data[start : start + _LONGEST_DATE].decode("utf-8", "ignore")
    match = pattern.match(text)
    return start + len(match[0].encode()) if match else 0
