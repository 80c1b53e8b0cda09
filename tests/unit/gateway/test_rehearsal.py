"""What is done before the doors open."""

from types import SimpleNamespace
from typing import Any

from gateway.rehearsal import rehearse
from policy.extraction.message import read_message
from policy.message import Envelope, Message
from rules.content import Content
from rules.finding import Scanned


async def test_a_letter_and_a_page_go_through_reading_looking_and_deciding() -> None:
    decided: list[tuple[Envelope, Message]] = []
    looked: list[str] = []

    def scan(content: Content) -> Scanned:
        looked.extend(part.text for part in content.parts)
        return Scanned((), content)

    def decide(envelope: Envelope, message: Message, *_: object) -> None:
        decided.append((envelope, message))

    async def read(raw: bytes, _passwords: object) -> Message:
        return read_message(raw)

    rules: Any = SimpleNamespace(
        matcher=SimpleNamespace(scan_within=lambda contents, steps: [scan(one) for one in contents]),
        policy=SimpleNamespace(decide=decide),
    )
    await rehearse(rules, read)
    assert [message.subject for _, message in decided] == ["A rehearsäl of an ordinary letter"] * 3
    assert {envelope.recipients[0].address.domain for envelope, _ in decided} == {"example.invalid"}
    assert any("order no." in text for text in looked)
    assert any("Your number" in text for text in looked)
