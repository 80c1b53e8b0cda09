"""The whole configuration, composed of each folder's section; the only reader of the configuration file."""

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from glob import has_magic
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    StrictInt,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

from delivery.hops import DnsSettings, HopSettings, InsideSettings, PartnerSettings, Published
from delivery.languages import Language
from delivery.safebox.profile import Profile
from delivery.sections import (
    LATER,
    DomainName,
    DomainPattern,
    Later,
    Listening,
    Place,
    Section,
    Zone,
    check_file,
    located,
    place,
    wrong,
)
from delivery.settings import NoticeSettings, QueueSettings, TlsReportSettings
from delivery.trail.settings import AuditSettings
from gateway import consistency, namedfiles
from gateway.mistakes import problem_of
from gateway.policyfile import BUILTIN, PolicyPlace, read_packs, try_out
from gateway.smtp.settings import LimitSettings, ListenerSettings, SmtpSettings
from gateway.tesseract import ReadingSettings
from gateway.wishes import STANDARD, ProfileGroupSettings
from gateway.yamlmarks import Document, read_limited, read_yaml
from policy.problem import Problem
from policy.route import Directory
from portal.phones.settings import PhoneSettings
from portal.settings import PortalSettings
from rules.matching import Cache

RULES: Final = (BUILTIN, "local-rules/*.yaml")


class SettingsInvalid(Exception):
    """The configuration cannot be used; `problems` has every mistake of it, of the policy and of the rule packs."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class TelemetrySettings(Section):
    """What the service tells of itself."""

    log: Literal["json", "text"] = Field(default="json", description="How log lines are written: json or text.")
    metrics: Listening | None = Field(
        default="127.0.0.1:9464", description="Where Prometheus finds metrics; null: nowhere."
    )


def _keys(value: str, info: ValidationInfo) -> str:
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", value)
    if scheme is not None and scheme[1] != "file":
        raise wrong(f"{scheme[1]}: {LATER}", "write it as file:///etc/sealgate/keyring.json")
    path = Path(unquote(re.sub(r"^file:(//(localhost(?=/))?)?", "", value)))
    if not path.name:
        raise wrong("names no file", "write it as file:///etc/sealgate/keyring.json")
    return located(path, (info.context or {}).get("base") or Path.cwd()).as_uri()


def _database(value: str) -> str:
    if not re.match(r"postgresql(\+psycopg)?://", value):
        raise wrong(
            "is no address of a PostgreSQL database", "write it as postgresql://sealgate@db.example.com/sealgate"
        )
    return value


def _workers(value: object) -> object:
    if value != "auto" and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 256):
        raise wrong(f'"{value}" is neither auto nor a number of processes from 1 to 256', "write auto")
    return value


def _once(value: tuple[Language, ...]) -> tuple[Language, ...]:
    twice = next((one for one in value if value.count(one) > 1), None)
    if twice is not None:
        raise wrong(f"{twice} is named twice", "name each language once")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise wrong(f'"{value}" cannot be a name', "letters, digits, hyphens and dots are taken, up to 63")
    return value


def _pack(value: str, info: ValidationInfo) -> str:
    base = (info.context or {}).get("base")
    return value if value == BUILTIN or base is None else str(located(Path(value), base))


def _policy(value: Path, info: ValidationInfo) -> Path:
    tried = (info.context or {}).get("policy", True)
    return check_file(value, info) if tried else place(value, info)


PolicyFile = Annotated[Path, AfterValidator(_policy)]
Pack = Annotated[str, AfterValidator(_pack)]
Name = Annotated[str, AfterValidator(_name)]


class Settings(Section):
    """`config.yaml`. Relative paths are relative to the file, and absolute once loaded."""

    hostname: DomainName = Field(
        examples=["gate.example.com"], description="Our name in SMTP: greeting, HELO, Received, bounces."
    )
    domains: Annotated[tuple[DomainPattern, ...], Field(min_length=1)] = Field(
        examples=[["example.com", "*.example.com"]],
        description='Ours: senders come from here. "*.example.com" stands for all below example.com.',
    )
    data: Place = Field(
        examples=["/var/lib/sealgate"],
        description="Folder of the database and of what is stored; made when it is missing.",
    )
    database: Annotated[str, AfterValidator(_database)] | None = Field(
        examples=["postgresql://sealgate@db.example.com/sealgate"],
        default=None,
        repr=False,
        description="A PostgreSQL database. Several nodes that share it share the folder `blobs` in `data`, too; null: "
        "SQLite.",
    )
    blobs: Later = Field(default=None, description="An object store instead of files in `data`: not in this version.")
    keys: Annotated[str, AfterValidator(_keys)] = Field(
        examples=["file:///etc/sealgate/keyring.json"],
        description="The keyring. `sealgate keys init` makes it; keep a copy where the data is not.",
    )
    listeners: Annotated[tuple[ListenerSettings, ...], Field(min_length=1)] = Field(description="Where mail comes in.")
    limits: LimitSettings = Field(default=LimitSettings(), description="What one machine takes on.")
    smtp: SmtpSettings = Field(default=SmtpSettings(), description="What the door tolerates.")
    dns: DnsSettings = Field(default=DnsSettings(), description="Who is asked for the mail servers of domains.")
    next_hop: HopSettings = Field(
        description="Where ordinary mail and notices are handed on; never what goes to a partner or by proven TLS."
    )
    inside: InsideSettings | None = Field(
        default=None, description="Where mail and notices for our own domains are handed on; null: next_hop."
    )
    partners: dict[Name, PartnerSettings] = Field(
        default_factory=dict, description="Gateways we know: secure mail to their domains goes there by proven TLS."
    )
    proven: tuple[Published, ...] = Field(
        examples=[["mta-sts", "dane"]],
        default=(),
        description="A domain that publishes these counts as a partner: secure mail goes there by TLS that is proven "
        "by them, and by SafeBox where it fails. mta-sts: a policy that is enforced; dane: TLSA records (needs `dns`).",
    )
    queue: QueueSettings = Field(default=QueueSettings(), description="When to try again, and when to give up.")
    policy: PolicyFile = Field(examples=["policy.yaml"], description="The policy file.")
    rules: Annotated[tuple[Pack, ...], Field(min_length=1)] = Field(
        default=RULES, validate_default=True, description="Detectors: builtin, pack files, and patterns of pack files."
    )
    reading: ReadingSettings = Field(default=ReadingSettings(), description="How messages are read.")
    profiles: dict[Name, Profile] = Field(
        default_factory=dict, description="Security profiles of SafeBoxes; `standard` is there in any case."
    )
    profile_groups: dict[Name, ProfileGroupSettings] = Field(
        default_factory=dict,
        description="Which profiles some senders use and may choose; the first group that a sender is in counts."
        " Senders in no group have `standard`.",
    )
    portal: PortalSettings = Field(description="Where guests read.")
    zone: Zone = Field(
        default="UTC",
        examples=["Europe/Zurich"],
        description="The organisation's time zone: of notices and records of its SafeBoxes, and of the portal's pages "
        "for readers whose own is not known.",
    )
    phones: PhoneSettings | None = Field(
        default=None, description="Who brings codes to telephones; null: nobody, and no profile may name sms or voice."
    )
    languages: Annotated[tuple[Language, ...], Field(min_length=1), AfterValidator(_once)] = Field(
        default=tuple(Language),
        description="Languages of pages and notices; the first is used where no other is known.",
    )
    namespaces: Later = Field(default=None, description="Portals of their own: not in this version.")
    notices: NoticeSettings = Field(default=NoticeSettings(), description="The mails that the gateway writes itself.")
    tls_reports: TlsReportSettings = Field(
        default=TlsReportSettings(), description="Daily reports to domains that ask how TLS with them went (RFC 8460)."
    )
    workers: Annotated[Literal["auto"] | StrictInt, BeforeValidator(_workers)] = Field(
        default="auto",
        description="Processes on this machine, each the same: auto is one a core, on SQLite at most two.",
    )
    audit: AuditSettings = Field(default=AuditSettings(), description="How the trail of every act is guarded.")
    telemetry: TelemetrySettings = Field(default=TelemetrySettings(), description="Log and metrics.")
    _file: Path | None = PrivateAttr(default=None)

    @property
    def file(self) -> Path | None:
        """The file that it was read from; None: it was not."""
        return self._file

    @property
    def database_url(self) -> str:
        """Where the database is, as SQLAlchemy reads it."""
        if self.database is not None:
            return re.sub(r"^postgresql(\+psycopg)?://", "postgresql+psycopg://", self.database)
        return f"sqlite:///{self.data / 'sealgate.db'}"

    @property
    def processes(self) -> int:
        """How many workers run on this machine."""
        if self.workers != "auto":
            return self.workers
        cores, room = len(os.sched_getaffinity(0)), self.limits.memory // self.limits.message
        return max(1, min(cores, room, cores if self.database is not None else consistency.MOST_ON_SQLITE))

    @property
    def keyring_path(self) -> Path:
        """The file of `keys`, or the credential of its name where the unit hands one over (LoadCredential)."""
        return namedfiles.keyring_file(self.keys)

    @property
    def notice_sender(self) -> str:
        """The From header of notices."""
        return self.notices.sender or f"Secure mail <secure@{self.domains[0].removeprefix('*.')}>"

    @property
    def notice_domain(self) -> str:
        """The domain of that address, in A-labels: whose DKIM keys sign unless they say otherwise."""
        return consistency.notice_domain(self.notices, self.domains)

    def directory(self) -> Directory:
        """What routes are chosen from: our domains, partners, profiles."""
        return _directory({name: getattr(self, name) for name in type(self).model_fields}, self.profiles)

    def policy_place(self) -> PolicyPlace:
        """Where the policy and its packs lie."""
        return PolicyPlace(self.policy, self.rules)


def load_settings(
    path: Path,
    *,
    keyring: bool = True,
    policy: bool = True,
    trial: bool = True,
    cache: Cache | None = None,
    now: datetime | None = None,
    warn: Callable[[Problem], None] = lambda _: None,
) -> Settings:
    """Read and check the whole configuration; raise SettingsInvalid with every problem, or `warn` of those that stop
    nothing.

    `keyring` False: the keyring and keys of DKIM may be missing still (`keys init`, `dkim make`). `policy` False: the
    policy and its packs are not tried (commands that decide nothing); `trial` False: they are read, but the tests
    inside are not run (whoever loads the policy next runs them). `cache` keeps what is compiled for them. `now`: for
    the dates of certificates.
    """
    document = _read(path)
    draft, problems = _validated(document, {"base": path.absolute().parent, "policy": policy})
    problems += consistency.check(draft, document, now=now or datetime.now(UTC), keyring=keyring, policy=policy)
    if policy:
        problems += _policy_problems(draft, document, path, trial, cache)
    problems.sort(key=lambda p: (p.file != document.file, p.file, p.line, p.column))
    if not all(problem.warning for problem in problems):
        raise SettingsInvalid(problems)
    for problem in problems:
        warn(problem)
    settings = Settings.model_construct(**draft)
    settings._file = path.absolute()
    return settings


def _read(path: Path) -> Document:
    try:
        document = read_yaml(read_limited(path), str(path))
    except OSError as error:
        cause = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        hint = "name it by --config or $SEALGATE_CONFIG; `sealgate config example` prints one"
        raise SettingsInvalid([Problem(str(path), 0, 0, "", cause, hint)]) from error
    if not isinstance(document.data, dict):
        if document.whole and not document.problems:
            document.problems.append(
                document.problem((), "keys with values are expected", "see `sealgate config example`")
            )
        raise SettingsInvalid(document.problems)
    if not document.whole:
        raise SettingsInvalid(document.problems)
    return document


def _validated(document: Document, context: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """What is good, key by key, so that a mistake in one hides none in another; and the problems of the rest."""
    problems = list(document.problems)
    taken = {(problem.line, problem.column) for problem in problems}  # an alias left a hole: one mistake, one problem
    try:
        whole = Settings.model_validate(document.data, context=context, by_alias=True, by_name=False)
        draft = {name: getattr(whole, name) for name in Settings.model_fields}
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        found = filter(None, (problem_of(error, document, Settings) for error in errors))
        problems += (problem for problem in found if (problem.line, problem.column) not in taken)
        draft = _good_parts(document.data, context)
    if "profiles" in draft:
        profiles = {STANDARD: Profile(), **draft["profiles"]}
        draft["profiles"] = {name: _in_zone(one, draft.get("zone", "UTC")) for name, one in profiles.items()}
    return draft, problems


def _in_zone(profile: Profile, zone: str) -> Profile:
    """The profile with its zone written out: it is frozen into boxes, which a change of the organisation's leaves."""
    return profile if profile.zone is not None else profile.model_copy(update={"zone": zone})


def _good_parts(data: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    draft: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if name not in data and field.is_required():
            continue
        value = data[name] if name in data else field.get_default(call_default_factory=True, validated_data={})
        if name not in data and not field.validate_default:
            draft[name] = value
            continue
        kind: Any = Annotated[field.annotation, field.description, *field.metadata]
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        with contextlib.suppress(ValidationError):
            draft[name] = adapter.validate_python(value, context=context, by_alias=True, by_name=False)
    return draft


def _policy_problems(
    draft: dict[str, Any], document: Document, path: Path, trial: bool, cache: Cache | None
) -> list[Problem]:
    """The policy with its packs and tests, tried with as much of the configuration as is good."""
    if "rules" not in draft:
        return []
    base = path.absolute().parent

    def shown(file: Path) -> str:
        return str(path.parent / file.relative_to(base)) if file.is_relative_to(base) else str(file)

    rules = tuple(
        rule for rule in draft["rules"] if rule == BUILTIN or has_magic(rule) or namedfiles.is_file(Path(rule))
    )
    if "policy" not in draft:
        return list(read_packs(PolicyPlace(base, rules), shown=shown).problems)
    profiles = document.data.get("profiles")
    names = frozenset(profiles) if isinstance(profiles, dict) else frozenset()
    place, directory = PolicyPlace(draft["policy"], rules), _directory(draft, names)
    return list(try_out(place, directory, shown=shown, trial=trial, cache=cache))


def _directory(parts: Mapping[str, Any], profiles: Iterable[str]) -> Directory:
    inside = parts.get("inside") or parts.get("next_hop")
    return Directory(
        domains=parts.get("domains", ()),
        partners={name: partner.domains for name, partner in parts.get("partners", {}).items()},
        inside_verified=inside is not None and inside.tls.is_proof,
        proven=bool(parts.get("proven")),
        profiles=frozenset(profiles) | {STANDARD},
        groups=tuple(group.group() for group in parts.get("profile_groups", {}).values()),
    )
