"""The door's TLS: contexts, and what a client's certificate and connection say."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from delivery.doors.contexts import server_context
from gateway.smtp.settings import ListenerTls


def files_of(tls: ListenerTls) -> tuple[Path, ...]:
    """What `make_context` reads."""
    return (tls.certificate, tls.key, *([tls.client_ca] if tls.client_ca else []))


def make_context(paths: Sequence[Path]) -> ssl.SSLContext:
    """The context for a listener's files (`files_of`), read there. Raises OSError, ssl.SSLError.

    A client's certificate is asked for only if there are authorities for it: some mail servers fail when asked.
    """
    certificate, key, *authorities = paths
    context = server_context(certificate, key)
    for file in authorities:
        context.load_verify_locations(file)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def tls_words(transport: asyncio.BaseTransport | None) -> str:
    """Version and cipher of a connection, such as `TLSv1.3 TLS_AES_256_GCM_SHA384`."""
    if transport is None:
        return "?"
    cipher = transport.get_extra_info("cipher") or ("?", "?", 0)
    socket = transport.get_extra_info("ssl_object")
    version = socket.version() if socket is not None else cipher[1]
    return f"{version} {cipher[0]}"


def certificate_names(transport: asyncio.BaseTransport | None) -> tuple[str, ...]:
    """The names in a verified client certificate: common name, then DNS and mail names; none where there is none."""
    certificate: dict[str, Any] = (transport.get_extra_info("peercert") if transport else None) or {}
    names = [value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName"]
    names += [value for kind, value in certificate.get("subjectAltName", ()) if kind in {"DNS", "email"}]
    return tuple(dict.fromkeys(name for name in names if name))
