"""MTA-STS: the record and the policy, read."""

import pytest

from delivery.stspolicy import LONGEST, Mode, StsInvalid, StsPolicy, read_policy, read_record

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.a.example\r\nmx: *.b.example\r\nmax_age: 604800\r\n"


def test_a_record_gives_its_id_and_a_wrong_one_none() -> None:
    assert read_record(["v=STSv1; id=20190429T010101;"]) == "20190429T010101"
    assert read_record(["other", "v=STSv1;id=a1"]) == "a1"
    assert read_record(["v=STSv1; x=y; id=1; z=2"]) == "1"
    for wrong in (
        [],
        ["v=STSv1; id=1", "v=STSv1; id=2"],
        ["v=STSv1"],
        ["v=STSv1;"],
        ["v=STSv1; id="],
        ["v=STSv1; id=a-b"],
        ["v=STSv1; id=" + "a" * 33],
        ["v=STSv2; id=1"],
        ["v=STSv10; id=1"],
        ["id=1; v=STSv1"],
        ["v=STSv1; id=1; nonsense"],
    ):
        assert read_record(wrong) is None, wrong


def test_a_policy_is_read_and_lists_its_hosts_alone() -> None:
    policy = read_policy("b.example", "1", GOOD)
    assert policy == StsPolicy("b.example", "1", Mode.ENFORCE, ("mail.a.example", "*.b.example"), 604800)
    assert policy == read_policy("b.example", "1", GOOD.replace(b"\r\n", b"\n") + b"unknown_key:  x y \n")
    for host in ("mail.a.example", "MAIL.A.example.", "mx1.b.example"):
        assert policy.lists(host), host
    for host in ("a.example", "x.mail.a.example", "b.example", "x.mx1.b.example", "mail.a.example.evil", ""):
        assert not policy.lists(host), host
    assert str(policy) == "the MTA-STS policy 1 of b.example"


def test_a_policy_that_lasts_too_long_lasts_a_year() -> None:
    assert read_policy("b.example", "1", GOOD.replace(b"604800", b"9999999999")).max_age == LONGEST


def test_none_needs_no_hosts() -> None:
    assert read_policy("b.example", "1", b"version: STSv1\nmode: none\nmax_age: 86400\n").mode is Mode.NONE


@pytest.mark.parametrize(
    "text",
    [
        b"",
        GOOD.replace(b"STSv1", b"STSv2"),
        GOOD.replace(b"enforce", b"Enforce!"),
        GOOD.replace(b"mode: enforce\r\n", b""),
        GOOD.replace(b"604800", b"-1"),
        GOOD.replace(b"604800", b"a week"),
        GOOD.replace(b"max_age: 604800\r\n", b""),
        GOOD.replace(b"mx: mail.a.example\r\nmx: *.b.example\r\n", b""),
        GOOD.replace(b"*.b.example", b"*"),
        GOOD.replace(b"*.b.example", b"m*.b.example"),
        GOOD.replace(b"*.b.example", b"https://b.example"),
        GOOD.replace(b"mx: *.b", b"mx *.b"),
        GOOD + b"\xff: x\n",
        b"<html>not here</html>",
        b"version: STSv1\nmode: enforce\nmax_age: 1\n" + b"".join(b"mx: a%d.example\n" % n for n in range(300)),
    ],
)  # fmt: skip
def test_what_is_no_policy(text: bytes) -> None:
    with pytest.raises(StsInvalid):
        read_policy("b.example", "1", text)


def test_a_line_of_blanks_is_looked_at_once() -> None:
    text = GOOD + b"note: x" + b" " * 400_000 + b"y \t\r\n"  # a hostile server's; counted from each blank on: minutes
    assert read_policy("a.example", "1", text) == read_policy("a.example", "1", GOOD)
