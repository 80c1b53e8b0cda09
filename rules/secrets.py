"""Keys, tokens and passwords: what is one, and what only shows where one would stand."""

import re
from base64 import b64decode, urlsafe_b64decode
from binascii import Error, crc32
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.resources import files
from math import log2
from typing import Final, TypeAlias

from rules import endings
from rules.verdict import Verdict

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# What manuals write where the reader's own value belongs.
_PLACEHOLDER: Final = re.compile(
    r"example|sample|change.?me|replace.?me|place.?holder|dummy|redacted|your|insert|<|>|\$\{|\{\{|\}\}|%s|x{4}|\*{3}|\.{3}"
    r"|•{2}|todo|foo.?bar|geheim\d*$|hidden|removed",
    re.IGNORECASE,
)
_TYPED: Final = re.compile("(?:12345678|abcdef)(?:90|gh)", re.IGNORECASE)  # a row of the keyboard in place of a key
_FEWEST_OF_KEY: Final = 20
_FEWEST_OF_LETTERS: Final = 10
_FEWEST: Final = 6  # different characters of a token; a row of x has one
_NO_PASSWORDS: Final = frozenset(
    files("rules").joinpath("words", "not_passwords.txt").read_text("utf-8").split("\n")[1:]
)
_PROGRAM: Final = re.compile(  # a call, an index, a variable, a name of programs, a path, an address
    r"^[{]|^\$\(|\w\[|^[A-Za-z_.]+\d?\(|\)$|^\w+\)\.|->|=>|::|^\$\w+(?:$|[{\[])|^%\w+%$|^[@&]\w+;?$|^[/~-]|^\w+\.\w+\.?\w*$|^[a-z]+(?:_[a-z]+)+$|^[a-z]+(?:[A-Z][a-z]+)+$"
    r"|^[A-Z]+(?:_[A-Z]+)+$|^https?:|^www\.|@\w+\.\w|^@[a-z.:/-]+$|^\w+[\]}]+$|^[a-z]+\?$"
    # A call with an argument, a name of many parts or of a class, fields with colons, a flag, a set of an expression.
    r"|^(?:\w+[._])+\w+\(\w*$|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){3,}$|^_[A-Za-z]+$|^:?[A-Za-z_]+(?::[A-Za-z_]+)*:[A-Za-z_]+$|^:\w+$"
    r"|:!?[01]$|^\$\w+[)-]|^(?i:false|true|none|null)\W|^[a-z]+(?:/[a-z]+)+$|\][*+?]|^(?:password|passwd|pwd)\+"
    r"|^(?i:latin-?|utf-?|iso-|cp|md|sha-?|base)\d[\w-]*$"
)
_MARKUP: Final = re.compile(r"\\(?:&|f[A-Z])")  # of the pages of a manual, as they are stored
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PASSPHRASE: Final = re.compile(r"[A-Za-z]{3,9}(?:-[A-Za-z]{3,9}){2,5}")  # as password managers make them
_LETTER: Final = re.compile(r"[^\W\d_]")
_SIGN: Final = re.compile(r"[!#$%&*?@^+=]")
_MIXED: Final = re.compile(r"[A-Za-z]\d+[A-Za-z]+\d|\d[A-Za-z]+\d+[A-Za-z]")
_NO_SIGNED: Final = re.compile(
    r"^#|\(\d[a-z]{0,4}$|^\(?0x[0-9A-Fa-f]+|[A-Za-z]{3,}\([a-z]?$|^[a-z]+=-?\d+$|\.(?:cc?|cpp|h|java|js|pm|py|rs)$|^[A-Z]{2,3}#\d+$|^[A-Z]{2,6}-?\d|\+\+|=[\w.]+$|^\w{2,}@(?:[A-Za-z-]+$|[\w-]+\.)|^[\d.,]+%|^\W+$|/\*|\*\.[a-z]|\w\.\*$"
    r"|(?:^|[/._-])(?:[a-z]{3,}|[A-Z]{3,})#\d+$|^(?i:passw(?:or)?d|pwd|pw)[=:]"
    r"|(?i:bug|case|chapter|issue|item|no|order|page|pr|pull|room|rule|task|ticket)s?#\d+$"
)
_SMALL: Final = re.compile("[a-z]+")
_JOINTS: Final = re.compile(  # what sentences are full of, and the list of the words of wallets has not
    r"\b(?:the|and|for|with|your|are|not|from|was|our|their|which|these|been|has|had|its|his|her|were|them)\b"
)
_FINGERPRINT: Final = re.compile("[0-9A-F]{40}")  # of a public key of PGP, as its programs write it
_PATH: Final = re.compile("[~.]{0,2}/[a-z]{2,}/")
_HEX: Final = re.compile(r"[0-9a-f-]+|[0-9A-F-]+")
_TYPE_OF_KEY: Final = re.compile(
    r"(?:Private|Public|Secret|Signing|Encryption)Key|_(?:private|public|secret)_?key|^_*[A-Z]{2,}[A-Z0-9]*(?:_[A-Z]+[0-9]?)+$"
)
_WORDS_OF_NAME: Final = re.compile(r"[A-Za-z][a-z]{2,}")
_APART: Final = re.compile(r"[._/]|[a-z][A-Z]")
_FEWEST_OF_SHUFFLED: Final = 8
_TURN: Final = re.compile(r"[a-z](?=_?[A-Z0-9])|[A-Z](?=_?[a-z0-9])|[0-9](?=_?[A-Za-z])")
_TURNS: Final = 4  # of capitals, small letters and digits into one another
_MOSTLY: Final = 0.6  # of a name's characters stand in its words


def token(text: str) -> Verdict:
    """A token of a known form that is no placeholder: enough different characters, and none of a manual's words."""
    body = text[len(text) // 3 :]  # without the prefix that says whose it is
    if len(set(body)) < _FEWEST or _PLACEHOLDER.search(text):
        return Verdict.NO
    return Verdict.EXAMPLE if _TYPED.search(text) else Verdict.YES


def private_key(text: str) -> Verdict:
    """A key with a body that is not dots or a remark."""
    return Verdict.YES if len(set(text.rpartition("-----")[2])) >= _FEWEST_OF_KEY else Verdict.NO


def seed_phrase(text: str) -> Verdict:
    """Words that restore a wallet: twelve to 24, a multiple of three, of a list that holds no articles (BIP 39)."""
    words = _SMALL.findall(text)
    drawn = not len(words) % 3 and len(set(words)) * 2 > len(words) and not _JOINTS.search(text)
    return Verdict.YES if drawn else Verdict.NO


def aws_key(text: str) -> Verdict:
    """An access key id; the ones in Amazon's manuals say that they are examples."""
    return Verdict.NO if "EXAMPLE" in text or len(set(text[4:])) < _FEWEST else Verdict.YES


def github_token(text: str) -> Verdict:
    """A token whose last six characters are the CRC-32 of those before, in base 62 (GitHub and npm since 2021)."""
    body = text.rpartition("_")[2]
    rest, check = crc32(body[:-6].encode()), ""
    while rest:
        rest, digit = divmod(rest, 62)
        check = _BASE62[digit] + check
    return Verdict.YES if check.rjust(6, "0") == body[-6:] else Verdict.NO


def jwt(text: str) -> Verdict:
    """A JSON web token: what stands before the first dot is JSON that names its algorithm (RFC 7515)."""
    head = text.partition(".")[0]
    try:
        plain = urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except (Error, ValueError):
        return Verdict.NO
    return Verdict.YES if plain.lstrip().startswith(b"{") and b'"alg"' in plain else Verdict.NO


def basic_auth(text: str) -> Verdict:
    """Credentials of basic authentication: name and password with a colon between them (RFC 7617)."""
    encoded = text.rpartition(" ")[2]
    try:
        plain = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (Error, ValueError):
        return Verdict.NO
    name, colon, password = plain.partition(b":")
    readable = all(32 <= byte < 127 for byte in plain)
    return Verdict.YES if name and colon and len(password) >= 3 and readable else Verdict.NO


def password(text: str) -> Verdict:
    """What somebody would choose as a password: not only letters, and nothing that a program or a form would hold."""
    value = _bare(text)
    if len(value) < 4 or _holds_place(value) or _PROGRAM.search(value):
        return Verdict.NO
    is_words = _WORD.fullmatch(value) and not _PASSPHRASE.fullmatch(value) and not _is_shuffled(value)
    if is_words or value.lower() in _NO_PASSWORDS or _is_date_or_version(value):
        return Verdict.NO
    return Verdict.YES


def strong_password(text: str) -> Verdict:
    """A password that shows by itself to be one: letters, digits and a sign in one word, or all of them mixed."""
    value = _bare(text)
    if not 6 <= len(value) <= 40 or password(text) is Verdict.NO or not _LETTER.search(value):
        return Verdict.NO
    signed = re.search(r"\d", value) and _SIGN.search(value)
    mixed = _MIXED.search(value) and value.lower() != value != value.upper()
    drawn = re.search(r"\d", value) and _is_shuffled(value)
    return Verdict.YES if (signed or mixed or drawn) and not _NO_SIGNED.search(value) else Verdict.NO


def password_below(text: str) -> Verdict:
    """A password below its label, where nothing else stands on its line: letters and digits, eight or more."""
    value = _bare(text)
    if not 8 <= len(value) <= 40 or not _LETTER.search(value) or not re.search(r"\d", value):
        return Verdict.NO
    return password(value)


def password_word(text: str) -> Verdict:
    """A password of letters only, where it stands alone behind its label: no word that sentences put there."""
    value = _bare(text)
    if len(value) < 5 or _holds_place(value) or value.lower() in _NO_PASSWORDS or not value.isascii():
        return Verdict.NO
    return Verdict.YES if _WORD.fullmatch(value) and not _PROGRAM.search(value) else Verdict.NO


def login_password(text: str) -> Verdict:
    """A password behind a name and a colon, as `curl -u` takes them: no number of a group and no word of a manual."""
    value = _bare(text)
    if url_password(value) is Verdict.NO or _PROGRAM.search(value) or value.lower() in _NO_PASSWORDS:
        return Verdict.NO
    mixed = any(map(str.isupper, value)) and any(map(str.islower, value))
    word = value.isdigit() or (value.isalpha() and not (mixed and len(value) >= _FEWEST_OF_LETTERS))
    return Verdict.NO if word or len(value) < _FEWEST else Verdict.YES


def url_password(text: str) -> Verdict:
    """A password within an address; manuals write `password`, `pass` and Oracle's `tiger` there."""
    value = _bare(text)
    if len(value) < 3 or _holds_place(value) or re.search(r"[{}\[\]<>$]|%\(", value):
        return Verdict.NO
    return (
        Verdict.NO
        if value.lower() in ("password", "pass", "passwd", "pwd", "secret", "pw", "port", "tiger")
        else Verdict.YES
    )


def api_key(text: str) -> Verdict:
    """A value behind a label such as api_key: letters and digits mixed as no word and no name mixes them."""
    value = _bare(text)
    if len(value) < 16 or _holds_place(value) or not any(map(str.isdigit, value)):
        return Verdict.NO
    if not any(map(str.isalpha, value)) or re.search(r"\.(?:com|org|net|io|py|js|html?|json|ya?ml)\b", value):
        return Verdict.NO
    if _FINGERPRINT.fullmatch(value) or _PATH.match(value) or _is_name(value):
        return Verdict.NO
    least = 2.8 if _HEX.fullmatch(value) else 3.3
    return Verdict.YES if _bits(value) >= least else Verdict.NO


def wifi(text: str) -> Verdict:
    """The text of a Wi-Fi QR code with its key."""
    found = re.search(r"(?:^|;)P:(.*);", text)
    return url_password(found[1].strip('"')) if found else Verdict.NO


def base58(text: str) -> Verdict:
    """A private key of a currency: base 58 with four bytes of a double SHA-256 at the end."""
    number = 0
    for char in text:
        digit = _BASE58.find(char)
        if digit < 0:
            return Verdict.NO
        number = number * 58 + digit
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return Verdict.YES if sha256(sha256(data[:-4]).digest()).digest()[:4] == data[-4:] else Verdict.NO


def _bare(text: str) -> str:
    """Without quotes around it, the stop of the sentence behind it, and a manual's markup."""
    text = _MARKUP.sub("", text).replace("\\-", "-") if "\\" in text else text
    value = text.strip("\"'`“”‘’«»").removesuffix("**").lstrip("*")
    return value.rstrip(".,;:)]") if not value.endswith("...") else value


def _holds_place(value: str) -> bool:
    return len(set(value)) < 3 or _PLACEHOLDER.search(value) is not None or _TYPED.search(value) is not None


def _is_name(value: str) -> bool:
    """Whether a program would call something so: words in a row, which mostly no key holds, or the type of a key."""
    if _TYPE_OF_KEY.search(value):
        return True
    words = sum(map(len, _WORDS_OF_NAME.findall(value)))
    return words >= len(value) * _MOSTLY and _APART.search(value) is not None


def _is_shuffled(value: str) -> bool:
    """Whether capitals and small letters change as no word and no name changes them: drawn by a machine."""
    words = sum(map(len, _WORDS_OF_NAME.findall(value)))
    return len(value) >= _FEWEST_OF_SHUFFLED and words * 5 < len(value) * 2 and len(_TURN.findall(value)) >= _TURNS


def _is_date_or_version(value: str) -> bool:
    return (
        re.fullmatch(
            r"v?\d{1,4}(?:[./:-]\d{1,4}){1,3}-?|\d{1,3}%|\d{1,2}[hd]|\d+-?(?:character|char|digit|day|bit)s?\S*"
            r"|(?:\d+:)?\d+(?:\.\d+)+[+~-](?=\S*\d)[\w.+~-]+",
            value,
        )
        is not None
    )


def _bits(value: str) -> float:
    """Bits of each character, by how often each stands there."""
    size = len(value)
    return -sum(value.count(char) / size * log2(value.count(char) / size) for char in set(value))


_MEETING: Final = re.compile(
    rb"(?:zoom(?:gov)?\.(?:us|com)|webex\.com|gotomeet\w*\.com|teams\.microsoft\.com)/"
    rb"|\b(?:meeting|webinar) (?:id|number)\b",
    re.I,
)
_FARTHEST_MEETING: Final = 200
_AMOUNT: Final = re.compile(rb"[0-9]{1,5}\Z")
_UNIT: Final = re.compile(
    rb" (?:bytes?|bits?|char(?:acter|s)?s?|digits?|letters?|symbols?|words?|days?|hours?|minutes?|seconds?|times|"
    rb"attempts?|users?|people|zeichen|stellen|tagen?|stunden|minuten)\b",
    re.I,
)


def meeting(data: bytes, start: int, end: int) -> Verdict:
    """What lets one into a video call stands in every invitation: one step less sure. An amount is no password."""
    if _AMOUNT.match(data[start:end]) and _UNIT.match(data, end):
        return Verdict.NO
    return Verdict.EXAMPLE if _MEETING.search(data, max(0, start - _FARTHEST_MEETING), start) else Verdict.YES


Reach: TypeAlias = Callable[[bytes, int], int] | None
TESTS: Final[Mapping[str, tuple[str, Callable[[str], Verdict], Reach]]] = {
    "token": ("enough different characters, no placeholder of a manual", token, endings.token),
    "token_form": ("as token, as long as its pattern", token, None),
    "private_key": ("a body of enough different characters", private_key, endings.private_key),
    "seed_phrase": ("twelve to 24 words that make no sentence", seed_phrase, endings.seed_phrase),
    "aws_key": ("no example of a manual", aws_key, None),
    "github_token": ("the last six characters are the CRC-32 of those before, in base 62", github_token, None),
    "jwt": ("JSON that names its algorithm before the first dot (RFC 7515)", jwt, endings.jwt),
    "basic_auth": ("name, colon and password in base 64 (RFC 7617)", basic_auth, endings.token),
    "password": (
        "not only letters, no placeholder, no code of a program, no word that forms put there",
        password,
        endings.password,
    ),
    "strong_password": ("letters, digits and a sign in one word, or mixed", strong_password, endings.password),
    "password_line": (
        "as password, or letters only, where nothing follows on the line",
        lambda text: password(text) if password(text) is Verdict.YES else password_word(text),
        endings.password_line,
    ),
    "password_below": ("letters and digits, eight or more, alone on the line", password_below, endings.password_line),
    "password_mixed": ("letters and digits, eight or more", password_below, endings.password),
    "login_password": ("no word of a manual, no number", login_password, endings.password),
    "url_password": ("no placeholder, behind it @ and a host", url_password, endings.url_password),
    "password_hash": ("enough different characters", token, endings.password_hash),
    "wifi": ("the text of a Wi-Fi QR code with its key", wifi, endings.wifi),
    "api_key": ("letters and digits mixed at random", api_key, endings.token),
    "otp_seed": ("an address with the seed of one-time passwords", lambda text: Verdict.YES, endings.otp_seed),
    "base58": ("base 58 with its check sum", base58, None),
}
