"""SafeBoxes as text and as JSON, for the commands that show them. No address may steer the terminal."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway.cli.stores import shown
from gateway.cli.terminal import printable_lines

if TYPE_CHECKING:
    from delivery.safebox.auditrecord import AuditRecord
    from delivery.safebox.recalling import Fate
    from delivery.safebox.summaries import BoxStory, BoxSummary, GuestSummary
    from delivery.safebox.tracking import Track


def summary_json(box: "BoxSummary") -> dict[str, Any]:
    """One line of `box list --json`."""
    return {
        "id": box.id,
        "namespace": box.namespace,
        "owner": box.owner,
        "state": box.state.value,
        "profile": box.profile,
        "created_at": shown(box.created_at),
        "closes_at": shown(box.closes_at),
        "deletes_at": shown(box.deletes_at),
        "guests": [{"address": guest.address, "state": guest.state.value} for guest in box.guests],
    }


def record_json(record: "BoxStory") -> dict[str, Any]:
    """`box show --json`, without the activity."""
    box = record.summary
    return summary_json(box) | {
        "message_id": record.message_id,
        "by_fallback": box.by_fallback,
        "closed_at": shown(record.closed_at),
        "recalled_at": shown(record.recalled_at),
        "deleted_at": shown(record.deleted_at),
        "messages": record.messages,
        "documents": record.documents,
        "bytes": record.bytes_kept,
        "guests": [_person(one) for one in box.guests],
        "staff": [{"role": one.role.value, **_person(one)} for one in box.staff],
        "settings": record.profile.model_dump(mode="json"),
        "events": [{"at": shown(at), "kind": kind, "participant_id": who} for at, kind, who in record.events],
    }


def track_json(track: "Track") -> dict[str, Any]:
    """What one participant did, as JSON."""
    return {
        "participant_id": track.participant_id,
        "address": track.address,
        "role": track.role.value,
        "state": track.state.value,
        "invited_at": shown(track.invited_at),
        "noticed_at": shown(track.noticed_at),
        "bounced_at": shown(track.bounced_at),
        "links_fetched": [_sight(one) for one in track.links_fetched],
        "signed_in": [_sight(one) for one in track.signed_in],
        "opened": [_sight(one) for one in track.opened],
        "downloads": [
            {
                "document_id": one.document_id or None,
                "at": shown(one.at),
                "network": one.network,
                "bytes": one.sent_bytes,
                "whole": one.whole,
            }
            for one in track.downloads
        ],
        "replied": [shown(at) for at in track.replied],
        "reminded": [shown(at) for at in track.reminded],
        "asked": [shown(at) for at in track.asked],
        "consented_at": shown(track.consented_at),
        "consented_version": track.consented_version,
        "declined_at": shown(track.declined_at),
        "locked_at": shown(track.locked_at),
        "removed_at": shown(track.removed_at),
        "recalled_at": shown(track.recalled_at),
    }


def audit_text(record: "AuditRecord") -> str:
    """`box record`: times in the box's zone, and in UTC."""
    box = record.summary
    about = [f"    message {record.message_id}", f"    times in {record.zone}"]
    lines = [summary_text(box), *about, "", *(f"    {words}" for words in record.words), ""]
    for one in record.documents:
        lines.append(f"    {one.name or 'a document'}, {one.size} bytes{', taken back' if one.recalled_at else ''}")
        lines += [f"        SHA-256 {one.sha256}"] if one.sha256 else []
    for event in record.events:
        who = " ".join(part for part in (event.who, f"by {event.by}" if event.by else "", event.network) if part)
        lines.append(f"    {_in_both(event.at, record.zone)}  {event.words}{': ' if who else ''}{who}")
    return printable_lines("\n".join(lines))


def _in_both(at: datetime, zone: str) -> str:
    """A time in the box's own zone, and in UTC if that differs."""
    there = f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}  " if zone != "UTC" else ""
    return f"{there}{shown(at)}"


def fates_json(fates: "Sequence[Fate]") -> list[dict[str, Any]]:
    """What a recall could and could not take back."""
    return [
        {
            "address": fate.address,
            "reached": fate.reached.value,
            "at": shown(fate.at),
            "documents": list(fate.documents),
            "beyond_recall": fate.is_beyond,
        }
        for fate in fates
    ]


def summary_text(box: "BoxSummary") -> str:
    """A box in a few lines."""
    until = f"deleted on {shown(box.deletes_at)}" if box.deletes_at else "kept"
    if box.state.value == "deleted":
        until = "content gone"
    lines = [f"{box.id}  {box.state.value:<8} {box.profile:<12} {box.owner}  {shown(box.created_at)}  {until}"]
    lines += [f"    {guest.state.value:<9} {guest.address}{_gone(guest)}" for guest in box.guests]
    return printable_lines("\n".join(lines))


def record_text(record: "BoxStory", tracks: "Sequence[Track]") -> str:
    """Everything about a box."""
    from delivery.safebox.profilewords import in_words

    box = record.summary
    names = {one.participant_id: one.address for one in (*box.guests, *box.staff)}
    lines = [summary_text(box), *(f"    {one.role.value:<9} {one.address}{_gone(one)}" for one in box.staff)]
    lines.append(f"    message {record.message_id}, answers until {shown(box.closes_at)}")
    lines.append(f"    {record.messages} messages, {record.documents} documents, {record.bytes_kept} bytes")
    for guest in box.guests:
        if guest.locked_at:
            lines.append(f"    {guest.address} is locked since {shown(guest.locked_at)}")
        if guest.by_fallback:
            lines.append(
                f"    {guest.address} was invited by fallback"
                + (f", released {shown(guest.released_at)}" if guest.released_at else "; a mailed code opens nothing")
            )
    lines += [f"    {sentence}" for sentence in in_words(record.profile)]
    lines += [f"    {_track_text(track)}" for track in tracks]
    lines += [f"    {shown(at)}  {kind:<16} {names.get(who or '', '')}".rstrip() for at, kind, who in record.events]
    return printable_lines("\n".join(lines))


def fates_text(fates: "Sequence[Fate]") -> list[str]:
    """What a recall could and could not take back, a line each."""
    lines = []
    for fate in fates:
        documents = f" ({', '.join(fate.documents)})" if fate.documents else ""
        at = f", {shown(fate.at)}" if fate.at else ""
        lines.append(printable_lines(f"    {fate.address}: {fate.reached.value}{at}{documents}"))
    return lines


def _track_text(track: "Track") -> str:
    whole = sum(one.whole is True for one in track.downloads)
    downloads = f"{len(track.downloads)} downloads ({whole} whole)"
    counts = f"opened {len(track.opened)} times, {downloads}, {len(track.replied)} replies"
    return f"{track.address}: link fetched {len(track.links_fetched)} times, {counts}"


def _gone(one: "GuestSummary") -> str:
    if one.removed_at:
        return f"  removed {shown(one.removed_at)}"
    return f"  taken back {shown(one.recalled_at)}" if one.recalled_at else ""


def _person(guest: "GuestSummary") -> dict[str, Any]:
    return {
        "address": guest.address,
        "state": guest.state.value,
        "participant_id": guest.participant_id,
        "by_fallback": guest.by_fallback,
        "released_at": shown(guest.released_at),
        "locked_at": shown(guest.locked_at),
        "removed_at": shown(guest.removed_at),
        "recalled_at": shown(guest.recalled_at),
    }


def _sight(one: Any) -> dict[str, Any]:
    return {"at": shown(one.at), "way": one.way, "network": one.network, "agent": one.agent}
