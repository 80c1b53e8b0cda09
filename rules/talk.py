"""Tells a word that says what a number is from one that says how it came: `the SSN you gave us on the phone: ...`.

`Phone: 536-22-1234` and `order no. 536-22-1234` say what a number is. In `the SSN you told me by phone`, `per fax`,
`as on your order form` and `in the tracking sheet` the same words only say how or where the number came.
"""

import re
from typing import Final

_DEVICE: Final = (
    r"(?:(?:tele|cell|mobile |smart)?phone|téléphone|teléfono|telefono|telefone|telefon|telefoon|tel|"
    r"mobile|mobil|cell|cellphone|handy|móvil|portable|cellulare|telemóvel|fax|telefax|whatsapp|hotline)"
)
_ARTICLE: Final = (
    r"(?:the|my|our|your|his|her|their|this|that|an?|le|la|les|l'|l’|un|une|mon|ma|mes|notre|nos|votre|vos|son|sa|leur|ce|cette|"
    r"el|los|las|una|mi|tu|su|sus|nuestro|nuestra|este|esta|il|lo|gli|uno|mio|mia|suo|sua|vostro|vostra|nostro|nostra|"
    r"das|der|dem|den|die|ihr|ihrem|ihrer|ihren|unserem|unserer|meinem|meiner|deinem|deiner|einem|einer|diesem|dieser|"
    r"het|de|uw|mijn|ons|onze|jouw|je|zijn|haar|een|o|a|os|as|um|uma|seu|meu|minha|nosso|nossa)"
)
# Behind these a device needs no more to say how something was told; behind those it has to be said whose, or which.
_BY: Final = (
    r"(?:by|via|over|per|on|from|as per|am|über|laut|beim|vom|par|au|selon|por|al|según|sul|dal|pelo|"
    r"ao|no|op|door|volgens|over de|aan de)"
)
_IN: Final = (
    r"(?:by|via|over|per|on|from|in|with|within|under|at|as per|per|auf|aus|bei|im|in|laut|gemäß|mit|über|von|"
    r"par|sur|dans|avec|selon|por|en|con|según|su|nel|nella|sul|sulla|dal|dalla|per|secondo|op|uit|via|aan|volgens|met|"
    r"em|no|na|nos|nas|pelo|pela|com|conforme|im|am|vom|beim|nell'|dell'|sull')"
)
_SAID_BEFORE: Final = re.compile(
    rf"(?:\b{_BY}(?: {_ARTICLE})? {_DEVICE}|\b(?:{_IN} ?{_ARTICLE}|"
    r"im|vom|beim|nel|nella|sul|sulla|dal|dalla|no|na|pelo|pela)"
    rf"(?: [\w'’-]{{1,14}}){{0,3}} [\w.'’-]{{2,24}})\Z",
    re.I,
)
_DEVICE_ALONE: Final = re.compile(rf"(?<![\w-]){_DEVICE}\Z", re.I)
_WORD_FOLLOWS: Final = re.compile(r"[ \n][^\W\d_]{2}")
# What follows a place in which something was written: a stop, or more words (`form:`, `of May -`).
_MORE_OR_STOP: Final = re.compile(
    r"(?:(?: [^\W\d_][\w'’.-]{0,20}){1,3})?\)? ?[:,;)=–—-]|(?: [^\W\d_][\w'’.-]{1,20}){1,3} "
)
_NUMBER: Final = r"(?:no|nos|nr|num|number|numbers|nummer|numéro|número|numero|n°|nº|id|ids|code|#)"
_LABEL_ENDS: Final = re.compile(rf"(?:(?<![^\W_]){_NUMBER}|nummer)\.?\Z", re.I)
_LABEL_GOES_ON: Final = re.compile(rf"[ .]{{0,2}}{_NUMBER}(?![^\W_])", re.I)
_DEVICE_AT_END: Final = re.compile(rf"\b{_BY}(?: {_ARTICLE})? {_DEVICE}\Z", re.I)
_CLAUSE_ENDS: Final = re.compile(r"[.!?]\s+(?=[^\W_])|\n\s*\n|[\r\n](?=[^\n]{0,30}:)")
_REACHABLE_AT: Final = re.compile(
    r"\b(?:reach|call|calls|called|calling|ring|dial|contact|text us|text me|available|erreich\w{0,8}|anruf\w{0,4}|"
    r"rufen|ruf|joindre|joignable|appel\w{0,4}|contact\w{0,6}|llam\w{0,5}|localiz\w{0,6}|chiam\w{0,5}|raggiung\w{0,6}|"
    r"bereik\w{0,6}|bel|bellen|ligue|ligar|contat\w{0,5})\b",
    re.I,
)
LOOK_BACK_BYTES: Final = 160  # bytes before a word that are looked at


def says_how_it_came(before: bytes, behind: bytes, named: int | None) -> bool:
    """Whether a word only says how or where a value came, and so does not excuse it.

    `before` is the text up to the end of the word (LOOK_BACK_BYTES of it are enough), `behind` what stands between the
    word and the value. The label that names the value stands `named` characters before it; None: there is none.
    """
    text, rest = before.decode("utf-8", "ignore"), behind.decode("utf-8", "ignore")
    if _DEVICE_AT_END.search(text) and _WORD_FOLLOWS.match(rest + "  "):
        return True
    if named is None:
        return False
    found = _SAID_BEFORE.search(text)
    if found is None or _LABEL_ENDS.search(text) or _LABEL_GOES_ON.match(rest):
        return False
    if not (_DEVICE_ALONE.search(text) or _MORE_OR_STOP.match(rest)):
        return False
    clause = text[: found.start()]
    ends = [end.end() for end in _CLAUSE_ENDS.finditer(clause)]
    starts = ends[-1] if ends else 0
    if _REACHABLE_AT.search(clause, starts):
        return False
    return len(text) + len(rest) - named >= starts
