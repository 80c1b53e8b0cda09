"""Domain names of other scripts, in the form that DNS knows (A-labels, RFC 5890)."""

from typing import Final

import idna

_JOINERS: Final = ("\u200c", "\u200d")  # invisible; allowed only where a script needs them (RFC 5892 A.1, A.2)
_LONGEST: Final = 63  # octets of a label (RFC 1035 2.3.4)


def a_labels(domain: str) -> str:
    """The domain in lower case and A-labels, as today's browsers and mail programs make them; raises UnicodeError.

    By UTS 46, non-transitional: `straße.example` and `strasse.example` are two domains of two owners, and Python's own
    codec (IDNA 2003) would bring the mail of the one to the other. Compatibility characters (a wide letter, an
    ideographic full stop) become their plain forms, so the result may hold any ASCII character: the caller has to check
    that it is a name.
    """
    if domain.isascii():
        return domain.lower()
    labels = idna.uts46_remap(domain, std3_rules=False, transitional=False).split(".")
    return ".".join(label if label.isascii() else _encoded(label) for label in labels)


def _encoded(label: str) -> str:
    if any(joiner in label for joiner in _JOINERS):
        idna.check_label(label)
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    if len(encoded) > _LONGEST:
        raise UnicodeError("a label is longer than DNS has them")
    return encoded
