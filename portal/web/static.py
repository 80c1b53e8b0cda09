"""Style sheets, the script, pictures: read once, served from memory, cached by browsers under their digest."""

import hashlib
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web

_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file. `version` is the beginning of its digest."""

    body: bytes = field(repr=False)
    type: str
    version: str


class StaticFiles:
    """What lies in `portal/static`, by its path below it."""

    def __init__(self, folder: Traversable | None = None) -> None:
        self._files = dict(_gather(folder or files("portal") / "static", ""))

    def url(self, name: str) -> str:
        """Where a page finds a file; KeyError for one that is not there."""
        return f"/static/{name}?v={self._files[name].version}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /static/…: these files, and none beside them."""
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        etag = f'"{found.version}"'
        lasting = request.query.get("v") == found.version
        headers = {
            "ETag": etag,
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "public, max-age=300",
        }
        if etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        charset = "utf-8" if found.type.startswith("text/") else None
        return web.Response(body=found.body, content_type=found.type, charset=charset, headers=headers)


def _gather(folder: Traversable, prefix: str) -> list[tuple[str, StaticFile]]:
    found: list[tuple[str, StaticFile]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _gather(entry, f"{prefix}{entry.name}/")
            continue
        kind = _TYPES.get(entry.name.rpartition(".")[2])
        if kind is not None:
            body = entry.read_bytes()
            version = hashlib.sha256(body).hexdigest()[:16]
            found.append((f"{prefix}{entry.name}", StaticFile(body, kind, version)))
    return found
