"""The life of an SMTP session, whatever its commands do: it begins, greets, hears one command after another, and ends.

A command's method says its reply (`say`), or raises CommandRefused (the session goes on) or Hangup (it ends).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from structlog import get_logger

from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.admission import IpAddress, Proven
from gateway.smtp.commands import (
    AUTH_OCTETS,
    COMMAND_OCTETS,
    LONG_COMMAND_OCTETS,
    NOT_SMTP_VERBS,
    Command,
    CommandRefused,
    parse_command,
)
from gateway.smtp.reception import Door
from gateway.smtp.wire import Hangup, Wire
from gateway.telemetry import where

log = get_logger(__name__)

_LIMITS: Final = {"MAIL": LONG_COMMAND_OCTETS, "RCPT": LONG_COMMAND_OCTETS, "AUTH": AUTH_OCTETS}
_BEFORE_TLS: Final = frozenset({"EHLO", "HELO", "STARTTLS", "NOOP", "RSET", "QUIT", "HELP"})
_IDLE: Final = frozenset({"MAIL", "EHLO", "HELO", "NOOP", "RSET", "VRFY", "EXPN", "HELP", "STARTTLS", "XFORWARD"})
_ERRORS_FORGIVEN: Final = frozenset({450, 451, 452})  # not the client's mistakes: it is to try later, or send fewer


class Conversation(Wire):
    """One client at one door, who has said nothing yet. `session.Session` knows the commands."""

    def __init__(self, door: Door) -> None:
        super().__init__(asyncio.get_running_loop(), door.house.patience.write)
        self.door = door
        self.house = door.house
        self.patience = door.house.patience
        self.who: Proven | None = None
        self.tls: str | None = None
        self.errors = 0
        self.idle_commands = 0
        self._life: asyncio.Task[None] | None = None

    @property
    def proven(self) -> Proven:
        """What the client has shown of itself. Only after the greeting."""
        assert self.who is not None
        return self.who

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected: run the session as a task of its door."""
        super().connection_made(transport)
        if self.door.is_closing:  # its task group may have ended: no task can be started
            self._writer.write(replies.line(replies.CLOSING))
            self.close()
            return
        self.door.enter(self)
        self._life = self.door.tasks.create_task(self._live(), name="smtp session")

    def dismiss(self) -> None:
        """Closing down: end now if idle, else after the message that is being received."""
        if self.is_idle:
            self._reader.set_exception(Hangup(replies.CLOSING))

    def cancel(self) -> None:
        """End at once, even while a message is being received: its client gets no reply and tries again."""
        if self._life is not None:
            self._life.cancel()

    async def _live(self) -> None:
        """From greeting to good-bye. Whatever goes wrong, the client keeps its message and learns no detail of it."""
        address = self.client_address
        reply: Reply | None = None
        try:
            if address is not None:
                refusal = self.house.enter(address)
                try:
                    await self._greet(address, refusal)
                    while True:
                        await self._hear()
                finally:
                    self.house.leave(address)
        except Hangup as end:
            reply = end.reply
        except Exception as error:  # noqa: BLE001  # the top of a session
            log.error("smtp.session_failed", error=type(error).__name__, at=where(error))
            reply = replies.FAILED
        finally:
            try:
                await self._part(reply)
            finally:
                self.door.leave(self)

    async def _part(self, reply: Reply | None) -> None:
        """Say `reply` if the client can still hear it, and close the connection."""
        try:
            if reply is not None:
                self.say(reply)
                log.info("smtp.hung_up", client=str(self.client_address), reply=str(reply))
            await self.flush()
            if reply is not None:
                await self.linger(self.patience.linger)
        except Hangup:
            pass
        except Exception as error:  # noqa: BLE001  # one session must not take the door with it
            log.error("smtp.session_failed", error=type(error).__name__, at=where(error))
        finally:
            self.close()

    async def _greet(self, address: IpAddress, refusal: Reply | None) -> None:
        """Say the banner, or hang up with the reason. A client that speaks before the banner is no mail server."""
        refusal = refusal or self.door.admission.client(address)
        if refusal is not None:
            self.house.metrics.refused("connect", refusal)
            raise Hangup(refusal)
        self.who = Proven(address)
        pause = self.patience.greeting if self.door.admission.is_inbound else 0.0
        for part in (0.0, 0.0, pause):  # two rounds of the loop, so that what has arrived is seen
            await asyncio.sleep(part)
        if self.has_input():
            raise Hangup(replies.TALKED_EARLY)
        self._out.append(f"220 {self.house.hostname} ESMTP Sealgate\r\n".encode())

    async def _hear(self) -> None:
        """Read one command and answer it."""
        if self.door.is_closing:
            raise Hangup(replies.CLOSING)
        try:
            line = await self.read_line(self.house.command_seconds)
            command = parse_command(line)
            await self._obey(command, len(line) + 2)
        except CommandRefused as refused:
            self._refuse(refused.reply)

    async def _obey(self, command: Command, octets: int) -> None:
        """Call the command's `smtp_` method; raise CommandRefused if the command may not come now."""
        verb = command.verb
        if verb in NOT_SMTP_VERBS:
            raise Hangup(replies.NOT_SMTP)
        if octets > _LIMITS.get(verb, COMMAND_OCTETS):
            raise CommandRefused(replies.AUTH_TOO_LONG if verb == "AUTH" else replies.LINE_TOO_LONG)
        method: Callable[[str], Awaitable[None]] | None = self._smtp_methods.get(verb)
        if method is None:
            raise CommandRefused(replies.UNKNOWN_COMMAND)
        if verb in _IDLE:
            self.idle_commands += 1
            if self.idle_commands > self.patience.idle_commands:
                raise Hangup(replies.TOO_MUCH_IDLE_TALK)
        if self.tls is None and self.door.admission.needs_tls and verb not in _BEFORE_TLS:
            raise CommandRefused(replies.TLS_FIRST)
        await method(command.argument)

    def _refuse(self, reply: Reply) -> None:
        """Say a reply that refuses, and count it: too many errors end the session."""
        self.say(reply)
        log.info("smtp.refused", client=str(self.client_address), reply=f"{reply.code} {reply.status}")
        if reply.code not in _ERRORS_FORGIVEN:
            self.errors += 1
            if self.errors >= self.patience.errors:
                raise Hangup(replies.TOO_MANY_ERRORS)
