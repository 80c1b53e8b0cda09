"""Once a day, for each domain that asks: its report, by HTTPS where it names a web server, else by mail.

Every worker looks; a report is made by the one that claims it. A mail enters the queue in the transaction that ends the
report, so it is sent once; what a web server did not take is tried again each hour, for a day.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import aiohttp
import structlog
from sqlalchemy import Connection

from delivery.errors import DeliveryError
from delivery.items import TLS_REPORT, Kind, NewItem, NewMessage, SealedMessage
from delivery.mx import Reach
from delivery.queue import Queue, enqueued_event
from delivery.resolving import LookupFailed, NoSuchDomain, Resolver
from delivery.store.tls_sessions import (
    DueReport,
    ReportState,
    claim_reports,
    end_report,
    forget_sessions,
    sessions_of,
)
from delivery.sts.fetching import AiohttpResolver
from delivery.tlsrpt.counting import Tally
from delivery.tlsrpt.report import Report, ReportDestinations, Reporter, compose, compose_mail, read_report_record

_WRITE: Final = 60.0  # seconds between writes of what was counted
_ROUND: Final = 10  # writes between looks for reports that are due
_AT_ONCE: Final = 50  # reports in one round
_SECONDS: Final = 60.0  # for one web server

log = structlog.get_logger(__name__)


class Reports:
    """The chore of one worker that sends reports once a day."""

    def __init__(
        self,
        queue: Queue,
        resolver: Resolver,
        tally: Tally,
        reporter: Reporter,
        *,
        namespace: str,
        make_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._queue = queue
        self._resolver = resolver
        self._tally = tally
        self._reporter = reporter
        self._namespace = namespace
        self._make_context = make_context

    async def run(self) -> None:
        """Count, and report what is due, until cancelled: then what was counted is written for the last time."""
        rounds = 0
        try:
            while True:
                await asyncio.sleep(_WRITE)
                rounds += 1
                try:
                    await self._tally.write()
                    if rounds % _ROUND == 0:
                        await self.report_due()
                except DeliveryError as error:
                    log.warning("tlsrpt.later", error=str(error))
        finally:
            try:
                await self._tally.write()
            except DeliveryError as error:
                log.warning("tlsrpt.not_written", error=str(error))

    async def report_due(self) -> int:
        """Make every report that is due; how many were sent. Raises StoreUnavailable."""
        now = self._queue.clock()
        due = await self._queue.db.write(partial(claim_reports, now=now, limit=_AT_ONCE))
        sent = 0
        for one in due:
            sent += await self._make(one, now)
        await self._queue.db.write(partial(forget_sessions, now=now))
        return sent

    async def _make(self, due: DueReport, now: datetime) -> bool:
        try:
            wanted = read_report_record((await self._resolver.txt(f"_smtp._tls.{due.domain}")).records)
        except NoSuchDomain:
            wanted = None
        except LookupFailed as error:
            log.info("tlsrpt.later", domain=due.domain, reason=str(error))
            return False
        if wanted is None:
            await self._queue.db.write(partial(end_report, report=due, state=ReportState.UNASKED))
            return False
        counted = await self._queue.db.read(lambda conn: sessions_of(conn, due.day, due.domain))
        report = compose(self._reporter, due.day, due.domain, counted)
        if await self._bring(due, report, wanted, now):
            log.info("tlsrpt.sent", domain=due.domain, day=due.day, report=report.id)
            return True
        return False

    async def _bring(self, due: DueReport, report: Report, wanted: ReportDestinations, now: datetime) -> bool:
        posted = [await self._post(url, report) for url in wanted.web]
        if any(posted):
            return await self._queue.db.write(partial(end_report, report=due, state=ReportState.SENT))
        if not wanted.mail:
            return False
        return await self._mail(due, report, wanted.mail, now)

    async def _post(self, url: str, report: Report) -> bool:
        """Give it to a web server (RFC 8460 5.4). True: it took it."""
        context = await asyncio.to_thread(self._make_context)
        # Who publishes the address chooses it: it is never one of our own networks.
        connector = aiohttp.TCPConnector(
            ssl=context, resolver=AiohttpResolver(self._resolver, Reach()), use_dns_cache=False
        )
        headers = {"Content-Type": "application/tlsrpt+gzip"}
        try:
            async with (
                asyncio.timeout(_SECONDS),
                aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(url, data=report.packed, headers=headers, allow_redirects=False) as answer,
            ):
                if 200 <= answer.status < 300:
                    return True
                log.info("tlsrpt.not_taken", domain=report.domain, status=answer.status)
        except (aiohttp.ClientError, OSError, ValueError, EOFError, RuntimeError) as error:
            log.info("tlsrpt.not_taken", domain=report.domain, error=type(error).__name__)
        return False

    async def _mail(self, due: DueReport, report: Report, to: Sequence[str], now: datetime) -> bool:
        mails: list[tuple[SealedMessage, NewItem]] = []
        for address in to:
            subject, raw = compose_mail(self._reporter, report, address, now)
            new = NewMessage(self._namespace, None, self._reporter.contact, subject, raw, now)
            where = self._queue.destination_for(address)
            item = NewItem(address, where, Kind.NOTICE, rule=TLS_REPORT, notify=frozenset({"NEVER"}))
            mails.append((await asyncio.to_thread(self._queue.seal, new), item))

        def put(conn: Connection) -> bool:
            if not end_report(conn, due, ReportState.SENT):
                return False
            for sealed, item in mails:
                self._queue.put(conn, sealed, [item], [enqueued_event(sealed, Kind.NOTICE, report.id)], now)
            return True

        try:
            done = await self._queue.db.write(put)
        except DeliveryError as error:
            self._queue.discard(*(sealed for sealed, _ in mails), error=error)
            raise
        self._queue.wake()
        return done
