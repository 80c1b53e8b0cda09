"""Mail that is well-behaved: signed, reported on as its sender asked, and never going round for ever."""

import json
import smtplib
from email import message_from_bytes
from pathlib import Path
from typing import Any

import dkim
import pytest
from mailhosts import Arrival, Postfix, Sink, has_postfix, wait_for
from started import Gateway

from delivery.dkimkeys import make_key, read_key, record_name, record_text

DKIM = "notices: {{from: 'Example Clinic <secure@example.com>', dkim: {{selector: s1, key: dkim.pem, relayed: true}}}}"
ODD = (
    b"From: Alice <alice@example.com>\r\nTo: bob@friends.example\r\nSubject:  two  blanks \r\n\tand a fold \r\n"
    b"X-Odd: \xff\xfe \x01\r\nnot a field\r\n\r\n.dot\r\n..dots \xc3\x28\r\n" + b"x" * 900 + b"\r\n \t \r\n\r\n\r\n"
)


def signing(gateway: Gateway) -> None:
    """Give it a key."""
    make_key(gateway.folder / "dkim.pem", bits=None)
    text = gateway.config.read_text()
    old = next(line for line in text.splitlines() if line.startswith("notices:"))
    gateway.config.write_text(text.replace(old, DKIM.format()))


def verified(gateway: Gateway, arrival: Arrival) -> bool:
    key = read_key(gateway.folder / "dkim.pem", "example.com", "s1")
    names = {f"{record_name(key)}.".encode(): record_text(key).encode()}
    return bool(dkim.DKIM(arrival.raw).verify(dnsfunc=lambda name, timeout=5: names.get(name)))


def send(gateway: Gateway, raw: bytes, *to: str, options: tuple[str, ...] = (), wishes: tuple[str, ...] = ()) -> None:
    with smtplib.SMTP("127.0.0.1", gateway.smtp, timeout=60) as client:
        client.ehlo()
        client.sendmail("alice@example.com", list(to), raw, mail_options=options, rcpt_options=wishes)


def ended(gateway: Gateway) -> list[dict[str, Any]]:
    """The log's lines of items that came to an end."""
    lines = (json.loads(line) for line in gateway.log.read_text().splitlines() if '"event": "item.' in line)
    return [line for line in lines if line["event"] in {"item.sent", "item.stored", "item.bounced"}]


def status(arrival: Arrival) -> list[dict[str, str]]:
    """The groups of a DSN's second part: of the message, then of each recipient."""
    parts = message_from_bytes(arrival.raw).get_payload()
    assert isinstance(parts, list)
    groups = parts[1].get_payload()
    return [{name.lower(): value for name, value in group.items()} for group in groups]


def test_what_is_sent_is_signed_whole_and_reported_as_asked(world: Sink, make_gateway, letter) -> None:
    world.replies |= {"nobody": "550 5.1.1 no such user", "silent": "550 5.1.1 no such user"}
    gateway: Gateway = make_gateway(world.port)
    signing(gateway)
    gateway.start()
    send(gateway, ODD, "bob@friends.example")
    [arrival] = world.wait("bob@friends.example")
    head, behind = arrival.raw.split(b"Received:", 1)
    assert head.startswith(b"DKIM-Signature:")
    assert behind.endswith(ODD)
    assert b"Received:" not in behind[: -len(ODD)]

    mail = letter().as_bytes(policy=letter().policy.clone(linesep="\r\n"))
    wishes = ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;first@friends.example")
    send(gateway, mail, "bea@friends.example", "nobody@friends.example", options=("ENVID=q+2B1",), wishes=wishes)
    send(gateway, mail, "silent@friends.example", wishes=("NOTIFY=NEVER",))
    [arrival] = world.wait("bea@friends.example")
    assert verified(gateway, arrival)
    reports = world.wait("alice@example.com")  # one mail tells of all that became known together
    said = [(group["action"], group["original-recipient"]) for report in reports for group in status(report)[1:]]
    assert sorted(said) == [("failed", "rfc822; first@friends.example"), ("relayed", "rfc822; first@friends.example")]
    assert {status(report)[0]["original-envelope-id"] for report in reports} == {"q+1"}
    for report in reports:
        assert report.sender in ("", "<>")
        assert message_from_bytes(report.raw)["Auto-Submitted"] == "auto-replied"
        # its From is of the host, below the domain that signs
        assert verified(gateway, report)

    send(gateway, mail.replace(b"Nothing special.", b"SSN 536-22-1234"), "dora@post.example")
    [notice] = world.wait("dora@post.example")
    assert verified(gateway, notice)
    assert message_from_bytes(notice.raw)["Auto-Submitted"] == "auto-generated"
    wait_for(lambda: len(ended(gateway)) == 7, why="five recipients, a report and a notice have an end")
    assert len(world.for_("alice@example.com")) == 1  # and never a word of what was to be silent


@pytest.mark.postfix
def test_a_next_hop_that_confirms_does_so_itself(world: Sink, make_gateway, letter, free_port, tmp_path: Path) -> None:
    if not has_postfix():
        pytest.skip("missing: Postfix, run as root (make system-packages installs it)")
    world.replies |= {"nobody": "550 5.1.1 no such user"}
    with Postfix(tmp_path / "pf", free_port(), main={"relayhost": f"[127.0.0.1]:{world.port}"}) as postfix:
        gateway: Gateway = make_gateway(postfix.port)
        gateway.start()
        mail = letter().as_bytes(policy=letter().policy.clone(linesep="\r\n"))
        wishes = ("NOTIFY=SUCCESS", "ORCPT=rfc822;first@friends.example")
        send(gateway, mail, "bob@friends.example", options=("RET=HDRS", "ENVID=q1"), wishes=wishes)
        world.wait("bob@friends.example")
        [report] = world.wait("alice@example.com")
        assert status(report)[0]["original-envelope-id"] == "q1"
        assert status(report)[1]["original-recipient"] == "rfc822;first@friends.example"
        assert b"(Postfix)" in report.raw or b"mail.example.com" in report.raw
        assert [one["event"] for one in ended(gateway)] == ["item.sent"]
        assert len(world.for_("alice@example.com")) == 1


def test_mail_from_outside_is_refused_at_the_door_and_never_answered_to_a_stranger(
    world: Sink, make_gateway, free_port, letter
) -> None:
    """Whom `inside` does not have is refused; of what is refused later only senders of known clients hear."""
    world.replies["nobody"] = "550 5.1.1 unknown in ou=people,dc=inside"
    doors = {"": free_port(), "clients: [127.0.0.0/8]": free_port()}
    gateway: Gateway = make_gateway(world.port, more="workers: 1")  # one memory of who is there
    here = "listeners:\n"
    more = [f'  - {{address: "127.0.0.1:{port}", accepts: inbound, {how}}}\n' for how, port in doors.items()]
    gateway.config.write_text(gateway.config.read_text().replace(here, "".join([here, *more])))
    gateway.start()
    raw = letter().as_bytes(policy=letter().policy.clone(linesep="\r\n"))

    def bring(port: int, sender: str, to: str) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.sendmail(sender, [to], raw, rcpt_options=["NOTIFY=SUCCESS,FAILURE,DELAY"])

    stranger, partner = doors.values()
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        bring(stranger, "victim@elsewhere.example", "nobody@example.com")
    assert refused.value.recipients == {"nobody@example.com": (550, b"5.1.1 No such recipient here")}
    bring(stranger, "victim@elsewhere.example", "carol@example.com")
    world.wait("carol@example.com")
    world.replies["carol"] = "550 5.2.1 closed since"
    bring(stranger, "victim@elsewhere.example", "carol@example.com")
    wait_for(lambda: len(ended(gateway)) == 2, why="the second is refused inside")
    bring(partner, "dora@stmary.example", "carol@example.com")
    [report] = world.wait("dora@stmary.example")
    assert status(report)[1]["status"] == "5.2.1"
    assert world.for_("victim@elsewhere.example") == []
    gateway.command("queue", "audit")


def test_two_gateways_that_send_everything_to_each_other_end_it(tmp_path: Path, free_port, letter) -> None:
    doors = free_port(), free_port()
    gateways = []
    try:
        for number, name in enumerate(("gate.example.com", "other.example.com")):
            ports = {"smtp": doors[number], "portal": free_port(), "world": doors[1 - number]}
            gateway = Gateway(tmp_path / name, ports)
            gateway.config.write_text(
                gateway.config.read_text().replace("hostname: gate.example.com", f"hostname: {name}")
            )
            gateways.append(gateway)
            gateway.start()
        send(gateways[0], letter().as_bytes(policy=letter().policy.clone(linesep="\r\n")), "bob@friends.example")

        def refused() -> list[dict[str, Any]]:
            return [one for gateway in gateways for one in ended(gateway) if one["reply"] == "554 5.4.6"]

        # the letter, and the report of its end, which goes round for a while itself: nobody reports of a report
        wait_for(lambda: len(refused()) == 2, seconds=60, why="the ring ends")
        passed = [one for gateway in gateways for one in ended(gateway)]
        assert len(passed) <= 2 * 2 * 7
        assert gateways[0].rows("queue", "list") == []
    finally:
        for gateway in gateways:
            gateway.close()
