"""The small parts: passwords, markup, sizes, names, limits."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from delivery.store import throttles
from delivery.store.throttles import Limit
from portal.signin.codes import typed
from portal.signin.passwords import Passwords, Weak, common, weakness
from portal.site import make_site
from portal.web.formatted import frame_markup, page_markup, text_markup
from portal.web.forms import one_line
from portal.web.locator import masked
from portal.web.render import TEMPLATES, breakable, initials, say, size

DOCS = Path(__file__).parents[3] / "docs" / "portal.md"


@pytest.mark.parametrize(
    ("password", "weak"),
    [
        ("password1234", Weak.COMMON),
        ("P@ssw0rd1234!", Weak.COMMON),
        ("qwertyqwerty", Weak.COMMON),
        ("passwordpassword", Weak.COMMON),
        ("123456789012", Weak.COMMON),
        ("abcdefghijklmn", Weak.COMMON),
        ("aaaaaaaaaaaaaa", Weak.COMMON),
        ("1qaz2wsx3edc", Weak.COMMON),
        ("elevenchars", Weak.SHORT),
        ("maria.weber1", Weak.PERSONAL),
        ("ExampleClinic2026", Weak.PERSONAL),
        ("blue bicycle by the lake", None),
        ("Tr0ub4dor&3xyz", None),
        ("пароль из четырёх слов", None),
    ],
)
def test_weak_passwords_are_told_why(password: str, weak: Weak | None) -> None:
    assert weakness(password, "maria.weber@post.example", "Example Clinic") is weak


def test_the_common_list_is_there_and_long() -> None:
    assert len(common()) > 4000 and "password" in common()


async def test_passwords_are_argon2id_and_composed_alike() -> None:
    passwords = Passwords()
    kept = await passwords.hash("Zürich im Frühling")
    assert kept.startswith("$argon2id$")
    assert await passwords.matches(kept, "Zu\u0308rich im Fru\u0308hling")
    assert not await passwords.matches(kept, "Zurich im Fruhling")
    assert not await passwords.matches(None, "nobody has this password, and nobody ever will")
    assert not await passwords.matches("not a hash", "x")
    assert not passwords.is_outdated(kept)


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1 KB"), (412_345, "412 KB"), (999_499, "999 KB"),
     (999_500, "1 MB"), (17_600_000, "17.6 MB"), (250 * 10**6, "250 MB"), (5 * 10**9, "5 GB")],
)  # fmt: skip
def test_sizes_are_shown_as_file_managers_show_them(octets: int, shown: str) -> None:
    assert size(octets) == shown


def test_small_words() -> None:
    assert masked("maria@post.example") == "m•••••@post.example"
    assert masked("a@b") == "a•••••@b"
    assert initials("Dr. Katharina von Hohenfels-Lindqvist (Orthopaedics)") == "KH"
    assert initials("(" * 300_000) == ""  # each looked through to the end: minutes
    assert initials("Maria-Magdalena Oberhofer-Castellanos") == "MO"
    assert initials("Prof. Dr. med. Katharina von Hohenfels-Lindqvist") == "KH"
    assert initials("alice.jones@example.com") == "AJ" and initials("") == "" and initials("123") == ""
    assert breakable("<a_b@c>") == "&lt;a_<wbr>b@<wbr>c&gt;"
    assert one_line(" a\r\nb\tc\x00 ", 10) == "a b c"
    assert typed("12-34 56") == "123456" and typed("12a456") == ""


@given(st.text(max_size=300))
def test_text_becomes_markup_without_markup_of_its_own(text: str) -> None:
    shown = str(text_markup(text))
    for allowed in ("<p>", "</p>", "<br>", "</a>"):
        shown = shown.replace(allowed, "")
    while '<a href="http' in shown:
        before, _, rest = shown.partition('<a href="http')
        shown = before + rest.partition('rel="noopener noreferrer">')[2]
    assert "<" not in shown and ">" not in shown


TAGS = st.sampled_from(
    """<b> </b> <p> </p> <script> </script> <style> </style> <svg> <math> <img/src=x/onerror=1> <a/href='javascript:1'>
    </a> <!-- --> <table> <td> <iframe/src=//x> <noscript> <title> text &lt;script&gt; <img/src='cid:a'> " ' > <
    <template> <textarea> <select> <form> <base/href=//x>""".split()  # noqa: SIM905 - as a list it is three times as long
)


@given(st.lists(TAGS, max_size=40).map("".join))
def test_no_markup_brings_script_into_the_page(html: str) -> None:
    shown = page_markup(html, lambda cid: f"/m/x/pictures/{cid}")
    frame = frame_markup(html, {"a": "d"}, remote=False)
    assert shown is not None and frame is not None
    assert len(frame.pieces) == len(frame.pictures) + 1
    import lxml.html

    for text in (str(shown), "x".join(frame.pieces)):
        tree = lxml.html.fragment_fromstring(text, create_parent="div")
        for element in tree.iter():
            assert element.tag not in {"script", "svg", "math", "iframe", "form", "base", "noscript", "object", "title"}
            assert not any(name.startswith("on") or "javascript:" in value for name, value in element.attrib.items())


@pytest.mark.parametrize(
    "href",
    ["/leave", "//evil.example/", "?sent=1", "#main", "https:/leave", "https:leave", "HTTP:\\leave", "\\\\evil"],
)
def test_no_link_of_a_letter_leads_into_the_portal(href: str) -> None:
    html = f"<a href='{href}'>read on</a> <a href=' HTTPS://friends.example/a'>out</a> <a href='mailto:a@b.c'>write</a>"
    frame = frame_markup(html, {}, remote=True)
    assert frame is not None
    for shown in (str(page_markup(html, lambda _: None)), "".join(frame.pieces)):
        assert re.findall(r'href="([^"]*)"', shown) == [" HTTPS://friends.example/a", "mailto:a@b.c"]
        assert ">read on</a>" in shown


def test_headings_of_a_letter_stand_below_those_of_the_page() -> None:
    shown = page_markup('<h1 dir="rtl">a</h1><h2 lang=fr>b</h2><h1>c</h1><h4>d</h4><hr>', lambda _: None)
    assert str(shown) == '<h3 dir="rtl">a</h3><h3 lang="fr">b</h3><h3>c</h3><h4>d</h4><hr>'


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000,
        "".join(f"<b id={n}>" for n in range(800)) + "<p>x" * 50_000,
        "<i><p>" * 200_000,
        "<" * 1_100_000,
    ],
    ids=["deep", "repeated", "both", "long"],
)
def test_bombs_are_not_formatted(html: str) -> None:
    assert page_markup(html, lambda _: None) is None
    assert frame_markup(html, {}, remote=False) is None


def test_long_honest_mails_are_formatted() -> None:
    row = "<tr><td style='color:red'>cell <b>bold</b></td><td><font size=2>text</font></td></tr>"
    html = f"<html><body><table>{row * 3000}</table></body></html>"
    shown = page_markup(html, lambda _: None)
    assert shown is not None and shown.count("<td>") == 6000


def test_a_throttle_locks_twice_as_long_each_time(database, vault) -> None:
    limit, now = (
        Limit(2, timedelta(hours=1), timedelta(minutes=10), timedelta(minutes=30)),
        datetime(2026, 1, 1, tzinfo=UTC),
    )

    def count(when: datetime) -> datetime | None:
        return database.write_now(lambda conn: throttles.count_one(conn, "default", "default:x:y", limit, when))

    for minutes in (10, 20, 30, 30):
        assert count(now) is None and count(now) is None
        assert count(now) == now + timedelta(minutes=minutes)
        assert count(now + timedelta(minutes=1)) == now + timedelta(minutes=minutes)
        now += timedelta(minutes=minutes)


def test_the_docs_name_every_path_and_field(portal) -> None:
    text = DOCS.read_text("utf-8")
    for route in make_site(portal.services).router.routes():
        if route.method == "HEAD":
            continue
        path = str(route.resource.canonical)
        assert f"`{route.method} {path}`" in text, f"{route.method} {path} is missing in docs/portal.md"
    for template in (Path(__file__).parents[3] / "portal" / "templates").rglob("*.html"):
        import re

        for name in re.findall(r'\bname="([a-z_]+)"', template.read_text("utf-8")):
            assert f"`{name}`" in text or name in {"viewport", "color-scheme", "referrer", "robots"}, f"field {name}"


@pytest.mark.parametrize("password", ["maria.oberhofer1", "OberhoferMaria77", "1-maria-oberhofer-2"])
def test_a_password_made_of_ones_address_is_personal(password: str) -> None:
    assert weakness(password, "maria.oberhofer-katzenellenbogen@post.example") is Weak.PERSONAL


def test_sentences_are_whole() -> None:
    """A sentence in pieces around its values cannot be put into another language."""
    piece = re.compile(r'_\("[^"]*[a-z,]"\) }}\.? (?:<strong|<span class="(?:num|address|anywhere)|{{ (?!icon))')
    for path in TEMPLATES.rglob("*.html"):
        assert not piece.findall(path.read_text("utf-8")), path.name


def test_a_sentence_escapes_its_values_and_keeps_markup() -> None:
    said = say("{name} wrote to {whom}.", name="<b>", whom=Markup("<strong>you</strong>"))
    assert said == "&lt;b&gt; wrote to <strong>you</strong>."
