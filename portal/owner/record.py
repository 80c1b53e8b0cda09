"""The audit record of a box, as a page to print and as JSON."""

import json

from aiohttp import web

from delivery.safebox.auditrecord import AuditRecord, record_as_json
from portal.owner.entry import keeper_of, path_of
from portal.owner.pages import RecordPage
from portal.services import services_of
from portal.web.downloads import download_headers
from portal.web.render import _, render
from portal.web.times import clock_in
from portal.web.troubles import NothingHere


async def page(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID/record: from closing on."""
    record = await _record(request)
    here = path_of(record.summary.id)
    clock = clock_in(record.zone, services_of(request).clock())
    shown = RecordPage(_("Record of a protected message"), here, record, clock)
    return await render(request, "owner/record.html", shown)


async def as_json(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID/record.json."""
    record = await _record(request)
    text = json.dumps(record_as_json(record), ensure_ascii=False, indent=2) + "\n"
    headers = {"Cache-Control": "private, no-store", **download_headers(f"record-{record.summary.id}.json")}
    return web.Response(text=text, content_type="application/json", charset="utf-8", headers=headers)


async def _record(request: web.Request) -> AuditRecord:
    """Raises NothingHere for boxes of others, as for unknown ones; an open box leads back to its page."""
    keeper, services = await keeper_of(request), services_of(request)
    record = await services.boxes.audit_record(request.match_info["box"], keeper.by, services.namespace)
    if record is None:
        raise NothingHere
    if isinstance(record, str):
        raise web.HTTPSeeOther(path_of(request.match_info["box"]))
    return record
