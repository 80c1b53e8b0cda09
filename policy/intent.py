"""What the sender asked for: marks that say `secure`, and how they are taken off again on every route."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from policy.message import Message

# Brackets and the gap as keyboards of Chinese and Japanese write them are marks too.
_TAG: Final = re.compile(
    r"[\[\uff3b][ \t\u3000]{0,8}secure((?:[ \t\u3000,;:]{1,8}[^\s,;:\[\]\uff3b\uff3d]{1,40}){0,12})"
    r"[ \t\u3000,;:]{0,8}[\]\uff3d]",
    re.IGNORECASE,
)
_OPENING: Final = ("[", "\uff3b")
_SENSITIVE: Final = ("personal", "private", "company-confidential")  # RFC 2156 5.3.4: all but "normal"
_LABELS: Final = ("msip_labels", "x-classification", "x-sensitivity")
_LABEL_WORDS: Final = re.compile(r"(?<![\w-])(?:confidential|restricted|secret|secure)(?!\w)", re.IGNORECASE)
_NOT_LABELS: Final = re.compile(r"(?<!\w)(?:not|non|un)[ _-]?(?=confidential|restricted|secret|secure)", re.IGNORECASE)
_HEADER: Final = "x-sealgate"
_PROFILE: Final = "x-sealgate-profile"
# How guests prove themselves: read where the SafeBox is made, and taken off everywhere. They mark nothing as secure.
PHONE_HEADER: Final = "x-sealgate-phone"
QUESTION_HEADER: Final = "x-sealgate-question"
ANSWER_HEADER: Final = "x-sealgate-answer"
# Words that wish for no profile: other products write `[secure email]`.
_NO_WISHES: Final = frozenset({"secure", "mail", "email", "e-mail", "message"})
_MOST_WORDS: Final = 24
_LONGEST_WORD: Final = 63
_MOST_NESTED: Final = 10


@dataclass(frozen=True, slots=True)
class Intent:
    """What a sender's marks ask for: `marks` has a sentence for each that asks for `secure`.

    `subject` and `drop_headers` (lower case) are what to change in a copy so that it bears no mark.
    """

    marks: tuple[str, ...] = ()
    subject: str | None = field(default=None, repr=False)  # without its mark; None where it bears none
    drop_headers: tuple[str, ...] = ()
    wishes: tuple[str, ...] = field(default=(), repr=False)  # words of the tag and of X-Sealgate-Profile, lower case

    @property
    def secure(self) -> bool:
        """True where the sender asked for it."""
        return bool(self.marks)


_NO_INTENT: Final = Intent()
_READ_HEADERS: Final = frozenset(
    {_HEADER, _PROFILE, PHONE_HEADER, QUESTION_HEADER, ANSWER_HEADER, "sensitivity", *_LABELS}
)


def read_intent(message: Message) -> Intent:
    """All marks of a message, and how to take them off. No mark can ask for less than the policy does."""
    if _READ_HEADERS.isdisjoint([name for name, _ in message.headers]) and not any(
        sign in value for name, value in message.headers if name == "subject" for sign in _OPENING
    ):
        return _NO_INTENT  # as nearly all mail
    marks: list[str] = []
    drop: list[str] = []
    subject = None
    if any(_TAG.search(value) for value in message.header("subject")):
        marks.append("the subject says [secure]")
        subject = without_mark(message.subject)
    profile = message.header(_PROFILE)
    if profile:
        marks.append("X-Sealgate-Profile asks for a security profile")
        drop.append(_PROFILE)
    own = message.header(_HEADER)
    if own:
        drop.append(_HEADER)
    drop += [name for name in (PHONE_HEADER, QUESTION_HEADER, ANSWER_HEADER) if message.header(name)]
    if any("secure" in re.split(r"[\s,;]+", value.lower()) for value in own):
        marks.append("X-Sealgate says secure")
    sensitivity = [value.strip().lower() for value in message.header("sensitivity")]
    if any(value in _SENSITIVE for value in sensitivity):
        marks.append(f"Sensitivity is {next(v for v in sensitivity if v in _SENSITIVE)}")
        drop.append("sensitivity")
    for name in _LABELS:
        label = next(filter(None, map(_label, message.header(name))), None)
        if label is not None:
            marks.append(f"the label in {name} says {label.lower()}")
            drop.append(name)
    return Intent(tuple(marks), subject, tuple(drop), _wishes(message.header("subject"), profile))


def _wishes(subjects: Sequence[str], profiles: Sequence[str]) -> tuple[str, ...]:
    """The words that ask for a security profile, lower case, each once; their number and length are limited."""
    tags = [found[1] for value in subjects for found in _TAG.finditer(value)]
    spoken = (value[: _MOST_WORDS * _LONGEST_WORD].lower() for value in [*tags, *profiles])
    words = (word[:_LONGEST_WORD] for value in spoken for word in re.split(r"[\s,;:]+", value))
    kept = dict.fromkeys(word for word in words if word and word not in _NO_WISHES)
    return tuple(kept)[:_MOST_WORDS]


def without_mark(subject: str) -> str:
    """The subject without `[secure]` and the gap it leaves, nested ones included (`[sec[secure]ure]`)."""
    for _ in range(_MOST_NESTED):
        if _TAG.search(subject) is None:
            return subject
        subject = " ".join(filter(None, (piece.strip() for piece in _TAG.split(subject)[::2])))
    for sign in _OPENING:
        subject = subject.replace(sign, "")
    return subject


def _label(value: str) -> str | None:
    """The word that makes a label ask for secure, or None. Of MSIP_Labels only the names of enabled labels count."""
    names = re.findall(r"_Name=([^;]{0,200})", value) or [] if "MSIP_Label" in value else [value]
    for name in names:
        found = _LABEL_WORDS.search(_NOT_LABELS.sub("x", name[:1000]))
        if found is not None and not re.search(r"_Enabled=false", value, re.IGNORECASE):
            return found[0]
    return None
