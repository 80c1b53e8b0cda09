"""The mailboxes that a header field names (RFC 5322, section 3.4)."""

from collections.abc import Sequence
from email.utils import getaddresses


def mailboxes(values: Sequence[str]) -> list[tuple[str, str]]:
    """(display name, address) of each, members of groups among them; none where a field was made to break the parser.

    It goes one level deeper for each comment in a comment and each group in a group, which may be thousands.
    """
    try:
        return getaddresses(values)
    except (ValueError, LookupError, RecursionError):
        return []
