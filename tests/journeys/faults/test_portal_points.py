"""kill -9 of the whole group at each named point of what people do at the portal, of time's acts, the trail, the sweep:
done or not done, never half; and what is begun again ends as if nothing had been.
"""

import errno
import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from faults_armed import OF_THE_PORTAL
from faults_ledger import Kill, Ledger, balances, rows_in, states_in
from faults_load import send_once
from faults_peer import Peer
from faults_rig import TIMES, FaultyGateway
from faults_visitor import Visitor
from mailhosts import wait_for
from postgres import Server
from soft_authenticator import Authenticator

FEW = {
    "in the portal, piece half kept", "in the portal, answer half kept", "in the portal, answer kept",
    "in the portal, account made", "in the portal, passkey half made", "in the portal, act half done",
    "in the portal, act done", "by time, end half done", "in the trail, half chained", "in the sweep, before files go",
}  # fmt: skip
FAILING = ("before the file's fsync", "key opened")
MORE = """\
workers: 1
profiles:
  standard: {{life: {{retention: 1 day}}, adjust: {{retention: {{from: none, to: forever}}}}}}
queue: {{history: 365 days}}
audit: {{checkpoint: 10 seconds, ship: ["file://{folder}/checkpoints"]}}
"""
PHASE = "portal"
SCAN = os.urandom(700_000)
HALF = 300_000
OLD = 3 * 86_400  # seconds: the sweep looks at nothing that is younger than two days


class Story:
    """One SafeBox, its guest and its sender, and a gateway that is killed when it gets to a point."""

    def __init__(self, gateway: FaultyGateway, peer: Peer, ledger: Ledger, points: Collection[str]) -> None:
        self.gateway, self._ledger, self._points = gateway, ledger, points
        self.guest = Visitor(gateway.portal, lambda: peer.arrivals().get("guest@box.example", ()))
        self.owner = Visitor(gateway.portal, lambda: peer.arrivals().get("alice@example.com", ()))

    def killed_at(self, point: str, act: Callable[[], object]) -> bool:
        """Do it, and be cut off there; False: this point is not of this run, and nothing was done."""
        if point not in self._points:
            return False
        self.gateway.trigger(point)
        with suppress(OSError, HTTPException):
            act()
        self._died()
        return True

    def killed_at_start(self, point: str) -> None:
        """The same, at what it does by itself when it starts."""
        if point in self._points:
            self.gateway.trigger(point)
            self.gateway.kill()
            self.gateway.begin()
            self._died()

    def _died(self) -> None:
        self.gateway.dies()
        self._ledger.kills.append(Kill(time.monotonic(), PHASE))
        self.gateway.start()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What lies in the database, read past the product."""
        return rows_in(self.gateway.store, query)

    def events(self, kind: str) -> int:
        """How many events of a kind."""
        return len(self.rows(f"select 1 from audit_events where kind = '{kind}'"))

    def blobs(self) -> set[str]:
        """The blob files there are."""
        return {path.name for path in (self.gateway.folder / "data" / "blobs").rglob("*") if path.is_file()}

    def named(self) -> set[str]:
        """The blob files that rows name."""
        columns = {
            "messages": "blob", "box_messages": "original_blob", "box_documents": "blob", "upload_pieces": "blob",
        }  # fmt: skip
        found = [self.rows(f"select {column} from {table}") for table, column in columns.items()]
        return {name for rows in found for (name,) in rows if name}


@pytest.fixture
def story(
    make_faulty: Callable[..., FaultyGateway], peer: Peer, ledger: Ledger, idle: Callable[..., None], tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Story]:  # fmt: skip
    """A box with its guest and its sender signed in; at the end the books and the trail are looked at."""
    points, kind = request.param
    database = ""
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres_server")
        database = f"database: {server.url(server.new_database())}"
    gateway = make_faulty(peer.port, more=MORE.format(folder=tmp_path), database=database)
    gateway.arm["times"] = TIMES | {
        "delivery.trail.keeping:_TURN": 0.1,
        "delivery.safebox.clockwork:_EVERY": 0.2,
        "delivery.store.doubts:GAP": 1e9,  # the days that pass here are believed at once
    }
    clock = tmp_path / "days"
    clock.write_text("0")
    gateway.arm["clock"] = str(clock)
    gateway.start()
    assert send_once(gateway.smtp, ledger, "guest", PHASE, ["box.example"], 200_000)
    yield Story(gateway, peer, ledger, points)
    idle(gateway)
    assert balances(ledger.check(states_in(gateway.store), peer.arrivals()))
    assert set(gateway.fired()) == {*points, *FAILING}
    gateway.command("queue", "audit")
    gateway.command("audit", "verify")
    assert gateway.stop() == 0


RUNS = [
    pytest.param((FEW, "sqlite"), id="few"),
    pytest.param((OF_THE_PORTAL, "sqlite"), id="all", marks=pytest.mark.soak),
    pytest.param((OF_THE_PORTAL, "postgresql"), id="all-postgresql", marks=[pytest.mark.soak, pytest.mark.postgres]),
]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", RUNS, indirect=True)
def test_killed_at_each_point_of_the_portal(story: Story, peer: Peer, tmp_path: Path) -> None:
    letter = story.guest.enter()
    story.gateway.trigger("key opened", "no keys")
    assert story.guest.get(letter) == 503
    story.gateway.calm()
    assert story.guest.get(letter) == 200
    box = story.owner.enter_boxes("alice@example.com")
    upload = _upload(story, letter)
    _answer(story, letter, upload, peer)
    _account(story)
    _passkey(story)
    _settings(story, box)
    _trail(story, box, tmp_path)
    _recall(story, letter, box)
    _sweep(story)
    _end(story, tmp_path)


def _upload(story: Story, letter: str) -> str:
    """A file in pieces: what was kept is kept, what was not comes again, and nothing is there twice."""
    guest, path = story.guest, f"{letter}/uploads"
    story.killed_at("in the portal, upload half announced", lambda: guest.announce(path, 5))
    assert story.rows("select 1 from uploads") == []
    if story.killed_at("in the portal, upload announced", lambda: guest.announce(path, 5)):
        [(forgotten,)] = story.rows("select id from uploads")
        assert guest.offset(f"{path}/{forgotten}") == 0
    upload = guest.announce(path, len(SCAN))
    files = story.blobs()
    for number in (errno.ENOSPC, errno.EIO):
        story.gateway.trigger("before the file's fsync", "fail", errno=number)
        assert guest.piece(upload, 0, SCAN[:HALF]) == 503
        assert "Traceback" not in guest.text
    story.gateway.calm()
    assert guest.offset(upload) == 0 and story.blobs() == files
    story.killed_at("in the portal, piece half kept", lambda: guest.piece(upload, 0, SCAN[:HALF]))
    assert guest.offset(upload) == 0
    if not story.killed_at("in the portal, piece kept", lambda: guest.piece(upload, 0, SCAN[:HALF])):
        assert guest.piece(upload, 0, SCAN[:HALF]) == 204
    assert guest.offset(upload) == HALF
    assert guest.piece(upload, HALF, SCAN[HALF:]) == 204
    return upload


def _answer(story: Story, letter: str, upload: str, peer: Peer) -> None:
    """There once, with its file, in the box and in the sender's mailbox; sent again it is told to be there."""
    guest = story.guest

    def answer() -> int:
        return guest.answer(f"{letter}/answer", "Thank you.", [upload])

    story.killed_at("in the portal, answer half kept", answer)
    written = "select 1 from box_messages where kind = 'answer'"
    assert story.rows(written) == [] and guest.offset(upload) == len(SCAN)
    if not story.killed_at("in the portal, answer kept", answer):
        assert answer() == 303
    assert len(story.rows(written)) == story.events("box.answered") == 1
    assert guest.offset(upload) == -1
    assert answer() == 303, "the browser that heard nothing sends it again: it is there, once"
    assert len(story.rows(written)) == story.events("box.answered") == 1
    mails = "select 1 from items where kind = 'answer' union all select 1 from finished_items where kind = 'answer'"
    assert len(story.rows(mails)) == 1
    files = wait_for(lambda: _attached(peer), why="the sender gets it by mail")
    assert all(content == SCAN for content in files)


def _attached(peer: Peer) -> list[bytes]:
    mails = [message_from_bytes(mail.raw, policy=policy.default) for mail in peer.arrivals()["alice@example.com"]]
    return [part.get_content() for mail in mails for part in mail.iter_attachments()]  # type: ignore[attr-defined]  # by the policy


def _account(story: Story) -> None:
    """Made, and its guest told of it by mail; or neither."""

    def make() -> int:
        assert story.guest.get("/account") == 200
        return story.guest.post("/account/password", password="an otter keeps 9 pebbles")

    def made() -> tuple[int, int, int]:
        """Accounts, events of it, mails about it."""
        of = "select 1 from {} where rule = 'notice: account_created'"
        mails = story.rows(f"{of.format('items')} union all {of.format('finished_items')}")
        return len(story.rows("select 1 from accounts")), story.events("account.created"), len(mails)

    story.killed_at("in the portal, account half made", make)
    assert made() == (0, 0, 0)
    if not story.killed_at("in the portal, account made", make):
        assert make() == 200
    assert made() == (1, 1, 1)


def _passkey(story: Story) -> None:
    """Kept, and its guest told of it by mail; or neither, and another one is made as if nothing had been."""

    def make() -> int:
        device = Authenticator(f"http://localhost:{story.gateway.portal}", "localhost")
        assert story.guest.get("/account") == 200
        assert story.guest.post("/account/passkey/options") == 200
        return story.guest.post("/account/passkey", credential=device.make(story.guest.text))

    def made() -> tuple[int, int, int]:
        """Passkeys, events of changes, mails about the account."""
        of = "select 1 from {} where rule = 'notice: account_created'"
        mails = story.rows(f"{of.format('items')} union all {of.format('finished_items')}")
        return len(story.rows("select 1 from passkeys")), story.events("account.changed"), len(mails)

    story.killed_at("in the portal, passkey half made", make)
    assert made() == (0, 0, 1), "the one mail is of the day it was made"
    if not story.killed_at("in the portal, passkey made", make):
        assert make() == 200
    assert made() == (1, 1, 2)


def _settings(story: Story, box: str) -> None:
    """Changed with its event, or neither."""

    def change() -> int:
        return story.owner.post(f"{box}/settings", retention="keep-30d")

    def kept_for() -> str:
        [(profile,)] = story.rows("select profile from boxes")
        read = json.loads(profile) if isinstance(profile, str) else profile
        return str(read["life"]["retention"])

    before = kept_for()
    story.killed_at("in the portal, act half done", change)
    assert (kept_for() == before, story.events("box.settings_changed")) == (True, 0)
    if not story.killed_at("in the portal, act done", change):
        assert change() == 200
    assert (kept_for() == before, story.events("box.settings_changed")) == (False, 1)


def _trail(story: Story, box: str, folder: Path) -> None:
    """The chain goes on where its last whole link is; a signature may be shipped twice, and no other instead."""
    for number, point in enumerate(point for point in sorted(OF_THE_PORTAL) if point.startswith("in the trail")):
        story.killed_at(point, lambda number=number: story.owner.post(f"{box}/extend", until=_day(8 + number)))  # type: ignore[misc]  # a default is no part of its type
        story.gateway.command("audit", "verify")
    shipped = [json.loads(line) for line in (folder / "checkpoints").read_text().splitlines()]
    by_number = {one["number"]: one["link"] for one in shipped}
    assert all(by_number[one["number"]] == one["link"] for one in shipped)


def _day(days: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + (30 + days) * 86_400))


def _recall(story: Story, letter: str, box: str) -> None:
    """Nobody reads on, and the sender is told what stays with whom; or everybody does."""

    def recall() -> int:
        return story.owner.post(f"{box}/recall", reason="wrong")

    def told() -> int:
        """Mails to the sender of what could not be taken back."""
        of = "select 1 from {} where rule = 'notice: recalled'"
        return len(story.rows(f"{of.format('items')} union all {of.format('finished_items')}"))

    story.killed_at("in the portal, act half done", recall)
    assert (story.guest.get(letter), story.events("box.recalled"), told()) == (200, 0, 0)
    if not story.killed_at("in the portal, act done", recall):
        assert recall() == 200
    assert (story.guest.get(letter), story.events("box.recalled"), told()) == (410, 1, 1)


def _sweep(story: Story) -> None:
    """What kills left behind goes, what rows name stays, however often the sweep is cut short."""
    left = story.blobs() - story.named()
    assert left, "a piece whose row was not committed"
    for path in (story.gateway.folder / "data" / "blobs").rglob("*"):
        os.utime(path, (time.time() - OLD,) * 2)
    for point in ("in the sweep, before files go", "in the sweep, after files went"):
        story.killed_at_start(point)
    wait_for(lambda: story.blobs() == story.named() and story.named(), why=f"{left} are swept, and nothing else")


def _end(story: Story, folder: Path) -> None:
    """Time deletes it: key, content and the event of it in one; the files then, at once or by the sweep."""

    def days_go_by() -> None:
        (folder / "days").write_text("90")

    story.killed_at("by time, end half done", days_go_by)
    if story.killed_at("by time, files left", days_go_by):
        assert story.blobs(), "the key is gone, the files are not yet"
        for path in (story.gateway.folder / "data" / "blobs").rglob("*"):
            os.utime(path, (time.time() - OLD,) * 2)
        story.gateway.kill()
        story.gateway.start()
    days_go_by()
    wait_for(lambda: story.events("box.deleted"), why="time deletes it")
    wait_for(lambda: not story.blobs(), why="and its files")
    assert story.events("box.deleted") == 1
    assert story.rows("select subject_sealed, dek_wrapped from boxes") == [(None, None)]
    assert story.rows("select 1 from box_messages where content_sealed is not null") == []
