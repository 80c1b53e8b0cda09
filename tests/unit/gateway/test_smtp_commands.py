"""Reading commands: random text never raises anything but a refusal, and the good and the bad are told apart."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smtp import replies
from gateway.smtp.commands import CommandRefused, parse_command, parse_hello, parse_mail, parse_rcpt
from gateway.smtp.replies import line
from policy.message import Address

TEXT = st.text(alphabet=st.sampled_from('<>@:"\\[]()%!,;.=+- \tabAB1é\x7f'), max_size=40)


@given(st.binary(max_size=60))
def test_any_line_is_a_command_or_refused(octets: bytes) -> None:
    try:
        command = parse_command(octets)
    except CommandRefused as refused:
        assert 500 <= refused.reply.code < 560
    else:
        assert command.verb


@given(TEXT, TEXT, st.booleans())
def test_any_path_is_read_or_refused(path: str, parameters: str, extended: bool) -> None:
    for read in (
        lambda: parse_mail(f"FROM:<{path}> {parameters}", extended=extended, max_bytes=100),
        lambda: parse_rcpt(f"TO:<{path}> {parameters}", extended=extended, smtputf8=True),
        lambda: parse_rcpt(f"TO:{path}{parameters}", extended=extended, smtputf8=False),
    ):
        try:
            found = read()
        except CommandRefused as refused:
            assert 500 <= refused.reply.code < 560
        else:
            address = getattr(found, "sender", None) or getattr(found, "recipient", None)
            if address is not None and address.domain:
                assert str(address).count("@") == 1
                assert not set(str(address)) & set('<>\r\n\0 \t"(),:;\\')
                assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text", ["a" * 2000 + "@x", "a@" + "a" * 2000, "a@" + "a." * 1000 + "!", "a@" + "a-" * 1000 + "_!"]
)
def test_no_address_takes_long_to_refuse(text: str) -> None:
    started = time.process_time()
    with pytest.raises(CommandRefused):
        parse_rcpt(f"TO:<{text}>", extended=True, smtputf8=True)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("<alice@example.com>", "alice@example.com"),
        ("<Alice+tag@EXAMPLE.com.>", "Alice+tag@example.com"),
        ("alice@example.com", "alice@example.com"),
        ('<"alice"@example.com>', "alice@example.com"),
        ('<"a..b"@example.com>', "a..b@example.com"),
        ('<"a\\lice"@example.com>', "alice@example.com"),
        ("<o'neil/x=1@example.com>", "o'neil/x=1@example.com"),
        ("<alice@xn--bcher-kva.example>", "alice@xn--bcher-kva.example"),
        ("<alice@bücher.example>", "alice@xn--bcher-kva.example"),
    ],
)
def test_one_mailbox_has_one_spelling(path: str, address: str) -> None:
    assert str(parse_rcpt(f"TO:{path}", extended=True, smtputf8=True).recipient) == address


def test_the_null_sender_is_nobody() -> None:
    assert parse_mail("FROM:<>", extended=True, max_bytes=1).sender is None
    with pytest.raises(CommandRefused):
        parse_mail("FROM:", extended=True, max_bytes=1)


def test_parameters_are_kept_as_said() -> None:
    mail = parse_mail(
        "FROM:<a@b.example> SIZE=12 BODY=8bitmime RET=full ENVID=x+20y SMTPUTF8 AUTH=<>",
        extended=True,
        max_bytes=100,
        auth=True,
    )
    assert (mail.size, mail.eight_bit, mail.smtputf8, mail.ret, mail.envid) == (12, True, True, "FULL", "x+20y")
    rcpt = parse_rcpt("TO:<a@b.example> NOTIFY=success,failure ORCPT=rfc822;A+2Bb@c", extended=True, smtputf8=False)
    assert (rcpt.notify, rcpt.orcpt) == ({"SUCCESS", "FAILURE"}, "rfc822;A+2Bb@c")


@pytest.mark.parametrize("name", ["client.example", "[127.0.0.1]", "[IPv6:::1]", "under_score", "localhost"])
def test_names_that_clients_have(name: str) -> None:
    assert parse_hello(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a\x01", "<a>", "x" * 256, "böse"])
def test_names_that_nobody_has(name: str) -> None:
    with pytest.raises(CommandRefused):
        parse_hello(name)


def test_a_reply_is_one_line_whatever_the_policy_says() -> None:
    from delivery.items import Reply

    assert line(Reply(550, "5.7.1", "Nein\r\n250 danke, bitte nicht für Grüße" + "x" * 900)).count(b"\r\n") == 1
    assert line(Reply(550, "5.7.1", "für\r\n250 x")) == b"550 5.7.1 f?r 250 x\r\n"
    assert len(line(Reply(550, "5.7.1", "x" * 900))) <= 512


@pytest.mark.parametrize("line", ["RſET", "MAıL FROM:<>", "ſTARTTLS", "DATÁ"])
def test_letters_that_unicode_makes_into_ours_are_not_ours(line: str) -> None:
    command = parse_command(line.encode())
    assert command.verb not in {"RSET", "MAIL", "STARTTLS", "DATA"}


@pytest.mark.parametrize("sign", ["＠", "﹫", "％", "﹪", "！"])
def test_a_wide_or_small_sign_routes_as_little_as_the_plain_one(sign: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        parse_rcpt(f"TO:<victim{sign}evil.example@example.com>", extended=True, smtputf8=True)
    assert refused.value.reply == replies.RECIPIENT_ROUTED


@pytest.mark.parametrize("literal", ["[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_a_literal_is_told_from_a_route(literal: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        parse_rcpt(f"TO:<victim@{literal}>", extended=True, smtputf8=False)
    assert refused.value.reply == replies.RECIPIENT_LITERAL
