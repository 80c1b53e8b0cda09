"""Forms: read within limits, from pages of ours only. Never through aiohttp's own `post()`: that one writes uploads to
temporary files, and what a guest sends is sealed before it touches a disk.
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from portal.web import csrf
from portal.web.troubles import FormTooOld, TooLarge, TooSlow, Trouble
from portal.web.visitor import visitor_of

MOST_BYTES: Final = 64 * 1024
_SECONDS: Final = 30
_FIELDS: Final = 20


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields of a posted form, the first of each name. Raises a Trouble for anything odd or foreign."""
    if request.content_type != "application/x-www-form-urlencoded" or "Content-Encoding" in request.headers:
        raise Trouble("not a form")
    if (request.content_length or 0) > MOST_BYTES:
        raise TooLarge("form")
    try:
        async with asyncio.timeout(_SECONDS):
            body = await _read(request)
    except TimeoutError as slow:
        raise TooSlow("form") from slow
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_FIELDS,
        )
    except ValueError as odd:
        raise Trouble("not a form") from odd
    if any("\0" in value for _name, value in pairs):  # nobody types it, and not every database can look it up
        raise Trouble("not a form")
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    await check_origin(request, fields.get("csrf", ""))
    return fields


async def check_origin(request: web.Request, token: str, cookie: str = "") -> None:
    """Raises FormTooOld unless the form stood in a page that we gave to this very browser (that held `cookie`)."""
    if not csrf.is_ours(request, cookie or (await visitor_of(request)).form_cookie, token):
        raise FormTooOld("token")


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > MOST_BYTES:
            raise TooLarge("form")
    return bytes(body)


def one_line(text: str, most: int) -> str:
    """Text for one line: control characters and line ends become spaces, the ends are trimmed, cut at `most`."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:most]
