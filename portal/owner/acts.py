"""The acts of owners, and of people with their rights, on a box. Each is checked against the life cycle again within
its own transaction: of two at once one wins, and the other reads why theirs was not done.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from aiohttp import web

from delivery.safebox.authority import ActResult
from delivery.safebox.lifecycle import Act
from delivery.safebox.recalling import MAX_REASON, Recalled
from delivery.safebox.summaries import BoxStory, GuestSummary
from delivery.speech import phrase
from delivery.store.boxes import Role
from delivery.store.throttles import Limit
from portal.owner.box import box_page, record_for
from portal.owner.entry import Keeper, form_of, keeper_of, path_of
from portal.owner.filling import why_not
from portal.owner.pages import DeletePage, Note, RecalledPage, RecallPage
from portal.owner.settings import words_of
from portal.services import PortalServices, services_of
from portal.web.forms import one_line
from portal.web.render import _, render
from portal.web.times import clock_of
from portal.web.troubles import NothingHere, Slower

CALLS: Final = Limit(120, timedelta(hours=1), timedelta(minutes=30))  # of notices and questions by one sender
_ROLES: Final = {"guest": Role.GUEST, "privileged": Role.PRIVILEGED, "colleague": Role.COLLEAGUE}

Form = Mapping[str, str]
Done = Callable[[], Awaitable[ActResult | None]]


async def close(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/close."""
    keeper, _form = await form_of(request)
    services = services_of(request)
    box_id = request.match_info["box"]
    return await _done(request, keeper, "close", await services.boxes.close(box_id, keeper.by, services.namespace))


async def extend(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/extend: `until`, the last day of it."""
    keeper, form = await form_of(request)
    services = services_of(request)
    record = await record_for(request, keeper)
    until = _end_of(request, record, form.get("until", ""))
    if until is None:
        return await _no_day(request, keeper, record, Act.EXTEND)
    said = await services.boxes.extend(record.summary.id, keeper.by, until, services.namespace)
    return await _done(request, keeper, "extend", said)


async def settings(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/settings: `replies`, `retention`, `opened`, `language`, `subject`, `reminders`, each as the words
    that ask for it in a mail; what is left out stays.
    """
    keeper, form = await form_of(request)
    services = services_of(request)
    record = await record_for(request, keeper)
    words = words_of(record.profile, form)
    said = await services.boxes.change_settings(record.summary.id, keeper.by, words, services.namespace)
    return await _done(request, keeper, "settings", said)


async def reopen(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/reopen: `until`, the last day; `tell`: yes sends everybody the notice again."""
    keeper, form = await form_of(request)
    services = services_of(request)
    record = await record_for(request, keeper)
    until = _end_of(request, record, form.get("until", ""))
    if until is None:
        return await _no_day(request, keeper, record, Act.REOPEN)
    box_id, tells = record.summary.id, form.get("tell") == "yes"
    if tells:
        await _count_calls(services, keeper)
    said = await services.boxes.reopen_box(box_id, keeper.by, until, services.namespace)
    told = said and tells and await services.boxes.notify_all(box_id, keeper.by, services.namespace)
    return await _done(request, keeper, "told" if told else "reopen", said)


async def _no_day(request: web.Request, keeper: Keeper, record: BoxStory, act: Act) -> web.StreamResponse:
    refused = why_not(record, keeper.by, act)
    if refused:
        return await _done(request, keeper, "", ActResult(False, refused))
    return await box_page(request, keeper, Note(error=_("Please choose a day.")), status=422)


async def delete_form(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID/delete: asked once more; nothing has happened."""
    keeper = await keeper_of(request)
    record = await record_for(request, keeper)
    if refused := why_not(record, keeper.by, Act.DELETE):
        return await _done(request, keeper, "", ActResult(False, refused))
    subject = _subject(record)
    page = DeletePage(_("Delete this message?"), path_of(record.summary.id), subject, record.documents)
    return await render(request, "owner/delete.html", page)


async def delete(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/delete."""
    keeper, _form = await form_of(request)
    services = services_of(request)
    box_id = request.match_info["box"]
    return await _done(request, keeper, "delete", await services.boxes.delete(box_id, keeper.by, services.namespace))


async def recall_form(request: web.Request) -> web.StreamResponse:
    """GET /boxes/ID/recall (`?guest=ID`, `?document=ID`): what it would take back, and what not; nothing happens."""
    keeper, services = await keeper_of(request), services_of(request)
    record = await record_for(request, keeper)
    if refused := why_not(record, keeper.by, Act.RECALL):
        return await _done(request, keeper, "", ActResult(False, refused))
    guest = _person(record, request.query["guest"]) if "guest" in request.query else None
    document = request.query.get("document", "")
    name = guest.address if guest else ""
    fates = await services.boxes.fates(record.summary.id, keeper.by, services.namespace) or ()
    if guest is not None:
        fates = tuple(fate for fate in fates if fate.address == guest.address)
    elif document:
        name = await _document_name(request, keeper, record, document)
        fates = ()  # who has this one is told once it is taken back
    what = "guest" if guest else "document" if document else "box"
    titles = {"guest": _("Take it back from one person?"), "document": _("Take a document back?")}
    page = RecallPage(
        titles.get(what) or _("Take the whole message back?"),
        path_of(record.summary.id),
        _subject(record),
        what,
        name,
        guest.participant_id if guest else "",
        document if what == "document" else "",
        fates,
        most=MAX_REASON,
    )
    return await render(request, "owner/recall.html", page, shows_times=True)


async def recall(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/recall: `reason`, and `guest` or `document` where it is not the whole box."""
    keeper, form = await form_of(request)
    services = services_of(request)
    record = await record_for(request, keeper)
    box_id, reason = record.summary.id, form.get("reason", "").replace("\r\n", "\n")
    by, namespace = keeper.by, services.namespace
    if form.get("guest"):
        guest = _person(record, form["guest"])
        said = await services.boxes.recall_guest(box_id, guest.address, reason, by, namespace)
    elif form.get("document"):
        said = await services.boxes.recall_document(box_id, form["document"], reason, by, namespace)
    else:
        said = await services.boxes.recall(box_id, reason, by, namespace)
    if said and isinstance(said, Recalled):
        page = RecalledPage(_("It was taken back"), path_of(box_id), said.fates)
        return await render(request, "owner/recalled.html", page, shows_times=True)
    return await _done(request, keeper, "recall", said)


async def add(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/add: `email`, `name`, `role` (guest, privileged, colleague)."""
    keeper, form = await form_of(request)
    services = services_of(request)
    record = await record_for(request, keeper)
    await _count_calls(services, keeper)
    said = await services.boxes.add(
        record.summary.id,
        one_line(form.get("email", ""), 320),
        keeper.by,
        services.namespace,
        name=one_line(form.get("name", ""), 200),
        role=_ROLES.get(form.get("role", ""), Role.GUEST),
    )
    return await _done(request, keeper, "add", said)


async def person(request: web.Request) -> web.StreamResponse:
    """POST /boxes/ID/person: `person` (the id of a participant) and `act`: call, unlock, release, confirm (with the
    `phone` that was shown), remove; phone (`phone`) and question (`question`, `answer`) set what they prove themselves
    by.
    """
    keeper, form = await form_of(request)
    services = services_of(request)
    record = await record_for(request, keeper)
    one, act = _person(record, form.get("person", "")), form.get("act", "")
    box_id, boxes = record.summary.id, services.boxes
    place = (keeper.by, services.namespace)
    acts: dict[str, Done] = {
        "call": lambda: boxes.resend_notice(box_id, one.address, *place, role=one.role),
        "unlock": lambda: boxes.unlock_guest(box_id, one.address, *place),
        "release": lambda: boxes.release(box_id, one.address, *place),
        "confirm": lambda: boxes.confirm_phone(box_id, one.address, form.get("phone", ""), *place),
        "remove": lambda: boxes.remove(box_id, one.address, *place, role=one.role),
        "phone": lambda: boxes.set_phone(box_id, one.address, form.get("phone", ""), *place),
        "question": lambda: boxes.set_question(
            box_id, one.address, *place, question=form.get("question", ""), answer=form.get("answer", "")
        ),
    }
    if act not in acts:
        raise NothingHere
    if act in ("call", "question"):  # an answer takes some time to hash
        await _count_calls(services, keeper)
    typed = form if act in ("phone", "question") else {}
    return await _done(request, keeper, act, await acts[act](), typed)


async def _done(
    request: web.Request, keeper: Keeper, what: str, said: ActResult | None, typed: Form | None = None
) -> web.StreamResponse:
    """Redirect to the box; or, if the act was refused, its page with the reason. None: not theirs, or not there."""
    if said is None:
        raise NothingHere
    if said:
        raise web.HTTPSeeOther(path_of(request.match_info["box"], f"?done={what}"))
    note = Note(error=_(phrase("Not done. {why}", why=said.sentence)), typed=typed or {})
    return await box_page(request, keeper, note, status=409)


async def _count_calls(services: PortalServices, keeper: Keeper) -> None:
    now = services.clock()
    until = await services.accounts.count(services.namespace, "owner-calls", keeper.by.key, CALLS, now)
    if until is not None:
        raise Slower(until, now)


def _person(record: BoxStory, participant_id: str) -> GuestSummary:
    people = (*record.summary.guests, *record.summary.staff)
    found = next((one for one in people if one.participant_id == participant_id), None)
    if found is None:
        raise NothingHere
    return found


def _end_of(request: web.Request, record: BoxStory, text: str) -> datetime | None:
    """The end of a day in the reader's zone, and no later than the profile lets it be on that very day."""
    try:
        day = date.fromisoformat(text)
        zone = clock_of(request).zone
        latest = record.summary.created_at + record.profile.life.longest
        end = datetime.combine(day, time(23, 59), zone).astimezone(UTC)
        return latest if latest.astimezone(zone).date() == day else end
    except (ValueError, OverflowError):
        return None


def _subject(record: BoxStory) -> str:
    return record.subject or _("A message without a subject")


async def _document_name(request: web.Request, keeper: Keeper, record: BoxStory, document: str) -> str:
    services = services_of(request)
    opened = await services.boxes.open_for(record.summary.id, keeper.by, services.namespace)
    for message in opened.messages if opened else ():
        for one in message.documents:
            if one.id == document and one.recalled_at is None:
                return one.name
    raise NothingHere
