"""What owners and admins do with a whole SafeBox: see, close, extend, open again, delete."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from delivery.errors import DeliveryError, KeysUnavailable
from delivery.safebox.acting import LATE, ActRequest
from delivery.safebox.authority import ActResult, Principal, Standing, standing_of
from delivery.safebox.boxkey import GUEST_NAME, SUBJECT, BoxKey
from delivery.safebox.ending import Ending, EndNotices
from delivery.safebox.lifecycle import Act, refusal, sources, state_at
from delivery.safebox.profile import stored_profile
from delivery.safebox.reading import facts_of
from delivery.safebox.reminding import expiring_at, longest_open, next_reminder_at, until_deleted
from delivery.safebox.summaries import BoxStory, BoxSummary, GuestSummary
from delivery.speech import Phrase, phrase
from delivery.store.audit import EventKind, document_field
from delivery.store.box_contents import (
    bytes_of,
    count_documents,
    destroy_contents,
    documents_of,
    events_of,
    messages_of,
)
from delivery.store.box_people import boxes_with
from delivery.store.boxes import (
    BoxRow,
    BoxState,
    ParticipantRow,
    Role,
    destroy_key,
    list_boxes,
    move_box,
    participants_of,
)
from delivery.store.vault import Vault
from keys.errors import KeysError

_NOT_LONGER = phrase("That is no longer than the message is open anyway.")


class Keeping(Ending):
    """Acts on a whole box, for its owner, privileged participants and admins.

    Each gives an `ActResult`, with the reason if it was not done; or None: there is no such box for this one.
    """

    async def list(self, namespace: str | None = None, *, states: tuple[str, ...] = ()) -> tuple[BoxSummary, ...]:
        """Boxes, newest first, at most 1000; None: of every namespace (commands only)."""
        wanted = tuple(BoxState(state) for state in states)
        now = self._desk.clock()

        def work(conn: Connection) -> tuple[BoxSummary, ...]:
            boxes = list_boxes(conn, namespace, wanted)
            return tuple(summary_of(box, participants_of(conn, box.namespace, box.id), now) for box in boxes)

        return await self._desk.db.read(work)

    async def list_of(self, namespace: str, by: Principal, *, states: tuple[str, ...] = ()) -> tuple[BoxSummary, ...]:
        """The boxes that a person owns or keeps, or takes part in as a colleague, newest first, at most 1000."""
        wanted = tuple(BoxState(state) for state in states)
        now = self._desk.clock()

        def work(conn: Connection) -> tuple[BoxSummary, ...]:
            found = []
            for box in boxes_with(conn, namespace, by.key, wanted):
                found.append(summary_of(box, participants_of(conn, box.namespace, box.id), now))
            return tuple(found)

        return await self._desk.db.read(work)

    async def show(self, box_id: str, by: Principal, namespace: str = "default") -> BoxStory | None:
        """One box with its people, counts and history, without its content, which it outlives. Its subject and
        the names of people are for those who take part, not for commands.
        """
        now = self._desk.clock()

        def work(conn: Connection) -> BoxStory | None:
            standing = standing_of(conn, namespace, box_id, by)
            if standing is None or refusal(standing.box.state, Act.SEE, standing.actor):
                return None
            box = standing.box
            key = BoxKey.of(self._desk.vault, box) if by.address else None
            return BoxStory(
                summary_of(box, standing.people, now),
                box.message_id,
                box.closed_at,
                box.recalled_at,
                box.deleted_at,
                len(messages_of(conn, namespace, box_id)),
                count_documents(conn, namespace, box_id),
                bytes_of(conn, namespace, box_id),
                tuple((at, kind, participant) for at, kind, participant, _ in events_of(conn, namespace, box_id)),
                stored_profile(box.profile),
                key.open_text(SUBJECT, box.id, box.subject_sealed) if key else "",
                {one.id: key.open_text(GUEST_NAME, one.id, one.name_sealed) for one in standing.people} if key else {},
            )

        return await self._desk.db.read(work)

    async def close(
        self, box_id: str, by: Principal, namespace: str = "default", *, force: bool = False
    ) -> ActResult | None:
        """Close the box: it takes no more answers, and can be read until its retention, which begins now, is over.

        `force`: an admin insists where the box's profile allows no closing by hand.
        """
        now, request = self._desk.clock(), ActRequest(namespace, box_id, by, Act.CLOSE, force=force)
        standing = await self._desk.db.read(lambda conn: self._allowed(conn, request))
        if not isinstance(standing, Standing):
            return standing
        closing = replace(standing.box, closes_at=now, deletes_at=_deletes_at(standing.box, now))
        notices = await asyncio.to_thread(self.closing_notices, closing, by, now)

        def change(conn: Connection, standing: Standing) -> str:
            values: dict[str, Any] = {
                "state": BoxState.CLOSED,
                "closed_at": now,
                "closes_at": closing.closes_at,
                "deletes_at": closing.deletes_at,
                "remind_at": None,
                "expiring_at": expiring_at(stored_profile(closing.profile), closing.deletes_at, now),
            }
            if not move_box(conn, namespace, box_id, sources(Act.CLOSE), **values):
                return LATE
            self.send_end_notices(conn, closing, notices, now)
            return ""

        return await self._with_end_notices(notices, self._do(request, EventKind.BOX_CLOSED, change))

    async def _with_end_notices(
        self, notices: EndNotices, act: Coroutine[Any, Any, ActResult | None]
    ) -> ActResult | None:
        """Run `act`; if it does not succeed, discard the notices."""
        try:
            said = await act
        except DeliveryError as error:
            self.discard_end_notices(notices, error)
            raise
        if said:
            self._desk.post.wake()
        else:
            self.discard_end_notices(notices, DeliveryError("not closed"))
        return said

    async def extend(
        self, box_id: str, by: Principal, until: datetime, namespace: str = "default", *, force: bool = False
    ) -> ActResult | None:
        """Keep it open until then, at most as long as the profile's `life.longest` from its beginning."""
        return await self._until(ActRequest(namespace, box_id, by, Act.EXTEND, force=force), until)

    async def reopen_box(
        self,
        box_id: str,
        by: Principal,
        until: datetime | None = None,
        namespace: str = "default",
        *,
        force: bool = False,
    ) -> ActResult | None:
        """Open a closed box again; None: for as long as the profile has a box open, and no longer than its longest."""
        return await self._until(ActRequest(namespace, box_id, by, Act.REOPEN, force=force), until)

    async def _until(self, request: ActRequest, until: datetime | None) -> ActResult | None:
        now = self._desk.clock()

        def change(conn: Connection, standing: Standing) -> str:
            box, profile = standing.box, stored_profile(standing.box.profile)
            latest = longest_open(profile, box.created_at)
            closes_at = until or min(now + profile.life.open_for, latest)
            if closes_at <= (box.closes_at if request.act is Act.EXTEND else now):
                return _NOT_LONGER if until is not None else _longest(latest)
            if closes_at > latest and not (request.force and request.by.is_admin):
                return _longest(latest)
            deletes_at = until_deleted(profile, closes_at)
            values: dict[str, Any] = {
                "state": BoxState.OPEN,
                "closes_at": closes_at,
                "closed_at": None,
                "deletes_at": deletes_at,
                "remind_at": next_reminder_at(profile, closes_at, now),
                "expiring_at": expiring_at(profile, deletes_at, now),
            }
            # The row's own state: that its hour has come may not be written down yet.
            stands = frozenset({box.state})
            moved = move_box(conn, request.namespace, request.box_id, stands, closing_at=box.closes_at, **values)
            return "" if moved else LATE

        kind = EventKind.BOX_EXTENDED if request.act is Act.EXTEND else EventKind.BOX_REOPENED
        return await self._do(request, kind, change)

    async def delete(
        self, box_id: str, by: Principal, namespace: str = "default", *, force: bool = False
    ) -> ActResult | None:
        """Destroy the key, then the content. The record of who, when and what stays.

        `force`: an admin insists where the box's profile allows no deletion by hand.
        """
        now = self._desk.clock()
        gone: list[str] = []
        kept: dict[str, Any] = {}

        def change(conn: Connection, standing: Standing) -> str:
            gone.clear()  # the transaction may be run again
            kept.clear()
            kept.update(documents_to_remember(conn, self._desk.vault, standing.box))
            return "" if destroy_box(conn, standing.box, gone, now) else LATE

        request = ActRequest(namespace, box_id, by, Act.DELETE, force=force)
        done = await self._do(request, EventKind.BOX_DELETED, change, erasable=kept)
        if done:
            await self._forget(gone)
        return done


def destroy_box(conn: Connection, box: BoxRow, gone: "list[str]", now: datetime) -> bool:
    """Destroy the box's key, then its content. Appends to `gone` the blob files to be deleted after the commit.

    What the record keeps of the documents (`documents_to_remember`) has to be read before.
    """
    gone.clear()  # the transaction may be run again
    values: dict[str, Any] = {"state": BoxState.DELETED, "deleted_at": now}
    if not move_box(conn, box.namespace, box.id, sources(Act.DELETE), **values):
        return False
    destroy_key(conn, box.namespace, box.id)
    gone.extend(destroy_contents(conn, box.namespace, box.id))
    return True


def documents_to_remember(conn: Connection, vault: Vault, box: BoxRow) -> dict[str, Any]:
    """Name and SHA-256 of each document, which the audit record keeps after a deletion: the `erasable` fields of
    the event of its deletion. Left out is a document whose sealed facts were changed, and every one if the box's key is
    lost for good. Raises KeysUnavailable if the key cannot be had now.
    """
    kept: dict[str, Any] = {}
    try:
        key = BoxKey.of(vault, box)
    except KeysUnavailable:
        if not vault.ready(box.namespace):
            raise
        return kept
    if key is None:
        return kept
    for document in documents_of(conn, box.namespace, box.id):
        with suppress(KeysError, ValueError):
            facts = facts_of(document, key)
            kept[document_field(document.id)] = {"name": facts.get("name", ""), "sha256": facts.get("sha256", "")}
    return kept


def _longest(latest: datetime) -> Phrase:
    return phrase("The security profile of this message lets it be open until {time} UTC at most.", time=latest)


def _deletes_at(box: BoxRow, closes_at: datetime) -> datetime | None:
    return until_deleted(stored_profile(box.profile), closes_at)


def summary_of(box: BoxRow, people: tuple[ParticipantRow, ...], now: datetime) -> BoxSummary:
    """One line of a list of boxes."""
    shown = [
        GuestSummary(
            one.id,
            one.address,
            one.state,
            one.locked_at,
            one.released_at,
            one.by_fallback,
            one.role,
            one.removed_at,
            one.recalled_at,
        )
        for one in people
    ]
    return BoxSummary(
        box.id,
        box.namespace,
        box.owner,
        state_at(box.state, box.closes_at, box.deletes_at, now),
        box.profile_name,
        box.by_fallback,
        box.created_at,
        box.closes_at,
        box.deletes_at,
        tuple(one for one in shown if one.role is Role.GUEST),
        tuple(one for one in shown if one.role in (Role.PRIVILEGED, Role.COLLEAGUE)),
    )
