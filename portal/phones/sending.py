"""Sending a code to a telephone through a web service, as `phones` describes it."""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol
from urllib.parse import quote

import aiohttp
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from delivery.speech import current_speech, phrase
from keys.tokens import new_id
from portal.phones.settings import JwtSettings, PhoneSettings, ProviderSettings, placeholders

log = structlog.get_logger()

_LONGEST_ANSWER: Final = 64 * 1024  # bytes of it that are read
_JWT_LIVES: Final = 300  # seconds


class NotSent(Exception):
    """The provider did not take it, or could not be reached. Its text names neither number nor code."""


@dataclass(frozen=True, slots=True)
class Message:
    """One code for one telephone, said in the language of the page that it was asked for on. `number` is E.164."""

    number: str = field(repr=False)
    code: str = field(repr=False)
    organisation: str
    minutes: int

    @property
    def text(self) -> str:
        """What a text says. The code stands first, where telephones show it without opening the text."""
        said = phrase(
            "{code} is your code for a protected message from {organisation}. Valid for {time}.",
            code=self.code,
            organisation=self.organisation,
            time=timedelta(minutes=self.minutes),
        )
        return current_speech().translate(said)

    @property
    def spoken(self) -> str:
        """What a voice says: digit by digit, twice."""
        digits = ", ".join(self.code)
        name = " ".join(re.sub(r"[<>&]", " ", self.organisation).split())  # providers read what is said as markup
        said = phrase(
            "Hello. This is {name}. Your code is: {digits}. Once more: {digits}. Goodbye.", name=name, digits=digits
        )
        return current_speech().translate(said)


class PhoneCourier(Protocol):
    """Whoever brings codes to telephones."""

    async def send(self, message: Message) -> None:
        """Hand one code over. Raises NotSent."""


class HttpPhones:
    """One provider. Reads its secrets once; raises OSError and ValueError where they are no good."""

    def __init__(self, way: str, settings: ProviderSettings, clock: Callable[[], float] = time.time) -> None:
        self._way = way
        self._settings = settings
        self._clock = clock
        self._secrets = {name: _secret(path.read_text("utf-8")) for name, path in settings.secrets.items()}
        self._signer = None if settings.jwt is None else _signer(settings.jwt)

    def __repr__(self) -> str:
        return f"<HttpPhones {self._way}>"

    async def send(self, message: Message) -> None:
        """Hand one code over, within the timeout. No redirect is followed: it could lead the code elsewhere."""
        values = {
            "number": message.number,
            "digits": message.number.removeprefix("+"),
            "text": message.text,
            "code": message.code,
            "spoken": message.spoken,
            "language": current_speech().tag,
            "organisation": message.organisation,
            "minutes": str(message.minutes),
            "id": new_id(),
            **self._secrets,
        }
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout.total_seconds())
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, auto_decompress=False, trust_env=False) as session,
                session.post(**self._request(values), allow_redirects=False) as answer,
            ):
                body = await answer.content.read(_LONGEST_ANSWER)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as away:
            raise self._not_sent(type(away).__name__) from None
        if status not in self._settings.accepted.status or not self._taken(body):
            raise self._not_sent(f"status {status}")

    def _request(self, values: Mapping[str, str]) -> dict[str, Any]:
        settings = self._settings
        headers = {name: _line(fill(text, values)) for name, text in settings.headers.items()}
        if settings.user is not None:
            auth = base64.b64encode(f"{fill(settings.user, values)}:{self._secrets['password']}".encode()).decode()
            headers["Authorization"] = f"Basic {auth}"
        elif self._signer is not None and settings.jwt is not None:
            claims = {name: fill(text, values) for name, text in settings.jwt.claims.items()}
            headers["Authorization"] = f"Bearer {self._token(claims)}"
        url = fill(settings.url, {name: quote(value, safe="") for name, value in values.items()})
        if settings.json_ is not None:
            body = json.dumps(_filled(settings.json_, values)).encode()
            return {"url": url, "data": body, "headers": {"Content-Type": "application/json", **headers}}
        form = {name: fill(text, values) for name, text in settings.form.items()}
        return {"url": url, "data": form, "headers": headers}

    def _taken(self, body: bytes) -> bool:
        wanted = self._settings.accepted
        if wanted.field is None:
            return True
        try:
            value: Any = json.loads(body)
            for name in wanted.field.split("."):
                value = value[int(name)] if isinstance(value, list) else value[name]
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            return False
        return str(value) == wanted.value

    def _token(self, claims: Mapping[str, str]) -> str:
        assert self._signer is not None, "only where a key is configured"
        now = int(self._clock())
        told = {**claims, "iat": now, "exp": now + _JWT_LIVES, "jti": new_id()}
        said = (
            f"{_base64url(json.dumps({'alg': 'RS256', 'typ': 'JWT'}).encode())}.{_base64url(json.dumps(told).encode())}"
        )
        return f"{said}.{_base64url(self._signer.sign(said.encode(), padding.PKCS1v15(), SHA256()))}"

    def _not_sent(self, why: str) -> NotSent:
        log.warning("portal.phone_code_not_sent", way=self._way, why=why)
        return NotSent(why)


def couriers(settings: PhoneSettings | None) -> dict[str, PhoneCourier]:
    """Who sends what: `sms`, `voice`. Raises OSError and ValueError where secrets are no good."""
    if settings is None:
        return {}
    named = {"sms": settings.sms, "voice": settings.voice}
    return {way: HttpPhones(way, provider) for way, provider in named.items() if provider is not None}


def fill(template: str, values: Mapping[str, str]) -> str:
    """The text with the names in braces filled in; values are never read for braces again."""
    pieces, rest = [], template
    for name in placeholders(template):
        before, _, rest = rest.partition(f"{{{name}}}")
        pieces += [before, values[name]]
    return "".join([*pieces, rest])


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, dict):
        return {name: _filled(one, values) for name, one in value.items()}
    return [_filled(one, values) for one in value] if isinstance(value, list) else value


def _secret(text: str) -> str:
    found = text.strip()
    if not found or any(c in found for c in "\r\n\0"):
        raise ValueError("a secret is one line")
    return found


def _signer(settings: JwtSettings) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(settings.key.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise ValueError("it is no private key without a passphrase") from cause
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("RS256 needs an RSA key")
    return key


def _line(text: str) -> str:
    return "".join(char for char in text if char >= " " and char != "\x7f")


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
