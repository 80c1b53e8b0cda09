"""Keys, tokens, passwords, dates of birth, and ordinary mail in which none of them is."""

import base64
import json
import random
from collections.abc import Iterator
from itertools import cycle
from zlib import crc32

import pytest

from rules.checks import CHECKS
from rules.finding import Confidence
from rules.matching import Matcher
from rules.verdict import Verdict

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
COUNT = 20
WALLET = (
    "ladder copper onion tide velvet basket rocket humble lemon jungle orbit quick "
    "marble wagon saddle frost pepper canyon olive tunnel hockey blanket surge vivid"
)
PLACES = ("{}", "The value is {} as you asked.", "key\t{}\tok", "> {}\n> regards", 'x = "{}"')


def sure(matcher: Matcher, text: str, least: Confidence = Confidence.MEDIUM) -> set[str]:
    return {f.detector for f in matcher.scan_text(text) if f.confidence.rank >= least.rank}


def run(rng: random.Random, count: int, among: str = _ALNUM) -> str:
    return "".join(rng.choice(among) for _ in range(count))


def github(rng: random.Random) -> str:
    body = run(rng, 30)
    rest, check = crc32(body.encode()), ""
    while rest:
        rest, digit = divmod(rest, 62)
        check = _BASE62[digit] + check
    return f"{rng.choice(('ghp', 'gho', 'ghu', 'ghs', 'ghr'))}_{body}{check:0>6}"


def pem(rng: random.Random) -> str:
    kind = rng.choice(("", "RSA ", "EC ", "DSA ", "ENCRYPTED ", "OPENSSH "))
    lines = "\n".join(run(rng, 64, _ALNUM + "+/") for _ in range(5))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def web_token(rng: random.Random) -> str:
    parts = ({"alg": "RS256", "typ": "JWT"}, {"sub": run(rng, 9), "iat": rng.randint(1, 1 << 30)})
    head, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{claims}.{run(rng, 86, _ALNUM + '-_')}"


MADE = {
    "secret.private_key": pem,
    "secret.aws": lambda rng: rng.choice(("AKIA", "ASIA")) + run(rng, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "secret.google": lambda rng: "AIza" + run(rng, 35, _ALNUM + "-_"),
    "secret.azure": lambda rng: "AccountKey=" + run(rng, 86, _ALNUM + "+/") + "==",
    "secret.github": github,
    "secret.gitlab": lambda rng: "glpat-" + run(rng, 20),
    "secret.slack": lambda rng: f"xoxb-{run(rng, 12, '123456789')}-{run(rng, 12, '123456789')}-{run(rng, 24)}",
    "secret.stripe": lambda rng: rng.choice(("sk_live_", "rk_live_", "sk_test_")) + run(rng, 24),
    "secret.mail_service": lambda rng: f"SG.{run(rng, 22)}.{run(rng, 43)}",
    "secret.ai_service": lambda rng: rng.choice(("sk-proj-" + run(rng, 48), "sk-ant-api03-" + run(rng, 95))),
    "secret.package_registry": lambda rng: rng.choice(("npm_" + run(rng, 36), "pypi-AgEIcHlwaS5vcmc" + run(rng, 60))),
    "secret.jwt": web_token,
}
SPOILT = {
    "secret.private_key": "-----BEGIN PUBLIC "
    "KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo",
    "secret.aws": "AKIAIOSFODNN7EXAMPLE",
    "secret.google": "AIza" + "x" * 35,
    "secret.azure": "AccountKey=<your-account-key>==",
    "secret.github": "ghp_" + "x" * 36,
    "secret.gitlab": "glpat-" + "x" * 20,
    "secret.slack": "xoxb-not-a-token",
    "secret.stripe": "pk_live_kT8vQ2zXn4Lr0PbYs6HcJ1mW",
    "secret.mail_service": "SG.Kauf.Vertrag",
    "secret.ai_service": "sk-learn-contrib",
    "secret.package_registry": "npm_config_registry",
    "secret.jwt": "eyJhbGciOiJIUzI1NiJ9.not.atoken",
}


def numbers() -> Iterator[random.Random]:
    return (random.Random(seed) for seed in range(COUNT))


@pytest.mark.parametrize("detector", MADE)
def test_tokens_of_a_form_are_found_and_placeholders_are_not(matcher: Matcher, detector: str) -> None:
    texts = [place.format(MADE[detector](rng)) for rng, place in zip(numbers(), cycle(PLACES), strict=False)]
    assert [text for text in texts if detector not in sure(matcher, text)] == []
    assert not any(name.startswith("secret.") for name in sure(matcher, SPOILT[detector]))
    cut = [MADE[detector](rng)[:9] for rng in numbers()]  # too short for any of them
    assert [text for text in cut if detector in sure(matcher, text)] == []


def test_a_whole_key_is_one_value_and_nothing_of_it_is_shown(matcher: Matcher) -> None:
    text = f"Here:\n{pem(random.Random(1))}\nregards"
    (finding,) = (finding for finding in matcher.scan_text(text) if finding.detector == "secret.private_key")
    (hit,) = finding.hits
    assert text.count("\n", hit.start, hit.end) >= 5
    assert not any(line in hit.excerpt for line in text.split("\n")[2:7])


def test_a_token_of_github_is_surer_where_its_sum_holds(matcher: Matcher) -> None:
    token = github(random.Random(3))
    other = token[:-1] + ("a" if token[-1] != "a" else "b")
    assert "secret.github" in sure(matcher, token, Confidence.HIGH)
    assert "secret.github" in sure(matcher, other) - sure(matcher, other, Confidence.HIGH)


PASSWORDS = (
    "Summer2024!",
    "kX7#mPq2",
    "hunter2",
    "Tr0ub4dor&3",
    "s3cr3t",
    "Zx81-kk2",
    "p@ssw0rd",
    "Gr8lakes!",
    "12345678",
    "xK9_pQ2w",
)
LABELS = (
    "password: {}",
    "Password = {}",
    "pwd={}",
    "PASSWD: {}",
    "Your password is: {}",
    "Passwort: {}",
    "Kennwort lautet: {}",
    "mot de passe : {}",
    "contraseña: {}",
    '"password": "{}"',
    "db_password={}",
    "Password:\t{}",
    "<password>{}</password>",
    "senha: {}",
    "wachtwoord: {}",
    "hasło: {}",
    "пароль: {}",
    "パスワード：{}",
    "login / password: bob / {}",
    "Passwort (neu): {}",
)


@pytest.mark.parametrize("label", LABELS)
def test_passwords_behind_a_label(matcher: Matcher, label: str) -> None:
    texts = [label.format(password) for password in PASSWORDS]
    assert [text for text in texts if "secret.password" not in sure(matcher, text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "password: see below",
        "Password: required",
        "Password: optional field",
        "Passwort: siehe unten",
        "Passwort folgt per SMS",
        "mot de passe : voir ci-dessous",
        "mot de passe oublié ?",
        "contraseña: ver abajo",
        "password: ********",
        "password: xxxxxxxx",
        "password: <your password>",
        "password: ${DB_PASSWORD}",
        "password: {{ vault }}",
        "password = getPassword()",
        "password=user_password",
        "password: str",
        "def login(user, password):",
        "if password == other:",
        "password = self.password",
        "password: os.environ['PW']",
        "Forgot your password? Click here: https://example.com/reset?x=1",
        "The password is case sensitive",
        "The password must have 12 characters",
        "Your password is about to expire",
        "Password reset requested",
        "password is incorrect",
        "Please change your password every 90 days.",
        "password: n/a",
        "Password protected document",
        "The password was sent separately.",
        "Password:\n\nUsername:\n",
        "pwd is not set",
        "enter your password: ",
        "PASSWORD: [removed]",
        "password: 'changeme'",
        "Your password has been changed on 12/03/2024.",
        "a password manager such as 1Password",
        "password-protected ZIP files (AES-256)",
    ],
)
def test_no_password_stands_there(matcher: Matcher, text: str) -> None:
    assert "secret.password" not in sure(matcher, text)


DATES = (
    "04/12/1985",
    "4/12/85",
    "1985-04-12",
    "12.04.1985",
    "12-04-1985",
    "12 April 1985",
    "April 12, 1985",
    "Apr 12th 1985",
    "12th of April 1985",
    "12-Apr-1985",
    "1985/04/12",
    "12 . 04 . 1985",
    "19850412",
    "12. April 1985",
)
BORN = (
    "DOB: {}",
    "Date of birth: {}",
    "D.O.B. {}",
    "birth date {}",
    "(DOB {})",
    "Geburtsdatum: {}",
    "geboren am {}",
    "né le {}",
    "fecha de nacimiento: {}",
    "data di nascita {}",
    "geboortedatum: {}",
    "data de nascimento: {}",
    "fødselsdato {}",
    "Name,DOB\nDoe,{}",
    '"birthDate": "{}"',
    "date_of_birth={}",
    "She was born on {}",
    "Data urodzenia: {}",
    "Født: {}",
    "дата рождения: {}",
)


@pytest.mark.parametrize("form", BORN)
def test_dates_of_birth(matcher: Matcher, form: str) -> None:
    texts = [form.format(date) for date in DATES]
    assert [text for text in texts if "date_of_birth" not in sure(matcher, text)] == []


@pytest.mark.parametrize("date", DATES)
def test_a_date_that_is_nobodys_birth(matcher: Matcher, date: str) -> None:
    texts = [f"Invoice of {date}", f"Meeting on {date}", f"Admitted: {date}", f"Expires {date}", f"Date: {date}"]
    assert [text for text in texts if "date_of_birth" in sure(matcher, text)] == []


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("31/04/1985", Verdict.NO),
        ("29.02.1985", Verdict.NO),
        ("29.02.1984", Verdict.YES),
        ("04/31/1985", Verdict.NO),
        ("12 Brumaire 1985", Verdict.NO),
        ("12 août 1985", Verdict.YES),
        ("12. März 1985", Verdict.YES),
        ("1 de enero de 1985", Verdict.YES),
        ("12 września 1985", Verdict.YES),
        ("12 апреля 1985", Verdict.YES),
        ("1885-01-01", Verdict.NO),
        ("1985年4月12日", Verdict.YES),
        ("13/13/1985", Verdict.NO),
    ],
)
def test_days_that_there_are(text: str, verdict: Verdict) -> None:
    assert CHECKS["birth_date"].test(text) is verdict


ORDINARY = (
    "From 4f5a1c2d3e4b5a69788796a5b4c3d2e1f0a9b8c7 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] "
    "auth: hash the password\n\n"
    "diff --git a/auth.py b/auth.py\nindex 83db48f..bf269f4 100644\n--- a/auth.py\n+++ b/auth.py\n@@ -1,7 +1,7 @@\n"
    "-password = request.form['password']\n+password = "
    "hash_password(request.form.get('password'))\n+token = os.environ['TOKEN']\n",
    "2024-03-15T12:34:56.123Z INFO gateway[1234]: session 550e8400-e29b-41d4-a716-446655440000 "
    "user=alice ms=12345678901 "
    "Mar 15 12:34:56 host sshd[4711]: Failed password for invalid user admin from 192.0.2.1 port 54321 ssh2",
    "Rechnung Nr. 2024-001234\nKundennummer: 12345678\nUSt-IdNr. DE123456789\nBetrag: 1.234,56 "
    "EUR, zahlbar bis 15.04.2024\n"
    "Telefon +49 30 12345678, Fax 030 / 123 456 79",
    "Facture n° 20240315, SIREN 732 829 320 RCS Paris, TVA FR44732829320, tél. 01 23 45 67 89, montant 1 234,56 €",
    "Factura 2024/0315, CIF B12345674, teléfono 912 345 678, importe 1.234,56 €. Envío sin cargo 612 345 678.",
    "Fattura n. 123/2024, P.IVA 12345678903, tel. 06 1234 5678, scadenza 15/04/2024, protocollo 20240315123456",
    "Pedido 123456789, entrega prevista 15/04/2024, rastreio BR123456789BR, CEP 01310-100",
    "Your order 112-3456789-1234567 has shipped: 1Z999AA10123456784, arriving 15 April 2024. FedEx 1234 5678 9012.",
    "Join Zoom: https://zoom.example/j/98765432101?pwd=aaaa Meeting ID: 987 6543 2101 Passcode: 536221 +1 646 558 8656",
    "The company was founded in 1985; its first product shipped on 12 April 1986. Earnings "
    "rose, said the board of directors.",
    "Unsubscribe: https://news.example.com/u/0123456789abcdef0123456789abcdef?id=12345678901&sig=abc123",
    "This e-mail may contain legally privileged and confidential information. If you are not "
    "the intended recipient, delete it.",
    "Reset your password: https://example.com/reset?token=8f14e45fceea167a5a36dedd4bea2543 (valid for 24 hours)",
    "Bestelling 1234567890, klantnummer 123456782, bel 020 123 4567 of mail ons. Geboren om te fietsen!",
    "Ordrenr. 12345678, leveres 15.04.2024, ring 12 34 56 78. Serienummer 123456-7890.",
    "e = mc**2; id=9876543210; 3.14159265358979; 0x7fffffffffff; v1.2.345.6789; 10.0.0.1:8080; 00:1b:44:11:3a:b7",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_mail_in_several_languages(matcher: Matcher, text: str) -> None:
    assert sure(matcher, text) == set()


@pytest.mark.parametrize("value", ["fG8_kLq2WmZx", "K_5ZvW8lPqwe", "Xw3uQkd_7aLp"])
def test_a_password_that_was_drawn_needs_no_colon(matcher: Matcher, value: str) -> None:
    assert "secret.password" in sure(matcher, f"use the name kit.rath and password {value} to log in")


@pytest.mark.parametrize("value", ["PostgreSQLServer", "RSA2048bitKey", "iPhone15ProMax", "OAuth2Token"])
def test_names_that_mix_capitals_were_not_drawn(matcher: Matcher, value: str) -> None:
    assert "secret.password" not in sure(matcher, f"the password {value} asks for is in the vault")


@pytest.mark.parametrize("count", [12, 15, 18, 21, 24])
def test_the_words_that_restore_a_wallet(matcher: Matcher, count: int) -> None:
    words = WALLET.split()
    plain = " ".join(words[:count])
    numbered = "\n".join(f"{place}. {word}" for place, word in enumerate(words[:count], 1))
    assert "secret.private_key" in sure(matcher, f"my recovery phrase: {plain}")
    assert "secret.private_key" in sure(matcher, f"Seed words:\n{numbered}")
    assert "secret.private_key" not in sure(matcher, f"my recovery phrase: the {plain}")
    assert "secret.private_key" not in sure(matcher, f"my recovery phrase: {' '.join(words[: count - 1])}")
    assert "secret.private_key" not in sure(matcher, plain)
