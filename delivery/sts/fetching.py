"""A domain's policy by HTTPS (RFC 8461 3.3): from one host, proven by the system's authorities, small, soon, or not."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from delivery.errors import DeliveryError
from delivery.mx import Reach
from delivery.resolving import LookupFailed, NoSuchDomain, Resolver
from delivery.tls import Flaw

LARGEST: Final = 64 * 1024  # bytes
SECONDS: Final = 30.0
_AT_ONCE: Final = 20
_PATH: Final = "/.well-known/mta-sts.txt"


class FetchFailed(DeliveryError):
    """There is no policy to be had now. `flaw` says why in the words of a report."""

    def __init__(self, text: str, flaw: Flaw) -> None:
        super().__init__(text)
        self.flaw = flaw


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Fetcher:
    """Fetches policies. `reach`: where their hosts may be; `make_context`: whom it trusts; reads files, so it is called
    in a thread."""

    def __init__(
        self,
        resolver: Resolver,
        reach: Reach = Reach(),  # noqa: B008  # frozen
        *,
        port: int = 443,
        make_context: Callable[[], ssl.SSLContext] = _context,
    ) -> None:
        self._resolver = AiohttpResolver(resolver, reach)
        self._port = port
        self._make_context = make_context
        self._trusted: ssl.SSLContext | None = None
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, domain: str) -> bytes:
        """The text of a domain's policy. Raises FetchFailed."""
        url = URL.build(scheme="https", host=f"mta-sts.{domain}", port=self._port, path=_PATH)
        try:
            async with self._places, asyncio.timeout(SECONDS):
                return await self._get(url)
        except aiohttp.ClientConnectorCertificateError as error:
            raise FetchFailed("the policy's web server is not proven", Flaw.STS_WEBPKI) from error
        except (
            aiohttp.ClientError,
            OSError,
            ValueError,
            EOFError,
            RuntimeError,
        ) as error:  # TimeoutError is an OSError
            raise FetchFailed(f"the policy could not be fetched: {type(error).__name__}", Flaw.STS_FETCH) from error

    async def _get(self, url: URL) -> bytes:
        if self._trusted is None:
            self._trusted = await asyncio.to_thread(self._make_context)
        # No cookies, no proxies of the environment, no redirects, no caches: the answer is this host's, now.
        connector = aiohttp.TCPConnector(resolver=self._resolver, ssl=self._trusted, use_dns_cache=False)
        async with (
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            ) as session,
            session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status != 200:
                raise FetchFailed(f"the policy's web server answered {answer.status}", Flaw.STS_FETCH)
            # Not by aiohttp: what it reads a type with takes a second and a half for 8000 signs that were made for it.
            if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "text/plain":
                raise FetchFailed("what the policy's web server gave is not text/plain", Flaw.STS_INVALID)
            text = b""
            async for piece in answer.content.iter_chunked(LARGEST):
                text += piece
                if len(text) > LARGEST:
                    raise FetchFailed("the policy is too large", Flaw.STS_INVALID)
            return text


class AiohttpResolver(AbstractResolver):
    """Our resolver behind aiohttp's interface: gives only addresses that `reach` allows; no thread waits."""

    def __init__(self, resolver: Resolver, reach: Reach) -> None:
        self._resolver = resolver
        self._reach = reach

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            addresses = (await self._resolver.addresses(host)).records
        except (LookupFailed, NoSuchDomain) as error:
            raise OSError(str(error)) from error
        addresses = tuple(address for address in addresses if self._reach.allows(address))
        if not addresses:
            raise OSError("the host has no address")
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing has to be closed; aiohttp asks for this method."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family: Any = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
