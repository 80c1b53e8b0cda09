"""Checks that a form was sent from a page of ours: by a token in it, and by what the browser says of its origin."""

import base64
import hashlib

from aiohttp import web

from keys.tokens import constant_time_equal
from portal.services import services_of


def token_for(cookie: str, purpose: str = "form") -> str:
    """The token of the forms in a browser that holds this cookie.

    It is derived, so nothing is kept: whoever cannot read the cookie (HttpOnly) cannot compute it, and nobody else can
    set the cookie (`__Host-`), nor learn the cookie from the token.
    """
    made = hashlib.sha256(f"sealgate {purpose}\0{cookie}".encode()).digest()
    return base64.b32encode(made[:20]).decode().lower()


def is_ours(request: web.Request, cookie: str, token: str, purpose: str = "form") -> bool:
    """Was this form in a page that we gave to this browser?"""
    return comes_from_here(request) and bool(cookie) and constant_time_equal(token_for(cookie, purpose), token)


def comes_from_here(request: web.Request) -> bool:
    """What the browser says of where the form stood. Under `Referrer-Policy: no-referrer` it writes `Origin: null` for
    forms of our own pages too, so null says nothing, and `Sec-Fetch-Site`, where it is sent, decides.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin != "null" and origin.lower() != services_of(request).origin:
        return False
    return request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
