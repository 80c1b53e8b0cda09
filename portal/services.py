"""What the portal is built from: handed in by the wiring, found by views on the application."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from delivery.doors.inforce import FilesInForce
from delivery.languages import Language
from delivery.safebox.box import SafeBoxes
from delivery.store.accounts import Accounts
from delivery.store.credentials import Credentials
from portal.phones.sending import PhoneCourier
from portal.phones.settings import PhoneSettings
from portal.settings import PortalSettings, portal_name


@dataclass(frozen=True)
class PortalServices:
    """Everything a view may ask. `namespace` is the portal's own: each portal serves one.

    `organisation` names whose portal it is; `sender` is the address that codes come from, shown so that people can
    check; `zone` is the IANA zone of the organisation: times are shown in it to readers whose zone is not known.
    """

    boxes: SafeBoxes
    accounts: Accounts
    credentials: Credentials
    settings: PortalSettings
    clock: Callable[[], datetime]
    organisation: str
    sender: str
    phones: Mapping[str, PhoneCourier] = field(default_factory=dict)  # by way: sms, voice
    phone_limits: PhoneSettings | None = None
    namespace: str = "default"
    zone: str = "UTC"
    has_room: Callable[[int], bool] = lambda _bytes: True  # for files of so many bytes, besides what mail needs
    files: FilesInForce = field(default_factory=FilesInForce)  # of the certificate, as other workers use them
    languages: tuple[Language, ...] = tuple(
        Language
    )  # that pages are offered in; the first where nothing else is known

    @cached_property
    def origin(self) -> str:
        """Scheme and host of the portal as browsers write them in `Origin`: no path, no default port."""
        parts = urlsplit(self.settings.url)
        default = {"http": 80, "https": 443}.get(parts.scheme)
        port = f":{parts.port}" if parts.port and parts.port != default else ""
        host = (parts.hostname or "").lower()
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"

    @cached_property
    def host(self) -> str:
        """The only value of `Host` that is answered."""
        return self.origin.partition("://")[2]

    @cached_property
    def passkey_host(self) -> str:
        """The name that passkeys are bound to; empty where the portal has none: browsers make none for an address."""
        return portal_name(self.settings.url)

    @cached_property
    def is_secure(self) -> bool:
        """Browsers reach us by https: cookies are `__Host-` and Secure."""
        return self.origin.startswith("https://")


SERVICES: Final = web.AppKey("services", PortalServices)


def services_of(request: web.Request) -> PortalServices:
    """The services of the application that answers this request."""
    return request.app[SERVICES]
