"""Passkeys as WebAuthn knows them (W3C, level 3): what a browser is asked, and whether its answer is right.

The library is imported on first use: most portals' first minutes need none of it.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from delivery.store.passkeys import Passkey

CHALLENGE_BYTES: Final = 32
_PATIENCE: Final = 300_000  # milliseconds a browser waits for its owner
_LONGEST: Final = 30_000  # characters of an answer


class NotProven(Exception):
    """The answer of the browser is none, is to something else, or is not right."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are made and used: they are bound to both by the browser."""

    name: str  # host name, without a port
    origin: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A passkey that signed; `sign_count` as it told."""

    passkey: Passkey = field(repr=False)
    sign_count: int


def registration(site: Site, challenge: bytes, address: str, handle: bytes, known: tuple[Passkey, ...]) -> str:
    """What a browser is asked, as JSON, so that it makes a passkey: kept in the device, unlocked by its owner.

    `handle` names the person without telling who it is.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers import structs

    options = generate_registration_options(
        rp_id=site.name,
        rp_name=site.organisation,
        user_name=address,
        user_id=handle,
        challenge=challenge,
        timeout=_PATIENCE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one.credential) for one in known],
    )
    return options_to_json(options)


def registered(site: Site, challenge: bytes, answer: str, account_id: str, now: datetime) -> Passkey:
    """The new passkey in a browser's answer; any authenticator may have made it. Raises NotProven."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = verify_registration_response(
            credential=_parsed(answer),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError) as wrong:
        raise NotProven(type(wrong).__name__) from wrong
    return Passkey(
        made.credential_id,
        account_id,
        made.credential_public_key,
        made.sign_count,
        made.credential_backed_up,
        now,
    )


def request(site: Site, challenge: bytes) -> str:
    """What a browser is asked, as JSON, so that its owner picks a passkey of this site. It names none of ours: the
    question tells nobody who has an account.
    """
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers import structs

    options = generate_authentication_options(
        rp_id=site.name,
        challenge=challenge,
        timeout=_PATIENCE,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def credential_of(answer: str) -> bytes:
    """Which passkey an answer names. Raises NotProven."""
    from webauthn.helpers import base64url_to_bytes

    try:
        named = base64url_to_bytes(_parsed(answer)["rawId"])
    except (ValueError, TypeError, KeyError) as odd:
        raise NotProven(type(odd).__name__) from odd
    if not 1 <= len(named) <= 1023:
        raise NotProven("length")
    return named


def signed(site: Site, challenge: bytes, answer: str, passkey: Passkey) -> Signed:
    """That the passkey's owner was there and unlocked it. Raises NotProven, for a count that goes back too."""
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        done = verify_authentication_response(
            credential=_parsed(answer),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError) as wrong:
        raise NotProven(type(wrong).__name__) from wrong
    return Signed(passkey, done.new_sign_count)


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST:
        raise NotProven("length")
    try:
        parsed = json.loads(answer)
    except (ValueError, RecursionError) as odd:
        raise NotProven("no JSON") from odd
    if not isinstance(parsed, dict):
        raise NotProven("no object")
    return parsed
