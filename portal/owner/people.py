"""Describes everybody who takes part in a box, and what they did, in plain words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from delivery.safebox.lifecycle import Act
from delivery.safebox.summaries import BoxSummary, GuestSummary
from delivery.safebox.tracking import Download, Track, TrackedAct
from delivery.speech import phrase
from delivery.store.boxes import GuestState, Role
from portal.owner.pages import ProofForm, ShownPerson, Told
from portal.web.render import _, browser, count, size
from portal.web.times import Clock


def shown_people(
    summary: BoxSummary,
    tracks: Sequence[Track],
    *,
    names: Mapping[str, str],
    documents: Mapping[str, str],
    proofs: Mapping[str, ProofForm],
    waiting: Mapping[str, str],
    acts: frozenset[Act],
    clock: Clock,
) -> tuple[ShownPerson, ...]:
    """Guests first, then those of the owner's side. `names` by participant, `documents`: the name of each by its id,
    `waiting`: numbers that guests told.
    """
    by_id = {track.participant_id: track for track in tracks}
    shown = []
    for one in (*summary.guests, *summary.staff):
        track, phone = by_id.get(one.participant_id), waiting.get(one.participant_id, "")
        shown.append(
            ShownPerson(
                one.participant_id,
                names.get(one.participant_id, ""),
                one.address,
                one.role,
                told_of(one, track, clock),
                log_of(track, documents) if track else (),
                _acts(one, acts, waits=bool(phone)),
                one.role is Role.GUEST,
                phone,
                proofs.get(one.participant_id) if one.removed_at is None else None,
            )
        )
    return tuple(shown)


def _acts(one: GuestSummary, acts: frozenset[Act], *, waits: bool) -> frozenset[str]:
    """What may be done for this one, of what may be done in the box."""
    if one.removed_at is not None:
        return frozenset()
    here = one.recalled_at is None and one.state is not GuestState.DECLINED
    offered = {
        "call": Act.INVITE in acts and here,
        "unlock": Act.UNLOCK in acts and one.locked_at is not None,
        "release": Act.RELEASE in acts and one.by_fallback and one.released_at is None,
        "confirm": Act.VOUCH in acts and waits,
        "remove": Act.REMOVE in acts,
        "recall": Act.RECALL in acts and one.recalled_at is None,
    }
    return frozenset(name for name, may in offered.items() if may)


def told_of(one: GuestSummary, track: Track | None, clock: Clock) -> tuple[Told, ...]:
    """How far somebody came, and what stands in their way."""
    told: list[Told] = []
    if one.removed_at is not None:
        return (Told("", "info", _(phrase("Removed on {time}.", time=clock.minute(one.removed_at)))),)
    if one.recalled_at is not None:
        back = _(phrase("Taken back from them on {time}.", time=clock.minute(one.recalled_at)))
        told.append(Told("bad", "back", back))
    if one.locked_at is not None:
        told.append(
            Told("bad", "lock", _("Many wrong codes were typed in. Until you unlock it, longer ones go to them."))
        )
    if one.by_fallback and one.released_at is None:
        told.append(Told("warn", "lock", _("A code by e-mail does not open it for them until you release it.")))
    if track is None:
        return tuple(told)
    if track.declined_at is not None and one.state is GuestState.DECLINED:
        said = _(phrase("Said on {time} that it was not meant for them.", time=clock.minute(track.declined_at)))
        told.append(Told("bad", "warning", said))
    return (*told, *_progress(one, track, clock))


def _progress(one: GuestSummary, track: Track, clock: Clock) -> list[Told]:
    told: list[Told] = []
    if track.opened:
        last = clock.minute(track.opened[-1].at)
        times = len(track.opened)
        once = _(phrase("Opened on {time}.", time=last))
        often = _(phrase("Opened {times}, last on {time}.", times=count(times, "time", "times"), time=last))
        said = once if times == 1 else often
        whole = {one.document_id for one in track.downloads}
        some = _(phrase("Downloaded {some}.", some=count(len(whole), "document", "documents")))
        more = f" {some}" if whole else ""
        replied = f" {_('Replied.')}" if track.replied else ""
        return [Told("ok", "eye", f"{said}{more}{replied}")]
    if one.state is GuestState.BOUNCED:
        when = f" ({clock.minute(track.bounced_at)})" if track.bounced_at else ""
        told.append(Told("bad", "warning", f"{_('The notice came back: it could not be delivered.')}{when}"))
    elif track.noticed_at is not None:
        taken = _(phrase("The notice was taken by their mail server on {time}.", time=clock.minute(track.noticed_at)))
        told.append(Told("ok", "mail", f"{taken} {_('Not opened yet.')}"))
    else:
        told.append(Told("", "clock", _("The notice is on its way. Not opened yet.")))
    if track.links_fetched:
        fetched = _("The link was followed, by somebody or by a mail scanner. Nothing of the content was shown.")
        told.append(Told("", "link", fetched))
    return told


def log_of(track: Track, documents: Mapping[str, str]) -> tuple[tuple[datetime, str], ...]:
    """Everything that one did, newest first."""
    log: list[tuple[datetime, str]] = [(track.invited_at, _("Invited"))]
    single = (
        (track.noticed_at, _("Their mail server took the notice")),
        (track.bounced_at, _("The notice came back")),
        (track.consented_at, _("Accepted the text that stands before the message")),
        (track.declined_at, _("Said that it was not meant for them")),
        (track.locked_at, _("Locked after wrong codes")),
        (track.removed_at, _("Removed")),
        (track.recalled_at, _("Taken back from them")),
    )
    log += [(at, words) for at, words in single if at is not None]
    log += [(one.at, _("The link was followed") + _where(one)) for one in track.links_fetched]
    log += [(one.at, _("Signed in") + _where(one)) for one in track.signed_in]
    log += [(one.at, _("Opened") + _where(one)) for one in track.opened]
    log += [(one.at, _download(one, documents)) for one in track.downloads]
    log += [(at, _("Replied")) for at in track.replied]
    log += [(at, _("Reminded")) for at in track.reminded]
    log += [(at, _("Asked for it to be opened, or sent, again")) for at in track.asked]
    return tuple(sorted(log, key=lambda line: line[0], reverse=True))


def _where(sight: TrackedAct) -> str:
    named = [part for part in (browser(sight.agent), sight.network) if part]
    return f" ({', '.join(named)})" if named else ""


def _download(one: Download, documents: Mapping[str, str]) -> str:
    name = documents.get(one.document_id, "") if one.document_id else _("the whole message")
    how = {
        True: _("complete"),
        False: _(phrase("in part, {size}", size=size(one.sent_bytes))),
        None: _("begun; how it ended was not seen"),
    }[one.whole]
    return _(phrase("Downloaded {name}: {how}", name=name or _("a document"), how=how))
