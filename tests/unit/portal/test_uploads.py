"""Files that arrive before the answer: in pieces, by their writer alone, within the limits, sent once."""

import asyncio
import base64
import io
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from sqlalchemy import text

from delivery.safebox import receiving
from delivery.safebox.authority import Principal
from delivery.safebox.profile import Profile
from keys.tokens import new_id
from portal.services import SERVICES
from portal.web import resuming

MARIA, JON = "maria@post.example", "jon@far.example"
TUS = {"Tus-Resumable": "1.0.0"}
MAILS = "select count(*) from items where kind = 'answer'"
BLOBS = (
    "select blob from box_documents where blob is not null union select original_blob from box_messages where "
    "original_blob is not null union select blob from messages where blob is not null"
)
Enter = Callable[..., Awaitable[tuple[Any, str]]]


@pytest.fixture
def enter(office: Any) -> Enter:
    """Somebody's browser at the open letter, and where their uploads begin."""

    async def made(address: str = MARIA) -> tuple[Any, str]:
        letters = await office.boxes.for_address("default", address)
        invitation = letters[0].invitation
        browser, before = office.browser(), office.mails(address)
        await browser.get(link_in(office.mails(address)))
        await browser.post(f"{browser.path}/code")
        while len(office.mails(address)) == len(before):
            await asyncio.sleep(0.005)
        await browser.post(browser.path.replace("/code", "/open"), {"code": await office.code_for(address)})
        assert browser.status == 200 and browser.path == f"/m/{invitation.participant_id}"
        browser.keep_token()
        return browser, f"{browser.path}/uploads"

    return made


def link_in(mails: list[str]) -> str:
    """The newest link in somebody's mails."""
    lines = [line.strip() for mail in mails for line in mail.splitlines() if "/b/" in line]
    return "/b/" + lines[-1].partition("/b/")[2]


@pytest.fixture
async def guest(office: Any, enter: Enter) -> tuple[Any, str]:
    """Maria at her letter."""
    await office.send(MARIA)
    return await enter()


def metadata(name: str, kind: str = "application/pdf") -> str:
    pairs = {"filename": name, "filetype": kind, "modified": "1764000000000"}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


async def ask(who: Any, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """One request as the page's script makes it."""
    page = who.text if "csrf" in who.text else ""
    token = who.csrf
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    await who.go(method, path, data=body or None, headers={**TUS, "X-CSRF-Token": token, **named})
    who.said, who.text = who.text, page or who.text
    return int(who.status)


async def begin(who: Any, path: str, size: int, name: str = "Scan für dich.pdf") -> str:
    """The path of a new upload; empty where it was refused."""
    status = await ask(who, "POST", path, Upload_Length=str(size), Upload_Metadata=metadata(name))
    return who.response.headers["Location"] if status == 201 else ""


async def more(who: Any, upload: str, offset: int, body: bytes) -> int:
    headers = {"Upload_Offset": str(offset), "Content_Type": "application/offset+octet-stream"}
    return await ask(who, "PATCH", upload, body, **headers)


async def offset_of(who: Any, upload: str) -> int:
    """As HEAD tells it; -1: there is none."""
    status = await ask(who, "HEAD", upload)
    return int(who.response.headers["Upload-Offset"]) if status == 200 else -1


async def answer(who: Any, text: str, *uploads: str) -> int:
    form = FormData(default_to_multipart=True)
    form.add_field("csrf", who.csrf)
    form.add_field("text", text)
    for upload in uploads:
        form.add_field("uploads", upload.rpartition("/")[2])
    return int(await who.post(who.here, form))


def files(office: Any) -> list[Path]:
    """The blob files there are."""
    return [file for file in office.blobs._folder.rglob("*") if file.is_file()]


def at(who: Any, path: str) -> Any:
    """Answers go beside uploads."""
    who.here = path.replace("/uploads", "/answer" if path.startswith("/m/") else "/write")
    return who


async def test_a_file_in_pieces_is_sent_once_and_byte_by_byte(office, guest, monkeypatch) -> None:
    monkeypatch.setattr(receiving, "PIECE", 300_000)
    (maria, path), content = guest, bytes(range(256)) * 4000
    upload = await begin(maria, path, len(content))
    assert maria.response.headers["Upload-Offset"] == "0" and "GMT" in maria.response.headers["Upload-Expires"]
    assert await more(maria, upload, 0, content[:1000]) == 204
    assert await more(maria, upload, 1000, content[1000:700_000]) == 204
    assert await more(maria, upload, 0, content[:1000]) == 409
    assert maria.response.headers["Upload-Offset"] == "700000"
    assert await offset_of(maria, upload) == 700_000
    assert maria.response.headers["Upload-Length"] == str(len(content))
    assert metadata("Scan für dich.pdf") == maria.response.headers["Upload-Metadata"]

    # loaded again, the page lists what waits; before it is whole nothing sends it
    await maria.get(path.removesuffix("/uploads"))
    assert 'data-received="700000"' in maria.text and "Scan für dich.pdf" in maria.text
    assert await answer(at(maria, path), "too early", upload) == 409
    assert "no longer here" in maria.text and "too early" in maria.text
    assert await more(maria, upload, 700_000, content[700_000:]) == 204
    assert content[500:600] not in b"".join(file.read_bytes() for file in files(office))
    assert await answer(maria, "here it is", upload) == 200
    assert "Your reply has been sent" in maria.text
    [document] = [line for line in maria.text.splitlines() if "/documents/" in line and "Scan" in line]
    await maria.go("GET", document.partition('href="')[2].partition('"')[0])
    assert maria.body == content
    await maria.get(path.removesuffix("/uploads"))
    assert "data-received" not in maria.text.partition("<template")[0]

    # sent once: neither sent again, nor gone on with, nor asked after; and no file of it is left behind
    assert await answer(maria, "once more", upload) == 409
    assert await offset_of(maria, upload) == -1 and await more(maria, upload, len(content), b"") == 404
    assert len(files(office)) == 3, "the mail as it came, the answer's document, the mail to the owner"


@pytest.mark.slow
async def test_what_came_before_the_connection_broke_is_kept(office, guest) -> None:
    maria, path = guest
    upload = await begin(maria, path, 900_000)
    url = maria.client.make_url("/")
    _reader, writer = await asyncio.open_connection(url.host, url.port)
    cookie = "; ".join(f"{name}={value}" for name, value in maria.cookies.items())
    head = (
        f"PATCH {upload} HTTP/1.1\r\nHost: secure.example.com\r\nCookie: {cookie}\r\nTus-Resumable: 1.0.0\r\n"
        f"X-CSRF-Token: {maria.csrf}\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
        "Content-Length: 900000\r\n\r\n"
    )
    writer.write(head.encode() + b"x" * 600_000)
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    for _ in range(400):
        if came := await offset_of(maria, upload):
            break
        await asyncio.sleep(0.01)
    assert 0 < came <= 600_000
    assert await more(maria, upload, came, b"x" * (900_000 - came)) == 204
    assert await answer(at(maria, path), "", upload) == 200


@pytest.mark.slow
async def test_of_two_who_go_on_at_once_one_wins(guest) -> None:
    maria, path = guest
    upload = await begin(maria, path, 10)
    headers = {
        **TUS,
        "X-CSRF-Token": maria.csrf,
        "Upload-Offset": "0",
        "Cookie": "; ".join(f"{k}={v}" for k, v in maria.cookies.items()),
    }
    headers |= {"Host": "secure.example.com", "Content-Type": "application/offset+octet-stream"}
    both = [maria.client.request("PATCH", upload, data=b"abcde", headers=headers) for _ in range(2)]
    assert sorted(one.status for one in await asyncio.gather(*both)) == [204, 409]
    assert await offset_of(maria, upload) == 5
    assert await more(maria, upload, 5, b"fghij") == 204


@pytest.mark.slow
async def test_those_of_others_are_none(office, enter) -> None:
    await office.send(MARIA, JON)
    maria, path = await enter(MARIA)
    jon, other = await enter(JON)
    upload = await begin(maria, path, 5)
    for foreign in (upload, f"{other}/{upload.rpartition('/')[2]}", f"{other}/nothing"):
        assert await offset_of(jon, foreign) == -1
        assert await more(jon, foreign, 0, b"evil!") == 404
        assert await ask(jon, "DELETE", foreign) == 404
    assert await answer(at(jon, other), "a try", upload) == 409
    owner = await office.signed_in()
    await owner.get(f"/boxes/{(await office.boxes.list('default'))[0].id}")
    assert await offset_of(owner, f"{owner.path}/uploads/{upload.rpartition('/')[2]}") == -1
    assert await offset_of(maria, upload) == 0
    assert await ask(maria, "DELETE", upload) == 204 and await offset_of(maria, upload) == -1


NO_ANNOUNCEMENTS = (
    (412, {"Tus_Resumable": "0.2.2"}),
    (403, {"X_CSRF_Token": "wrong"}),
    (400, {"Upload_Length": "-1"}),
    (400, {"Upload_Length": "9" * 19}),
    (400, {"Upload_Length": "١"}),
    (400, {"Upload_Metadata": "filename not*base64"}),
    (400, {"Upload_Metadata": "filename /w=="}),
    (400, {"Upload_Metadata": "x" * 5000}),
)


async def test_what_is_no_announcement_is_refused(guest) -> None:
    maria, path = guest
    for status, headers in NO_ANNOUNCEMENTS:
        given = {"Upload_Length": "5", "Upload_Metadata": metadata("a.pdf"), **headers}
        assert await ask(maria, "POST", path, **given) == status, headers
        assert maria.response.headers["Tus-Resumable"] == "1.0.0" and "<" not in maria.said


async def test_bad_pieces_change_nothing(guest) -> None:
    maria, path = guest
    upload = await begin(maria, path, 5)
    bytes_ = "application/offset+octet-stream"
    assert await ask(maria, "PATCH", upload, b"hello", Upload_Offset="0", Content_Type="text/plain") == 415
    assert await ask(maria, "PATCH", upload, b"hello", Content_Type=bytes_) == 400
    assert await more(maria, upload, 3, b"lo") == 409
    assert await more(maria, upload, 0, b"hello!") == 413

    async def chunks() -> Any:
        yield b"hell"
        yield b"o, and more than was said"

    headers = {**TUS, "X-CSRF-Token": maria.csrf, "Upload-Offset": "0", "Content-Type": bytes_}
    await maria.go("PATCH", upload, data=chunks(), headers=headers)
    assert maria.status == 413 and "More came" in maria.text
    await maria.get(path.removesuffix("/uploads"))
    assert await offset_of(maria, upload) == 0
    stranger = maria.client
    for method in ("HEAD", "PATCH", "DELETE"):
        answered = await stranger.request(method, upload, headers={**TUS, "Host": "secure.example.com"})
        assert answered.status in (401, 403)


async def test_limits_are_named_before_anything_comes(office, enter) -> None:
    uploads = {"files": 3, "each": "1 MB", "together": "1500 KB", "kinds": ["pdf", "image"]}
    office.profiles["standard"] = Profile.model_validate({"uploads": uploads})
    await office.send(MARIA)
    maria, path = await enter()
    assert "Up to 3 files of 1 MB, together up to 1.5 MB." in maria.text and "PDF files, pictures" in maria.text
    assert not await begin(maria, path, 1_000_001) and maria.status == 413
    assert "“Scan für dich.pdf” is too large. A file can have up to 1 MB." in maria.said
    assert not await begin(maria, path, 10, "run & go.exe") and "“run & go.exe” is of a kind that is not" in maria.said
    first = await begin(maria, path, 1_000_000)
    assert not await begin(maria, path, 600_000) and "together are too large" in maria.said
    for _ in range(2):
        assert await begin(maria, path, 0)
    assert not await begin(maria, path, 0) and "up to 3 files" in maria.said
    # what it calls itself is not what it is: told by its first bytes, and again where script sends nothing early
    assert await more(maria, first, 0, b"MZ\x90\0" + bytes(60)) == 413 and "of a kind" in maria.said
    form = FormData(default_to_multipart=True)
    form.add_field("csrf", maria.csrf)
    form.add_field("text", "kept")
    form.add_field("files", b"MZ\x90\0" + bytes(60), filename="photo.jpg")
    assert await maria.post(path.replace("/uploads", "/answer"), form) == 413
    assert "of a kind that is not taken here" in maria.text and "kept</textarea>" in maria.text


async def test_a_zip_that_calls_itself_a_document_is_told_when_it_is_sent(office, enter) -> None:
    """Which kind of zip it is stands at its end; the answer's text is kept, and goes without it."""
    office.profiles["standard"] = Profile.model_validate({"uploads": {"kinds": ["document", "pdf"]}})
    await office.send(MARIA)
    maria, path = await enter()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("run.exe", b"MZ")
    upload = await begin(maria, path, len(packed.getvalue()), "letter.docx")
    assert await more(maria, upload, 0, packed.getvalue()) == 204
    assert await answer(at(maria, path), "look at this", upload) == 413
    assert "“letter.docx” is of a kind that is not taken here" in maria.text and "look at this</textarea>" in maria.text
    assert await ask(maria, "DELETE", upload) == 204
    assert await answer(maria, "without it, then") == 200


@pytest.mark.slow
async def test_a_guest_fills_no_disk_with_one_answer_after_the_other(office, enter) -> None:
    uploads = {"files": 3, "each": "1 MB", "together": "1 MB"}
    office.profiles["standard"] = Profile.model_validate({"uploads": uploads})
    await office.send(MARIA)
    maria, path = await enter()
    at(maria, path)

    async def attached(size: int) -> int:
        form = FormData(default_to_multipart=True)
        form.add_field("csrf", maria.csrf)
        form.add_field("text", "see above")
        form.add_field("files", bytes(size), filename="scan.pdf")
        return int(await maria.post(maria.here, form))

    assert [await attached(900_000) for _ in range(4)] == [200, 200, 200, 413]
    assert "in one day you can send up to 3 MB of files" in maria.text
    assert "see above</textarea>" in maria.text
    assert not await begin(maria, path, 400_000) and "in one day" in maria.said
    assert await attached(200_000) == 200 and await answer(maria, "words alone") == 200
    await office.send(MARIA)
    maria, path = await enter()
    assert not await begin(maria, path, 400_000), "in all boxes together"
    office.clock.go(hours=25)
    maria, path = await enter()
    assert await begin(maria, path, 400_000)


@pytest.mark.slow
async def test_of_answers_sent_at_once_no_more_is_kept_than_of_those_sent_one_by_one(office, enter) -> None:
    office.profiles["standard"] = Profile.model_validate({"uploads": {"each": "1 MB", "together": "1 MB"}})
    await office.send(MARIA)
    maria, path = await enter()
    at(maria, path)
    cookie = "; ".join(f"{name}={value}" for name, value in maria.cookies.items())

    async def attached() -> int:
        form = FormData(default_to_multipart=True)
        form.add_field("csrf", maria.csrf)
        form.add_field("files", bytes(900_000), filename="scan.pdf")
        headers = {"Host": "secure.example.com", "Cookie": cookie}
        done = await maria.client.post(maria.here, data=form, headers=headers, allow_redirects=False)
        return int(done.status)

    assert sorted(await asyncio.gather(*(attached() for _ in range(8)))) == [303] * 3 + [413] * 5


async def test_files_leave_mail_the_room_it_needs(office, guest) -> None:
    maria, path = guest
    upload = await begin(maria, path, 100_000)
    left = 50_000
    object.__setattr__(office.client.server.app[SERVICES], "has_room", lambda octets: octets <= left)
    assert (
        not await begin(maria, path, 60_000) and maria.status == 413 and "cannot be taken at the moment" in maria.said
    )
    assert await begin(maria, path, 40_000)
    left = 0
    assert await more(maria, upload, 0, bytes(100_000)) == 413 and await offset_of(maria, upload) == 0
    form = FormData(default_to_multipart=True)
    form.add_field("csrf", maria.csrf)
    form.add_field("text", "kept")
    form.add_field("files", b"%PDF", filename="a.pdf")
    assert await maria.post(at(maria, path).here, form) == 413 and "kept</textarea>" in maria.text
    assert await answer(maria, "words alone") == 200


@pytest.mark.slow
async def test_ten_thousand_empty_ones_come_to_an_end(guest, monkeypatch) -> None:
    maria, path = guest
    monkeypatch.setattr(resuming, "BEGUN", replace(resuming.BEGUN, count=30))
    begun = [upload for _ in range(25) if (upload := await begin(maria, path, 0))]
    assert len(begun) == 20 and maria.status == 413, "as many as one answer may bring"
    for upload in begun[:5]:  # given up and begun again: not for ever
        assert await ask(maria, "DELETE", upload) == 204
        await begin(maria, path, 0)
    assert maria.status == 201 and not await begin(maria, path, 0)
    assert maria.status == 429 and int(maria.response.headers["Retry-After"]) > 0


async def test_what_nobody_sends_is_forgotten_after_a_day(office, guest) -> None:
    maria, path = guest
    upload = await begin(maria, path, 300_000)
    await more(maria, upload, 0, b"z" * 200_000)
    before = files(office)
    office.clock.go(hours=23)
    assert await office.boxes.drop_unsent(office.clock()) == 0
    office.clock.go(hours=2)
    assert await office.boxes.drop_unsent(office.clock()) == 1
    assert len(files(office)) == len(before) - 1


@pytest.mark.slow
async def test_a_closed_box_takes_no_pieces_and_a_deleted_one_keeps_none(office, guest) -> None:
    maria, path = guest
    upload = await begin(maria, path, 300_000)
    await more(maria, upload, 0, b"z" * 200_000)
    box_id = (await office.boxes.list("default"))[0].id
    owner = await office.signed_in()
    await owner.get(f"/boxes/{box_id}")
    await owner.post(f"/boxes/{box_id}/close")
    assert await more(maria, upload, 200_000, b"z") == 404 and await offset_of(maria, upload) == -1
    assert not await begin(maria, path, 1) and maria.status == 409
    await owner.post(f"/boxes/{box_id}/delete")
    assert not files(office)


@pytest.mark.slow
async def test_senders_add_files_to_what_they_write(office, guest) -> None:
    box_id = (await office.boxes.list("default"))[0].id
    owner = await office.signed_in()
    await owner.get(f"/boxes/{box_id}")
    path = f"/boxes/{box_id}/uploads"
    upload = await begin(owner, path, 4, "Plan.txt")
    assert await more(owner, upload, 0, b"plan") == 204
    assert await answer(at(owner, path), "", upload) == 200
    assert "Your message has been sent" in owner.text and "Plan.txt" in owner.text


@pytest.mark.slow
async def test_an_answer_sent_twice_from_one_form_is_one(office, guest) -> None:
    """The button pressed twice, at once or one after the other; the page sent again when nothing was heard."""
    maria, path = guest
    letter = at(maria, path).here.removesuffix("/answer")
    await maria.get(letter)
    once = maria.text.partition('name="once" value="')[2].partition('"')[0]

    def form(words: str, upload: str = "", files: tuple[bytes, ...] = (), of: str = once) -> dict[str, Any]:
        made = FormData(default_to_multipart=True)
        for name, value in (("csrf", maria.csrf), ("once", of), ("text", words), ("uploads", upload)):
            if value:
                made.add_field(name, value)
        for content in files:
            made.add_field("files", content, filename="scan.pdf", content_type="application/pdf")
        cookies = "; ".join(f"{name}={value}" for name, value in maria.cookies.items())
        headers = {"Host": "secure.example.com", "Cookie": cookies}
        return {"data": made, "headers": headers, "allow_redirects": False}

    async def send(*forms: dict[str, Any]) -> list[int]:
        return [one.status for one in await asyncio.gather(*(maria.client.post(maria.here, **one) for one in forms))]

    def count() -> tuple[int, int]:
        answers = [event for event in office.events() if event["kind"] == "box.answered"]
        mails = office.db.read_now(lambda conn: conn.execute(text(MAILS)).scalar_one())
        return len(answers), mails

    assert await send(form("Thank you."), form("Thank you."), form("Thank you.")) == [303] * 3
    assert await send(form("Thank you.")) == [303]
    assert count() == (1, 1)

    # what was changed in between is another answer, and so is the same from another form
    assert await send(form("Thank you!"), form("Thank you.", of=new_id())) == [303] * 2
    assert count() == (3, 3)

    # with files, whichever way they come; those of the one that was too much are gone
    upload = await begin(maria, path, 300_000)
    assert await more(maria, upload, 0, b"x" * 300_000) == 204
    name = upload.rpartition("/")[2]
    assert await send(form("files", name), form("files", name)) == [303] * 2
    assert await send(form("files", name)) == [303] and await send(form("other", name)) == [409]
    assert count() == (4, 4)
    many = (b"a" * 200_000, b"b")
    assert await send(form("", files=many), form("", files=many)) == [303] * 2
    assert await send(form("", files=many)) == [303] and await send(form("", files=many[:1])) == [303]
    assert count() == (6, 6)
    named = office.db.read_now(lambda conn: set(conn.execute(text(BLOBS)).scalars()))
    assert {file.name for file in files(office)} == named, "no file is left that no row names"

    # the box closed meanwhile: what was sent before was sent, whichever way its files came; nothing else is
    box_id = office.db.read_now(lambda conn: str(conn.execute(text("select id from boxes")).scalar_one()))
    assert (await office.boxes.close(box_id, Principal.admin("root"))).done
    assert await send(form("Thank you."), form("files", name), form("", files=many)) == [303] * 3
    late = (form("Too late."), form("Thank you.", of=new_id()), form("", files=(b"new",)), form("new", name))
    assert await send(*late) == [409] * 4
    assert count() == (6, 6)
    assert (
        await office.boxes.reopen_box(box_id, Principal.admin("root"), until=office.clock() + timedelta(days=1))
    ).done

    # what is no form's id counts for nothing
    assert await send(form("odd", of="A" * 26), form("odd", of="A" * 26), form("odd", of="x" * 200)) == [303] * 3
    assert count() == (9, 9)
