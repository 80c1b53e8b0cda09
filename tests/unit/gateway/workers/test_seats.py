"""What workers know of each other."""

import asyncio
import os
import subprocess
import sys
from ipaddress import ip_address, ip_network

from gateway.rehearsal import wait_for_others
from gateway.smtp.crowd import Crowd, OneProcess
from gateway.workers.seats import Seats

HOST, OTHER = ip_address("10.0.0.1"), ip_network("2001:db8::/64")


def test_sessions_are_counted_over_all_workers() -> None:
    seats = Seats(2)
    one, two = seats.seat(0), seats.seat(1)
    assert one.enter(HOST) == (1, 1)
    assert two.enter(HOST) == (2, 2)
    assert two.enter(OTHER) == (3, 1)
    one.leave(HOST)
    assert one.sessions == two.sessions == 2
    assert one.enter(HOST) == (3, 2)


def test_one_process_counts_alike() -> None:
    crowds: list[Crowd] = [OneProcess(), Seats(1).seat(0)]
    for crowd in crowds:
        assert [crowd.enter(HOST), crowd.enter(OTHER), crowd.enter(HOST)] == [(1, 1), (2, 1), (3, 2)]
        crowd.leave(HOST)
        crowd.leave(OTHER)
        assert crowd.sessions == 1
        assert crowd.enter(HOST) == (2, 2)
        assert not crowd.crowded(0)


def test_a_worker_that_ended_counts_no_more() -> None:
    seats = Seats(2)
    seats.seat(0).enter(HOST)
    seats.seat(0).ready()
    seats.seat(0).beat(5)
    seats.clear(0)
    assert seats.seat(1).sessions == 0
    assert not seats.is_ready(0)
    assert seats.silent_seconds(0) is None


def test_the_emptier_worker_goes_first_once_it_takes_mail() -> None:
    seats = Seats(2)
    one, two = seats.seat(0), seats.seat(1)
    one.enter(HOST)
    assert not one.crowded(0)  # the other is not there yet
    two.ready()
    assert one.crowded(0)
    assert not two.crowded(0)
    two.enter(HOST)
    assert not one.crowded(0)
    assert one.crowded(1)  # whom it has let in, and not greeted yet, counts


async def test_workers_open_their_doors_together_and_one_that_does_not_come_holds_up_nobody() -> None:
    seats = Seats(2)
    one, two = seats.seat(0), seats.seat(1)
    waits = asyncio.create_task(wait_for_others(one, 60))
    await asyncio.sleep(0.02)
    assert not waits.done()
    await wait_for_others(two, 60)
    await waits
    one.enter(HOST)
    assert one.crowded(0)  # the other is about to open
    seats.clear(1)
    await wait_for_others(one, 0.01)


def test_silence_is_measured_from_the_last_sign_of_life() -> None:
    seats = Seats(1)
    assert seats.silent_seconds(0, 100.0) is None
    seats.seat(0).beat(100.0)
    assert seats.silent_seconds(0, 161.0) == 61.0


def test_one_that_was_not_forked_sits_in_the_same_rows() -> None:
    seats = Seats(2)
    later = Seats(2, seats.descriptor)
    later.seat(1).enter(HOST)
    assert seats.seat(0).enter(HOST) == (2, 2)
    assert later.seat(1).sessions == 2


def test_a_client_has_the_same_place_in_programs_that_were_not_forked_from_each_other() -> None:
    code = "import ipaddress, gateway.workers.seats as s; print(s._slot_of(ipaddress.ip_network('192.0.2.7/32')))"
    said = {
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in "123"
    }  # fmt: skip
    assert len(said) == 1
