"""What is new in a box since one of its keepers last looked, in a few words."""

from collections.abc import Sequence

from delivery.store.box_news import Counted
from portal.web.letters import ShownMessage
from portal.web.render import count


def in_few_words(news: Counted) -> tuple[str, ...]:
    """For the list: `2 new replies`, `1 new reader`; nothing where nothing is new."""
    told = (
        (news.replies, count(news.replies, "new reply", "new replies")),
        (news.openings, count(news.openings, "new reader", "new readers")),
        (news.asks, count(news.asks, "asks to open it again", "ask to open it again")),
    )
    return tuple(words for number, words in told if number)


def new_among(messages: Sequence[ShownMessage], news: Counted) -> frozenset[str]:
    """Which messages came since then: the newest that others wrote."""
    others = [one.id for one in messages if not one.is_mine]
    return frozenset(others[len(others) - news.replies :] if news.replies else ())
