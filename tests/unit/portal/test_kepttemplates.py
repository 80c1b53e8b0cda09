"""Compiled templates that are kept from one start to the next."""

import jinja2
import pytest

from portal.web.kepttemplates import learn_all
from portal.web.render import environment


class Kept(dict[str, bytes]):
    """A cache, and what was put there."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value


def forget() -> None:
    cache = environment().cache
    assert cache is not None
    cache.clear()


def test_what_was_compiled_once_is_loaded_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.web.kepttemplates.templates", lambda: ["base.html", "_parts.html"])
    kept = Kept()
    forget()
    learn_all(kept)
    (packed,) = kept.values()
    forget()
    with monkeypatch.context() as without:
        without.setattr(environment(), "compile", lambda *_: pytest.fail("it was compiled again"))
        learn_all(kept)
        assert isinstance(environment().get_template("_parts.html"), jinja2.Template)
    assert list(kept.values()) == [packed]
    assert environment().bytecode_cache is None


def test_half_of_what_was_kept_is_made_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.web.kepttemplates.templates", lambda: ["base.html", "_parts.html"])
    kept = Kept()
    forget()
    learn_all(kept)
    ((key, packed),) = kept.items()
    kept[key] = b""
    forget()
    learn_all(kept)
    assert kept[key] == packed
