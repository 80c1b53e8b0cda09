"""A partner whose server fails in every way we know: its mail waits, never goes in the clear, and arrives."""

import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from faults_ledger import Kill, Ledger, balances, printed, rows_in, states_in
from faults_load import send_once
from faults_peer import Manners, Peer
from faults_rig import FaultyGateway
from mailhosts import wait_for

NAME = "gateway.stmary.example"


def contexts(authority: Any, other: Any) -> dict[str, ssl.SSLContext]:
    """What the partner shows of itself, right and wrong."""

    def of(pair: Any) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(pair.certificate, pair.key)
        return made

    old = of(authority.issue(NAME))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    return {
        "right": of(authority.issue(NAME)),
        "expired": of(authority.issue(NAME, expired=True)),
        "another name": of(authority.issue("gateway.elsewhere.example")),
        "another authority": of(other.issue(NAME)),
        "TLS 1.1": old,
    }


def faults(shown: dict[str, ssl.SSLContext]) -> dict[str, Manners]:
    """Every way to fail; the last two fail behind the handshake."""
    right = Manners(context=shown["right"])
    return {
        "no STARTTLS": replace(right, starttls=""),
        "STARTTLS refused": replace(right, starttls="454 4.7.0 not now"),
        "STARTTLS cut": replace(right, context=None, starttls="220 2.0.0 go"),
        **{name: replace(right, context=context) for name, context in shown.items() if name != "right"},
        "busy": replace(right, greeting="421 4.3.2 busy"),
        "turned away": replace(right, greeting="554 5.3.2 no"),
        "later": replace(right, recipient=lambda _address: "451 4.2.1 later"),
        "refused after the dot": replace(right, end=lambda: "451 4.3.0 disk"),
        "cut after the dot": replace(right, end=lambda: ""),
    }


@pytest.mark.timeout(600)
def test_every_fault_of_a_partner(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None],
    authority: Any, tmp_path: Any, free_port: Callable[[], int], capsys: Any,
) -> None:  # fmt: skip
    (tmp_path / "other").mkdir()
    shown = contexts(authority, type(authority)(tmp_path / "other", "Other CA"))
    with Peer(free_port(), Manners(context=shown["right"])) as partner:
        more = (
            "workers: 1\nqueue: {first_retry: 1 second, longest_retry: 1 second, secure_fallback: 1 day}\n"
            f"partners:\n  st-mary:\n    domains: [stmary.example]\n    host: 127.0.0.1:{partner.port}\n"
            f"    tls: {{verify: pki, ca: {authority.path}, names: [{NAME}]}}\n"
        )
        gateway = make_faulty(peer.port, more=more)
        policy = gateway.folder / "policy.yaml"
        rule = "  - name: to partners\n    when: {recipients: partners}\n    then: secure\n"
        policy.write_text(policy.read_text().replace("otherwise:", f"{rule}otherwise:"))
        gateway.arm["retry"] = 0.2
        gateway.start()
        for number, (fault, manners) in enumerate(faults(shown).items()):
            partner.manners = manners
            partner.hang_up()
            assert send_once(gateway.smtp, ledger, f"m{number}", fault, ["stmary.example"])
            query = f"select 1 from items where recipient like 'm{number}@%' and attempts > 0"
            wait_for(lambda query=query: rows_in(gateway.store, query), why=f"{fault}: it is tried")
            ledger.kills.append(Kill(time.monotonic(), fault))
            partner.manners = Manners(context=shown["right"])
            idle(gateway)
        table = ledger.check(states_in(gateway.store), partner.arrivals())
        with capsys.disabled():
            print("\n" + printed(table))
        assert balances(table)
        assert [fault for fault, row in table.items() if row.twice_by_dot] == ["cut after the dot"]
        assert partner.in_the_clear == []
        assert all(got.tls for got in partner.got)
        assert "stmary.example" not in "".join(peer.arrivals())
        gateway.command("queue", "audit")
