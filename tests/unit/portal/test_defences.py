"""What the portal holds against: foreign pages, scanners, false hosts, odd requests, lost databases."""

import asyncio
import logging
import re

import pytest
import structlog

from portal.site import make_site
from portal.web.csrf import token_for

PRIVATE = ("/", "/signin", "/zone", "/again", "/left", "/nowhere")


def forms(text: str) -> list[str]:
    """Every form of a page."""
    return re.findall(r"<form.*?</form>", text, re.DOTALL)


async def test_every_response_has_the_headers(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    for path in (*PRIVATE, box.path, box.here, f"{box.path}/code", "/account", "/b/" + "a" * 26, "/static/nothing.css"):
        await guest.go("GET", path)
        headers = guest.response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY" and headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert headers["Cache-Control"] == "no-store", path
        assert "aiohttp" not in headers.get("Server", "").lower()


async def test_cookies_are_bound_to_the_host_and_hidden_from_script(portal, box, guest) -> None:
    await guest.get(box.path)
    await guest.post(f"{box.path}/code")
    await guest.go("POST", f"{box.path}/open", data={"csrf": guest.csrf, "code": portal.boxes.codes[0]})
    for name, morsel in guest.response.cookies.items():
        assert name.startswith("__Host-") and morsel["path"] == "/" and not morsel["domain"]
        assert morsel["secure"] and morsel["httponly"] and morsel["samesite"] == "Lax"
        assert len(morsel.value) >= 26


async def test_plain_http_on_loopback_works_without_host_cookies(make_portal) -> None:
    portal = await make_portal("http://localhost:8025")
    box = portal.boxes.add()
    guest = portal.browser()
    guest.headers["Host"] = "localhost:8025"
    assert await guest.open_by_code(portal.boxes, box) == 200
    assert "Strict-Transport-Security" not in guest.response.headers
    assert set(guest.cookies) == {"sealgate-browser", "sealgate-session", "sealgate-known"}


@pytest.mark.slow
async def test_every_form_has_a_token_and_every_post_wants_it(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    for path in (box.here, "/account", f"{box.here}/not-for-me", "/zone"):
        await guest.get(path)
        found = [form for form in forms(guest.text) if 'method="post"' in form]
        assert found and all('name="csrf"' in form for form in found), path
    posts = [route for route in make_site(portal.services).router.routes() if route.method == "POST"]
    assert len(posts) >= 14
    acts = list(portal.boxes.acts)
    for route in posts:
        path = str(route.resource.canonical)
        path = path.replace("{locator}", box.token).replace("{participant}", box.invitation.participant_id)
        for data in ({}, {"csrf": ""}, {"csrf": "a" * 32}):
            fields = {**data, "code": "1", "email": "a@b.example", "reference": "x"}
            await guest.go("POST", path, data=fields, headers={"Tus-Resumable": "1.0.0"})
            refused = (400, 403, 404) if path.startswith("/boxes/{") else (400, 403)  # nobody here has such a box
            assert guest.status in refused, path
    assert portal.boxes.acts == acts


async def test_a_token_of_another_browser_is_worth_nothing(portal, box, guest) -> None:
    await guest.get(box.path)
    other = portal.browser()
    await other.get(box.path)
    assert await guest.post(f"{box.path}/code", {"csrf": other.csrf}) == 403
    assert portal.boxes.codes == []
    assert "open for too long" in guest.text


async def test_a_browser_without_a_cookie_has_no_token(portal, box, guest) -> None:
    """Anybody can compute the one that nothing would give."""
    assert await guest.post(f"{box.path}/code", {"csrf": token_for("")}) == 403
    assert portal.boxes.codes == []


@pytest.mark.parametrize(
    ("headers", "fine"),
    [
        ({"Origin": "https://secure.example.com"}, True),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://secure.example.com.evil.example"}, False),
        ({"Origin": "http://secure.example.com"}, False),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
async def test_where_the_form_stood(portal, box, guest, headers, fine: bool) -> None:
    await guest.get(box.path)
    await guest.go("POST", f"{box.path}/code", data={"csrf": guest.csrf}, headers=headers)
    assert (guest.status == 303) is fine
    assert bool(portal.boxes.codes) is fine


async def test_a_scanner_that_gets_everything_changes_nothing(portal, box) -> None:
    scanner = portal.browser()
    waiting, seen = [box.path, "/"], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for method in ("HEAD", "GET"):
            await scanner.go(method, path)
        waiting += re.findall(r'(?:href|src|action)="(/[^"#]*)"', scanner.text)
        waiting += [scanner.response.headers["Location"]] if "Location" in scanner.response.headers else []
    assert {box.path, f"{box.path}/not-for-me", f"{box.path}/code", "/signin"} <= seen
    assert portal.boxes.acts == [] and portal.boxes.codes == []

    def rows(conn) -> int:
        from sqlalchemy import text

        names = ("codes", "sessions", "throttles", "audit_events", "accounts")
        return sum(conn.execute(text(f"select count(*) from {name}")).scalar_one() for name in names)

    assert portal.db.read_now(rows) == 0


async def test_unknown_foreign_and_old_links_look_the_same(portal, box, guest) -> None:
    texts, statuses = set(), set()
    for path in ("/b/" + "a" * 26, "/b/" + "z" * 26, "/b/x", "/b/%00", box.path[:-1], "/b/" + box.token.upper(),
                 "/b/7KQ4-ZZZZ-ZZZZ", "/nowhere", "/b/" + "a" * 26 + "/code",
                 "/m/%00", "/zone?back=%00", "/m", "/static/../site.py"):  # fmt: skip
        await guest.go("GET", path)
        texts.add(guest.text)
        statuses.add(guest.status)
    assert statuses == {404} and len(texts) == 1


@pytest.mark.parametrize(
    "host", ["evil.example", "secure.example.com.evil.example", "secure.example.com:8443", "", "a@secure.example.com"]
)
async def test_a_foreign_host_gets_nothing(portal, box, guest, host: str) -> None:
    await guest.go("GET", box.path, headers={"Host": host})
    assert guest.status in (400, 404) and "Weber" not in guest.text


@pytest.mark.parametrize("host", ["SECURE.example.com", "secure.example.com:443", "secure.example.com."])
async def test_our_host_in_other_spellings(portal, box, guest, host: str) -> None:
    await guest.go("GET", box.path, headers={"Host": host})
    assert guest.status == 200


@pytest.mark.parametrize("path", ["/", "/signin", "/b/x/open"])
async def test_large_forms_are_refused(portal, guest, path: str) -> None:
    await guest.get("/")
    token = guest.csrf
    await guest.go("POST", path, data={"csrf": token, "reference": "x" * 100_000})
    assert guest.status == 413 and "too much" in guest.text

    async def endless():
        for _ in range(200):
            yield b"a=" + b"x" * 1000 + b"&"

    await guest.go("POST", path, data=endless(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert guest.status == 413


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"csrf=%ff%fe", "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"a&b&c", "application/x-www-form-urlencoded"),
        (b"email=maria%00@post.example", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(50)), "application/x-www-form-urlencoded"),
        (b'{"csrf": 1}', "application/json"),
        (b"--b\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b"),
        (b"x", "text/plain"),
    ],
)
async def test_odd_forms_get_a_polite_page(portal, box, guest, body: bytes, kind: str) -> None:
    await guest.get(box.path)
    for path in ("/", f"{box.path}/open", "/signin"):
        await guest.go("POST", path, data=body, headers={"Content-Type": kind})
        assert guest.status == 400 and "could not read" in guest.text


async def test_a_packed_form_is_refused(portal, box, guest) -> None:
    await guest.get("/")
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/x-www-form-urlencoded"}
    await guest.go("POST", "/", data=b"\x1f\x8b\x08\x00" + b"\0" * 20, headers=headers)
    assert guest.status == 400


async def test_wrong_methods_get_a_polite_page(portal, box, guest) -> None:
    for method, path in (
        ("PUT", "/"),
        ("DELETE", box.path),
        ("GET", f"{box.path}/open"),
        ("OPTIONS", "/"),
        ("TRACE", "/"),
    ):
        await guest.go(method, path)
        assert guest.status == 405 and "did not work" in guest.text


async def test_a_lost_database_is_a_polite_503(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    portal.boxes.away = True
    with structlog.testing.capture_logs() as logs:
        for path in (box.here, box.path):
            await guest.go("GET", path)
            assert guest.status == 503 and "come back in a few minutes" in guest.text
            assert guest.response.headers["Retry-After"] == "60"
            assert guest.response.headers["Cache-Control"] == "no-store"
    ident = re.search(r'address num">([a-z0-9]+)<', guest.text)
    assert ident and ident[1] in {entry["id"] for entry in logs}
    assert box.token not in str(logs)
    portal.boxes.away = False
    assert await guest.get(box.here) == 200

    portal.db.close()
    await guest.go("GET", box.here)
    assert guest.status == 503 and "come back" in guest.text


async def test_a_mistake_of_ours_is_polite_and_tells_nothing(portal, box, guest) -> None:
    def broken(*_args):
        raise RuntimeError("secret detail of our inside")

    portal.boxes.by_link = broken
    with structlog.testing.capture_logs() as logs:
        await guest.go("GET", box.path)
    assert guest.status == 500 and "went wrong on our side" in guest.text
    assert "secret detail" not in guest.text and "Traceback" not in guest.text and "RuntimeError" not in guest.text
    assert logs[0]["error"] == "RuntimeError" and "secret detail" not in str(logs) and box.token not in str(logs)


async def test_paths_reach_no_log(portal, box, guest, caplog, capfd) -> None:
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logs:
        await guest.open_by_code(portal.boxes, box)
        await guest.go("GET", box.path + "/nowhere")
        await guest.go("POST", box.path)
    code = portal.boxes.codes[0]
    out = capfd.readouterr()
    for secret in (box.token, code, *guest.cookies.values()):
        assert not any(secret in text for text in (caplog.text, str(logs), out.out, out.err))


@pytest.mark.slow
async def test_limits_are_counted_by_home_not_by_address(portal, make_portal) -> None:
    behind = await make_portal(trusted_proxies=["127.0.0.0/8"])
    for number in range(60):
        guest = behind.browser(**{"X-Forwarded-For": f"2001:db8:1:2:{number:x}::1"})
        await guest.get("/")
        await guest.post("/", {"reference": "7KQ4-ZZZZ-ZZZZ"})
    same = behind.browser(**{"X-Forwarded-For": "2001:db8:1:2:ffff::9"})
    other = behind.browser(**{"X-Forwarded-For": "2001:db8:1:3::1"})
    for browser, status in ((same, 429), (other, 422)):
        await browser.get("/")
        assert await browser.post("/", {"reference": "7KQ4-ZZZZ-ZZZZ"}) == status


async def test_forwarded_addresses_count_from_trusted_proxies_only(portal, box, make_portal) -> None:
    from delivery.store.audit import export

    lying = portal.browser(**{"X-Forwarded-For": "203.0.113.9"})
    await lying.open_by_code(portal.boxes, box)
    behind = await make_portal(trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"])
    other = behind.boxes.add()
    true = behind.browser(**{"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.2.3"})
    await true.open_by_code(behind.boxes, other)
    events = portal.db.read_now(lambda conn: list(export(conn, portal.vault)))
    networks = [event["persons"]["network"] for event in events if event["kind"] == "signin.succeeded"]
    assert networks == ["127.0.0.1", "203.0.113.9"]


async def test_static_files_are_these_and_no_others(portal, guest) -> None:
    await guest.get("/")
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', guest.text)
    assert len(assets) >= 6
    for asset in assets:
        assert await guest.get(asset) == 200
        assert "immutable" in guest.response.headers["Cache-Control"]
        await guest.go("GET", asset, headers={"If-None-Match": guest.response.headers["ETag"]})
        assert guest.status == 304
    for path in ("/static/../services.py", "/static/%2e%2e/services.py", "/static/", "/static/brand"):
        await guest.go("GET", path)
        assert guest.status == 404


async def test_no_page_has_inline_script_or_style(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    for path in ("/", "/signin", "/account", "/zone", box.here, f"{box.here}/not-for-me", "/nowhere"):
        await guest.get(path)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", guest.text), path
        assert len(re.findall(r"<h1", guest.text)) == 1 and '<html lang="en">' in guest.text
        for field in re.findall(r"<(?:input|textarea|select)[^>]*\bid=\"([^\"]+)\"", guest.text):
            assert f'for="{field}"' in guest.text, f"{path}: {field} has no label"


async def test_sessions_of_a_slow_reader_do_not_hold_others(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    statuses = await asyncio.gather(*[portal.browser().get(box.path) for _ in range(20)])
    assert set(statuses) == {200}


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose", "X-Moz"])
async def test_what_a_browser_fetches_ahead_counts_as_nothing(portal, box, guest, header: str) -> None:
    await guest.open_by_code(portal.boxes, box)
    portal.boxes.acts.clear()
    for path in (box.here, f"{box.here}/documents.zip", f"{box.here}/message.eml"):
        await guest.go("GET", path, headers={header: "prefetch;prerender"})
        assert guest.status == 503 and "all is well" not in guest.text
    assert portal.boxes.acts == []
    assert await guest.get(box.here) == 200 and ("read", box.invitation.participant_id) in portal.boxes.acts
