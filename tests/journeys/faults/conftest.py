"""Sealgates with faults built in, a next hop that keeps the truth, and the books that have to balance."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from faults_disk import Disk
from faults_ledger import Ledger, rows_in
from faults_peer import Manners, Peer
from faults_rig import FaultyGateway, Zygote
from mailhosts import wait_for


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this folder."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def peer(free_port: Callable[[], int]) -> Iterator[Peer]:
    """The next hop: it refuses `bounce.example` for good and takes everything else."""

    def recipient(address: str) -> str:
        return "550 5.1.1 no such user" if address.endswith("@bounce.example") else "250 2.1.5 OK"

    with Peer(free_port(), Manners(recipient=recipient)) as running:
        yield running


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Its power can be cut, and it can be full."""
    with Disk(tmp_path) as mounted:
        yield mounted


@pytest.fixture
def ledger() -> Ledger:
    """Empty books."""
    return Ledger()


@pytest.fixture
def make_faulty(zygote: Zygote, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Callable[..., FaultyGateway]]:
    """Make Sealgates with faults; whatever still runs at the end is ended."""
    with ExitStack() as stack:

        def make(
            world: int,
            name: str = "gateway",
            *,
            folder: Path | None = None,
            twin_of: FaultyGateway | None = None,
            **options: Any,
        ) -> FaultyGateway:
            ports = {"smtp": free_port(), "portal": free_port(), "world": world}
            options.setdefault("more", "workers: 1")
            if twin_of is not None:
                gateway = FaultyGateway.twin(twin_of, ports, **options)
            else:
                gateway = FaultyGateway(zygote, (folder or tmp_path) / name, ports, **options)
            stack.callback(gateway.close)
            return gateway

        yield make


def idle(gateway: FaultyGateway, seconds: float = 180) -> None:
    """Wait until nothing is due or under way."""
    query = "select recipient, state, last_reply from items where state in ('due', 'leased')"
    wait_for(
        lambda: not rows_in(gateway.store, query), seconds=seconds,
        why=f"the queue is empty: {gateway.log.read_text()[-2000:]}",
    )  # fmt: skip


@pytest.fixture(name="idle")
def idle_fixture() -> Callable[..., None]:
    """Wait until nothing is due or under way."""
    return idle
