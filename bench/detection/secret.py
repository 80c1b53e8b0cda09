"""Keys, tokens and passwords, in the forms that those who give them publish. None was ever given to anybody."""

import base64
import json
import random

from detection.digits import UPPER, some

_ALNUM = UPPER + UPPER.lower() + "0123456789"


def _run(rng: random.Random, count: int, among: str = _ALNUM) -> str:
    return "".join(rng.choice(among) for _ in range(count))


def private_key(rng: random.Random) -> str:
    """PEM (RFC 7468)."""
    kind = rng.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    body = "\n".join(_run(rng, 64, _ALNUM + "+/") for _ in range(4))
    return f"-----BEGIN {kind}-----\nMII{body}\n-----END {kind}-----"


def no_private_key(rng: random.Random) -> str:
    """What is public, or only spoken of."""
    body = _run(rng, 64, _ALNUM + "+/")
    public = rng.choice(("PUBLIC KEY", "CERTIFICATE", "CERTIFICATE REQUEST"))
    return rng.choice(
        (
            f"-----BEGIN {public}-----\n{body}\n-----END {public}-----",
            "The file begins with BEGIN RSA PRIVATE KEY",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + _run(rng, 43),
        )
    )


def aws(rng: random.Random) -> str:
    """Amazon: AKIA or ASIA and sixteen of base 32."""
    return rng.choice(("AKIA", "ASIA")) + _run(rng, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def no_aws(rng: random.Random) -> str:
    """Too short, or small letters."""
    return rng.choice(("AKIA" + _run(rng, 9, UPPER), "akia" + _run(rng, 16, UPPER.lower()), "AKIAIOSFODNN7EXAMPLE"))


def github(rng: random.Random) -> str:
    """GitHub: ghp_ and 36, or github_pat_."""
    return rng.choice(
        (f"{rng.choice(('ghp', 'gho', 'ghs'))}_{_run(rng, 36)}", f"github_pat_{_run(rng, 22)}_{_run(rng, 59)}")
    )


def no_github(rng: random.Random) -> str:
    """Too short."""
    return rng.choice((f"ghp_{_run(rng, 12)}", "github_pat_", _run(rng, 40, "0123456789abcdef")))


def slack(rng: random.Random) -> str:
    """Slack: xoxb- and the like."""
    return f"{rng.choice(('xoxb', 'xoxp'))}-{some(rng, 12, '123456789')}-{some(rng, 12, '123456789')}-{_run(rng, 24)}"


def no_slack(rng: random.Random) -> str:
    """Too short."""
    return rng.choice(("xoxb-", "xoxb-token", f"xoxo-{some(rng, 4)}"))


def jwt(rng: random.Random) -> str:
    """RFC 7519."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps({"sub": some(rng, 10), "iat": 1516239022}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{_run(rng, 43, _ALNUM + '-_')}"


def no_jwt(rng: random.Random) -> str:
    """Points and letters that are something else."""
    return rng.choice(
        (
            f"{_run(rng, 10)}.{_run(rng, 10)}.{_run(rng, 10)}",
            "eyJ is how one begins",
            f"www.{_run(rng, 12).lower()}.example",
        )
    )


def password(rng: random.Random) -> str:
    """What people think up."""
    return (
        rng.choice(("Summer", "Winter", "Kitty", "Dragon", "Berlin", "qwerty"))
        + some(rng, rng.choice((2, 4)))
        + rng.choice("!#$%*&")
    )


def no_password(rng: random.Random) -> str:
    """What stands behind the word otherwise."""
    return rng.choice(
        (
            "expired yesterday",
            "reset link",
            "must have 12 characters",
            "policy has changed",
            "protected",
            "********",
            "<your password>",
            "required",
        )
    )
