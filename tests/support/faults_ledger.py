"""The books: every 250 and every recipient, from the client's side, the database's and the next hop's.

What is promised, and checked here without the product's own audit (which is asked besides):
- for each 250 and recipient there is exactly one item, at the one end that its address asks for;
- what counts as sent has arrived, and whatever arrived was sent by a client;
- nothing arrives twice but where a kill fell between the final dot and our record of its result, or where the client
  never heard its 250 and sent again.
"""

import itertools
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from faults_peer import Got

ENDS = {  # by the recipient's domain; policy and peer are set up so
    "friends.example": "sent",
    "stmary.example": "sent",
    "box.example": "stored",
    "hold.example": "held",
    "never.example": "refused",
    "bounce.example": "bounced",
}
POLICY = """\
version: 1
rules:
  - name: numbers
    when: {content: {our.number: 1}}
    then: safebox
  - name: kept
    when: {recipients: "*@box.example"}
    then: safebox
  - name: held
    when: {recipients: "*@hold.example"}
    then: hold
  - name: never
    when: {recipients: "*@never.example"}
    then: {reject: "Not to them"}
otherwise: relay
"""
PACK = """\
detectors:
  our.number:
    title: A number of ours
    groups: [identity]
    patterns: [{regex: '\\bNR-\\d{6}\\b', confidence: high}]
    samples: {found: [{text: NR-123456, confidence: high}], ignored: [NR-12]}
"""


@dataclass
class Sent:
    """One message of a client, however often it had to be sent. `heard`: how many 250; `unheard`: no answer came."""

    name: str
    phase: str
    recipients: tuple[str, ...]
    heard: int = 0
    unheard: int = 0


@dataclass(frozen=True)
class Kill:
    """When the gateway was killed, by time.monotonic, and in which phase."""

    at: float
    phase: str


@dataclass
class Row:
    """One phase's line of the table."""

    kills: int = 0
    messages: int = 0
    accepted: int = 0
    recipients: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    twice_by_client: int = 0  # its 250 was lost, so it sent again
    twice_by_dot: int = 0  # ours was lost between the dot and the record
    wrong: list[str] = field(default_factory=list)


class Ledger:
    """What clients sent. Threads may add to it."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self.kills: list[Kill] = []

    def begin(self, name: str, phase: str, recipients: Iterable[str]) -> Sent:
        """A client is about to send (again)."""
        return self.sent.setdefault(name, Sent(name, phase, tuple(recipients)))

    def has_heard(self, phase: str) -> bool:
        """Has a client of this phase heard a 250?"""
        return any(sent.heard for sent in list(self.sent.values()) if sent.phase == phase)

    def check(self, states: dict[str, list[str]], arrivals: dict[str, list[Got]]) -> dict[str, Row]:
        """Balance the books; a row for each phase. `states`: of each recipient of mail, those of its items."""
        table: dict[str, Row] = {}
        for sent in self.sent.values():
            row = table.setdefault(sent.phase, Row())
            row.messages += 1
            row.accepted += sent.heard > 0
            for recipient in sent.recipients:
                self._check_one(row, sent, recipient, states.get(recipient, []), arrivals.get(recipient, []))
        for kill in self.kills:
            if kill.phase in table:
                table[kill.phase].kills += 1
        known = {recipient for sent in self.sent.values() for recipient in sent.recipients}
        strange = [recipient for recipient in states if recipient not in known]
        if strange:
            table.setdefault("?", Row()).wrong += [f"nobody sent to {recipient}" for recipient in strange]
        return table

    def _check_one(self, row: Row, sent: Sent, recipient: str, states: list[str], came: list[Got]) -> None:
        row.recipients += sent.heard > 0
        row.ends.update(states)
        end = ENDS[recipient.partition("@")[2]]
        if sent.heard and not states:
            row.lost.append(recipient)
            return
        row.wrong += [f"{recipient} is {state}, not {end}" for state in states if state != end]
        extra_items = len(states) - max(1, sent.heard)
        if extra_items > 0:
            row.twice_by_client += extra_items
            if extra_items > sent.unheard:
                row.wrong.append(f"{recipient} has {len(states)} items after {sent.heard} 250 and {sent.unheard} cuts")
        if sent.heard > 1:
            row.wrong.append(f"{recipient}: a client that heard 250 sent again")
        if end != "sent":
            return
        arrived, due = len(came), states.count("sent")
        if arrived < due:
            row.lost.append(f"{recipient} counts as sent {due} times and arrived {arrived} times")
        if arrived > due:
            row.twice_by_dot += arrived - due
            if not self._in_window(came):
                row.wrong.append(f"{recipient} arrived {arrived} times, outside of every window")

    def _in_window(self, came: list[Got]) -> bool:
        """Did a kill fall between two arrivals, and not long behind the first one's dot?

        How long it takes to write a result down is a question of how busy the machine is; for ever is a fault.
        """
        times = sorted(one.at for one in came)
        return any(
            first < kill.at + 0.1 and kill.at <= second and kill.at - first < 15.0
            for first, second in itertools.pairwise(times)
            for kill in self.kills
        )


Store = Path | str  # a data folder with SQLite's file, or the URL of a PostgreSQL database


def states_in(store: Store) -> dict[str, list[str]]:
    """Of each recipient of mail, the states of its items, read past the product."""
    found: dict[str, list[str]] = {}
    query = "select recipient, state from items where kind = 'mail'"
    for recipient, state in rows_in(store, f"{query} union all {query.replace('items', 'finished_items')}"):
        found.setdefault(recipient, []).append(state)
    return found


def rows_in(store: Store, query: str) -> list[tuple[Any, ...]]:
    """Rows of the database, read past the product."""
    if isinstance(store, str):
        with psycopg.connect(store) as server:
            return server.execute(query.encode()).fetchall()
    conn = sqlite3.connect(f"file:{store / 'sealgate.db'}?mode=ro", uri=True, timeout=30)
    try:
        return conn.execute(query).fetchall()
    finally:
        conn.close()


def printed(table: dict[str, Row]) -> str:
    """The table, for people."""
    head = f"{'fault':<36} {'sent':>5} {'250':>5} {'rcpt':>5} {'lost':>5} {'2x 250':>6} {'2x dot':>6}  ends"
    lines = [head, "-" * len(head)]
    for phase, row in table.items():
        ends = " ".join(f"{state}:{count}" for state, count in sorted(row.ends.items()))
        lines.append(
            f"{phase:<36} {row.messages:>5} {row.accepted:>5} {row.recipients:>5} {len(row.lost):>5} "
            f"{row.twice_by_client:>6} {row.twice_by_dot:>6}  {ends}"
        )
        lines += [f"    LOST  {what}" for what in row.lost] + [f"    WRONG {what}" for what in row.wrong]
    return "\n".join(lines)


def balances(table: dict[str, Row]) -> bool:
    """Nothing lost, nothing wrong. What was counted is written down for `faults_told.py`, where somebody wants it."""
    rows = list(table.values())
    write_down(
        faults=sum(row.kills for row in rows),
        sent=sum(row.messages for row in rows),
        accepted=sum(row.accepted for row in rows),
        recipients=sum(row.recipients for row in rows),
        lost=sum(len(row.lost) for row in rows),
        wrong=sum(len(row.wrong) for row in rows),
        twice_by_client=sum(row.twice_by_client for row in rows),
        twice_by_dot=sum(row.twice_by_dot for row in rows),
    )
    return not any(row.lost or row.wrong for row in table.values())


def write_down(
    *,
    faults: int,
    sent: int,
    accepted: int,
    recipients: int,
    lost: int,
    wrong: int,
    twice_by_client: int,
    twice_by_dot: int,
) -> None:
    """A line of the file that `SEALGATE_BOOKS` names, if it names one: what the faults of a test came to."""
    books = os.environ.get("SEALGATE_BOOKS")
    if not books:
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "?").rpartition("::")[2].partition(" ")[0]
    line = {
        "test": test,
        "faults": faults,
        "sent": sent,
        "accepted": accepted,
        "recipients": recipients,
        "lost": lost,
        "wrong": wrong,
        "twice, our 250 unheard": twice_by_client,
        "twice, theirs unheard": twice_by_dot,
    }
    with Path(books).open("a") as file:
        file.write(json.dumps(line) + "\n")
