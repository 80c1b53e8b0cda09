"""Pictures whose drawn text is read: within a budget, once each, and told where that could not be."""

import asyncio

from gateway.recognition import PictureReader, with_pictures
from policy.extraction.collected import Picture
from rules.content import Content, FileFact, FileKind, Part


def png(width: int = 200, height: int = 100, more: bytes = b"") -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(8) + width.to_bytes(4, "big") + height.to_bytes(4, "big") + more


def picture(data: bytes, name: str = "a.png") -> Picture:
    return Picture(name, data, name, 0)


class Eyes:
    """Reads any picture as its last bytes, after a while."""

    def __init__(self, seconds: float = 0.0, *, blind: bool = False) -> None:
        self.seen: list[bytes] = []
        self.seconds = seconds
        self.blind = blind

    async def recognise(self, picture: bytes, seconds: float) -> str | None:
        self.seen.append(picture)
        await asyncio.sleep(min(seconds, self.seconds))
        return None if self.blind or self.seconds > seconds else picture[24:].decode()


async def test_texts_have_the_picture_as_their_place() -> None:
    content = await PictureReader(Eyes(), 10).read([picture(png(more=b"SSN"))])
    assert content == Content((Part("a.png > text in the picture", "SSN"),))


async def test_a_picture_that_comes_again_is_read_once() -> None:
    eyes = Eyes()
    reader = PictureReader(eyes, 10)
    for _ in range(3):
        assert (await reader.read([picture(png(more=b"logo"))])).parts[0].text == "logo"
    assert len(eyes.seen) == 1


async def test_what_shows_no_text_is_left_out() -> None:
    eyes = Eyes()
    assert await PictureReader(eyes, 10).read([picture(png(1, 1)), picture(png(600, 4))]) == Content()
    assert eyes.seen == []


async def test_past_the_budget_all_others_are_told() -> None:
    pictures = [picture(png(more=bytes([65 + at])), f"{at}.png") for at in range(4)]
    content = await PictureReader(Eyes(0.03), 0.05).read(pictures)
    assert [fact.name for fact in content.files] == ["1.png", "2.png", "3.png"]
    assert all(fact.unreadable for fact in content.files)


async def test_what_cannot_be_read_is_told() -> None:
    content = await PictureReader(Eyes(blind=True), 10).read([picture(png()), picture(b"\0\0\1\0icon")])
    assert [(fact.unreadable, fact.reason) for fact in content.files] == [
        (True, "a picture that was not read in time"),
        (True, "a picture of a type whose text is not read"),
    ]


def test_a_picture_that_was_not_read_is_told_in_its_own_fact() -> None:
    own = FileFact("a.png", FileKind.IMAGE, 9, "a.png")
    told = FileFact("a.png", FileKind.IMAGE, 9, "a.png", unreadable=True, reason="late")
    within = FileFact("picture 1", FileKind.IMAGE, 9, "b.doc > picture 1", 1, unreadable=True, reason="late")
    read = Content((Part("x", "y"),), (told, within))
    assert with_pictures(Content((), (own,)), read) == Content((Part("x", "y"),), (told, within))
