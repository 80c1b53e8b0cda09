"""The two texts of MTA-STS, read: the TXT record that names a policy's id, and the policy (RFC 8461 3.1, 3.2). Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from delivery.errors import DeliveryError

LONGEST: Final = 31_557_600  # seconds a policy may last (RFC 8461 3.2)
_HOSTS: Final = 200  # mx lines of one policy
_RECORD: Final = re.compile(r"v=STSv1[ \t]*;[ \t]*(.*)", re.DOTALL)
_FIELD: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*=[ \t]*([!-:<>-~]+)")
_LINE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:(.*)", re.DOTALL)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


class Mode(StrEnum):
    """How a policy is to be applied (RFC 8461 5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class StsInvalid(DeliveryError):
    """The text is no policy."""


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy. `mx` are host names or `*.` patterns in lower case; `id` is the one its TXT record told."""

    domain: str
    id: str
    mode: Mode
    mx: tuple[str, ...]
    max_age: int  # seconds

    def lists(self, host: str) -> bool:
        """May mail be given to this MX? `*` stands for one whole label (RFC 8461 4.1)."""
        name = host.lower().rstrip(".")
        return name in self.mx or f"*.{name.partition('.')[2]}" in self.mx

    def __str__(self) -> str:
        return f"the MTA-STS policy {self.id} of {self.domain}"


def read_record(texts: Iterable[str]) -> str | None:
    """The id that a domain's TXT records tell; None: it has no policy. More than one record is as good as none."""
    records = [text for text in texts if re.match(r"v=STSv1[ \t]*(;|$)", text)]
    if len(records) != 1:
        return None
    found = _RECORD.fullmatch(records[0])
    fields = [_FIELD.fullmatch(part.strip(" \t")) for part in found[1].split(";") if part.strip(" \t")] if found else []
    if not fields or None in fields:
        return None
    ids = [field[2] for field in fields if field is not None and field[1] == "id"]
    return ids[0] if ids and re.fullmatch(r"[A-Za-z0-9]{1,32}", ids[0]) else None


def read_policy(domain: str, policy_id: str, text: bytes) -> StsPolicy:
    """The policy that a web server gave. Raises StsInvalid. Keys we do not know are passed over (RFC 8461 3.2)."""
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise StsInvalid("it is not UTF-8") from error
    values: dict[str, list[str]] = {}
    for number, line in enumerate(line.removesuffix("\r") for line in lines):
        if not line.strip(" \t"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise StsInvalid(f"line {number + 1} is not a key with a value")
        values.setdefault(found[1], []).append(found[2].strip(" \t"))
    if values.get("version", [""])[0] != "STSv1":
        raise StsInvalid("version is not STSv1")
    return StsPolicy(domain, policy_id, _mode(values), _hosts(values), _max_age(values))


def _mode(values: dict[str, list[str]]) -> Mode:
    try:
        return Mode(values["mode"][0])
    except (KeyError, ValueError) as error:
        raise StsInvalid("mode is none of enforce, testing, none") from error


def _max_age(values: dict[str, list[str]]) -> int:
    text = values.get("max_age", [""])[0]
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise StsInvalid("max_age is no number of seconds")
    return min(int(text), LONGEST)


def _hosts(values: dict[str, list[str]]) -> tuple[str, ...]:
    hosts = tuple(dict.fromkeys(host.lower().rstrip(".") for host in values.get("mx", ())))
    if len(hosts) > _HOSTS or not all(_HOST.fullmatch(host) for host in hosts):
        raise StsInvalid("an mx line is no host name")
    if not hosts and values["mode"][0] != Mode.NONE:
        raise StsInvalid("it lists no mx")
    return hosts
