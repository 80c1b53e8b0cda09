"""The portal for tests: real accounts, codes and sessions on SQLite; SafeBoxes kept in memory, told what to hold."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, DummyCookieJar, FormData
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from delivery.couriers.courier import Delivery, Stored
from delivery.couriers.safebox import SafeBoxCourier
from delivery.errors import StoreUnavailable
from delivery.items import Destination, Item, OpenMessage, State
from delivery.notices.compose import Composer
from delivery.notices.facts import NoticeSender
from delivery.queue import Queue
from delivery.safebox.answers import Answered
from delivery.safebox.asking import normalise_answer
from delivery.safebox.box import SafeBoxes
from delivery.safebox.contents import BoxDocument, BoxMessage, DocumentReader, ListedInvitation, OpenBox
from delivery.safebox.headers import address_key
from delivery.safebox.limits import AnswerLimits, AnswerRefused, TooMuch
from delivery.safebox.participants import Access, Invitation, Person, Way
from delivery.safebox.profile import Profile
from delivery.sealed import open_message
from delivery.settings import QueueSettings
from delivery.store.account_rows import proven_before
from delivery.store.accounts import Accounts
from delivery.store.audit import export
from delivery.store.blobs import Blobs
from delivery.store.boxes import BoxState, GuestState, Role
from delivery.store.codes import clear_throttles
from delivery.store.credentials import Credentials
from delivery.store.database import Database
from delivery.store.messages import find_message
from delivery.store.upgrade import prepare
from delivery.store.vault import Vault
from delivery.store.who import Also
from keys.keyring import KeyRing
from keys.tokens import new_id, new_token, normalise_reference
from policy.decision import Changes, Route
from portal.services import PortalServices
from portal.settings import PortalSettings
from portal.signin.passwords import Passwords
from portal.site import make_site

HOST = "secure.example.com"
START = datetime(2026, 11, 21, 10, 14, tzinfo=UTC)
GUEST = "maria@post.example"


class Clock:
    """A time that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def go(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Box:
    """One invitation with what it opens; tests write into it."""

    invitation: Invitation
    token: str
    subject: str = "Discharge report and follow-up"
    messages: list[BoxMessage] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    limits: AnswerLimits = field(default_factory=AnswerLimits)
    other_guest: Person | None = None
    answer: str = ""  # to the sender's question

    @property
    def path(self) -> str:
        return f"/b/{self.token}"

    @property
    def here(self) -> str:
        return f"/m/{self.invitation.participant_id}"

    def change(self, **values: Any) -> None:
        self.invitation = replace(self.invitation, **values)

    def person(self, role: Role, *, reader: bool = False) -> Person:
        invitation = self.invitation
        if role is Role.OWNER:
            return Person("owner-id", invitation.sender_name, invitation.sender_address, role, GuestState.READ)
        return Person(
            invitation.participant_id, invitation.guest_name, invitation.guest_address, role, GuestState.READ, reader
        )

    def add_message(
        self, text: str = "Dear Maria,\n\nall is well.", html: str | None = None, **more: Any
    ) -> BoxMessage:
        made = BoxMessage(
            id=more.pop("id", new_id()),
            author=more.pop("author", None) or self.person(Role.OWNER),
            written_at=START,
            subject=self.subject,
            text=text,
            html=html,
            documents=more.pop("documents", ()),
            is_original=not self.messages,
            original_size=more.pop("original_size", None),
            **more,
        )
        self.messages.append(made)
        return made

    def add_document(self, name: str, content: bytes, kind: str = "application/pdf", **more: Any) -> BoxDocument:
        message = self.messages[-1]
        made = BoxDocument(new_id(), message.id, name, kind, more.pop("word", "pdf"), len(content), **more)
        self.contents[made.id] = content
        self.messages[-1] = replace(message, documents=(*message.documents, made))
        return made


class Draft:
    """An answer under way, checked against the limits as the real one does."""

    def __init__(self, boxes: "FakeBoxes", box: Box) -> None:
        self._boxes, self._box = boxes, box
        self.limits = box.limits
        self.documents: list[tuple[str, bytearray]] = []
        self.sent: str | None = None
        self.aborted = 0

    async def is_over(self, form_id: str) -> bool:
        return False

    async def add_document(self, name: str, content_type: str = "") -> None:
        if len(self.documents) >= self.limits.documents:
            raise AnswerRefused(TooMuch.DOCUMENTS, self.limits.documents, name)
        self.documents.append((name, bytearray()))

    async def write(self, chunk: bytes) -> None:
        name, content = self.documents[-1]
        content += chunk
        if len(content) > self.limits.document_bytes:
            raise AnswerRefused(TooMuch.DOCUMENT_BYTES, self.limits.document_bytes, name)
        if sum(len(one) for _, one in self.documents) > self.limits.total_bytes:
            raise AnswerRefused(TooMuch.TOTAL_BYTES, self.limits.total_bytes)

    async def finish_document(self) -> None:
        return None

    async def send(self, text: str, only_for: str = "", form_id: str = "") -> Answered | None:
        if len(text) > self.limits.text:
            raise AnswerRefused(TooMuch.TEXT, self.limits.text)
        if not self._box.invitation.answerable:
            return None
        self.sent = text
        self._box.add_message(text, author=self._box.person(Role.GUEST, reader=True))
        return Answered(new_id(), stays_in_box=False)

    async def abort(self) -> None:
        self.aborted += 1


class FakeBoxes(SafeBoxes):
    """SafeBoxes in memory. Remembers every act in `acts`; `away` makes every call fail as a lost database does."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._base, self._keys = db, vault
        self.boxes: list[Box] = []
        self.acts: list[tuple[str, str]] = []
        self.codes: list[str] = []
        self.drafts: list[Draft] = []
        self.notes: list[str] = []
        self.away = False
        self.bytes_read = 0
        self.fetches: list[tuple[str, str]] = []
        self.ends: list[tuple[str, int, int, int]] = []

    def add(self, **values: Any) -> Box:
        token, number = new_token(), len(self.boxes)
        made = Invitation(
            participant_id=new_id(),
            box_id=new_id(),
            namespace="default",
            sender_name="Dr. Katharina Weber",
            sender_address="weber@example.com",
            organisation="Example Clinic",
            guest_address=GUEST,
            guest_name="Maria Oberhofer",
            reference=f"7KQ4-XN2M-{number:04d}",
            sent_at=START,
            closes_at=START + timedelta(days=30),
            closed_at=None,
            deletes_at=START + timedelta(days=60),
            deleted_at=None,
            recalled_at=None,
            state=BoxState.OPEN,
            guest_state=GuestState.NOTIFIED,
            locked=False,
            needs_account=False,
            by_fallback=False,
            released=False,
            account_made_before=False,
            document_count=0,
            subject=None,
            profile=Profile(),
        )
        box = Box(replace(made, **values), token)
        box.add_message()
        self.boxes.append(box)
        return box

    def _find(self, participant_id: str) -> Box | None:
        if self.away:
            raise StoreUnavailable("gone")
        found = (box for box in self.boxes if box.invitation.participant_id == participant_id)
        return next(found, None)

    def _seen(self, box: Box) -> Invitation:
        made = box.invitation
        if made.by_fallback:
            before = self._base.read_now(lambda c: proven_before(c, "default", made.guest_address, made.sent_at))
            return replace(made, account_made_before=before)
        return made

    async def by_link(self, namespace: str, token: str) -> Invitation | None:
        self._find("")
        return next((self._seen(box) for box in self.boxes if box.token == token), None)

    async def by_reference(self, namespace: str, reference: str) -> Invitation | None:
        wanted = normalise_reference(reference)
        return next((self._seen(box) for box in self.boxes if box.invitation.reference == wanted), None)

    async def invitation(self, namespace: str, participant_id: str) -> Invitation | None:
        box = self._find(participant_id)
        return self._seen(box) if box else None

    async def for_address(self, namespace: str, address: str) -> tuple[ListedInvitation, ...]:
        self._find("")
        mine = [box for box in self.boxes if address_key(box.invitation.guest_address) == address_key(address)]
        return tuple(ListedInvitation(self._seen(box), box.subject) for box in mine)

    async def send_code(
        self, namespace: str, participant_id: str, code: str, valid_for: timedelta, seen: Access
    ) -> bool:
        box = self._find(participant_id)
        if box is None or not (box.invitation.takes_codes or box.invitation.takes_mailbox):
            return False
        self.acts.append(("code", participant_id))
        self.codes.append(code)
        return True

    async def open_box(self, namespace: str, participant_id: str, seen: Access | None) -> OpenBox | None:
        box = self._find(participant_id)
        if box is None or not box.invitation.readable:
            return None
        if seen is not None:
            self.acts.append(("read", participant_id))
            if box.invitation.guest_state in (GuestState.INVITED, GuestState.NOTIFIED):
                box.change(guest_state=GuestState.READ)
        owner, reader = box.person(Role.OWNER), box.person(Role.GUEST, reader=True)
        others = (box.other_guest,) if box.other_guest else ()
        answerable = box.invitation.answerable
        return OpenBox(
            box.invitation,
            box.subject,
            tuple(box.messages),
            (owner, reader, *others),
            (owner,) if answerable else (),
            box.limits,
        )

    async def document(self, namespace: str, participant_id: str, document_id: str) -> DocumentReader | None:
        box = self._find(participant_id)
        if box is None or document_id not in box.contents:
            return None
        [known] = [one for message in box.messages for one in message.documents if one.id == document_id]
        return self._reader(known.name, known.type, box.contents[document_id])

    async def original(self, namespace: str, participant_id: str) -> DocumentReader | None:
        box = self._find(participant_id)
        if box is None or "original" not in box.contents:
            return None
        return self._reader(f"{box.subject}.eml", "message/rfc822", box.contents["original"])

    def _reader(self, name: str, kind: str, content: bytes) -> DocumentReader:
        def read(start: int, stop: int) -> Iterator[bytes]:
            for at in range(start, stop, 65536):
                piece = content[at : min(stop, at + 65536)]
                self.bytes_read += len(piece)
                yield piece

        return DocumentReader(name, kind, len(content), read, lambda: self.acts.append(("closed", "")))

    async def downloaded(
        self,
        namespace: str,
        participant_id: str,
        document_ids: tuple[str, ...],
        seen: Access,
        *,
        original: bool = False,
    ) -> bool:
        self.acts.append(("downloaded", ",".join(document_ids) or "original"))
        return True

    async def download_ended(
        self,
        namespace: str,
        participant_id: str,
        document_id: str,
        seen: Access,
        *,
        start: int,
        stop: int,
        size: int,
    ) -> None:
        self.ends.append((document_id or "original", start, stop, size))

    async def fetched(self, namespace: str, participant_id: str, seen: Access) -> None:
        self.fetches.append((participant_id, seen.network))

    async def consent(self, namespace: str, participant_id: str, version: str, seen: Access) -> bool:
        box = self._find(participant_id)
        if box is None or box.invitation.profile.participants.consent is None:
            return False
        if box.invitation.profile.participants.consent.version == version:
            box.change(consent_wanted=False)
        return True

    async def uploads(self, writer: Any) -> tuple[Any, ...]:
        return ()

    async def begin_answer(self, namespace: str, participant_id: str, seen: Access) -> Any:
        box = self._find(participant_id)
        if box is None or not box.invitation.answerable:
            return None
        self.drafts.append(Draft(self, box))
        return self.drafts[-1]

    async def decline(self, namespace: str, participant_id: str, seen: Access) -> bool:
        box = self._find(participant_id)
        if box is None:
            return False
        self.acts.append(("declined", participant_id))
        box.change(guest_state=GuestState.DECLINED)
        return True

    async def reopen(self, namespace: str, participant_id: str, seen: Access) -> bool:
        box = self._find(participant_id)
        assert box is not None and seen.way is not Way.LINK
        self.acts.append(("reopened", participant_id))
        box.change(guest_state=GuestState.NOTIFIED)
        return True

    async def lock(self, namespace: str, participant_id: str, seen: Access) -> bool:
        box = self._find(participant_id)
        assert box is not None
        self.acts.append(("locked", participant_id))
        box.change(locked=True)
        return True

    async def unlock(self, namespace: str, participant_id: str, seen: Access) -> bool:
        box = self._find(participant_id)
        assert box is not None
        self.acts.append(("unlocked", participant_id))
        box.change(locked=False)
        await self._base.write(lambda conn: clear_throttles(conn, namespace, participant_id))
        return True

    async def code_called(self, namespace: str, participant_id: str, way: Way, seen: Access, *, sent: bool) -> None:
        self.acts.append((f"called {way.value}" if sent else f"not called {way.value}", participant_id))

    async def tell_phone(self, namespace: str, participant_id: str, number: str, seen: Access) -> bool:
        box = self._find(participant_id)
        assert box is not None and box.invitation.wants_phone
        self.acts.append((f"told {number}", participant_id))
        box.change(phone_waits=True)
        return True

    async def is_answer(self, namespace: str, participant_id: str, typed: str) -> bool:
        box = self._find(participant_id)
        return box is not None and normalise_answer(typed) == normalise_answer(box.answer)

    async def ask_again(self, namespace: str, participant_id: str, note: str, seen: Access) -> bool:
        self.acts.append(("asked", participant_id))
        self.notes.append(note)
        return True

    async def account_changed(self, namespace: str, participant_id: str, seen: Access) -> Also:
        return lambda _conn: self.acts.append(("account", participant_id))

    async def signin_locked(
        self, namespace: str, participant_id: str, account_id: str, seen: Access, until: datetime, *, by_second: bool
    ) -> bool:
        self.acts.append(("account locked", "second" if by_second else participant_id))
        return True

    async def resend(self, namespace: str, participant_id: str, seen: Access) -> bool:
        self.acts.append(("resent", participant_id))
        return True


class Browser:
    """One browser: keeps cookies, follows redirects by hand, fills in the forms that it was shown."""

    def __init__(self, client: TestClient[Any, Any], headers: dict[str, str] | None = None) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}
        self.headers = {"Host": HOST, **(headers or {})}
        self.status = 0
        self.text = ""
        self.path = ""
        self.response: ClientResponse | None = None

    async def go(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> ClientResponse:
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.client.request(method, path, headers=sent, allow_redirects=False, **more)
        for name, morsel in response.cookies.items():
            if morsel.value and morsel["max-age"] != "0":
                self.cookies[name] = morsel.value
            else:
                self.cookies.pop(name, None)
        body = await response.read()
        self.response, self.status, self.path = response, response.status, path
        self.text = body.decode("utf-8", "replace")
        self.body = body
        return response

    async def get(self, path: str, **more: Any) -> int:
        """GET, following redirects."""
        await self.go("GET", path, **more)
        for _ in range(5):
            if self.response is None or self.status not in (302, 303):
                break
            await self.go("GET", self.response.headers["Location"])
        return self.status

    async def post(self, path: str, data: dict[str, str] | FormData | None = None, **more: Any) -> int:
        """POST with the token of the page last seen, following redirects."""
        if isinstance(data, FormData):
            await self.go("POST", path, data=data, **more)
        else:
            await self.go("POST", path, data={"csrf": self.csrf, **(data or {})}, **more)
        if self.response is not None and self.status in (302, 303):
            await self.get(self.response.headers["Location"])
        return self.status

    @property
    def csrf(self) -> str:
        """The token in the forms of the page last seen."""
        found = re.search(r'name="csrf" value="([^"]*)"', self.text)
        return unescape(found[1]) if found else getattr(self, "_last", "")

    def keep_token(self) -> None:
        self._last = self.csrf

    async def open_by_code(self, boxes: FakeBoxes, box: Box) -> int:
        """The whole way in: envelope, code, letter."""
        await self.get(box.path)
        await self.post(f"{box.path}/code")
        return await self.post(f"{box.path}/open", {"code": boxes.codes[-1]})


@dataclass
class Portal:
    """The portal with everything a test may turn."""

    clock: Clock
    boxes: FakeBoxes
    accounts: Accounts
    services: PortalServices
    client: TestClient[Any, Any]
    db: Database
    vault: Vault

    def browser(self, **headers: str) -> Browser:
        return Browser(self.client, headers)

    def events(self) -> list[dict[str, Any]]:
        return self.db.read_now(lambda conn: list(export(conn, self.vault, reveal=True)))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its schema and its namespace's keys, to be copied: making one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("portal")
    db = Database.open(f"sqlite:///{folder / 'store.sqlite'}")
    prepare(db)
    Vault(db, KeyRing.create(folder / "keyring.json")).ensure("default")
    db.close()
    return folder


@pytest.fixture
def database(empty_store: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    shutil.copy(empty_store / "store.sqlite", tmp_path)
    db = Database.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield db
    db.close()


@pytest.fixture
def vault(database: Database, empty_store: Path) -> Vault:
    """Its keys."""
    return Vault(database, KeyRing.load(empty_store / "keyring.json"))


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
async def make_portal(database: Database, vault: Vault, clock: Clock) -> AsyncIterator[Callable[..., Any]]:
    """Make portals with other settings."""
    clients: list[TestClient[Any, Any]] = []

    async def make(
        url: str = f"https://{HOST}", phones: Any = None, phone_limits: Any = None, **settings: Any
    ) -> Portal:
        boxes, accounts = FakeBoxes(database, vault), Accounts(database, vault)
        services = PortalServices(
            boxes=boxes,
            accounts=accounts,
            credentials=Credentials(database, vault),
            settings=PortalSettings.model_validate({"url": url, **settings}),
            clock=clock,
            organisation="Example Clinic",
            sender="secure@example.com",
            phones=phones or {},
            phone_limits=phone_limits,
        )
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        server = TestServer(make_site(services, quick))
        await server.start_server(access_log=None)
        client = TestClient(server, cookie_jar=DummyCookieJar())
        clients.append(client)
        return Portal(clock, boxes, accounts, services, client, database, vault)

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def portal(make_portal: Callable[..., Any]) -> Portal:
    """The portal at https://secure.example.com."""
    made: Portal = await make_portal()
    return made


@pytest.fixture
def box(portal: Portal) -> Box:
    """One invitation to Maria."""
    return portal.boxes.add()


@pytest.fixture
def guest(portal: Portal) -> Browser:
    """A browser of hers."""
    return portal.browser()


OWNER = "weber@example.com"


class _Lease:
    async def confirm(self) -> bool:
        return True


def _destination(address: str) -> Destination:
    return Destination(Route.RELAY, inside=address.endswith("@example.com"))


@dataclass
class Office:
    """The portal over real SafeBoxes: senders of example.com, a queue that nobody empties."""

    clock: Clock
    boxes: SafeBoxes
    client: TestClient[Any, Any]
    db: Database
    vault: Vault
    blobs: Blobs
    profiles: dict[str, Profile]
    given: dict[str, int] = field(default_factory=dict)  # how many codes of an address were asked for by tests

    def browser(self, **headers: str) -> Browser:
        return Browser(self.client, headers)

    async def send(self, *guests: str, subject: str = "Your results", owner: str = OWNER, html: str = "") -> str:
        """A sender's mail with a document, to guests; the id of its box. `html` may show the picture `cid:logo`."""
        letter = EmailMessage(policy=SMTP)
        letter["From"], letter["To"], letter["Subject"] = f"Dr. Weber <{owner}>", ", ".join(guests), subject
        letter["Message-ID"] = f"<{new_id()}@example.com>"
        letter.set_content("Dear all,\n\nSECRETTEXT.\n")
        if html:
            letter.add_alternative(html, subtype="html")
            letter.get_payload()[1].add_related(b"\x89PNG dots", "image", "png", cid="<logo>", filename="logo.png")
        letter.add_attachment(b"%PDF " * 100, maintype="application", subtype="pdf", filename="Report.pdf")
        message = OpenMessage(new_id(), "default", owner, owner, letter.as_bytes(), self.clock())
        items = tuple(self._item(message.id, guest) for guest in guests)
        delivery = Delivery(message, items, Destination(Route.SAFEBOX), _Lease())
        outcomes = (await SafeBoxCourier(self.boxes, self.profiles).deliver(delivery)).values()

        def end(conn: Connection) -> None:
            for outcome in outcomes:
                assert isinstance(outcome, Stored)
                outcome.work(conn, self.clock())

        await self.db.write(end)
        return (await self.boxes.list("default"))[0].id

    def _item(self, message_id: str, guest: str) -> Item:
        now = self.clock()
        return Item(
            id=new_id(),
            message_id=message_id,
            namespace="default",
            recipient=guest,
            state=State.LEASED,
            attempts=0,
            created_at=now,
            next_at=now,
            expires_at=now + timedelta(days=5),
            rule="test",
            decision_id="d",
            destination=Destination(Route.SAFEBOX),
            changes=Changes(),
        )

    def mails(self, recipient: str) -> list[str]:
        """The texts of what waits in the queue for somebody, oldest first."""
        query = text("select message_id from items where recipient = :who order by id")
        rows = self.db.read_now(lambda conn: list(conn.execute(query, {"who": recipient}).scalars()))
        found = []
        for message_id in rows:
            stored = self.db.read_now(partial(find_message, message_id=message_id))
            assert stored is not None
            parsed = message_from_bytes(open_message(self.vault, self.blobs, stored).raw, policy=default)
            body = parsed.get_body(("plain",))
            assert body is not None
            found.append(body.get_content().replace("\r\n", "\n"))
        return found

    def codes(self, address: str) -> list[str]:
        """The codes mailed to somebody so far."""
        return [code for mail in self.mails(address) for code in re.findall(r"^ {4}(\d{6})$", mail, re.MULTILINE)]

    async def code_for(self, address: str, before: int = 0) -> str:
        """The code mailed last, of more than there were before or were given here: it goes out after the answer that
        promised it.
        """
        before = max(before, self.given.get(address, 0))
        for _ in range(400):
            if len(found := self.codes(address)) > before:
                self.given[address] = len(found)
                return found[-1]
            await asyncio.sleep(0.005)
        raise AssertionError("no code came")

    async def signed_in(self, address: str = OWNER, box: str = "") -> Browser:
        """A browser whose sender signed in."""
        browser = self.browser()
        before = len(self.codes(address))
        await browser.get(f"/boxes/signin?box={box}")
        await browser.post("/boxes/signin", {"email": address, "box": box})
        await browser.post("/boxes/signin/code", {"code": await self.code_for(address, before)})
        return browser

    def events(self) -> list[dict[str, Any]]:
        return self.db.read_now(lambda conn: list(export(conn, self.vault, reveal=True)))


@pytest.fixture
async def office(database: Database, vault: Vault, clock: Clock, tmp_path: Path) -> AsyncIterator[Office]:
    """Senders at their own site."""
    blobs, url = Blobs(tmp_path / "blobs"), f"https://{HOST}"
    queue = Queue(database, vault, blobs, QueueSettings(), clock, destination_for=_destination)
    voice = NoticeSender.of("Example Clinic <secure@example.com>", hostname="gate.example.com", portal_url=url)
    boxes = SafeBoxes(database, vault, blobs, queue, composer=Composer(voice), clock=clock)
    services = PortalServices(
        boxes=boxes,
        accounts=Accounts(database, vault),
        credentials=Credentials(database, vault),
        settings=PortalSettings.model_validate({"url": url, "trusted_proxies": ["127.0.0.0/8"]}),
        clock=clock,
        organisation="Example Clinic",
        sender="secure@example.com",
    )
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    server = TestServer(make_site(services, quick))
    await server.start_server(access_log=None)
    client = TestClient(server, cookie_jar=DummyCookieJar())
    yield Office(clock, boxes, client, database, vault, blobs, {"standard": Profile()})
    await client.close()
