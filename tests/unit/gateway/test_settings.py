"""Configurations that are good, and what they come to."""

import errno
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from delivery.hops import HopTls
from gateway.settings import Settings, SettingsInvalid, load_settings
from gateway.smtp.settings import ANYONE, OURS
from keys.keyring import KeyRing
from policy.message import Address
from policy.problem import Problem

REQUIRED = """\
hostname: gate.example.com
domains: [example.com, "*.example.com"]
data: data
keys: file:keyring.json
listeners: [{address: "127.0.0.1:2525"}]
next_hop: {host: "smtp.example.net"}
policy: policy.yaml
portal: {url: "https://secure.example.com"}
"""
Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path, certificates: Path) -> Load:
    """Load the required keys with some replaced or added."""
    for file in certificates.iterdir():
        shutil.copy(file, tmp_path)
    KeyRing.create(tmp_path / "keyring.json")
    (tmp_path / "policy.yaml").write_text("version: 1\n")

    def load(more: str = "", *, without: str = "", **options: object) -> Settings:
        lines = [line for line in REQUIRED.splitlines() if not without or not line.startswith(f"{without}:")]
        config = tmp_path / "config.yaml"
        config.write_text("\n".join([*lines, more]))
        return load_settings(config, **{"policy": False, **options})  # type: ignore[arg-type]  # keyring, policy, now

    return load


def told(load: Load, more: str, **options: object) -> list[str]:
    with pytest.raises(SettingsInvalid) as invalid:
        load(more, **options)
    return [problem.cause for problem in invalid.value.problems]


def test_the_required_keys_are_enough(load: Load, tmp_path: Path) -> None:
    settings = load()
    assert settings.data == tmp_path / "data"
    assert settings.policy == tmp_path / "policy.yaml"
    assert settings.keyring_path == tmp_path / "keyring.json"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/sealgate.db"
    assert settings.next_hop.host == "smtp.example.net:25"
    assert settings.notice_sender == "Secure mail <secure@example.com>"
    assert settings.rules == ("builtin", f"{tmp_path}/local-rules/*.yaml")
    assert list(settings.profiles) == ["standard"]
    assert settings.portal.endpoint == ("127.0.0.1", 8443)
    assert (settings.telemetry.log, settings.telemetry.metrics) == ("json", "127.0.0.1:9464")
    assert settings.workers == "auto"


def test_defaults_are_those_of_the_manual(load: Load) -> None:
    settings = load()
    assert settings.limits.model_dump() == {
        "message": "50 MiB",
        "recipients": 1000,
        "sessions": 500,
        "sessions_per_client": 50,
        "memory": "320 MiB",
        "free_disk": "64 MiB",
        "queue": 2_000_000,
        "rates": {
            "client": {"messages": None, "recipients": None, "per": "1 day"},
            "login": {"messages": None, "recipients": 500_000, "per": "1 day"},
            "sender": {"messages": None, "recipients": 500_000, "per": "1 day"},
        },
    }
    assert settings.queue.model_dump() == {
        "first_retry": "5 minutes",
        "longest_retry": "70 minutes",
        "secure_fallback": "1 hour",
        "delay_notice": "4 hours",
        "expire": "5 days",
        "history": "30 days",
        "shutdown": "30 seconds",
    }
    assert settings.next_hop.tls is HopTls.OPPORTUNISTIC
    assert settings.inside is None
    (listener,) = settings.listeners
    assert (listener.accepts, listener.require, listener.clients) == ("outbound", "network", OURS)
    profile = settings.profiles["standard"]
    assert (profile.signin.code_digits, profile.signin.code_minutes) == (6, 15)
    assert (profile.signin.tries, profile.signin.tries_a_day) == (5, 20)
    assert (profile.life.open_for, profile.life.late_reply) == (timedelta(days=30), timedelta(days=7))
    assert profile.life.retention == timedelta(days=30)
    assert not profile.notice.subject


def test_an_inbound_listener_is_open_to_anyone(load: Load) -> None:
    settings = load('listeners: [{address: "127.0.0.1:25", accepts: inbound}]', without="listeners")
    listener = settings.listeners[0]
    assert listener.clients == ANYONE
    assert listener.reports == ()  # who may be anyone is told nothing


@pytest.mark.parametrize(
    ("said", "reports"),
    [
        ("clients: [192.0.2.0/24]", "192.0.2.0/24"),
        ("clients: [192.0.2.0/24], reports: []", ""),
        ('clients: ["0.0.0.0/0"]', ""),
        ("reports: [192.0.2.7]", "192.0.2.7/32"),
    ],
)
def test_who_is_named_is_told_what_becomes_of_their_mail(load: Load, said: str, reports: str) -> None:
    text = f'listeners: [{{address: "127.0.0.1:25", accepts: inbound, {said}}}]'
    (listener,) = load(text, without="listeners").listeners
    assert ",".join(map(str, listener.reports)) == reports


@pytest.mark.parametrize(
    ("portal", "address"),
    [
        ('{url: "https://secure.example.com"}', ("127.0.0.1", 8443)),
        ('{url: "http://localhost:8080"}', ("127.0.0.1", 8080)),
        ('{url: "http://127.0.0.1:8080"}', ("127.0.0.1", 8080)),
        ('{url: "https://secure.example.com", tls: {certificate: good.pem, key: good.key}}', ("0.0.0.0", 443)),
        ('{url: "https://secure.example.com", address: "0.0.0.0:80", trusted_proxies: [10.0.0.1]}', ("0.0.0.0", 80)),
        ('{url: "https://secure.example.com", address: "[::1]:81"}', ("::1", 81)),
    ],
)
def test_where_the_portal_listens(load: Load, portal: str, address: tuple[str, int]) -> None:
    assert load(f"portal: {portal}", without="portal").portal.endpoint == address


def test_mail_by_mx_is_carried_out(load: Load) -> None:
    settings = load("next_hop: {mx: true, tls: verify}", without="next_hop")
    assert settings.next_hop.mx
    assert settings.directory().inside_verified, "without inside, next_hop is the way inside"


def test_postgresql_is_carried_out_and_never_printed(load: Load) -> None:
    settings = load("database: postgresql://sealgate:geheim@db.example.com/sealgate")
    assert settings.database_url == "postgresql+psycopg://sealgate:geheim@db.example.com/sealgate"
    assert "geheim" not in repr(settings)


def test_a_bad_database_is_not_printed_either(load: Load) -> None:
    with pytest.raises(SettingsInvalid) as invalid:
        load("database: mysql://u:geheim@db/x")
    assert "geheim" not in str(invalid.value)


def test_profiles_take_the_zone_of_the_organisation(load: Load) -> None:
    settings = load("zone: Europe/Zurich\nprofiles: {abroad: {zone: Asia/Kolkata}}\n")
    assert settings.zone == "Europe/Zurich"
    assert {name: one.zone for name, one in settings.profiles.items()} == {
        "standard": "Europe/Zurich",
        "abroad": "Asia/Kolkata",
    }


def test_what_routes_are_chosen_from(load: Load) -> None:
    settings = load(
        "inside: {host: mail.example.com}\n"
        "partners: {st-mary: {domains: [stmary.example, '*.stmary.example']}}\n"
        "profiles: {healthcare: {signin: {account: obligatory}, life: {retention: forever}}}\n"
    )
    directory = settings.directory()
    assert directory.inside_verified, "inside is verified unless said otherwise"
    assert directory.profiles == {"standard", "healthcare"}
    assert directory.partner_of(Address.parse("x@ward.stmary.example")) == "st-mary"
    assert directory.is_ours(Address.parse("x@sub.example.com"))
    assert not directory.is_ours(Address.parse("x@notexample.com"))
    assert settings.profiles["healthcare"].life.retention is None


def test_the_standard_profile_can_be_changed(load: Load) -> None:
    settings = load("profiles: {standard: {life: {retention: none, open_for: 2 weeks}}}")
    assert settings.profiles["standard"].life.retention == timedelta(0)
    assert settings.profiles["standard"].life.open_for == timedelta(days=14)
    again = type(settings.profiles["standard"]).model_validate(settings.profiles["standard"].model_dump(mode="json"))
    assert again == settings.profiles["standard"]


def test_a_certificate_and_its_key(load: Load) -> None:
    listener = (
        "listeners: [{address: '127.0.0.1:25', tls: {certificate: good.pem, key: good.key, client_ca: good.pem}}]"
    )
    settings = load(listener, without="listeners")
    assert settings.listeners[0].tls is not None
    assert settings.listeners[0].tls.certificate.is_absolute()


def test_a_certificate_in_openssls_own_form_is_told_with_the_way_out(load: Load, tmp_path: Path) -> None:
    """OpenSSL takes it, and most else does not: who reads when it ends, for one."""
    own = (tmp_path / "good.pem").read_text().replace("CERTIFICATE", "TRUSTED CERTIFICATE")
    (tmp_path / "own.pem").write_text(own)
    tls = "{certificate: own.pem, key: good.key, client_ca: own.pem}"
    with pytest.raises(SettingsInvalid) as invalid:
        load(f"listeners: [{{address: '127.0.0.1:25', tls: {tls}}}]", without="listeners")
    assert len(invalid.value.problems) == 2
    for problem in invalid.value.problems:
        assert "BEGIN TRUSTED CERTIFICATE" in problem.cause and "openssl x509 -in" in problem.hint


@pytest.mark.parametrize(
    ("days", "cause"), [(60, "the certificate expired on"), (-60, "the certificate is not valid before")]
)
def test_a_certificate_out_of_its_time_is_a_warning(load: Load, days: int, cause: str) -> None:
    """A gateway that did not start for it would stop all mail."""
    listener = "listeners: [{address: '127.0.0.1:25', tls: {certificate: good.pem, key: good.key}}]"
    now, warnings = datetime.now(UTC) + timedelta(days=days), list[Problem]()
    load(listener, without="listeners", now=now, warn=warnings.append)
    (warning,) = warnings
    assert (warning.key, warning.cause.startswith(cause)) == ("listeners[0].tls.certificate", True)
    assert str(warning).startswith("warning: ")
    causes = told(load, f"{listener}\nhostname: 5", without="listeners", now=now)
    assert len(causes) > 1  # beside a mistake it is told with it


def test_a_file_of_logins_is_read(load: Load, tmp_path: Path) -> None:
    tls = "{certificate: good.pem, key: good.key}"
    listener = f"listeners: [{{address: '127.0.0.1:25', require: login, logins: logins.txt, tls: {tls}}}]"
    (tmp_path / "logins.txt").write_text("# ours\nann:$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA\n")
    assert load(listener, without="listeners").listeners[0].logins == tmp_path / "logins.txt"
    (tmp_path / "logins.txt").write_text("ann:secret\n")
    (cause,) = told(load, listener, without="listeners")
    assert "logins.txt:1" in cause
    assert "secret" not in cause


def test_before_keys_are_made_and_a_policy_is_written(load: Load, tmp_path: Path) -> None:
    (tmp_path / "keyring.json").unlink()
    (tmp_path / "policy.yaml").unlink()
    assert load(keyring=False, policy=False).keyring_path == tmp_path / "keyring.json"
    assert len(told(load, "", policy=True)) == 2


def test_a_bad_policy_is_told_with_the_configuration(load: Load, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("rules: [{name: a, then: secur}]\n")
    (cause,) = told(load, "", policy=True)
    assert cause.startswith('"secur" is none of')
    assert load(policy=False).policy == tmp_path / "policy.yaml"


def test_a_pattern_of_packs_may_match_none_or_many(load: Load, tmp_path: Path) -> None:
    load("rules: [builtin, local/*.yaml]", policy=True)
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "bad.yaml").write_text("detectors: [1]\n")
    assert told(load, "rules: [builtin, local/*.yaml]", policy=True)


def test_python_names_are_no_keys_of_the_file(load: Load) -> None:
    assert told(load, "notices: {sender: 'a <a@example.com>'}") == ["is no key here"]
    assert load("notices: {from: 'a <a@example.com>'}").notice_sender == "a <a@example.com>"


@pytest.mark.parametrize("opened", ["(", "a:", "<"])
def test_a_sender_made_to_break_the_parser_is_told(load: Load, opened: str) -> None:
    assert any("is no sender" in one for one in told(load, f"notices: {{from: '{opened * 4_000}a@example.com'}}"))


def test_files_are_named_as_the_configuration_was(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    (tmp_path / "policy.yaml").write_text("rule: []\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsInvalid) as invalid:
        load_settings(Path("config.yaml"))
    assert str(invalid.value.problems[0]) == 'policy.yaml:1:1: rule: is no key here. Did you mean "rules"?'


def test_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="does not exist"):
        load_settings(tmp_path / "none.yaml")
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        load_settings(tmp_path)


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 70000),
        st.floats(),
        st.text(max_size=6),
        st.sampled_from(["a.b:1", "*.x"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["host", "mx", "tls", "address", "url", "a", "domains", "standard"]), inner),
    ),
    max_leaves=10,
)


@pytest.mark.slow
@given(st.dictionaries(st.one_of(st.sampled_from(list(Settings.model_fields)), st.text(max_size=3)), _VALUES))
@hypothesis.settings(
    max_examples=200, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_no_configuration_breaks_it(tmp_path: Path, data: dict[str, object]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(REQUIRED), **data}), "utf-8")
    with pytest.raises(SettingsInvalid) as invalid:  # there is no keyring, if nothing else
        load_settings(config, policy=False)
    for problem in invalid.value.problems:
        assert problem.cause
        assert problem.line >= 1


READS = "reading: {pictures: true, languages: [eng, deu]}"


def test_pictures_need_their_program(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.consistency.find_tesseract", lambda: None)
    assert told(load, READS) == ["reading.pictures needs tesseract, which is not installed"]
    assert not load(READS.replace("true", "false")).reading.pictures


def test_pictures_need_their_languages(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.consistency.find_tesseract", lambda: "/usr/bin/tesseract")
    monkeypatch.setattr("gateway.consistency.known_languages", lambda _: frozenset({"eng", "osd"}))
    assert told(load, READS) == ["tesseract does not know the language deu"]
    monkeypatch.setattr("gateway.consistency.known_languages", lambda _: frozenset({"eng", "deu"}))
    assert load(READS).reading.languages == ("eng", "deu")


def test_groups_of_senders_have_profiles(load: Load) -> None:
    settings = load(
        "profiles: {strict: {signin: {account: obligatory}}}\n"
        "profile_groups:\n"
        "  heads: {senders: [Ann@example.com], profiles: [strict, standard], default: standard}\n"
        "  staff: {senders: [example.com], profiles: [strict]}\n"
    )
    directory = settings.directory()
    ann, ben, eve = (Address.parse(text) for text in ("ann@EXAMPLE.com", "ben@example.com", "eve@else.example"))
    assert (directory.group_of(ann).default, directory.group_of(ann).profiles) == ("standard", ("strict", "standard"))
    assert directory.group_of(ben).default == "strict"
    assert directory.group_of(eve) == directory.group_of(None)
    assert directory.group_of(eve).profiles == ("standard",)


TEXTS = 'phones: {sms: {url: "https://sms.example/", form: {to: "{number}", text: "{text}"}}}\n'


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("profiles: {p: {signin: {ways: [sms]}}}", "sms needs somebody who does it"),
        (TEXTS + "profiles: {p: {signin: {ways: [sms, voice]}}}", "voice needs somebody who does it"),
        (TEXTS.replace("{text}", "{txt}"), "nothing that could be filled in"),
        (TEXTS.replace("sms:", "directory: phones.csv, sms:"), "line 1 is not address, comma, number"),
        ('phones: {sms: {url: "https://s.example/", form: {n: "{number}", t: "{code} {k}"}, secrets: {k: empty}}}',
         "a secret is one line"),
        ('phones: {sms: {url: "https://s.example/", form: {n: "{number}", t: "{code}"}, jwt: {key: phones.csv}}}',
         "it is no private key"),
        ("phones: {prefixes: ['+41']}", "nobody sends texts or calls"),
    ],
)  # fmt: skip
def test_a_way_needs_what_it_goes_by(load: Load, tmp_path: Path, said: str, cause: str) -> None:
    (tmp_path / "phones.csv").write_text("maria@post.example, 079 123 45 67\n")
    (tmp_path / "empty").write_text("\n")
    [told_cause] = told(load, said)
    assert cause in told_cause


def test_telephones_as_the_manual_has_them(load: Load) -> None:
    settings = load(TEXTS + "profiles: {p: {signin: {ways: [sms], remember_device: 10 days}}}")
    assert settings.phones is not None and settings.phones.voice is None
    assert settings.phones.limits.model_dump() == {"number_hour": 5, "number_day": 10, "day": 1000}


@pytest.mark.parametrize(
    ("key", "more", "expected"),
    [
        ("data", "data: closed/data", "closed cannot be written"),
        ("rules", "rules: [builtin, closed/pack.yaml]", "its folder may not be looked into"),
        ("policy", "policy: closed/policy.yaml", "closed/policy.yaml cannot be read: Permission denied"),
    ],
)
def test_a_folder_that_nobody_may_look_into_is_told(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, more: str, expected: str
) -> None:
    """By a stat that refuses: the tests may run as root, who may look everywhere."""
    looks, may = os.stat, os.access

    def stat(path: Any, **options: Any) -> os.stat_result:
        if isinstance(path, str | Path) and "closed" in Path(path).parts[:-1]:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return looks(path, **options)

    (tmp_path / "closed").mkdir()
    monkeypatch.setattr("os.stat", stat)
    monkeypatch.setattr("os.access", lambda path, mode: "closed" not in str(path) and may(path, mode))
    (cause,) = told(load, more, without=key, policy=True)
    assert expected in cause
