"""Listening sockets: opened once, shared, or handed over by systemd; connections go to the emptier worker first."""

import asyncio
import os
import socket

import pytest

from gateway.listening import SharedAcceptor, close_sockets, listen, open_sockets

ANY_PORT = "127.0.0.1:0"


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match=address):
            open_sockets([ANY_PORT, address])


def test_an_address_is_waited_for_while_somebody_lets_go_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the processes do whose parent was killed."""
    taken = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{taken.getsockname()[1]}"
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            taken.close()

    monkeypatch.setattr("gateway.listening.time.sleep", pause)
    sockets = open_sockets([ANY_PORT, address], patience=3600)
    close_sockets(sockets)
    assert list(sockets) == [ANY_PORT, address] and len(pauses) == 3


def test_what_systemd_opened_is_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        kept = os.dup(3) if _is_open(3) else None
        os.dup2(theirs.fileno(), 3)
        try:
            address = f"127.0.0.1:{theirs.getsockname()[1]}"
            with pytest.raises(OSError, match=address):  # meant for another process
                open_sockets([address], {"LISTEN_PID": "1", "LISTEN_FDS": "1"})
            (mine,) = open_sockets([address], {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})[address]
            assert mine.fileno() == 3
            mine.detach()
        finally:
            os.dup2(kept, 3) if kept is not None else os.close(3)
            if kept is not None:
                os.close(kept)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


async def _hear(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = await reader.read()
    writer.close()
    return said


async def test_connections_are_taken_until_it_is_closed() -> None:
    sockets = open_sockets([ANY_PORT])
    port = sockets[ANY_PORT][0].getsockname()[1]
    async with asyncio.TaskGroup() as tasks:
        acceptor = SharedAcceptor(sockets[ANY_PORT], Greeter, tasks)
        acceptor.start()
        assert await asyncio.gather(*(_hear(port) for _ in range(20))) == [b"hello"] * 20
        acceptor.close()
    with pytest.raises(ConnectionRefusedError):
        await _hear(port)


async def test_nobody_comes_before_somebody_takes_them() -> None:
    sockets = open_sockets([ANY_PORT], closed=[ANY_PORT])
    port = sockets[ANY_PORT][0].getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        await _hear(port)
    async with asyncio.TaskGroup() as tasks:
        acceptor = SharedAcceptor(sockets[ANY_PORT], Greeter, tasks)
        acceptor.start()
        assert await _hear(port) == b"hello"
        acceptor.close()


def test_who_is_late_is_told_which_port_is_taken() -> None:
    address = "127.0.0.1:0"
    (first,) = open_sockets([address], closed=[address])[address]
    address = f"127.0.0.1:{first.getsockname()[1]}"
    (second,) = open_sockets([address], closed=[address])[address]
    with first, second:
        listen([first])
        with pytest.raises(OSError, match=str(first.getsockname()[1])):
            listen([second])


async def test_the_emptier_worker_is_let_go_first_and_nobody_is_forgotten() -> None:
    sockets = open_sockets([ANY_PORT])
    port = sockets[ANY_PORT][0].getsockname()[1]
    asked: list[bool] = []

    def always(_coming: int) -> bool:
        asked.append(True)
        return True

    async with asyncio.TaskGroup() as tasks:
        acceptor = SharedAcceptor(sockets[ANY_PORT], Greeter, tasks, crowded=always)
        acceptor.start()
        assert await asyncio.gather(*(_hear(port) for _ in range(3))) == [b"hello"] * 3  # the others do not come
        acceptor.close()
    assert len(asked) > 3
    close_sockets(sockets)
