"""Proving the trail: every event unchanged, none missing, none cut off, none slipped in."""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from delivery.errors import KeysUnavailable
from delivery.store import links
from delivery.store.audit import commitment
from delivery.store.links import Checkpoint, Head, Linked, next_link
from delivery.store.vault import Vault
from delivery.trail.keeping import NAMESPACE, signed_text

LATE: Final = timedelta(minutes=2)  # an event is chained within seconds
_TOLD: Final = 100  # faults; more of them say no more


@dataclass(frozen=True, slots=True)
class Shipped:
    """A checkpoint that comes from elsewhere. `said`: its line, for messages."""

    number: int
    link: bytes
    at: datetime
    key_id: str
    signature: bytes
    said: str = field(repr=False, default="")


@dataclass(slots=True)
class Proof:
    """What `verify` found. `waiting`: events not chained yet, which is no fault while they are young."""

    events: int = 0
    checkpoints: int = 0
    shipped: int = 0
    waiting: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing was changed, taken away or slipped in."""
        return not self.faults

    def fault(self, text: str) -> None:
        """Note a fault, unless there are too many to read."""
        if len(self.faults) < _TOLD:
            self.faults.append(text)


def read_shipped(lines: Iterable[str]) -> list[Shipped]:
    """Checkpoints as they were shipped, a JSON object a line, whatever stands before it (syslog's own words).

    Raises ValueError with the number of a line that holds none.
    """
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line[line.index("{") :])
            found.append(
                Shipped(
                    int(said["number"]),
                    bytes.fromhex(said["link"]),
                    datetime.fromisoformat(said["at"]),
                    str(said["key"]),
                    bytes.fromhex(said["signature"]),
                    f"line {number}",
                )
            )
        except (ValueError, KeyError, TypeError) as cause:
            raise ValueError(f"line {number} holds no checkpoint") from cause
    return found


def verify(conn: Connection, vault: Vault, now: datetime, shipped: Iterable[Shipped] = ()) -> Proof:
    """Walk the whole chain in one snapshot. Raises KeysUnavailable where the signing key cannot be had."""
    proof = Proof()
    signed = {made.number: made for made in links.checkpoints(conn)}
    elsewhere: dict[int, list[Shipped]] = {}
    for one in shipped:
        elsewhere.setdefault(one.number, []).append(one)
    end = Head()
    for linked in links.walk(conn):
        end = _follow(proof, end, linked)
        if linked.number in signed:
            _check_signed(proof, vault, signed.pop(linked.number), linked.link)
        for one in elsewhere.pop(linked.number, ()):
            _check_shipped(proof, vault, one, linked.link)
    for made in signed.values():
        proof.fault(f"the chain was cut off: a checkpoint of {made.at:%Y-%m-%d %H:%M} names link {made.number}")
    for one in (one for group in elsewhere.values() for one in group):
        proof.fault(f"the chain was cut off: the shipped checkpoint of {one.said} names link {one.number}")
    proof.waiting, late = links.waiting(conn, now - LATE)
    if late:
        proof.fault(
            f"{late} events older than {LATE.seconds // 60} minutes are in no chain: they were slipped in, or no "
            "gateway runs that chains them"
        )
    return proof


def _follow(proof: Proof, end: Head, linked: Linked) -> Head:
    """One step: is it the next link, and is its event as it was?"""
    if linked.number != end.number + 1:
        proof.fault(f"links {end.number + 1} to {linked.number - 1} are missing")
    elif linked.digest is None:
        proof.fault(f"the event of link {linked.number} (row {linked.event_id}) is missing")
    elif not hmac.compare_digest(next_link(end, linked.digest).link, linked.link):
        proof.fault(f"event {linked.event} (link {linked.number}) was changed, or its link was")
    elif not _persons_hold(linked.persons, linked.commitments):
        proof.fault(f"event {linked.event} (link {linked.number}): a person's name was changed")
    proof.events += 1
    return Head(linked.number, linked.link)


def _persons_hold(persons: Mapping[str, Any] | None, commitments: Mapping[str, str]) -> bool:
    """What is still there of persons is what was committed to; who was erased is no fault."""
    return all(
        name in commitments and commitment(kept["salt"], name, kept["value"]) == commitments[name]
        for name, kept in (persons or {}).items()
    )


def _check_signed(proof: Proof, vault: Vault, made: Checkpoint, link: bytes) -> None:
    if not hmac.compare_digest(made.link, link):
        proof.fault(f"the chain was written anew: link {made.number} is not the one signed {made.at:%Y-%m-%d %H:%M}")
    elif not _genuine(vault, made.key_id, signed_text(made.number, made.link, made.at), made.signature):
        proof.fault(f"the checkpoint of link {made.number} is not signed by this installation")
    proof.checkpoints += 1


def _check_shipped(proof: Proof, vault: Vault, one: Shipped, link: bytes) -> None:
    if not _genuine(vault, one.key_id, signed_text(one.number, one.link, one.at), one.signature):
        proof.fault(f"the shipped checkpoint of {one.said} is not signed by this installation")
    elif not hmac.compare_digest(one.link, link):
        proof.fault(f"the chain was written anew: link {one.number} is not the one in {one.said}")
    proof.shipped += 1


def _genuine(vault: Vault, key_id: str, text: bytes, signature: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(vault.public_key(NAMESPACE, key_id))
        key.verify(signature, text)
    except (InvalidSignature, KeysUnavailable):
        return False
    return True
