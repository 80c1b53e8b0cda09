"""The whole configuration, composed of each folder's section; the only reader of the configuration file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from delivery.safebox.profile import Profile
from delivery.sections import DomainName, DomainPattern, Later, Listening, Place, Section
from delivery.settings import HopSettings, InsideSettings, NoticeSettings, PartnerSettings, QueueSettings
from gateway.smtp.settings import LimitSettings, ListenerSettings, SmtpSettings
from portal.settings import PortalSettings


class TelemetrySettings(Section):
    """What the service tells of itself."""

    log: Literal["json", "text"] = Field(default="json", description="How log lines are written: json or text.")
    metrics: Listening | None = Field(
        default="127.0.0.1:9464", description="Where Prometheus finds metrics; null: nowhere."
    )


class Settings(Section):
    """`config.yaml`. `folder` is where the file lies: relative paths are relative to it."""

    hostname: DomainName = Field(description="Our name in SMTP: HELO, Received, DSNs.")
    domains: Annotated[tuple[DomainPattern, ...], Field(min_length=1)]
    data: Place
    database: str | None = Field(default=None, repr=False)
    blobs: Later = None
    keys: str
    listeners: Annotated[tuple[ListenerSettings, ...], Field(min_length=1)]
    limits: LimitSettings = LimitSettings()
    smtp: SmtpSettings = SmtpSettings()
    next_hop: HopSettings
    inside: InsideSettings | None = None
    partners: dict[str, PartnerSettings] = Field(default_factory=dict)
    proven: Later = None
    queue: QueueSettings = QueueSettings()
    policy: Place
    rules: tuple[str, ...] = ("builtin", "local-rules/*.yaml")
    profiles: dict[str, Profile] = Field(default_factory=dict)
    portal: PortalSettings
    namespaces: Later = None
    notices: NoticeSettings = NoticeSettings()
    workers: Literal["auto", 1] = "auto"
    telemetry: TelemetrySettings = TelemetrySettings()


def load_settings(path: Path, *, keyring: bool = True) -> Settings:
    """Read and check the whole configuration; raise SettingsInvalid with every problem.

    `keyring` False: the keyring may be missing still (`keys init`).
    """
