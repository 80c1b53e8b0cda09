"""The open box: what is shown, what is kept out, and answers."""

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from aiohttp import FormData

from delivery.safebox.limits import AnswerLimits
from delivery.safebox.participants import Person
from delivery.store.boxes import BoxState, GuestState, Role
from portal.guest import traces
from portal.web import uploads as arriving
from portal.web.formatted import has_remote_pictures

EVIL = """
<html><head><title>t</title><meta http-equiv="refresh" content="0;url=https://evil.example"><base href="https://evil.example">
<style>body{background:url(https://evil.example/b.png)}</style></head><body onload="alert(1)">
<script>alert(1)</script><img src=x onerror=alert(1)><img src="https://evil.example/pixel.gif" alt="pixel">
<a href="javascript:alert(1)" onclick="alert(1)">click</a><a href="https://good.example/">good</a>
<svg><script>alert(1)</script><a xlink:href="javascript:alert(1)">x</a></svg>
<math><mtext><img src=x onerror=alert(1)></math>
<form action="https://evil.example"><input name=password><button>go</button></form><iframe src="https://evil.example"></iframe>
<object data="https://evil.example"></object><p style="position:fixed;inset:0">cover</p><h1>Head</h1>
<img src="cid:logo@x" alt="logo"><img src="cid:other@x" alt="gone"></body></html>
"""


def form(guest, text: str, *files: tuple[str, bytes], csrf: str | None = None) -> FormData:
    """The answer's form as a browser sends it."""
    data = FormData(quote_fields=False, default_to_multipart=True)
    data.add_field("csrf", guest.csrf if csrf is None else csrf)
    data.add_field("text", text)
    for name, content in files:
        data.add_field("files", content, filename=name, content_type="application/octet-stream")
    return data


async def test_the_letter_shows_who_wrote_what_until_when(portal, box, guest) -> None:
    box.messages.clear()
    box.add_message("Dear Maria,\n\nline one\nline two <b>\nhttps://example.com/a?b=1&c=2.")
    box.add_document("Report_2026 final.pdf", b"x" * 412_000)
    assert await guest.open_by_code(portal.boxes, box) == 200
    for shown in (
        "<p>Dear Maria,</p>",
        "line one<br>line two &lt;b&gt;<br>",
        'href="https://example.com/a?b=1&amp;c=2"',
        "Report_<wbr>2026 final.pdf",
        "PDF document, 412 KB",
        "21 December 2026",
        "20 January 2027",
        "Your reply goes to <strong>Dr. Katharina Weber</strong>",
    ):
        assert shown in guest.text


async def test_above_a_long_text_a_link_leads_down_to_the_documents(portal, box, guest) -> None:
    box.messages.clear()
    long = box.add_message("all is well " * 200)
    box.add_document("report.pdf", b"x")
    await guest.open_by_code(portal.boxes, box)
    assert f'href="#docs-{long.id}">1 document<' in guest.text and f'id="docs-{long.id}"' in guest.text
    box.messages[0] = replace(box.messages[0], text="all is well")
    await guest.get(box.here)
    assert "#docs-" not in guest.text and "report.pdf" in guest.text


async def test_times_are_shown_in_the_zone_of_the_reader(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    assert "21 November 2026, 10:14 UTC" in guest.text and "Times are in UTC" in guest.text
    guest.cookies["tz"] = "Europe/Zurich"
    await guest.get(box.here)
    assert "21 November 2026, 11:14<" in guest.text and "Zurich time (UTC+1)" in guest.text
    for odd in ("Nowhere/Land", "../../etc/passwd", "A" * 5000, "Europe/Zurich\x01"):
        guest.cookies["tz"] = odd.replace("\x01", "")
        assert await guest.get(box.here) == 200


async def test_the_zone_is_chosen_without_script(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    assert await guest.get(f"/zone?back={box.here}") == 200
    assert "America/New York (UTC−5)" in guest.text
    assert await guest.post("/zone", {"zone": "America/New_York", "back": box.here}) == 200
    assert guest.path == box.here and "5:14" in guest.text
    await guest.get("/zone")
    assert await guest.post("/zone", {"zone": "Nowhere/Land", "back": "/"}) == 422


@pytest.mark.parametrize(
    "back",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/a//b", "javascript:x", "/x\r\nSet-Cookie: a=b"],
)
async def test_the_zone_leads_back_to_us_only(portal, guest, back: str) -> None:
    await guest.get("/zone")
    sent = {"csrf": guest.csrf, "zone": "UTC", "back": back}
    response = await guest.go("POST", "/zone", data=sent)
    assert response.status == 303 and response.headers["Location"] == "/"


async def test_html_mail_is_tamed_in_the_page(portal, box, guest) -> None:
    box.messages.clear()
    box.add_message("text", EVIL)
    picture = box.add_document("logo.png", b"\x89PNG....", "image/png", content_id="logo@x")
    await guest.open_by_code(portal.boxes, box)
    page = guest.text
    body = page[page.index('class="letter__body"') : page.index('class="letter__part opens')]
    for evil in ("alert", "javascript:", "onerror", "onload", "evil.example", "<script", "<style", "<form", "<input",
                 "<iframe", "<svg", "<math", "style=", "<h1", "<meta", "<base"):  # fmt: skip
        assert evil not in body, evil
    assert f'src="{box.here}/pictures/{picture.id}"' in body
    assert 'href="https://good.example/"' in body and "noopener noreferrer" in body
    assert page.count("<script") == page.count('<script src="/static/') == 2, "ours alone"
    assert await guest.get(f"{box.here}/pictures/{picture.id}") == 200
    assert guest.response.headers["Content-Type"] == "image/png"


async def test_the_frame_has_a_policy_of_its_own(portal, box, guest) -> None:
    box.messages.clear()
    message = box.add_message("text", EVIL)
    box.add_document("logo.png", b"\x89PNG" * 50_000, "image/png", content_id="logo@x")
    await guest.open_by_code(portal.boxes, box)
    frame = f"{box.here}/formatted/{message.id}"
    assert f'src="{frame}"' in guest.text and 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in guest.text
    reads = list(portal.boxes.acts)
    assert await guest.get(frame) == 200
    assert (
        portal.boxes.acts[: len(reads)] == reads
        and ("read", box.invitation.participant_id) not in portal.boxes.acts[len(reads) :]
    )
    policy = guest.response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "img-src data:;" in policy and "sandbox" in policy
    assert "script-src" not in policy and "allow-scripts" not in policy and "allow-same-origin" not in policy
    for evil in (
        "<script",
        "onerror",
        "javascript:",
        "<form",
        "<iframe",
        "<meta http-equiv",
        "https://evil.example/pixel",
    ):
        assert evil not in guest.text, evil
    assert 'src="data:image/png;base64,iVBO' in guest.text
    import base64

    encoded = guest.text.split("data:image/png;base64,")[1].split('"')[0]
    assert base64.b64decode(encoded) == b"\x89PNG" * 50_000


async def test_pictures_from_the_internet_only_when_asked(portal, box, guest) -> None:
    box.messages.clear()
    message = box.add_message("text", EVIL)
    await guest.open_by_code(portal.boxes, box)
    frame = f"{box.here}/formatted/{message.id}"
    for guessed in ("yes", "1", "internet"):
        await guest.get(f"{frame}?pictures={guessed}")
        assert "https:" not in guest.response.headers["Content-Security-Policy"]
    await guest.get(box.here)
    await guest.go("POST", f"{box.here}/pictures", data={"csrf": guest.csrf, "message": message.id})
    target = guest.response.headers["Location"]
    assert target.endswith(f"#formatted-{message.id}")
    await guest.get(urlsplit(target).path + "?" + urlsplit(target).query)
    asked = guest.text.split('<iframe class="frame"')[1].split('src="')[1].split('"')[0]
    assert await guest.get(asked) == 200
    policy = guest.response.headers["Content-Security-Policy"]
    assert "img-src data: https:;" in policy and "upgrade-insecure-requests" in policy, "by https alone"
    assert "https://evil.example/pixel.gif" in guest.text and "<script" not in guest.text
    stranger = portal.browser()
    await stranger.open_by_code(portal.boxes, box)
    await stranger.get(asked)
    assert "https:" not in stranger.response.headers["Content-Security-Policy"], "good in one session only"


async def test_pictures_that_came_along_are_found_by_any_spelling_of_their_id(portal, box, guest) -> None:
    box.messages.clear()
    message = box.add_message("text", '<p>a <img src="cid:logo%40x"> b <img src="cid:drawing"></p>')
    box.add_document("logo.png", b"PNG", "image/png", content_id="logo@x")
    box.add_document("drawing.svg", b"<svg onload='alert(1)'/>", "image/svg+xml", content_id="drawing")
    await guest.open_by_code(portal.boxes, box)
    logo, drawing = box.messages[0].documents
    assert f"{box.here}/pictures/{logo.id}" in guest.text and "logo.png" not in guest.text
    assert f"{box.here}/pictures/{drawing.id}" not in guest.text and "drawing.svg" in guest.text
    assert await guest.get(f"{box.here}/pictures/{drawing.id}") == 404
    assert await guest.get(f"{box.here}/formatted/{message.id}") == 200
    assert guest.text.count("data:image") == 1


def test_pictures_are_offered_where_there_are_some() -> None:
    assert has_remote_pictures('<img src="https://x.example/a.png">')
    assert has_remote_pictures('<img src="http://x.example/a.png">')
    assert not has_remote_pictures('<img src="cid:a"> <a href="https://x.example">')


@pytest.mark.parametrize("begun", ["url(", "src=", "background", "src = '"])
def test_a_megabyte_of_spaces_is_looked_at_once(begun: str) -> None:
    assert not has_remote_pictures(begun + " " * 1_000_000)  # two runs side by side: an hour


async def test_html_bombs_are_shown_as_text(portal, box, guest) -> None:
    box.messages.clear()
    box.add_message("the text stands here", "<div>" * 50_000 + "deep")
    assert await guest.open_by_code(portal.boxes, box) == 200
    assert "the text stands here" in guest.text and "<iframe" not in guest.text


async def test_names_cannot_break_out(portal, box, guest) -> None:
    evil = '"><script>alert(1)</script>'
    box.subject = evil
    box.change(sender_name=evil, guest_name=evil, organisation=evil)
    box.messages.clear()
    box.add_message(evil, to=(evil,))
    box.add_document(f"{evil}.pdf", b"x", content_id=None)
    box.other_guest = Person("other", evil, evil, Role.GUEST, GuestState.READ)
    await guest.get(box.path)
    assert "<script>alert" not in guest.text
    await guest.open_by_code(portal.boxes, box)
    assert "all is well" not in guest.text and "<script>alert" not in guest.text
    assert guest.text.count("&lt;script&gt;") >= 6


async def test_foreign_parts_of_a_box_are_nothing(portal, box, guest) -> None:
    other = portal.boxes.add()
    document = other.add_document("secret.pdf", b"secret")
    await guest.open_by_code(portal.boxes, box)
    for path in (
        f"{box.here}/documents/{document.id}",
        f"{box.here}/pictures/{document.id}",
        f"{box.here}/formatted/{other.messages[0].id}",
        f"{other.here}/documents/{document.id}",
        f"{other.here}/documents.zip",
        f"{box.here}/documents/..%2f..%2fetc%2fpasswd",
        f"{box.here}/documents.zip",
    ):
        assert await guest.get(path) == 404, path
        assert "nothing here for you" in guest.text


async def test_an_answer_reaches_the_box(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    files = (("photo.jpg", b"\xff\xd8" * 300_000), ("../../etc/passwd", b"plain"))
    assert await guest.post(f"{box.here}/answer", form(guest, "Thank you.\r\nMaria", *files)) == 200
    assert "Your reply has been sent" in guest.text and "Thank you.<br>Maria" in guest.text
    [draft] = portal.boxes.drafts
    assert draft.sent == "Thank you.\nMaria"
    assert [(name, bytes(content)) for name, content in draft.documents] == [
        ("photo.jpg", b"\xff\xd8" * 300_000), ("passwd", b"plain"),
    ]  # fmt: skip


async def test_an_empty_answer_is_asked_for_again(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    empty = form(guest, "   ")
    empty.add_field("files", b"", filename="", content_type="application/octet-stream")
    assert await guest.post(f"{box.here}/answer", empty) == 422
    assert "Please write something" in guest.text and portal.boxes.drafts[0].sent is None
    assert portal.boxes.drafts[0].aborted == 1


async def test_whoever_reads_the_letter_below_a_refused_answer_has_opened_it(portal, box, guest) -> None:
    await guest.get(box.path)
    await guest.post(f"{box.path}/code")
    await guest.go("POST", f"{box.path}/open", data={"csrf": guest.csrf, "code": portal.boxes.codes[-1]})
    await guest.get("/zone")  # its form has the token too: the letter's own page was never asked for
    read = ("read", box.invitation.participant_id)
    assert read not in portal.boxes.acts
    assert await guest.post(f"{box.here}/answer", form(guest, " ")) == 422
    assert "all is well" in guest.text and portal.boxes.acts.count(read) == 1
    assert await guest.post(f"{box.here}/answer", form(guest, "x" * 200_000)) == 413
    assert "all is well" in guest.text and portal.boxes.acts.count(read) == 2


async def test_a_refused_answer_that_came_slowly_shows_nothing_of_what_was_taken_back_meanwhile(
    portal, box, guest, monkeypatch
) -> None:
    await guest.open_by_code(portal.boxes, box)
    begun = portal.boxes.begin_answer

    async def recalled_meanwhile(*given):
        draft = await begun(*given)
        box.change(state=BoxState.RECALLED, recall_reason="Sent to the wrong Maria")
        return draft

    monkeypatch.setattr(portal.boxes, "begin_answer", recalled_meanwhile)
    assert await guest.post(f"{box.here}/answer", form(guest, " ")) == 410
    assert "all is well" not in guest.text and "Sent to the wrong Maria" in guest.text


async def test_nobody_fills_the_trail_by_loading_a_page_again_and_again(portal, box, guest, monkeypatch) -> None:
    monkeypatch.setattr(traces, "AT_ONCE", 3)
    await guest.open_by_code(portal.boxes, box)
    document = box.add_document("report.pdf", b"%PDF")
    assert await guest.get(f"{box.here}/documents/{document.id}") == 200 and await guest.get(box.here) == 200

    def written() -> int:
        return sum(what in ("read", "downloaded") for what, _who in portal.boxes.acts)

    assert written() == 3
    for path in (box.here, f"{box.here}/documents/{document.id}", f"{box.here}/documents.zip"):
        assert await guest.get(path) == 429 and 0 < int(guest.response.headers["Retry-After"]) <= traces.EVERY
    await guest.go("HEAD", box.here)
    assert guest.status == 200 and written() == 3
    portal.clock.go(seconds=traces.EVERY)
    assert await guest.get(box.here) == 200 and written() == 4


async def test_who_goes_straight_to_the_frame_has_opened_the_letter(portal, box, guest) -> None:
    message = box.add_message("text", "<p>all is <b>well</b></p>")
    box.change(guest_state=GuestState.NOTIFIED)
    await guest.get(box.path)
    await guest.post(f"{box.path}/code")
    await guest.go("POST", f"{box.path}/open", data={"csrf": guest.csrf, "code": portal.boxes.codes[-1]})
    await guest.go("HEAD", f"{box.here}/formatted/{message.id}")
    assert ("read", box.invitation.participant_id) not in portal.boxes.acts
    assert await guest.get(f"{box.here}/formatted/{message.id}") == 200 and "<b>well</b>" in guest.text
    assert ("read", box.invitation.participant_id) in portal.boxes.acts


async def test_a_form_that_begins_with_a_charset_is_none_of_ours(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    body = b'--xx\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n' + b"x" * 100 + b"\r\n--xx--\r\n"
    await guest.go(
        "POST", f"{box.here}/answer", data=body, headers={"Content-Type": "multipart/form-data; boundary=xx"}
    )
    assert guest.status == 400


async def test_a_form_that_goes_on_and_on_beside_the_files_comes_to_an_end(portal, box, guest, monkeypatch) -> None:
    await guest.open_by_code(portal.boxes, box)
    odd = form(guest, "x")
    odd.add_field("odd", "x" * 300_000)
    assert await guest.post(f"{box.here}/answer", odd) == 400
    monkeypatch.setattr(arriving, "_GRACE", -(10**6))  # seconds: whatever comes comes too slowly
    await guest.get(box.here)
    assert await guest.post(f"{box.here}/answer", form(guest, "a letter a minute")) == 408
    assert all(draft.sent is None and draft.aborted for draft in portal.boxes.drafts)


@pytest.mark.parametrize(
    ("limits", "files", "said"),
    [
        (AnswerLimits(documents=1), 2, "up to 1 file"),
        (AnswerLimits(document_bytes=100_000), 1, "is too large. A file can have up to 100 KB"),
        (AnswerLimits(total_bytes=250_000), 2, "together are too large"),
        (AnswerLimits(text=10), 0, "text is too long. It can have up to 10 characters"),
    ],
)
async def test_past_a_limit_it_is_named_and_the_text_kept(portal, box, guest, limits, files: int, said: str) -> None:
    box.limits = limits
    await guest.open_by_code(portal.boxes, box)
    uploads = [(f"scan {number}.pdf", b"z" * 200_000) for number in range(files)]
    assert await guest.post(f"{box.here}/answer", form(guest, "keep what I wrote <&>", *uploads)) == 413
    assert said in guest.text
    assert ("keep what I wrote &lt;&amp;&gt;" if files else "keep what ") in guest.text
    assert portal.boxes.drafts[0].sent is None and portal.boxes.drafts[0].aborted == 1


async def test_an_upload_that_says_it_is_too_large_is_refused_before_it_is_taken(portal, box, guest) -> None:
    box.limits = AnswerLimits(total_bytes=1_000_000, document_bytes=900_000, text=100)
    await guest.open_by_code(portal.boxes, box)
    boundary = "sealgate"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{guest.csrf}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="text"\r\n\r\nkept\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="big.bin"\r\n\r\n'
    ).encode()
    url = portal.client.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    writer.write(
        f"POST {box.here}/answer HTTP/1.1\r\nHost: secure.example.com\r\nCookie: {cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: 5000000000\r\n\r\n".encode()
        + head
        + b"x" * 600_000
    )
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert b" 413 " in answer.splitlines()[0]
    body = await asyncio.wait_for(reader.readuntil(b"</html>"), 10)
    assert b"up to 1 MB" in body and b"kept</textarea>" in body
    assert portal.boxes.drafts[0].documents == []
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "head", [b"X: " + b"a" * 300_000, b"X\0: a", b"not a header", b"X: " + b"b: c\r\n" * 20_000], ids=range(4)
)
async def test_heads_of_parts_that_are_none_are_a_broken_form(portal, box, guest, head: bytes) -> None:
    await guest.open_by_code(portal.boxes, box)
    token = f'--xx\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{guest.csrf}\r\n'.encode()
    body = token + b"--xx\r\n" + head + b"\r\n\r\nx\r\n--xx--\r\n"
    await guest.go(
        "POST", f"{box.here}/answer", data=body, headers={"Content-Type": "multipart/form-data; boundary=xx"}
    )
    assert guest.status in (400, 422), "never a mistake of ours"
    assert all(draft.sent is None and draft.aborted for draft in portal.boxes.drafts)


@pytest.mark.slow
async def test_a_guest_cannot_flood_the_sender(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    statuses = [await guest.post(f"{box.here}/answer", form(guest, f"number {number}")) for number in range(31)]
    assert statuses == [200] * 30 + [429]
    assert "many replies just now" in guest.text and "number 30" in guest.text
    portal.clock.go(minutes=11)
    await guest.get(box.here)
    assert await guest.post(f"{box.here}/answer", form(guest, "after a while")) == 200


async def test_asking_for_the_head_of_the_letter_reads_nothing(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    acts = list(portal.boxes.acts)
    await guest.go("HEAD", box.here)
    assert guest.status == 200 and portal.boxes.acts == acts


async def test_an_answer_needs_the_token_first(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    for made in (form(guest, "x", csrf="wrong"), form(guest, "x", csrf="a" * 5000)):
        assert await guest.post(f"{box.here}/answer", made) in (400, 403)
    late = FormData(default_to_multipart=True)
    late.add_field("text", "x")
    late.add_field("csrf", guest.csrf)
    assert await guest.post(f"{box.here}/answer", late) == 403
    assert portal.boxes.drafts == []


async def test_a_box_closed_meanwhile_takes_nothing_and_the_text_is_kept(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    sent = form(guest, "my words")
    box.change(state=BoxState.CLOSED)
    assert await guest.post(f"{box.here}/answer", sent) == 409
    assert "no longer takes answers" in guest.text
    assert "my words</textarea>" in guest.text


async def test_an_upload_that_breaks_off_leaves_nothing(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    url = portal.client.make_url("/")
    _, writer = await asyncio.open_connection(url.host, url.port)
    cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    writer.write(
        (
            f"POST {box.here}/answer HTTP/1.1\r\nHost: secure.example.com\r\nCookie: {cookie}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 10000000\r\n\r\n"
            f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{guest.csrf}\r\n'
            '--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n'
        ).encode()
        + b"half of it" * 60_000
    )
    await writer.drain()
    for _ in range(200):
        if portal.boxes.drafts and portal.boxes.drafts[0].documents:
            break
        await asyncio.sleep(0.01)
    writer.close()
    await writer.wait_closed()
    for _ in range(200):
        if portal.boxes.drafts[0].aborted:
            break
        await asyncio.sleep(0.01)
    assert portal.boxes.drafts[0].aborted and portal.boxes.drafts[0].sent is None


async def test_declining_from_the_letter(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    assert await guest.get(f"{box.here}/not-for-me") == 200
    assert await guest.post(f"{box.here}/not-for-me") == 410
    assert ("declined", box.invitation.participant_id) in portal.boxes.acts
