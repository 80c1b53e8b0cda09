"""What scripts of lines cannot show: time, memory, certificates, closing, and clients out of their minds."""

import asyncio
import contextlib
import gc
import os
import random
import smtplib
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.smtp.reception import Patience
from gateway.smtp.replies import NO_SPACE

PATIENT = Patience(command=30.0, stall=30.0, greeting=0.0, room=0.2)


class Client:
    """A bare SMTP client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, stage: Any, at: str = "127.0.0.1") -> "Client":
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.door.port, local_addr=(at, 0))
        stage.writers.append(writer)
        return cls(reader, writer)

    async def hear(self) -> str:
        async with asyncio.timeout(20):
            while (line := (await self.reader.readline()).decode())[3:4] == "-":
                pass
        return line.rstrip("\r\n")

    async def say(self, *lines: str) -> str:
        """Say lines; the last one's answer."""
        answer = ""
        for line in lines:
            self.writer.write(line.encode() + b"\r\n")
            answer = await self.hear()
        return answer

    async def ready(self) -> "Client":
        """Greeted and ready for DATA's bytes."""
        await self.hear()
        answer = await self.say(
            "EHLO client.example", "MAIL FROM:<alice@example.com>", "RCPT TO:<bob@gmail.com>", "DATA"
        )
        assert answer.startswith("354"), answer
        return self

    async def tls(self, context: Any) -> None:
        assert (await self.say("EHLO client.example", "STARTTLS")).startswith("220")
        await self.writer.start_tls(context, server_hostname="gate.example.com")
        await self.say("EHLO client.example")

    async def rest(self) -> bytes:
        async with asyncio.timeout(20):
            return await self.reader.read()


async def test_a_silent_client_is_told_and_left(open_door: Any) -> None:
    async with open_door(patience=replace(PATIENT, command=0.05)) as stage:
        client = await Client.connect(stage)
        assert (await client.rest()).endswith(b"421 4.4.2 Timed out waiting for you\r\n")


async def test_a_command_that_drips_is_no_command(open_door: Any) -> None:
    """Each byte in time, the line never: the time is for the whole line."""
    async with open_door(patience=replace(PATIENT, command=0.2)) as stage:
        client = await Client.connect(stage)
        await client.hear()
        rest = asyncio.ensure_future(client.rest())
        while not rest.done():
            client.writer.write(b"N")
            await asyncio.sleep(0.02)
        assert b"421 4.4.2" in await rest


async def test_a_message_that_stalls_is_given_up(open_door: Any) -> None:
    async with open_door(patience=replace(PATIENT, stall=0.05)) as stage:
        client = await (await Client.connect(stage)).ready()
        client.writer.write(b"Subject: a\r\n")
        assert await client.rest() == b"421 4.4.2 Timed out waiting for you\r\n"
        assert stage.door.house.budget.free == stage.door.house.budget.total


async def test_a_message_is_kept_only_while_there_is_room_for_what_came_of_it(open_door: Any) -> None:
    """Whatever SIZE said: the message that has come is what takes room."""
    async with open_door() as stage:
        stage.door.house.take_room = lambda size: None if size < 1000 else NO_SPACE
        client = await (await Client.connect(stage)).ready()
        assert await client.say("Subject: long\r\n\r\n" + "x" * 900 + "\r\n.") == str(NO_SPACE)
        await client.say("MAIL FROM:<alice@example.com> SIZE=50000", "RCPT TO:<bob@gmail.com>", "DATA")
        assert (await client.say("Subject: short\r\n\r\nx\r\n.")).startswith("250 2.0.0")
        assert [raw.count(b"Subject: short") for _, raw in stage.taker.taken] == [1]


async def test_a_message_that_drips_is_given_up(open_door: Any) -> None:
    async with open_door(patience=replace(PATIENT, stall=0.3, bytes_per_second=10_000)) as stage:
        client = await (await Client.connect(stage)).ready()
        rest = asyncio.ensure_future(client.rest())
        while not rest.done():
            client.writer.write(b"x")
            await asyncio.sleep(0.02)
        assert b"421 4.4.2" in await rest


async def test_silence_ends_a_session_in_every_state(open_door: Any) -> None:
    """Before EHLO, within the handshake, within AUTH, with a sender, with recipients, within DATA, behind a dot."""
    patience = replace(PATIENT, command=0.3, stall=0.3, handshake=0.3, linger=0.0)
    mail = ("EHLO x.example", "MAIL FROM:<alice@example.com>", "RCPT TO:<bob@gmail.com>", "DATA")
    async with open_door(tls=True, logins=True, patience=patience) as stage:
        clients = [await Client.connect(stage) for _ in range(8)]
        for client in clients:
            assert (await client.hear()).startswith("220")
        for said, client in enumerate(clients[:5]):
            await client.say(*mail[:said])
        clients[3].writer.write(b"RC")
        clients[4].writer.write(b"Subject: x\r\n\r\nx\r\n.\r")
        await clients[5].say("EHLO x.example", "STARTTLS")  # and no handshake
        await clients[6].tls(stage.client_tls())
        await clients[6].say("AUTH LOGIN")
        clients[7].writer.write_eof()
        async with asyncio.timeout(20):
            await stage.door.is_empty.wait()
        assert stage.door.house.budget.free == stage.door.house.budget.total
        assert stage.taker.taken == []


SESSIONS = int(os.environ.get("SEALGATE_SESSIONS", "50000"))


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_fifty_thousand_sessions_leave_nothing_behind(open_door: Any) -> None:
    """Each is somebody else: another name, sender and login, another mistake. What is remembered of them has an end."""
    dice = random.Random(20260302)
    plain = (
        '"QUIT"',
        "RSET",
        "VRFY {0}",
        "MAIL FROM:<m{0}@evil.example>",
        "RCPT TO:<m{0}>",
        "X{0}",
        "MAIL FROM:<>",
        "QUIT",
    )
    memory = []
    async with open_door(logins=True, tls=True, patience=replace(PATIENT, linger=0.0)) as stage:
        for number in range(SESSIONS):
            client = await Client.connect(stage)
            await client.hear()
            await client.say(f"EHLO c{number}.example", f"MAIL FROM:<m{number}@example.com>")
            if number % 10 == 0:
                await client.say(f"RCPT TO:<m{number}@gmail.com>", "DATA")
                await client.say("." if number % 20 else "Subject: x\r\n\r\nx\n\r\n.")
            for line in dice.choices(plain, k=3):
                client.writer.write(line.format(number).encode() + b"\r\n")
            client.writer.write_eof()
            await client.reader.read()
            client.writer.close()
            stage.writers.clear()
            stage.taker.taken.clear()
            if number % (SESSIONS // 10) == SESSIONS // 10 - 1:
                gc.collect()
                memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
        assert memory[-1] - memory[1] < 8 * 2**20, memory
        assert not stage.door.house.rates._counters or len(stage.door.house.rates._counters) <= SESSIONS // 10


async def test_who_speaks_before_the_greeting_is_sent_away(open_door: Any) -> None:
    async with open_door(accepts="inbound", patience=replace(PATIENT, greeting=0.5)) as stage:
        client = await Client.connect(stage)
        client.writer.write(b"EHLO early.example\r\nMAIL FROM:<x@y.example>\r\n")
        assert (await client.rest()).startswith(b"554 5.5.1 You spoke before the greeting")


async def test_sessions_are_counted(open_door: Any) -> None:
    async with open_door(sessions_per_client=2, sessions=3) as stage:
        first, second = await Client.connect(stage), await Client.connect(stage)
        assert (await first.hear()).startswith("220")
        assert (await second.hear()).startswith("220")
        third = await Client.connect(stage)
        assert (await third.rest()).startswith(b"421 4.7.0 Too many sessions from your address; try again later")
        await first.say("QUIT")
        assert await first.rest() == b""
        fourth = await Client.connect(stage)
        assert (await fourth.hear()).startswith("220")
    assert stage.door.house.crowd.sessions == 0


async def test_no_session_is_free_for_anybody(open_door: Any) -> None:
    async with open_door(sessions_per_client=1, sessions=1) as stage:
        first, second = await Client.connect(stage), await Client.connect(stage)
        assert (await first.hear()).startswith("220")
        assert await second.rest() == b"421 4.3.2 Too many sessions; try again later\r\n"


async def test_no_memory_is_a_delay_and_then_452(open_door: Any) -> None:
    """One client holds the memory; the other waits, is told 452, and gets through once there is room."""
    async with open_door(memory=2**20, message=2**20) as stage:
        hog = await Client.connect(stage)
        await hog.hear()
        await hog.say("EHLO hog.example", "MAIL FROM:<alice@example.com> SIZE=1048000", "RCPT TO:<bob@gmail.com>")
        assert (await hog.say("DATA")).startswith("354")
        other = await Client.connect(stage)
        await other.hear()
        await other.say("EHLO other.example", "MAIL FROM:<alice@example.com>", "RCPT TO:<bob@gmail.com>")
        assert await other.say("DATA") == "452 4.3.1 No room just now; try again later"
        assert (await hog.say("Subject: a\r\n\r\nb\r\n.")).startswith("250")
        await other.say("MAIL FROM:<alice@example.com>", "RCPT TO:<bob@gmail.com>", "DATA")
        assert (await other.say("Subject: a\r\n\r\nb\r\n.")).startswith("250")
        assert stage.door.house.budget.free == 2**20


async def test_memory_is_not_kept_by_who_only_says_that_much_will_come(open_door: Any) -> None:
    """SIZE reserves room: who then sends next to nothing loses it once somebody waits, and hears 452 at the end."""
    patience = replace(PATIENT, room=20.0, reserved=0.1, reserved_grace=0.0)
    async with open_door(memory=2**20, message=2**20, patience=patience) as stage:
        hog = await Client.connect(stage)
        await hog.hear()
        await hog.say("EHLO hog.example", "MAIL FROM:<alice@example.com> SIZE=1048000", "RCPT TO:<bob@gmail.com>")
        assert (await hog.say("DATA")).startswith("354")
        other = await (await Client.connect(stage)).ready()
        assert (await other.say("Subject: a\r\n\r\nb\r\n.")).startswith("250")
        assert await hog.say("Subject: a\r\n\r\nb\r\n.") == "452 4.3.1 No room just now; try again later"
        assert stage.door.house.budget.free == 2**20


async def test_memory_that_runs_out_on_the_way_is_452_after_the_end(open_door: Any) -> None:
    async with open_door(memory=2**20, message=2**20) as stage:
        hog = await Client.connect(stage)
        await hog.hear()
        await hog.say("EHLO hog.example", "MAIL FROM:<alice@example.com> SIZE=500000", "RCPT TO:<bob@gmail.com>")
        assert (await hog.say("DATA")).startswith("354")
        client = await (await Client.connect(stage)).ready()
        client.writer.write(b"x" * 600_000 + b"\r\n")
        assert (await client.say(".")).startswith("452 4.3.1")
        assert stage.taker.taken == []
        assert (await hog.say("Subject: a\r\n\r\nb\r\n.")).startswith("250")
        assert stage.door.house.budget.free == 2**20


async def test_a_failure_leaves_no_memory_behind(open_door: Any) -> None:
    async with open_door() as stage:
        stage.taker.failure = RuntimeError("bug")
        client = await (await Client.connect(stage)).ready()
        with capture_logs() as logs:
            assert (await client.say("Subject: a\r\n\r\n536-22-1234\r\n.")).startswith("451 4.3.0")
        assert stage.door.house.budget.free == stage.door.house.budget.total
        failed = [entry for entry in logs if entry["event"] == "smtp.message_failed"]
        assert failed[0]["error"] == "RuntimeError"
        assert "bug" not in str(logs)


async def test_what_is_too_big_ends_some_time(open_door: Any) -> None:
    """A client that never ends its message is not listened to for ever."""
    async with open_door(message=2**16, memory=2**20) as stage:
        client = await (await Client.connect(stage)).ready()
        with pytest.raises((ConnectionError, AssertionError)):  # cut off somewhere on the way
            for _ in range(200):
                client.writer.write(b"x" * 2**16)
                await client.writer.drain()
            assert (await client.rest()) == b"never"
        assert stage.taker.taken == []


async def test_a_client_that_reads_nothing_is_left(open_door: Any) -> None:
    async with open_door(patience=replace(PATIENT, write=0.1, idle_commands=10**9)) as stage:
        client = await Client.connect(stage)
        await client.hear()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                client.writer.write(b"NOOP\r\n" * 2000)
                await client.writer.drain()
    assert stage.door.house.crowd.sessions == 0


async def test_closing_dismisses_idle_clients_at_once(open_door: Any) -> None:
    async with open_door(shutdown=20.0) as stage:
        client = await Client.connect(stage)
        await client.hear()
        await client.say("EHLO client.example", "MAIL FROM:<alice@example.com>")
        rest = asyncio.ensure_future(client.rest())
        await asyncio.sleep(0)
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 10
    assert await rest == b"421 4.3.2 Closing down; try again later\r\n"
    with pytest.raises(ConnectionRefusedError):
        await Client.connect(stage)


async def test_closing_lets_a_message_on_its_way_end(open_door: Any) -> None:
    async with open_door(shutdown=20.0) as stage:
        client = await (await Client.connect(stage)).ready()
        client.writer.write(b"Subject: a\r\n")

        async def finish() -> bytes:
            while not stage.door.is_closing:
                await asyncio.sleep(0.01)
            client.writer.write(b"\r\nb\r\n.\r\n")
            return await client.rest()

        rest = asyncio.ensure_future(finish())
    heard = await rest
    assert heard.startswith(b"250 2.0.0 Accepted")
    assert b"421 4.3.2" in heard
    assert len(stage.taker.taken) == 1


async def test_closing_cuts_what_takes_too_long(open_door: Any) -> None:
    async with open_door(shutdown=0.1) as stage:
        client = await (await Client.connect(stage)).ready()
        client.writer.write(b"Subject: a\r\n")
    with pytest.raises(ConnectionResetError):
        assert await client.rest() == b""
        raise ConnectionResetError
    assert stage.taker.taken == []


async def test_a_message_is_taken_though_its_client_went_away(open_door: Any) -> None:
    """It may think that we have it, or not: twice is better than never, and half a transaction helps nobody."""
    async with open_door() as stage:
        stage.taker.go_on = asyncio.Event()
        client = await (await Client.connect(stage)).ready()
        client.writer.write(b"Subject: a\r\n\r\nb\r\n.\r\n")
        await stage.taker.began.wait()
        client.writer.transport.abort()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        stage.taker.go_on.set()
    assert len(stage.taker.taken) == 1


async def test_a_client_certificate_is_who_you_are(open_door: Any) -> None:
    async with open_door(
        tls=True, client_ca=True, require="certificate", senders={"mx.example.com": ("leased.example",)}
    ) as stage:
        known = stage.authority.issue("mx.example.com", client=True)
        client = await Client.connect(stage)
        await client.hear()
        assert (await client.say("EHLO x", "MAIL FROM:<a@leased.example>")).startswith("530 5.7.0")
        await client.tls(stage.client_tls(known))
        assert (await client.say("MAIL FROM:<a@example.com>")).startswith("550 5.7.1")
        assert (await client.say("MAIL FROM:<a@leased.example>")).startswith("250")
        await client.say("RCPT TO:<b@gmail.com>", "DATA")
        assert (await client.say("Subject: a\r\n\r\n.")).startswith("250")
        envelope, raw = stage.taker.taken[0]
        assert envelope.client.certificate == "mx.example.com"
        assert envelope.client.tls.startswith("TLSv1.")
        assert b"with ESMTPS id" in raw
        nameless = await Client.connect(stage)
        await nameless.hear()
        await nameless.tls(stage.client_tls())
        assert (await nameless.say("MAIL FROM:<a@leased.example>")).startswith(
            "554 5.7.1 A client certificate is required"
        )


async def test_a_handshake_that_fails_is_the_end_and_no_failure_of_ours(open_door: Any) -> None:
    async with open_door(tls=True) as stage:
        for said in (b"NOOP\r\n" * 10, b"\x16\x03\x01\xff\xff" + b"x" * 100, b""):
            client = await Client.connect(stage)
            await client.hear()
            assert (await client.say("EHLO x", "STARTTLS")).startswith("220")
            with capture_logs() as logs:
                client.writer.write(said)
                if not said:
                    client.writer.transport.abort()  # type: ignore[attr-defined]
                with contextlib.suppress(ConnectionError):
                    assert b"250" not in await client.rest()
                await asyncio.sleep(0.02)
            assert not [entry for entry in logs if entry["log_level"] == "error"]
        good = await Client.connect(stage)
        await good.hear()
        await good.tls(stage.client_tls())


async def test_who_never_ends_its_side_of_tls_is_not_waited_for(open_door: Any, monkeypatch: Any) -> None:
    """A session that has ended is counted no more: what is left of it must not stay for half a minute."""
    monkeypatch.setattr("gateway.smtp.wire._GOODBYE", 0.2)

    def leave(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        plain.recv(999)
        plain.sendall(b"STARTTLS\r\n")
        plain.recv(999)
        secure = context.wrap_socket(plain, server_hostname="gate.example.com")
        secure.sendall(b"NOOP\r\n")
        secure.recv(999)
        return secure

    async with open_door(tls=True) as stage:
        secure = await asyncio.to_thread(leave, stage.door.port, stage.client_tls())
        with secure:
            (guest,) = stage.door.inside
            await asyncio.to_thread(secure.sendall, b"QUIT\r\n")
            async with asyncio.timeout(20):
                while guest.transport is not None:
                    await asyncio.sleep(0.02)


async def test_guessing_in_many_sessions_at_once_is_no_better(open_door: Any) -> None:
    """However many ask at the same time, ten wrong answers are all that one address gets."""

    async def guess(stage: Any) -> str:
        client = await Client.connect(stage)
        await client.hear()
        await client.tls(stage.client_tls())
        return await client.say("AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHdyb25n")

    async with open_door(tls=True, logins=True) as stage:
        answers = await asyncio.gather(*[guess(stage) for _ in range(20)])
        assert sum(answer.startswith("535 5.7.8") for answer in answers) == 10
        assert sum(answer == "454 4.7.0 Too many failed sign-ins; try again later" for answer in answers) == 10


RIGHT, WRONG = "AGFsaWNlQGV4YW1wbGUuY29tAGNvcnJlY3QgaG9yc2U=", "AGFsaWNlQGV4YW1wbGUuY29tAHdyb25n"


async def _signs_in(stage: Any, answer: str, at: str = "127.0.0.1") -> str:
    """The code of the reply to AUTH, of a client at this address."""
    client = await Client.connect(stage, at)
    await client.hear()
    await client.tls(stage.client_tls())
    reply = await client.say(f"AUTH PLAIN {answer}")
    client.writer.transport.abort()
    return reply[:3]


async def test_a_server_that_opens_twenty_connections_signs_in_on_all(open_door: Any) -> None:
    """Only failures are failures: right passwords that come at the same time use no limit up."""
    async with open_door(tls=True, logins=True) as stage:
        assert await asyncio.gather(*(_signs_in(stage, RIGHT) for _ in range(20))) == ["235"] * 20


async def test_nobody_is_kept_out_by_who_guesses_elsewhere(open_door: Any) -> None:
    """Anybody may know a login's name. The server that sends by it goes on sending; guesses gain nothing."""
    async with open_door(tls=True, logins=True) as stage:
        assert await _signs_in(stage, RIGHT, "127.0.0.2") == "235"
        assert [await _signs_in(stage, WRONG, "127.0.0.3") for _ in range(11)] == [*["535"] * 10, "454"]
        assert await _signs_in(stage, RIGHT, "127.0.0.4") == "454", "the name is locked where it was never let in"
        assert await _signs_in(stage, RIGHT, "127.0.0.2") == "235"
        assert [await _signs_in(stage, WRONG, "127.0.0.2") for _ in range(11)] == [*["535"] * 10, "454"]
        assert await _signs_in(stage, RIGHT, "127.0.0.2") == "454", "it has ten tries of its own, and no more"


async def test_a_small_house_takes_small_messages(open_door: Any) -> None:
    async with open_door(memory=4096, message=4096) as stage:
        client = await (await Client.connect(stage)).ready()
        assert (await client.say("x" * 3000 + "\r\n.")).startswith("250")


async def test_the_envelope_is_what_was_said(open_door: Any) -> None:
    async with open_door() as stage:
        client = await Client.connect(stage)
        await client.hear()
        await client.say(
            "EHLO client.example",
            "MAIL FROM:<Alice@Example.com> RET=HDRS ENVID=id+2B BODY=8BITMIME SMTPUTF8",
            "RCPT TO:<bob@gmail.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob@gmail.com",
            "RCPT TO:<bob@gmail.com>",
            "RCPT TO:<bücher@bücher.example>",
            "DATA",
        )
        await client.say("Subject: ü\r\n\r\nü\r\n.")
        envelope, raw = stage.taker.taken[0]
        assert (str(envelope.sender), envelope.ret, envelope.envid) == ("Alice@example.com", "HDRS", "id+2B")
        assert (envelope.eight_bit, envelope.smtputf8, envelope.inbound) == (True, True, False)
        assert [str(r.address) for r in envelope.recipients] == ["bob@gmail.com", "bücher@xn--bcher-kva.example"]
        assert envelope.recipients[0].notify == {"SUCCESS", "DELAY"}
        assert envelope.recipients[0].orcpt == "rfc822;Bob@gmail.com"
        assert raw.startswith(b"Received: from client.example ([127.0.0.1])\r\n\tby gate.example.com with UTF8SMTP id ")
        assert raw.endswith("\r\nSubject: ü\r\n\r\nü\r\n".encode())
        assert b"bob@" not in raw


async def test_whom_a_server_in_front_has_it_from_counts_for_one_message(open_door: Any) -> None:
    async with open_door(xforward="127.0.0.0/8") as stage:
        client = await Client.connect(stage)
        await client.hear()
        await client.say("EHLO mail.example.com")
        send = "MAIL FROM:<alice@example.com>", "RCPT TO:<bob@gmail.com>", "DATA", "Subject: a\r\n\r\nb\r\n."
        await client.say("XFORWARD ADDR=10.0.8.3", *send)
        await client.say(*send)
        await client.say("XFORWARD ADDR=10.0.8.4", "RSET", *send)
        origins = [envelope.client.origin for envelope, _ in stage.taker.taken]
        assert [str(origin) for origin in origins] == ["10.0.8.3", "None", "None"]
        assert all(b"10.0.8" not in raw and b"[127.0.0.1]" in raw for _, raw in stage.taker.taken)


async def test_the_standard_library_gets_through_byte_by_byte(open_door: Any) -> None:
    message = b"Subject: a\r\n\r\n" + b"".join(b"." * (n % 4) + b"line %d\r\n" % n for n in range(20_000))

    def send(port: int, context: Any) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example") as client:
            client.starttls(context=context)
            client.login("alice@example.com", "correct horse")
            client.sendmail("alice@example.com", ["bob@gmail.com", "carol@gmail.com"], message)

    async with open_door(tls=True, logins=True, require="login") as stage:
        stage.client_tls().check_hostname = False
        context = stage.client_tls()
        context.check_hostname = False
        await asyncio.to_thread(send, stage.door.port, context)
        envelope, raw = stage.taker.taken[0]
        assert raw.endswith(b"\r\n" + message)
        assert raw.count(b"\r\n", 0, len(raw) - len(message)) <= 4
        assert envelope.client.login == "alice@example.com"
        assert b"with ESMTPSA id" in raw


VERBS = [
    b"EHLO x", b"HELO x", b"MAIL FROM:<alice@example.com>", b"RCPT TO:<bob@gmail.com>", b"DATA", b"RSET", b"NOOP",
    b"AUTH PLAIN AGEAYg==", b"AUTH LOGIN", b"VRFY x", b"STARTTLS", b"QUIT", b".", b"Subject: x", b"", b"\xff\x00",
    b"MAIL FROM:<> SIZE=5", b"RCPT TO:<a@b.example> NOTIFY=NEVER", b"BDAT 5", b"x" * 3000, b"\r.", b"\n.", b"GET /",
]  # fmt: skip
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"", b"\r\n.\r\n", b"\n.\r\n"]


async def _babble(stage: Any, pieces: list[bytes]) -> bytes:
    client = await Client.connect(stage)
    await client.hear()
    try:
        for piece in pieces:
            client.writer.write(piece)
            await client.writer.drain()
        client.writer.write_eof()
        return await client.rest()
    except ConnectionError:
        return b""
    finally:
        client.writer.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.sampled_from(VERBS), st.sampled_from(ENDS)), max_size=30), max_size=10))
async def test_random_streams_never_crash_hang_or_tell(
    open_door: Any, streams: list[list[tuple[bytes, bytes]]]
) -> None:
    async with open_door(tls=True, logins=True, patience=replace(PATIENT, linger=0.05)) as stage:
        with capture_logs() as logs:
            for stream in streams:
                heard = await _babble(stage, [verb + end for verb, end in stream])
                for line in heard.split(b"\r\n"):
                    assert not line or line[:3].isdigit(), heard
                assert b"Traceback" not in heard
        assert not [entry for entry in logs if entry["log_level"] == "error"]
    assert stage.door.house.crowd.sessions == 0
    assert stage.door.house.budget.free == stage.door.house.budget.total


@pytest.mark.soak
async def test_very_many_random_streams(open_door: Any) -> None:
    dice = random.Random(20260301)
    async with open_door(tls=True, logins=True, patience=replace(PATIENT, linger=0.01)) as stage:
        for _ in range(20_000):
            heard = await _babble(stage, [dice.choice(VERBS) + dice.choice(ENDS) for _ in range(dice.randrange(60))])
            assert b"Traceback" not in heard


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_session_that_is_cut_within_tls_takes_no_other_with_it(open_door: Any, loop: Any) -> None:
    """As one is whose client does not read: the door goes on, and so do those who are inside."""

    async def run() -> None:
        async with open_door(tls=True) as stage:
            deaf = await Client.connect(stage)
            await deaf.hear()
            await deaf.tls(stage.client_tls())
            [session] = stage.door.inside
            other = await (await Client.connect(stage)).ready()
            session.cut()
            session.close()  # as `flush` and the session's end do, one right behind the other
            async with asyncio.timeout(20):
                while session in stage.door.inside:
                    await asyncio.sleep(0.01)
            assert (await other.say("Subject: a\r\n\r\nb\r\n.")).startswith("250")

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


def test_uvloop_carries_the_door_too(open_door: Any) -> None:
    async def run() -> None:
        async with open_door(tls=True) as stage:
            client = await Client.connect(stage)
            await client.hear()
            client.writer.write(b"EHLO x\r\n")
            await client.hear()
            client.writer.write(b"STARTTLS\r\nRSET\r\n")
            assert (await client.hear()).startswith("220")
            await client.writer.start_tls(stage.client_tls(), server_hostname="gate.example.com")
            await client.say("EHLO x", "MAIL FROM:<alice@example.com>", "RCPT TO:<b@gmail.com>", "DATA")
            body = b"Subject: a\r\n\r\n" + b"..x\r\n" * 100_000
            client.writer.write(body + b".\r\n")
            assert (await client.hear()).startswith("250")
            assert stage.taker.taken[0][1].endswith(b".x\r\n" * 3)
            assert await client.say("QUIT") == "221 2.0.0 Bye"

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
