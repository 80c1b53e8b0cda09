"""`phones`: who sends texts and calls, how much of it a day, and where numbers are known from."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictInt, ValidationInfo, model_validator

from delivery.phones import as_number
from delivery.sections import File, Section, check_file, wrong
from policy.units import Duration
from portal.settings import is_loopback

KNOWN: Final = frozenset({"number", "digits", "text", "code", "spoken", "language", "organisation", "minutes", "id"})
_FIELD: Final = re.compile(r"\{([^{}]*)\}")


def placeholders(template: str) -> list[str]:
    """The names in braces."""
    return _FIELD.findall(template)


def _secret(value: Path, info: ValidationInfo) -> Path:
    """The systemd credential of the file's name, where the unit hands one over (LoadCredential); else the file."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    handed = Path(credentials, value.name) if credentials else value
    return handed if credentials and handed.is_file() else check_file(value, info)


SecretFile = Annotated[Path, AfterValidator(_secret)]


def _url(value: str) -> str:
    try:
        url = urlsplit(value)
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and "@" not in url.netloc
    except ValueError:
        good = False
    if not good or any(c.isspace() for c in value):
        raise wrong(f'"{value}" is no address of a web service', "write it as https://api.example.com/messages")
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise wrong("codes and secrets go by https only", f"write it as https{value[4:]}")
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"\+[1-9]\d{0,5}", value):
        raise wrong(f'"{value}" is no beginning of a number', 'write it as "+41"')
    return value


class JwtSettings(Section):
    """A token made and signed anew for each request, as Vonage's voice API asks for (RFC 7519, RS256)."""

    key: SecretFile = Field(examples=["vonage.key"], description="PEM file: the private key.")
    claims: dict[str, str] = Field(
        default_factory=dict,
        examples=[{"application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}],
        description="What it claims beside iat, exp and jti.",
    )


class AcceptedSettings(Section):
    """What an answer of the provider has to look like."""

    status: Annotated[tuple[StrictInt, ...], Field(min_length=1)] = Field(
        default=(200, 201, 202), description="HTTP status codes that mean taken."
    )
    field: str | None = Field(
        default=None,
        examples=["messages.0.status"],
        description="Where in the JSON of the answer `value` has to stand, too: names and numbers with dots between.",
    )
    value: str = Field(default="0", description='What `field` has to be, as text: "0".')


class ProviderSettings(Section):
    """One web service that takes a text or a call. In `form`, `json`, `headers` and `url`, names in braces are filled
    in: {number} (+41791234567), {digits} (41791234567), {text}, {code}, {spoken}, {language} (of both:
    en-GB, de-DE), {organisation}, {minutes}, {id}, and those of `secrets`.
    """

    url: Annotated[str, AfterValidator(_url)] = Field(
        examples=["https://api.twilio.com/2010-04-01/Accounts/AC0123/Messages.json"], description="Where it is posted."
    )
    form: dict[str, str] = Field(
        default_factory=dict,
        examples=[{"To": "{number}", "From": "+15005550006", "Body": "{text}"}],
        description="Fields of a form.",
    )
    json_: dict[str, Any] | None = Field(
        default=None, alias="json", examples=[{"to": "{digits}"}], description="A JSON object in place of a form."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Headers to add.")
    user: str | None = Field(
        default=None, description="User name of HTTP Basic; the password is the secret `password`."
    )
    jwt: JwtSettings | None = Field(
        default=None, description="Authorization: Bearer, with a token made anew each time."
    )
    secrets: dict[str, SecretFile] = Field(
        default_factory=dict,
        examples=[{"password": "twilio-token"}],
        description="Files that hold a secret each, in one line; or the systemd credential of the file's name.",
    )
    accepted: AcceptedSettings = Field(default=AcceptedSettings(), description="What an answer has to look like.")
    timeout: Duration = Field(default=timedelta(seconds=10), description="How long an answer is waited for.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.form) == (self.json_ is not None):
            raise wrong("either form or json has to be given", "write form: {To: '{number}', Body: '{text}'}")
        if self.user is not None and "password" not in self.secrets:
            raise wrong("user needs a password", "write secrets: {password: FILE}")
        if self.user is not None and self.jwt is not None:
            raise wrong("user and jwt both say who we are", "leave one of them out")
        for name in [name for text in _texts(self) for name in placeholders(text)]:
            if name not in KNOWN and name not in self.secrets:
                known = ", ".join(sorted(KNOWN | set(self.secrets)))
                raise wrong(f"{{{name}}} is nothing that could be filled in", f"there are {known}")
        used = {name for text in _texts(self) for name in placeholders(text)}
        if not used & {"text", "code", "spoken"}:
            raise wrong("the code is nowhere in it", "put {text}, {code} or {spoken} into form or json")
        if not used & {"number", "digits"}:
            raise wrong("the number is nowhere in it", "put {number} or {digits} into form or json")
        unused = set(self.secrets) - used - ({"password"} if self.user else set())
        if unused:
            raise wrong(f"the secret {min(unused)} is used nowhere", "leave it out, or put its name in braces")
        return self


class CostSettings(Section):
    """How much may be sent. Past it guests are offered another way."""

    number_hour: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(default=5, description="To one number, in an hour.")
    number_day: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(default=10, description="To one number, in a day.")
    day: Annotated[StrictInt, Field(ge=1, le=10_000_000)] = Field(
        default=1000, description="To all numbers together, in a day."
    )


class PhoneSettings(Section):
    """`phones`: without it, no profile may name sms or voice."""

    sms: ProviderSettings | None = Field(default=None, description="Who sends texts; null: nobody.")
    voice: ProviderSettings | None = Field(default=None, description="Who calls and speaks a code; null: nobody.")
    prefixes: tuple[Annotated[str, AfterValidator(_prefix)], ...] = Field(
        default=(),
        examples=[["+41", "+49"]],
        description="Codes go only to numbers that begin with one of these; empty: to all.",
    )
    directory: File | None = Field(
        default=None,
        examples=["phones.csv"],
        description="File of known numbers: in each line an address, a comma, its number (+41791234567).",
    )
    limits: CostSettings = Field(default=CostSettings(), description="How much may be sent.")

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.sms is None and self.voice is None:
            raise wrong("nobody sends texts or calls", "give sms or voice a provider, or leave phones out")
        return self


def read_directory(path: Path) -> dict[str, str]:
    """Address (lower case) -> number. Raises ValueError with the line that cannot be read."""
    known: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        address, _, phone = line.partition(",")
        found = as_number(phone)
        if "@" not in address or found is None:
            raise ValueError(f"line {number} is not address, comma, number with its country (+41791234567)")
        known[address.strip().lower()] = found
    return known


def _texts(settings: ProviderSettings) -> list[str]:
    return [
        settings.url,
        *settings.form.values(),
        *settings.headers.values(),
        *(settings.jwt.claims.values() if settings.jwt else ()),
        *_leaves(settings.json_),
    ]


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for one in value.values() for text in _leaves(one)]
    if isinstance(value, list):
        return [text for one in value for text in _leaves(one)]
    return []
