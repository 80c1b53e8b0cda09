"""A door on loopback with a taker that remembers, and can be told to fail."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from delivery.items import Reply
from gateway.smtp.listener import smtp_listener
from gateway.smtp.reception import Door, House, Patience
from gateway.smtp.replies import NO_SPACE, QUEUE_FULL, accepted
from gateway.smtp.settings import (
    Accepts,
    BareNewline,
    LimitSettings,
    ListenerSettings,
    ListenerTls,
    RatesSettings,
    Require,
    SmtpSettings,
)
from policy.message import Address, Envelope


@dataclass
class FakeTaker:
    """Keeps what it is given; `failure` is raised, or answered if it is a Reply, instead."""

    taken: list[tuple[Envelope, bytes]] = field(default_factory=list)
    failure: Exception | Reply | None = None
    go_on: asyncio.Event | None = None  # waits for this before it answers
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def expects(self, recipient: Address, *, ask: bool) -> Reply | None:
        return Reply(550, "5.1.1", "No such return address") if recipient.local == "forged" else None

    async def take(self, envelope: Envelope, raw: bytes) -> Reply:
        self.began.set()
        if self.go_on is not None:
            await self.go_on.wait()
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            return self.failure
        self.taken.append((envelope, raw))
        return accepted(envelope.id)


FAST = Patience(command=30.0, stall=30.0, greeting=0.0, room=0.2)


@dataclass
class Stage:
    """A door, who takes its mail, and the authority behind its certificate."""

    door: Door
    taker: FakeTaker
    authority: Any
    writers: list[asyncio.StreamWriter] = field(default_factory=list)  # of the test's clients, to be let go

    def client_tls(self, certificate: Any = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        if certificate is not None:
            context.load_cert_chain(certificate.certificate, certificate.key)
        return context


OpenDoor = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture(scope="session")
def password_hash() -> str:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")


@pytest.fixture
def open_door(authority: Any, tmp_path: Path, password_hash: str) -> OpenDoor:
    """Open a door: `async with open_door(accepts="inbound", tls=True) as stage`."""

    @asynccontextmanager
    async def opener(
        *,
        accepts: str = "outbound",
        require: str = "network",
        tls: bool = False,
        tls_required: bool = False,
        client_ca: bool = False,
        logins: bool = False,
        clients: str = "127.0.0.0/8",
        senders: dict[str, tuple[str, ...]] | None = None,
        xforward: str = "",
        bare_newline: str = "refuse",
        patience: Patience = FAST,
        shutdown: float = 5.0,
        room: bool | str = True,
        rates: RatesSettings = RatesSettings(),  # noqa: B008  # frozen
        **limits: int,
    ) -> AsyncIterator[Stage]:
        listener_tls = None
        if tls:
            pair = authority.issue("gate.example.com", "127.0.0.1")
            listener_tls = ListenerTls(
                certificate=pair.certificate,
                key=pair.key,
                require=tls_required,
                client_ca=authority.path if client_ca else None,
            )
        login_file = tmp_path / "logins"
        login_file.write_text(f"# who may send\nalice@example.com:{password_hash}\nprinter:{password_hash}\n")
        listener = ListenerSettings(
            address="127.0.0.1:0",
            accepts=Accepts(accepts),
            require=Require(require),
            clients=(ip_network(clients),),
            senders=senders or {},
            xforward=(ip_network(xforward),) if xforward else (),
            tls=listener_tls,
            logins=login_file if logins else None,
        )
        house = House(
            hostname="gate.example.com",
            domains=("example.com", "*.example.com"),
            bounces="bounces.example.net",
            smtp=SmtpSettings(bare_newline=BareNewline(bare_newline)),
            limits=LimitSettings(**({"message": 2**20, "memory": 2**23, "rates": rates} | limits)),
            room_for=lambda _size: QUEUE_FULL if room == "queue" else None if room else NO_SPACE,
            patience=patience,
            shutdown_seconds=shutdown,
        )
        taker = FakeTaker()
        writers: list[asyncio.StreamWriter] = []
        try:
            async with smtp_listener(listener, house, taker) as door:
                yield Stage(door, taker, authority, writers)
        finally:
            for writer in writers:
                writer.transport.abort()  # type: ignore[attr-defined]  # a Transport
            await asyncio.sleep(0)

    return opener
