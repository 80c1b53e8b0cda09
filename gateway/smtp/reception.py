"""What sessions share: the House, one a process (limits, counts, memory), and the Door, one a listener."""

import asyncio
import ssl
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_network
from typing import Protocol

from delivery.doors.inforce import FilesInForce
from delivery.doors.renewal import Renewal
from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.admission import Admission, IpAddress, Proven
from gateway.smtp.budget import MemoryBudget
from gateway.smtp.crowd import Crowd, OneProcess
from gateway.smtp.logins import Logins, Throttle
from gateway.smtp.rates import Payers, Rates, Scope
from gateway.smtp.settings import LimitSettings, SmtpSettings
from gateway.telemetry import Metrics
from keys.tokens import digest
from policy.message import Address, Envelope


class Taker(Protocol):
    """Who takes a finished message. 250 only once it is kept; whatever it raises becomes 451 4.3.0."""

    async def expects(self, recipient: Address, *, ask: bool) -> Reply | None:
        """Asked for each recipient that may come in by this door: None, or the reply that says no.

        `ask`: whether the server that has the mailboxes is to be asked.
        """

    async def take(self, envelope: Envelope, raw: bytes) -> Reply:
        """Take one message; `raw` begins with our Received line. The reply goes to the client as it is."""


class DoorSession(Protocol):
    """A session, as its door sees it."""

    def dismiss(self) -> None:
        """Closing down: say 421 as soon as no message is on its way."""

    def cut(self) -> None:
        """End the connection at once."""

    def cancel(self) -> None:
        """End its task, too, even while it takes a message."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the door waits for a client, in seconds (RFC 5321 4.5.3.2 wants 300), and how many mistakes it bears."""

    command: float = 300.0
    busy_command: float = 20.0  # the same while four fifths of the sessions are taken
    stall: float = 120.0  # between two pieces of a message
    bytes_per_second: float = 500.0  # a message may come no slower, once `stall` is used up
    handshake: float = 30.0
    write: float = 60.0  # for a client to read our replies
    room: float = 90.0  # for memory to become free: clients wait two minutes for 354 (RFC 5321 4.5.3.2.4)
    reserved: float = 300.0  # while others wait for memory, what a message reserved has to fill within so long …
    reserved_grace: float = 10.0  # … or at that rate, once the message has been coming for so long
    greeting: float = 0.1  # before the banner to clients from outside: who speaks first is no mail server
    linger: float = 1.0  # for a client to hear why we hung up
    errors: int = 20  # refused commands; an accepted message sets the count back
    idle_commands: int = 100  # NOOP, RSET, MAIL …; an accepted message sets the count back
    failed_logins: int = 3
    excess_recipients: int = 1000  # beyond the limit, each refused


@dataclass(slots=True)
class House:
    """What all doors of this process share: our name, our domains, limits, memory, and how many sessions there are."""

    hostname: str
    domains: tuple[str, ...]
    bounces: str | None = None
    smtp: SmtpSettings = field(default_factory=SmtpSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    shutdown_seconds: float = 30.0
    patience: Patience = Patience()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    seconds: Callable[[], float] = time.monotonic
    metrics: Metrics = field(default_factory=Metrics)
    crowd: Crowd = field(default_factory=OneProcess)
    processes: int = 1  # how many share the memory that the limits grant
    budget: MemoryBudget = field(init=False)
    doors: list["Door"] = field(default_factory=list)
    closes_at: float | None = None  # by `seconds`: until then messages on their way may end
    room_for: Callable[[int], Reply | None] = lambda _size: None  # a refusal if there is no disk or queue room (Strain)
    take_room: Callable[[int], Reply | None] = lambda _size: None  # the same, and uses the room
    files: FilesInForce = field(default_factory=FilesInForce)  # of certificates and logins, as other workers use them
    rates: Rates = field(init=False)
    _inside: int = 0  # sessions of this process

    def __post_init__(self) -> None:
        memory = self.limits.memory // self.processes
        self.budget = MemoryBudget(memory, max(memory * 3 // 4, self.limits.message + 2**20))
        self.rates = Rates(self.limits.rates, lambda: self.clock().timestamp())

    def enter(self, address: IpAddress) -> Reply | None:
        """Count a session in; None, or the reply that turns it away as one too many. `leave` must follow either way."""
        everybody, of_client = self.crowd.enter(household(address))
        self._inside += 1
        self.metrics.session_opened()
        self.metrics.sessions(self._inside)
        if everybody > self.limits.sessions:
            return replies.TOO_MANY_SESSIONS
        if of_client > self.limits.sessions_per_client:
            return replies.TOO_MANY_FROM_YOU
        return None

    def leave(self, address: IpAddress) -> None:
        """Count a session out."""
        self.crowd.leave(household(address))
        self._inside -= 1
        self.metrics.sessions(self._inside)

    def close(self) -> float:
        """Close every door; how many seconds are left for messages under way. All doors have the same deadline."""
        if self.closes_at is None:
            self.closes_at = self.seconds() + self.shutdown_seconds
        for door in self.doors:
            door.close()
        return max(0.0, self.closes_at - self.seconds())

    @property
    def command_seconds(self) -> float:
        """How long to wait for a command; less when sessions run short."""
        crowded = self.crowd.sessions * 5 > self.limits.sessions * 4
        return min(self.patience.busy_command, self.patience.command) if crowded else self.patience.command

    @property
    def postmaster(self) -> Address:
        """Who `<postmaster>` without a domain is (RFC 5321 4.5.1)."""
        first = next((domain for domain in self.domains if not domain.startswith("*.")), self.hostname)
        return Address("postmaster", first)


@dataclass(slots=True)
class Door:
    """One listener and its sessions."""

    house: House
    admission: Admission
    taker: Taker
    tasks: asyncio.TaskGroup
    throttle: Throttle
    tls: ssl.SSLContext | None = None
    renewal: Renewal | None = None  # of `tls`
    logins: Logins | None = None
    port: int = 0
    is_closing: bool = False
    inside: set[DoorSession] = field(default_factory=set)
    is_empty: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.is_empty.set()
        self.house.doors.append(self)

    def enter(self, session: DoorSession) -> None:
        """A session begins."""
        self.inside.add(session)
        self.is_empty.clear()

    def leave(self, session: DoorSession) -> None:
        """A session has ended."""
        self.inside.discard(session)
        if not self.inside:
            self.is_empty.set()

    async def sign_in(self, address: IpAddress, name: str, password: str) -> bool | None:
        """Is this the login's password? None: not checked, after too many guesses from this client or at this login."""
        assert self.logins is not None
        client, login = f"client {household(address)}", f"login {digest(name.lower()).hex()}"  # a name may be long
        if self.throttle.is_blocked(*self.throttle.keys(client, login)):
            return None
        async with self.logins.turns:
            # Looked at again once it is its turn: all but a few of those who came together have their answers by now,
            # so that guesses cannot pass the limit together, nor right passwords use it up.
            keys = self.throttle.keys(client, login)
            if self.throttle.is_blocked(*keys):
                return None
            self.throttle.failed(*keys)
            if not await self.logins.check(name, password):
                return False
            self.throttle.forgive(*keys)
            self.throttle.let_in(client, login)
            return True

    def payers(self, who: Proven, sender: Address | None) -> Payers:
        """Whose counts a message is charged to, of those that have a limit. Inbound mail is charged to nobody."""
        payers: dict[Scope, str] = {}
        limited = frozenset[Scope]() if self.admission.is_inbound else self.house.rates.scopes
        if Scope.CLIENT in limited:
            payers[Scope.CLIENT] = str(household(who.address))
        if Scope.LOGIN in limited and who.login is not None:
            payers[Scope.LOGIN] = who.login.lower()
        if Scope.SENDER in limited and sender is not None:
            payers[Scope.SENDER] = sender.key
        return payers

    def close(self) -> None:
        """Greet no new sessions; those there are may finish the message under way."""
        self.is_closing = True
        for session in tuple(self.inside):
            session.dismiss()


def household(address: IpAddress) -> Hashable:
    """What is counted as one client: an IPv4 address, or a whole IPv6 /64, since a host there has all its addresses."""
    if isinstance(address, IPv6Address):
        return ip_network((address, 64), strict=False)
    return address
