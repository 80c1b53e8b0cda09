"""The headers of every response, so that no view can forget them."""

from typing import Final

from aiohttp import web

from portal.services import PortalServices, services_of

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DOCUMENT_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-DNS-Prefetch-Control": "off",  # no look-up tells anybody which links a letter holds
    "Cache-Control": "no-store",
    "Content-Security-Policy": PAGE_POLICY,
    "Server": "sealgate",
}


def frame_policy(*, remote_pictures: bool, is_secure: bool) -> str:
    """For a mail as it was formatted: its own style, its own pictures, no script, no form, nothing from outside.

    `remote_pictures`: the reader asked for those that the sender left on the internet. Where the portal itself is
    reached by https (`is_secure`), they are asked for by https alone, those of an http address too.
    """
    pictures = "data:" if not remote_pictures else "data: https:" if is_secure else "data: https: http:"
    upgrade = "upgrade-insecure-requests; " if is_secure else ""
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors 'self'; {upgrade}sandbox allow-popups allow-popups-to-escape-sandbox"
    )


async def put_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: reaches every response of the application, streamed and failed ones too."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if services_of(request).is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["Server"] = ALWAYS["Server"]  # aiohttp has named itself and its version by now


def host_is_ours(services: PortalServices, host: str) -> bool:
    """Is this `Host` the name of the portal? Anything else is somebody trying what happens, or a misled link."""
    default = ":443" if services.is_secure else ":80"
    return host.lower().removesuffix(default).removesuffix(".") == services.host
