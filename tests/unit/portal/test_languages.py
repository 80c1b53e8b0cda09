"""Pages and notices in the language of who reads them: chosen, kept, asked for by the browser, said by the profile."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from delivery.languages import Language
from delivery.safebox.profile import NoticeContent, Profile
from delivery.speech import ENGLISH, current_speech, phrase, speaking
from delivery.store.erasing import erase_person
from delivery.store.languages import KEPT, choose, chosen_by, sweep
from portal.web.language import _, count, portal_speech, say, size, told
from portal.web.times import Clock

GERMAN, FRENCH, SPANISH = (portal_speech(one) for one in (Language.DE, Language.FR, Language.ES))
WHEN = datetime(2026, 12, 1, 9, 5, tzinfo=UTC)
GUEST = "maria@post.example"


def language_of(text: str) -> str:
    found = re.search(r'<html lang="(\w+)">', text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("asked", "spoken_in"),
    [
        ("", "en"),
        ("xx, yy;q=0.3", "en"),
        ("de-CH", "de"),
        ("it, fr-CA;q=0.4, de;q=0.7", "de"),
        ("de;q=0, es;q=0.1", "es"),
        ("*", "en"),
        ("fr;q=oops, es", "es"),
        ("FR_ca", "fr"),
        ("x" * 5000 + ", de", "en"),
        ("de;q=9, es;q=-1", "en"),
    ],
)
async def test_pages_speak_what_the_browser_asks_for(portal, asked: str, spoken_in: str) -> None:
    browser = portal.browser(**({"Accept-Language": asked} if asked else {}))
    await browser.get("/")
    assert language_of(browser.text) == spoken_in
    for name in ("English", "Français", "Deutsch", "Español"):
        assert name in browser.text
    assert f'lang="{spoken_in}" aria-current="true"' in browser.text


async def test_a_choice_counts_before_the_browser_and_stays(portal, box) -> None:
    browser = portal.browser(**{"Accept-Language": "fr"})
    await browser.get(box.path)
    assert "Un message vous attend" in browser.text
    await browser.go("POST", "/language", data={"csrf": browser.csrf, "language": "de", "back": f"{box.path}?x=1"})
    assert browser.response.headers["Location"] == f"{box.path}?x=1"
    cookie = browser.response.cookies["__Host-sealgate-language"]
    assert cookie["httponly"] and cookie["secure"] and int(cookie["max-age"]) > 300 * 86400
    assert await browser.open_by_code(portal.boxes, box) == 200
    assert language_of(browser.text) == "de"
    assert "Ihre Antwort" in browser.text and "Your reply" not in browser.text
    await browser.go("POST", "/leave", data={"csrf": browser.csrf})
    await browser.get("/left")
    assert "Sie haben sich abgemeldet" in browser.text
    await browser.get("/m/nobody")
    assert language_of(browser.text) == "de"


async def test_choosing_is_a_form_of_ours_and_leads_nowhere_else(portal, box) -> None:
    browser = portal.browser()
    await browser.get(box.path)
    await browser.go("POST", "/language", data={"language": "de", "back": "/"})
    assert browser.status == 403
    assert await browser.get("/language?language=de") == 405
    await browser.get("/")
    assert language_of(browser.text) == "en"
    for language in ("xx", "", "de-AT-x-evil" * 9):
        await browser.go("POST", "/language", data={"csrf": browser.csrf, "language": language})
        assert browser.status == (303 if language.startswith("de") else 400)
        await browser.get("/")
    token = browser.csrf
    places = {
        "https://evil.example/": "/",
        "//evil.example": "/",
        "/\\evil.example": "/",
        f"{box.path}/open": box.path,  # only a form leads there
        "/again": "/again",
        "/no/such/page": "/",
        "/zone?back=/again": "/zone?back=/again",
        "/a\r\nSet-Cookie: x=1": "/",
    }
    for back, location in places.items():
        await browser.go("POST", "/language", data={"csrf": token, "language": "es", "back": back})
        assert browser.response.headers["Location"] == location


async def test_the_profile_of_a_message_speaks_where_nobody_else_did(portal, box) -> None:
    box.change(profile=Profile(notice=NoticeContent(language=Language.ES)))
    plain, other = portal.browser(), portal.browser(**{"Accept-Language": "de"})
    await plain.get(box.path)
    await other.get(box.path)
    assert (language_of(plain.text), language_of(other.text)) == ("es", "de")
    assert await plain.open_by_code(portal.boxes, box) == 200
    assert language_of(plain.text) == "es" and "Su respuesta" in plain.text


async def test_only_configured_languages_are_offered(portal) -> None:
    object.__setattr__(portal.services, "languages", (Language.FR,))
    browser = portal.browser(**{"Accept-Language": "de, en;q=0.9"})
    await browser.get("/")
    assert language_of(browser.text) == "fr" and "Deutsch" not in browser.text
    await browser.go("POST", "/language", data={"csrf": browser.csrf, "language": "de"})
    assert browser.status == 400


async def test_what_goes_wrong_is_said_in_their_language_too(portal, box) -> None:
    browser = portal.browser(**{"Accept-Language": "es"})
    await browser.get("/nothing")
    assert "Aquí no hay nada" in browser.text
    await browser.get(box.path)
    await browser.post(f"{box.path}/code")
    await browser.post(f"{box.path}/open", {"code": "12"})
    assert browser.status == 422 and "Un código tiene 6 cifras." in browser.text
    await browser.get("/")
    await browser.post("/", {"reference": "<b>"})
    assert "Una referencia tiene 12 letras" in browser.text


@pytest.mark.slow  # boxes are made
async def test_notices_speak_what_was_chosen_at_the_portal(office) -> None:
    await office.send(GUEST)
    [first] = office.mails(GUEST)
    assert "has written to you" in first
    [link] = re.findall(r"https://\S+(/b/\w+)", first)
    browser = office.browser(**{"Accept-Language": "fr"})
    await browser.get(link)
    await browser.post(f"{link}/code")
    code = await office.code_for(GUEST)
    assert "Votre code pour ouvrir le message" in office.mails(GUEST)[-1]  # as the page that it was asked for on
    await browser.post(f"{link}/open", {"code": code})
    assert language_of(browser.text) == "fr"
    assert office.db.read_now(lambda conn: chosen_by(conn, "default", GUEST)) is None  # asked for, not chosen
    await browser.post("/language", {"language": "de", "back": browser.path})
    assert language_of(browser.text) == "de"
    await office.send(GUEST, subject="More")
    assert "hat Ihnen geschrieben" in office.mails(GUEST)[-1]

    other = office.browser()
    [link] = re.findall(r"https://\S+(/b/\w+)", office.mails(GUEST)[-1])
    await other.get(link)
    assert language_of(other.text) == "en"
    await other.post(f"{link}/code")
    await other.post(f"{link}/open", {"code": await office.code_for(GUEST)})
    await other.get(other.path)
    assert language_of(other.text) == "de"  # known again


def test_who_is_not_here_for_long_is_forgotten(database) -> None:
    def choices(conn: Connection) -> list[Language | None]:
        return [chosen_by(conn, "default", one) for one in (GUEST.upper(), "jon@post.example")]

    database.write_now(lambda conn: choose(conn, "default", GUEST, Language.FR, WHEN))
    database.write_now(lambda conn: choose(conn, "default", GUEST, Language.DE, WHEN))
    database.write_now(lambda conn: choose(conn, "default", "jon@post.example", Language.ES, WHEN + KEPT))
    assert database.read_now(choices) == [Language.DE, Language.ES]
    assert database.write_now(lambda conn: sweep(conn, WHEN + KEPT)) == 0
    assert database.write_now(lambda conn: sweep(conn, WHEN + KEPT + timedelta(seconds=1))) == 1
    assert database.read_now(choices) == [None, Language.ES]
    assert database.write_now(lambda conn: erase_person(conn, "default", "Jon@post.example")) == 0
    assert database.read_now(choices) == [None, None]


@pytest.mark.slow  # boxes are made
async def test_a_sender_is_told_in_the_language_they_chose(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    await browser.post("/boxes/language", {"language": "es", "back": f"/boxes/{box}?done=close"})
    assert language_of(browser.text) == "es"
    assert "Está cerrado. Se puede leer y no admite nada más." in browser.text
    await browser.post(f"/boxes/{box}/extend", {"until": "2020-01-01"})
    assert "No se ha hecho. Eso no es más de lo que el mensaje está abierto" in browser.text
    assert "Los destinatarios responden solo al remitente." in browser.text  # what the profile says, in plain words
    await browser.post(f"/boxes/{box}/recall", {"reason": "x"})
    assert "Se ha retirado" in browser.text
    await browser.get(f"/boxes/{box}/record")
    for words in ("El mensaje se puso en una SafeBox", "Está abierto durante 30 días.", "(invitado"):
        assert words in browser.text
    told_of_it = " ".join(office.mails("weber@example.com")[-1].split())
    assert "se retiró el" in told_of_it and "no ha visto nada" in told_of_it


def test_numbers_dates_and_sizes_are_written_as_people_write_them() -> None:
    assert [one.day(WHEN) for one in (ENGLISH, GERMAN, FRENCH, SPANISH)] == [
        "1 December 2026", "1. Dezember 2026", "1 décembre 2026", "1 de diciembre de 2026",
    ]  # fmt: skip
    assert [one.size(17_600_000) for one in (ENGLISH, GERMAN, FRENCH)] == ["17.6 MB", "17,6 MB", "17,6 Mo"]
    assert [GERMAN.size(n) for n in (1, 999, 41_000, 2 * 10**9)] == ["1 Byte", "999 Byte", "41 KB", "2 GB"]
    assert [one.span(timedelta(days=30)) for one in (ENGLISH, GERMAN, FRENCH)] == ["30 days", "30 Tage", "30\xa0jours"]
    assert [GERMAN.span(timedelta(minutes=m)) for m in (1, 90, 120)] == ["1 Minute", "90 Minuten", "2 Stunden"]
    assert [one.count(0, "document", "documents") for one in (ENGLISH, FRENCH)] == ["0 documents", "0 document"]
    assert GERMAN.number(12345.6, 1) == "12.345,6" and SPANISH.number(3) == "3"
    clock = Clock(ZoneInfo("Europe/Zurich"), WHEN, is_known=True)
    with speaking(GERMAN):
        assert (clock.name, clock.hour(WHEN)) == ("Zeitzone Zürich (UTC+1)", "10:05")
        assert clock.minute(WHEN) == "1. Dezember 2026, 10:05"
        assert size(5000) == "5 KB"


def test_phrases_are_said_when_somebody_reads_them() -> None:
    open_for, ways = (
        phrase("It is open for {time}.", time=timedelta(days=7)),
        (phrase("a passkey"), phrase("a document")),
    )
    opened = phrase("It is opened by {ways}.", ways=ways)
    assert open_for == "It is open for 7 days." and opened == "It is opened by a passkey or a document."
    with speaking(GERMAN):
        assert _(open_for) == "Sie ist 7 Tage offen."
        assert _(opened) == "Damit wird sie geöffnet: ein Passkey oder ein Dokument."
        assert (told("Text"), told(phrase("Text"))) == ("Text", "Text") and _(
            "Nobody said this."
        ) == "Nobody said this."
        assert say("Locked until {hour}", hour="<b>") == "Gesperrt bis &lt;b&gt;"
        assert count(1, "to you and {number} other", "to you and {number} others") == "an Sie und 1 weitere Person"
    assert current_speech() is ENGLISH
    until = phrase("The security profile of this message lets it be open until {time} UTC at most.", time=WHEN)
    assert "until 1 December 2026, 09:05 UTC" in until
