"""The people of a SafeBox: added, removed, sent the notice again, released, unlocked, by those who keep it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from delivery.errors import DeliveryError
from delivery.safebox.acting import LATE, NOBODY, Acting, ActRequest, person_of
from delivery.safebox.authority import DONE, ActResult, Principal, Standing
from delivery.safebox.boxkey import BoxKey
from delivery.safebox.desk import act_of_keeper
from delivery.safebox.inviting import Calls, Compose, Invitee, PreparedInvitation
from delivery.safebox.lifecycle import Act
from delivery.speech import phrase
from delivery.store.audit import EventKind, record
from delivery.store.box_contents import BoxMessageKind, count_documents
from delivery.store.box_people import restore_participant, set_removed
from delivery.store.boxes import GuestState, ParticipantRow, Role, set_lock, set_released, touch_box
from delivery.store.codes import clear_throttles
from policy.message import Address, AddressInvalid

_NO_ADDRESS: Final = phrase("Mail cannot be sent to this e-mail address.")
_THERE: Final = phrase("This person takes part already.")
_GONE: Final = phrase("The content of the message is gone.")


class Partaking(Acting):
    """Acts on the participants of a box, who are named by address: ids of participants are for pages and the trail."""

    async def add(
        self,
        box_id: str,
        address: str,
        by: Principal,
        namespace: str = "default",
        *,
        name: str = "",
        role: Role = Role.GUEST,
        alias: str = "",
        force: bool = False,
    ) -> ActResult | None:
        """Invite another participant, or one who was removed. `alias`: the name that other guests see for them."""
        try:
            address = str(Address.parse(address.strip()))
        except AddressInvalid:
            return ActResult(False, _NO_ADDRESS)
        now, request = self._desk.clock(), ActRequest(namespace, box_id, by, Act.ADD, force=force)
        standing = await self._desk.db.read(lambda conn: self._allowed(conn, request))
        if not isinstance(standing, Standing):
            return standing
        if role is Role.OWNER:
            return ActResult(False, phrase("A message has one owner: its sender."))
        if role is not Role.GUEST and not self._desk.post.is_ours(address):
            return ActResult(False, phrase("Only people of the organisation can have this part in it."))
        before = person_of(standing, address, role)
        if before is not None and before.removed_at is None:
            return ActResult(False, _THERE)
        guest = Invitee(address, name.strip()[:200], role=role, alias=alias.strip()[:60])
        try:
            prepared = await asyncio.to_thread(self._prepared, standing, guest, before)
        except ValueError:  # an address that no header can hold
            return ActResult(False, _NO_ADDRESS)
        if prepared is None:
            return ActResult(False, _GONE)

        def work(conn: Connection) -> ActResult | None:
            still = self._allowed(conn, request, hold=True)
            if not isinstance(still, Standing):
                return still
            key = BoxKey.of(self._desk.vault, still.box)
            if key is None:
                return ActResult(False, _GONE)
            touch_box(conn, namespace, box_id, now)
            if before is None:
                if not self._desk.inviter.join(conn, still.box, key, prepared, now, by=by.name):
                    return ActResult(False, _THERE)
                return DONE
            if not restore_participant(conn, namespace, before.id):
                return ActResult(False, _THERE)
            event = act_of_keeper(EventKind.BOX_JOINED, still.box, by.name, participant_id=before.id)
            record(conn, self._desk.vault, [event], now)
            self._desk.inviter.send(conn, still.box, prepared, now)
            return DONE

        return await self._with([prepared], work)

    async def remove(
        self, box_id: str, address: str, by: Principal, namespace: str = "default", *, role: Role | None = None
    ) -> ActResult | None:
        """Remove a participant: their access ends with the next request. What they wrote stays."""
        now = self._desk.clock()

        def change(conn: Connection, _standing: Standing, guest: ParticipantRow) -> str:
            return "" if set_removed(conn, namespace, guest.id, now) else phrase("This person was removed already.")

        return await self._do_to(
            ActRequest(namespace, box_id, by, Act.REMOVE, address, role), EventKind.BOX_REMOVED, change
        )

    async def resend_notice(
        self, box_id: str, address: str, by: Principal, namespace: str = "default", *, role: Role | None = None
    ) -> ActResult | None:
        """Send one participant the invitation again, with a new link. `role`: which, if the address has several."""
        return await self._call(box_id, by, namespace, only=address, role=role)

    async def notify_all(self, box_id: str, by: Principal, namespace: str = "default") -> ActResult | None:
        """Send every participant their invitation again, after a box was reopened."""
        return await self._call(box_id, by, namespace, only="")

    async def _call(
        self, box_id: str, by: Principal, namespace: str, *, only: str, role: Role | None = None
    ) -> ActResult | None:
        now, request = self._desk.clock(), ActRequest(namespace, box_id, by, Act.INVITE)
        standing = await self._desk.db.read(lambda conn: self._allowed(conn, request))
        if not isinstance(standing, Standing):
            return standing
        wanted = [person_of(standing, only, role)] if only else list(standing.people)
        people = [one for one in wanted if one is not None and not _why_no_notice(one)]
        if not people:
            named = wanted[0] if only else None
            return ActResult(False, NOBODY if named is None else _why_no_notice(named))
        prepared = [
            one
            for person in people
            if (one := await asyncio.to_thread(self.prepare_notice, standing, person)) is not None
        ]

        def work(conn: Connection) -> ActResult | None:
            still = self._allowed(conn, request, hold=True)
            if not isinstance(still, Standing):
                return still
            here = {one.id for one in still.people if not _why_no_notice(one)}
            sent = [one for one in prepared if one.participant_id in here]
            for one in sent:
                self._desk.inviter.send(conn, still.box, one, now)
            return DONE if sent else ActResult(False, LATE)

        return await self._with(prepared, work)

    async def release(self, box_id: str, address: str, by: Principal, namespace: str = "default") -> ActResult | None:
        """Let a mailed code suffice for one guest who was invited by fallback."""
        now = self._desk.clock()

        def change(conn: Connection, _standing: Standing, guest: ParticipantRow) -> str:
            done = guest.by_fallback and set_released(conn, namespace, guest.id, now)
            return "" if done else phrase("A mailed code opens the message for this person already.")

        return await self._do_to(
            ActRequest(namespace, box_id, by, Act.RELEASE, address), EventKind.BOX_RELEASED, change
        )

    async def unlock_guest(
        self, box_id: str, address: str, by: Principal, namespace: str = "default"
    ) -> ActResult | None:
        """Take a guest's lock off, and forget the wrong codes."""

        def change(conn: Connection, _standing: Standing, guest: ParticipantRow) -> str:
            clear_throttles(conn, namespace, guest.id)
            return "" if set_lock(conn, namespace, guest.id, None) else phrase("This person is not locked.")

        return await self._do_to(ActRequest(namespace, box_id, by, Act.UNLOCK, address), EventKind.BOX_UNLOCKED, change)

    # -- within ---------------------------------------------------------------------------------------------------

    def prepare_notice(
        self,
        standing: Standing,
        person: ParticipantRow,
        what: Calls = "invitation",
        compose: Compose | None = None,
    ) -> PreparedInvitation | None:
        """Compose and seal a notice with a new link for a participant. None: the content is gone. Blocks."""
        key = BoxKey.of(self._desk.vault, standing.box)
        if key is None:
            return None
        documents = self._documents(standing)
        return self._desk.inviter.prepare_again(
            standing.box, key, person, documents, self._desk.clock(), what=what, compose=compose
        )

    def _prepared(self, standing: Standing, guest: Invitee, before: ParticipantRow | None) -> PreparedInvitation | None:
        if before is not None:
            return self.prepare_notice(standing, before)
        key = BoxKey.of(self._desk.vault, standing.box)
        if key is None:
            return None
        return self._desk.inviter.prepare(standing.box, key, guest, self._documents(standing), self._desk.clock())

    def _documents(self, standing: Standing) -> int:
        box = standing.box
        return self._desk.db.read_now(
            lambda conn: count_documents(conn, box.namespace, box.id, BoxMessageKind.ORIGINAL)
        )

    async def _with(
        self, prepared: Sequence[PreparedInvitation], work: Callable[[Connection], ActResult | None]
    ) -> ActResult | None:
        """Run `work`; if it does not succeed, delete the blob files of the prepared notices."""
        try:
            said = await self._desk.db.write(work)
        except DeliveryError as error:
            self._discard(prepared, error)
            raise
        if said:
            self._desk.post.wake()
        else:
            self._discard(prepared, DeliveryError("not sent"))
        return said

    def _discard(self, prepared: Sequence[PreparedInvitation], error: DeliveryError) -> None:
        for notice in (notice for one in prepared for notice in one.notices):
            self._desk.post.discard(notice, error)


def _why_no_notice(person: ParticipantRow) -> str:
    """The sentence that says why no notice may go to this participant; empty: one may."""
    if person.role is Role.OWNER:
        return NOBODY
    if person.removed_at is not None:
        return phrase("This person no longer takes part.")
    if person.recalled_at is not None:
        return phrase("It was taken back from this person.")
    return phrase("This person said that it was not meant for them.") if person.state is GuestState.DECLINED else ""
