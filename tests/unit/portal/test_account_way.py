"""The way by account: made after a code, used with a password, and what strangers learn of it: nothing."""

import asyncio
from datetime import timedelta

import pytest

from delivery.safebox.profile import Profile
from delivery.store.account_rows import phrase_of
from delivery.store.audit import export
from portal.signin.passwords import Weak, weakness

PASSWORD = "four words nobody would guess"
OBLIGATORY = Profile.model_validate({"signin": {"account": "obligatory"}})


async def register(portal, guest, box, password: str = PASSWORD) -> int:
    """A code, then a password."""
    await guest.open_by_code(portal.boxes, box)
    await guest.get("/account")
    return await guest.post("/account/password", {"username": "x@y.example", "password": password})


async def signin(guest, path: str = "/signin", email: str = "maria@post.example", password: str = PASSWORD) -> int:
    """Sign in with the form."""
    await guest.get(path)
    return await guest.post(path, {"email": email, "password": password})


async def test_an_account_is_made_and_opens_the_next_message(portal, box, guest) -> None:
    assert await register(portal, guest, box) == 200
    assert guest.path == box.here
    later = portal.boxes.add(guest_address="Maria@Post.example")
    back = portal.browser()
    assert await signin(back, later.path + "/signin", "MARIA@post.example") == 200
    assert back.path == later.here and "all is well" in back.text
    assert await back.get(box.here) == 200
    assert await back.get("/messages") == 200
    assert back.text.count("Discharge report") == 2


async def test_an_account_does_not_see_the_boxes_of_others(portal, box, guest) -> None:
    await register(portal, guest, box)
    foreign = portal.boxes.add(guest_address="other@post.example")
    assert await guest.get(foreign.here) == 404
    await guest.get(foreign.path)
    assert "A message is waiting for you" in guest.text
    back = portal.browser()
    await signin(back, foreign.path + "/signin")
    assert back.path == "/messages"


async def test_the_same_address_in_another_namespace_is_another_person(portal, box, guest) -> None:
    await register(portal, guest, box)
    assert await portal.accounts.by_address("default", "maria@post.example") is not None
    assert await portal.accounts.by_address("other", "maria@post.example") is None


async def test_a_profile_may_want_an_account(portal, guest) -> None:
    box = portal.boxes.add(needs_account=True, profile=OBLIGATORY)
    await guest.get(box.path)
    assert "open your account" in guest.text
    await guest.post(f"{box.path}/code")
    assert await guest.post(f"{box.path}/open", {"code": portal.boxes.codes[0]}) == 200
    assert guest.path == "/account" and "Make your account" in guest.text
    assert await guest.get(box.here) == 200
    assert guest.path == "/account", "a code alone does not open it"
    for path in ("/documents.zip", "/message.eml", "/answer"):
        await guest.go("GET", box.here + path)
        assert guest.status in (303, 405)
    await guest.get("/account")
    assert await guest.post("/account/password", {"password": PASSWORD}) == 200
    assert guest.path == box.here and "all is well" in guest.text


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "too short"),
        ("password1234", "lists that attackers try first"),
        ("maria12345678", "built on your address"),
        ("Example Clinic", "built on your address or on our name"),
        ("x" * 300, "too long"),
        ("", "too short"),
    ],
)
async def test_weak_passwords_are_refused_at_the_field(portal, box, guest, password: str, said: str) -> None:
    assert await register(portal, guest, box, password) == 422
    assert said in guest.text and 'id="pw-error"' in guest.text and "<title>Error:" in guest.text
    assert await portal.accounts.by_address("default", "maria@post.example") is None


async def test_wrong_passwords_and_unknown_addresses_look_the_same(portal, box, guest) -> None:
    await register(portal, guest, box)
    texts = []
    for email in ("maria@post.example", "nobody@post.example"):
        back = portal.browser()
        assert await signin(back, email=email, password="not the password at all") == 422
        texts.append(back.text.replace(email, "").replace(back.csrf, ""))
    assert texts[0] == texts[1]
    assert "do not belong together" in texts[0]


async def test_a_stranger_costs_as_much_work_as_a_guest(portal, box, guest) -> None:
    await register(portal, guest, box)
    asked: list[str] = []
    passwords = portal.client.app[next(key for key in portal.client.app if "passwords" in str(key))]
    verify = passwords._verify
    passwords._verify = lambda kept, password: asked.append(kept) or verify(kept, password)
    await signin(portal.browser(), email="nobody@post.example")
    await signin(portal.browser(), password="wrong wrong wrong wrong")
    assert len(asked) == 2
    assert len({tuple(kept.split("$")[1:4]) for kept in asked}) == 1, "the same parameters"


async def test_wrong_passwords_lock_the_address_for_everybody_alike(portal, box, guest) -> None:
    await register(portal, guest, box)
    for email in ("maria@post.example", "nobody@post.example"):
        thief = portal.browser()
        for _ in range(10):
            assert await signin(thief, email=email, password="wrong wrong wrong") == 422
        assert await signin(thief, email=email, password=PASSWORD) == 429
        assert "wait" in thief.text
    told = ("account locked", box.invitation.participant_id)
    for _ in range(500):  # after the answer, which tells nothing of it
        if told in portal.boxes.acts:
            break
        await asyncio.sleep(0.01)
    assert portal.boxes.acts.count(told) == 1, "and nobody hears of an address that has no account"
    portal.clock.go(minutes=16)
    assert await signin(portal.browser()) == 200


async def test_who_guesses_passwords_locks_no_browser_that_was_let_in_before(portal, box, guest) -> None:
    await register(portal, guest, box)
    mine, thief = portal.browser(), portal.browser()
    assert await signin(mine) == 200
    await mine.post("/leave")
    for _ in range(10):
        assert await signin(thief, password="wrong wrong wrong") == 422
    assert await signin(portal.browser()) == 429 and await signin(mine) == 200
    await mine.post("/leave")
    thief.cookies["__Host-sealgate-known"] = mine.cookies["__Host-sealgate-known"]  # stolen, it has ten tries as well
    for status in [422] * 10 + [429]:
        assert await signin(thief, password="wrong wrong wrong") == status
    for email in ("maria@post.example", "nobody@post.example"):  # and nobody makes one, or has one for all
        other = portal.browser()
        other.cookies["__Host-sealgate-known"] = "a" * 58
        statuses = [await signin(other, email=email, password="wrong wrong wrong") for _ in range(11)]
        assert statuses[-1] == 429


async def test_right_passwords_are_not_counted(portal, box, guest) -> None:
    await register(portal, guest, box)
    for _ in range(15):
        assert await signin(portal.browser()) == 200


async def test_parallel_guesses_cannot_pass_the_limit(portal, box, guest) -> None:
    await register(portal, guest, box)
    thieves = [portal.browser() for _ in range(14)]
    for thief in thieves:
        await thief.get("/signin")
    statuses = await asyncio.gather(
        *[thief.post("/signin", {"email": "maria@post.example", "password": f"guess number {n}"})
          for n, thief in enumerate(thieves)]
    )  # fmt: skip
    assert sorted(statuses) == [422] * 10 + [429] * 4


async def test_a_new_password_ends_other_sessions(portal, box, guest) -> None:
    await register(portal, guest, box)
    other = portal.browser()
    await signin(other)
    again = portal.browser()
    assert await register(portal, again, box, "another four words altogether") == 200
    await other.get("/messages")
    assert "Sign in" in other.text
    assert await signin(portal.browser()) == 422
    assert await signin(portal.browser(), password="another four words altogether") == 200


async def test_an_account_session_cannot_set_a_password(portal, box, guest) -> None:
    await register(portal, guest, box)
    await guest.get("/account")
    assert await guest.post("/account/password", {"password": "another four words altogether"}) == 404


async def test_the_phrase_is_kept_sealed_and_shown_to_the_account_alone(portal, box, guest) -> None:
    await register(portal, guest, box)
    await guest.get("/account")
    assert await guest.post("/account/phrase", {"phrase": "  the blue\r\nbicycle <b> "}) == 200
    assert "Saved." in guest.text and "the blue bicycle &lt;b&gt;" in guest.text
    kept = portal.db.read_now(lambda conn: phrase_of(conn, portal.vault, "default", "Maria@post.example"))
    assert kept == "the blue bicycle <b>"
    by_code = portal.browser()
    await by_code.open_by_code(portal.boxes, box)
    await by_code.get("/account")
    assert "bicycle" not in by_code.text
    assert await by_code.post("/account/phrase", {"phrase": "mine now"}) == 404


async def test_an_account_unlocks(portal, box, guest) -> None:
    await register(portal, guest, box)
    box.change(locked=True)
    back = portal.browser()
    await back.get(box.path)
    assert await signin(back, box.path + "/signin") == 200
    assert back.path == box.here and not box.invitation.locked


async def test_a_box_made_by_fallback_needs_an_older_account_or_a_release(portal, box, guest) -> None:
    await register(portal, guest, box)
    portal.clock.go(hours=1)
    fallback = portal.boxes.add(by_fallback=True, sent_at=portal.clock.now)
    portal.clock.go(minutes=1)

    by_code = portal.browser()
    await by_code.get(fallback.path)
    assert "could not prove that e-mail reaches you safely" in by_code.text
    sent = len(portal.boxes.codes)
    await by_code.get("/signin")
    await by_code.post(f"{fallback.path}/code")
    assert len(portal.boxes.codes) == sent

    older = portal.browser()
    assert await signin(older, fallback.path + "/signin") == 200
    assert older.path == fallback.here and "all is well" in older.text

    thief = portal.browser()
    await register(portal, thief, box, "set by a code after that mail")
    assert await thief.get(fallback.here) == 403
    assert "release" in thief.text and "all is well" not in thief.text
    assert await guest.get(fallback.here) in (200, 403)

    fallback.change(released=True)
    by_code = portal.browser()
    assert await by_code.open_by_code(portal.boxes, fallback) == 200


async def test_a_profile_may_want_codes_alone(portal, box, guest) -> None:
    await register(portal, guest, box)
    strict = portal.boxes.add(profile=Profile.model_validate({"signin": {"ways": ["code"]}}))
    assert await guest.get(strict.here) == 403
    assert "opens another way" in guest.text
    assert await guest.open_by_code(portal.boxes, strict) == 200


async def test_signing_in_leaves_its_events_without_telling_who_exists(portal, box, guest) -> None:
    await register(portal, guest, box)
    await signin(portal.browser(), password="wrong wrong wrong")
    await signin(portal.browser(), email="nobody@post.example")
    events = portal.db.read_now(lambda conn: list(export(conn, portal.vault)))
    assert [event["kind"] for event in events][2:] == [
        "account.created", "signin.succeeded", "signin.failed", "signin.failed",
    ]  # fmt: skip
    assert events[-1]["facts"] == events[-2]["facts"] == {}
    assert not any(PASSWORD in str(event) for event in events)


async def test_old_rows_are_swept(portal, box, guest) -> None:
    await register(portal, guest, box)
    portal.clock.go(days=4)
    await portal.accounts.sweep(portal.clock.now)
    assert await portal.accounts.session("default", b"x", portal.clock.now, timedelta(days=99)) is None
    from sqlalchemy import text

    def left(conn) -> list[int]:
        return [
            conn.execute(text(f"select count(*) from {name}")).scalar_one()
            for name in ("codes", "sessions", "throttles")
        ]

    assert portal.db.read_now(left) == [0, 0, 0]


def test_accents_without_end_are_no_password_and_take_no_time() -> None:
    """Composing sorts the accents upon one letter, which takes the square of their number: a minute for these."""
    assert weakness("a" + "\u0300\u0316" * 200_000) is Weak.LONG
