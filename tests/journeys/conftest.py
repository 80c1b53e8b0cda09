"""Journeys: the started program, real mail servers around it, one story a test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path

import pytest
from mailhosts import Sink
from started import Gateway


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These run beside others: how busy the machine is must not decide a test."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The shipped packs take seconds to compile: what one gateway or command compiled the next one finds, and those of
    another run where pytest keeps its own things.
    """
    cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    folder = cache.mkdir("commands") if cache else tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield


@pytest.fixture
def make_gateway(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Callable[..., Gateway]]:
    """Make Sealgates; whatever still runs at the end is ended."""
    with ExitStack() as stack:

        def make(world: int, name: str = "gateway", **options: str) -> Gateway:
            ports = {"smtp": free_port(), "portal": free_port(), "world": world}
            gateway = Gateway(tmp_path / name, ports, **options)
            stack.callback(gateway.close)
            return gateway

        yield make


@pytest.fixture
def world(free_port: Callable[[], int]) -> Iterator[Sink]:
    """Everyone's mailbox."""
    with Sink(free_port()) as sink:
        yield sink


def letter(subject: str = "Hello", text: str = "Nothing special.\n", to: str = "bob@friends.example") -> EmailMessage:
    """A plain mail from Alice."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Alice Example <alice@example.com>", to, subject
    mail["Message-ID"] = "<letter@example.com>"
    mail.set_content(text)
    return mail


@pytest.fixture(name="letter")
def letter_fixture() -> Callable[..., EmailMessage]:
    """Make plain mails from Alice."""
    return letter
