"""Several workers behind one door: one dies and nothing is lost; the parent dies and nothing goes on without it.

The parent is a small program as soon as the workers stand, and a worker that is started again is one of its own.
"""

import hashlib
import json
import os
import resource
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import dkim
import pytest
from argon2 import PasswordHasher
from faults_ledger import PACK, POLICY, rows_in
from mailhosts import Sink, wait_for
from started import Gateway

from delivery.dkimkeys import make_key, read_key, record_text

TWO = "workers: 2"


def _children(pid: int) -> list[int]:
    """The workers, and not the process beside them that children are forked from."""
    there = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [one for one in there if one not in _nurseries(there)]


def _nurseries(there: list[int]) -> list[int]:
    return [one for one in there if b"gateway.children.nursery" in _command(one)]


def _command(pid: int) -> bytes:
    """Empty where it has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _is_small(pid: int) -> bool:
    """Has the process that forked the workers become the program that only looks after them?"""
    return b"gateway.workers.parent" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _bytes_of(pid: int) -> int:
    """What it has in memory that is not its alone in part only (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


@pytest.fixture
def _dumps_allowed() -> Iterator[None]:
    """Whatever is started from here may write core dumps of any size, as in many a container."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def _dumps_nothing(pid: int) -> bool:
    """May the kernel write no core of it, nor hand one to a program?"""
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[4] for line in limits if line.startswith("Max core file size")) in ("0", "1")


def _pid(gateway: Gateway) -> int:
    assert gateway._process is not None
    return gateway._process.pid


def _events(gateway: Gateway, name: str) -> list[dict[str, object]]:
    lines = (json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == name]


def _subjects(world: Sink) -> set[bytes]:
    return {line for mail in world.arrivals for line in mail.raw.splitlines() if line.startswith(b"Subject:")}


def _start(gateway: Gateway) -> list[int]:
    gateway.start()
    _both_work(gateway)
    return _children(_pid(gateway))


def _both_work(gateway: Gateway) -> None:
    wait_for(lambda: _is_small(_pid(gateway)), seconds=100, why="both workers are there")
    wait_for(lambda: len(_events(gateway, "worker.started")) == 2, seconds=100, why="both have said so")


@pytest.mark.usefixtures("_dumps_allowed")
def test_a_worker_that_dies_is_replaced_and_its_mail_arrives(
    make_gateway: Callable[..., Gateway], world: Sink, letter: Callable[..., EmailMessage]
) -> None:
    gateway = make_gateway(world.port, more=TWO)
    first, second = _start(gateway)
    for number in range(20):
        gateway.send(letter(f"mail {number}"), "alice@example.com", "bob@friends.example")
    os.kill(first, signal.SIGKILL)
    for number in range(20, 40):
        gateway.send(letter(f"mail {number}"), "alice@example.com", "bob@friends.example")
    wait_for(lambda: len(_subjects(world)) == 40, why="all arrive")
    wait_for(lambda: _replaced(gateway, first), why="another worker stands in its place")
    assert second in _children(_pid(gateway))
    assert all(_dumps_nothing(pid) for pid in (_pid(gateway), *_children(_pid(gateway))))
    assert gateway.stop() == 0
    assert not _lives(second)


def test_a_worker_that_dies_again_and_again_is_always_replaced(
    make_gateway: Callable[..., Gateway], world: Sink
) -> None:
    gateway = make_gateway(world.port, more=TWO)
    _start(gateway)
    for _ in range(3):
        victim = max(_children(_pid(gateway)))
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda gone=victim: _replaced(gateway, gone), why="another worker stands in its place")
    assert [event["code"] for event in _events(gateway, "worker_process.ended")] == [-9, -9, -9]
    assert gateway.stop() == 0


def _replaced(gateway: Gateway, gone: int) -> bool:
    there = _children(_pid(gateway))
    return gone not in there and len(there) == 2


def test_nobody_works_on_without_the_parent(make_gateway: Callable[..., Gateway], world: Sink) -> None:
    gateway = make_gateway(world.port, more=TWO)
    workers = _start(gateway)
    os.kill(_pid(gateway), signal.SIGKILL)
    wait_for(lambda: not any(_lives(pid) for pid in workers), why="the workers end by themselves")


def test_the_parent_takes_little_memory(make_gateway: Callable[..., Gateway], world: Sink) -> None:
    gateway = make_gateway(world.port, more=TWO)
    workers = _start(gateway)
    assert _bytes_of(_pid(gateway)) < 16 * 2**20 < min(map(_bytes_of, workers))


def test_one_that_was_started_again_does_as_the_others(
    make_gateway: Callable[..., Gateway], world: Sink, letter: Callable[..., EmailMessage]
) -> None:
    """By the configuration of the start and the policy in force, whatever files say; and it ends without the parent."""
    gateway = make_gateway(world.port, more=TWO)
    first, second = _start(gateway)
    gateway.config.write_text("nothing that could be read: [")
    policy = gateway.folder / "policy.yaml"
    kept = "{name: kept, when: {recipients: bob@kept.example}, then: hold}"
    policy.write_text(f"version: 1\nrules: [{kept}]\notherwise: relay\n")
    before = len(_events(gateway, "policy.loaded"))
    wait_for(lambda: len(_events(gateway, "policy.loaded")) >= before + 2, why="both have put it in force")
    policy.write_text("no policy\n")
    for gone in (first, second):
        os.kill(gone, signal.SIGKILL)
    wait_for(lambda: _replaced(gateway, first) and _replaced(gateway, second), why="others stand in their places")
    wait_for(lambda: len(_events(gateway, "worker.started")) == 4, seconds=100, why="both work")
    gateway.send(letter("after all that"), "alice@example.com", "bob@friends.example")
    wait_for(lambda: b"Subject: after all that" in _subjects(world), why="it arrives")
    gateway.send(letter("not of the start"), "alice@example.com", "bob@kept.example")
    query = "select state from items where recipient = 'bob@kept.example'"
    assert rows_in(gateway.folder / "data", query) == [("held",)]
    workers = _children(_pid(gateway))
    assert {event["process"] for event in _events(gateway, "worker.started")} == {0, 1}
    os.kill(_pid(gateway), signal.SIGKILL)
    wait_for(lambda: not any(_lives(pid) for pid in workers), why="they, too, end without the parent")


def test_it_stands_wherever_it_was_started_and_signals_end_nobody_who_loads(
    make_gateway: Callable[..., Gateway], world: Sink, letter: Callable[..., EmailMessage]
) -> None:
    gateway = make_gateway(world.port, more=TWO)
    with gateway.log.open("ab") as log:
        gateway._process = subprocess.Popen(
            gateway._serving(), stdout=log, stderr=log, start_new_session=True, cwd=gateway.folder
        )
    _both_work(gateway)
    os.kill(min(_children(_pid(gateway))), signal.SIGKILL)
    while len(_events(gateway, "worker.started")) < 3:
        os.kill(_pid(gateway), signal.SIGHUP)
        assert gateway._process.poll() is None
        time.sleep(0.1)
    gateway.send(letter("from anywhere"), "alice@example.com", "bob@friends.example")
    wait_for(lambda: b"Subject: from anywhere" in _subjects(world), why="it arrives")
    assert [event["code"] for event in _events(gateway, "worker_process.ended")] == [-9]
    assert gateway.stop() == 0


def test_signals_that_come_while_the_parent_becomes_small_are_heard(
    make_gateway: Callable[..., Gateway], world: Sink
) -> None:
    gateway = make_gateway(world.port, more=TWO)
    with gateway.log.open("ab") as log:
        gateway._process = subprocess.Popen(gateway._serving(), stdout=log, stderr=log, start_new_session=True)
    wait_for(lambda: len(_children(_pid(gateway))) == 2, seconds=100, why="workers are forked")
    told = 0
    while not _is_small(_pid(gateway)):
        os.kill(_pid(gateway), signal.SIGHUP)
        told += 1
        time.sleep(0.001)  # they need the processor to get there
    os.kill(_pid(gateway), signal.SIGHUP)
    wait_for(lambda: {event["process"] for event in _events(gateway, "policy.loaded")} == {0, 1}, why="both read it")
    assert told
    assert gateway.stop() == 0


def test_all_end_when_told_to_while_they_start(make_gateway: Callable[..., Gateway], world: Sink) -> None:
    gateway = make_gateway(world.port, more=TWO)
    with gateway.log.open("ab") as log:
        gateway._process = subprocess.Popen(gateway._serving(), stdout=log, stderr=log, start_new_session=True)
    wait_for(lambda: len(_children(_pid(gateway))) == 2, seconds=100, why="workers are forked")
    workers = _children(_pid(gateway))
    os.kill(_pid(gateway), signal.SIGTERM)
    gateway._process.wait(60)
    assert not any(_lives(pid) for pid in workers)


def test_what_changes_is_read_again_by_all(make_gateway: Callable[..., Gateway], world: Sink, authority: Any) -> None:
    """The policy when it is told to, renewed certificates by itself: the portal's and the door's."""
    gateway = make_gateway(world.port, more=TWO)
    names, pair = ("gate.example.com", "localhost"), "{certificate: cert.pem, key: key.pem}"
    _install(authority.issue(*names), gateway.folder)
    told = gateway.config.read_text().replace("accepts: outbound", f"accepts: outbound, tls: {pair}")
    told = told.replace(f'http://localhost:{gateway.portal}"', f'https://localhost:{gateway.portal}", tls: {pair}')
    gateway.config.write_text(told)
    _start(gateway)
    renewed = authority.issue(*names)
    _install(renewed, gateway.folder)
    policy = gateway.folder / "policy.yaml"
    policy.write_text(policy.read_text() + "\n# changed\n")
    os.kill(_pid(gateway), signal.SIGHUP)
    wait_for(lambda: {event["process"] for event in _events(gateway, "policy.loaded")} == {0, 1}, why="both read it")
    for event in ("smtp.certificate_loaded", "portal.certificate_loaded"):
        wait_for(lambda name=event: {one["process"] for one in _events(gateway, name)} == {0, 1}, why=event)
    assert _shown_by_door(gateway.smtp) == _shown_by_portal(gateway.portal) == renewed.sha256


def test_one_that_is_started_again_takes_what_the_others_use_where_files_are_broken(
    make_gateway: Callable[..., Gateway], world: Sink, letter: Callable[..., EmailMessage], authority: Any
) -> None:
    """Certificate, logins and the key that signs: the others go on with what they have, and so does the new one."""
    gateway = make_gateway(world.port, more=TWO)
    folder, pair = gateway.folder, "{certificate: cert.pem, key: key.pem}"
    first_pair = authority.issue("gate.example.com", "localhost")
    _install(first_pair, folder)
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("otter")
    (folder / "logins").write_text(f"alice@example.com:{hashed}\n")
    make_key(folder / "dkim.pem", bits=None)
    key = read_key(folder / "dkim.pem", "example.com", "s1")
    told = gateway.config.read_text()
    told = told.replace("accepts: outbound", f"accepts: outbound, require: login, logins: logins, tls: {pair}")
    told = told.replace(f'http://localhost:{gateway.portal}"', f'https://localhost:{gateway.portal}", tls: {pair}')
    told = told.replace('@example.com>"}', '@example.com>", dkim: {selector: s1, key: dkim.pem, relayed: true}}')
    gateway.config.write_text(told.replace("rules: [builtin]", "rules: [pack.yaml]"))  # which is loaded at once
    (folder / "pack.yaml").write_text(PACK)
    (folder / "policy.yaml").write_text(POLICY)
    workers = _start(gateway)
    (folder / "key.pem").write_bytes(authority.issue("another.example").key.read_bytes())
    (folder / "logins").write_text("alice@exam")
    (folder / "dkim.pem").write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQ")
    for gone in workers:
        os.kill(gone, signal.SIGKILL)
    wait_for(lambda: all(_replaced(gateway, gone) for gone in workers), why="others stand in their places")
    wait_for(lambda: len(_events(gateway, "worker.started")) == 4, seconds=100, why="both work")
    assert [event["code"] for event in _events(gateway, "worker_process.ended")] == [-9, -9]
    assert _shown_by_door(gateway.smtp) == _shown_by_portal(gateway.portal) == first_pair.sha256
    with smtplib.SMTP("127.0.0.1", gateway.smtp, timeout=60) as client:
        client.starttls(context=_anybody())
        client.login("alice@example.com", "otter")
        client.sendmail("alice@example.com", ["bob@friends.example"], letter("signed").as_bytes(policy=SMTP))
    [mail] = world.wait("bob@friends.example")
    assert dkim.verify(mail.raw, dnsfunc=lambda *_name, **_more: record_text(key).encode())
    renewed = authority.issue("gate.example.com", "localhost")
    _install(renewed, folder)
    os.kill(_pid(gateway), signal.SIGHUP)
    for event in ("smtp.certificate_loaded", "portal.certificate_loaded"):
        wait_for(lambda name=event: {one["process"] for one in _events(gateway, name)} == {0, 1}, why=event)
    assert _shown_by_door(gateway.smtp) == _shown_by_portal(gateway.portal) == renewed.sha256
    refused = wait_for(lambda: _events(gateway, "config.refused"), why="it is told what would keep it from starting")
    assert {event["process"] for event in refused} == {0}
    assert any("logins" in str(event.get("problem")) for event in refused)
    assert gateway.stop() == 0


def _install(pair: Any, folder: Path) -> None:
    """As those who renew do: a new file in the place of each."""
    for file, name in ((pair.certificate, "cert.pem"), (pair.key, "key.pem")):
        Path(shutil.copy(file, folder / f"{name}.new")).replace(folder / name)


def _shown_by_portal(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 30) as wire, _anybody().wrap_socket(wire) as secured:
        return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()


def _shown_by_door(port: int) -> str:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.starttls(context=_anybody())
        assert isinstance(client.sock, ssl.SSLSocket)
        return hashlib.sha256(client.sock.getpeercert(binary_form=True) or b"").hexdigest()


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_metrics_are_those_of_all_workers(
    make_gateway: Callable[..., Gateway], world: Sink, letter: Callable[..., EmailMessage], free_port: Callable[[], int]
) -> None:
    port = free_port()
    gateway = make_gateway(world.port, more=TWO)
    gateway.config.write_text(gateway.config.read_text().replace("metrics: null", f"metrics: 127.0.0.1:{port}"))
    _start(gateway)
    for number in range(10):
        gateway.send(letter(f"mail {number}"), "alice@example.com", "bob@friends.example")
    for _ in range(5):  # whichever worker answers
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            shown = answer.read().decode()
        assert 'sealgate_messages_accepted_total{direction="outbound"} 10.0' in shown


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_all_end_when_told_to(make_gateway: Callable[..., Gateway], world: Sink, how: signal.Signals) -> None:
    gateway = make_gateway(world.port, more=TWO)
    workers = _start(gateway)
    os.kill(_pid(gateway), how)
    assert gateway._process is not None
    assert gateway._process.wait(30) == 0
    assert not any(_lives(pid) for pid in workers)
    assert len(_events(gateway, "gateway.stopped")) == 2
