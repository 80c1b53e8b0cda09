"""The list of a sender's SafeBoxes, and of those they take part in."""

from typing import Final

from aiohttp import web

from delivery.store.box_lists import BoxFilter
from portal.owner.entry import keeper_of
from portal.owner.news import in_few_words
from portal.owner.pages import ListPage, ShownBox
from portal.services import services_of
from portal.web.render import _, render

_ON_A_PAGE: Final = 25
_MOST_PAGES: Final = 100_000


async def boxes(request: web.Request) -> web.StreamResponse:
    """GET /boxes (`?show=all|new|help|open|closed|recalled|deleted`, `?page=2`)."""
    keeper, services = await keeper_of(request), services_of(request)
    shown = _shown(request.query.get("show", ""))
    number = _number(request.query.get("page", ""))
    skip = (number - 1) * _ON_A_PAGE
    found = await services.boxes.boxes_of(services.namespace, keeper.by, shown, most=_ON_A_PAGE, skip=skip)
    page = ListPage(
        _("Your SafeBoxes"),
        keeper.address,
        tuple(ShownBox(one, in_few_words(one.news)) for one in found.boxes),
        found.counts,
        shown,
        number,
        skip + 1 if found.boxes else 0,
        skip + len(found.boxes),
        found.counts[shown],
    )
    return await render(request, "owner/boxes.html", page, shows_times=True)


def _shown(text: str) -> BoxFilter:
    return BoxFilter(text) if text in set(BoxFilter) else BoxFilter.ALL


def _number(text: str) -> int:
    return min(max(int(text), 1), _MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 9 else 1
