"""The languages that pages and notices speak, and their catalogues.

A language is a line in `Language`, a name, and a file `locale/LANGUAGE.po` in each folder that speaks (`delivery`,
`portal`): gettext's format, English sentences with their translations. The files are read as they are, once a process
and only when somebody speaks that language: nothing is compiled, so a wheel, a checkout and an editor see one thing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final


class Language(StrEnum):
    """Languages that everything is said in; texts of an organisation's own can be given in them."""

    EN = "en"
    FR = "fr"
    DE = "de"
    ES = "es"


NAMES: Final = {  # each as its speakers call it
    Language.EN: "English",
    Language.FR: "Français",
    Language.DE: "Deutsch",
    Language.ES: "Español",
}
LOCALES: Final = {  # how dates and numbers are written: of English there are many
    Language.EN: "en_GB",
    Language.FR: "fr",
    Language.DE: "de",
    Language.ES: "es",
}
TAGS: Final = {  # as voices that read aloud are called
    Language.EN: "en-GB",
    Language.FR: "fr-FR",
    Language.DE: "de-DE",
    Language.ES: "es-ES",
}
DELIVERY_CATALOGUES: Final = Path(str(files("delivery") / "locale"))  # what notices and the SafeBox say


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language's sentences by their English ones; of what is counted a tuple, chosen from by `plural`."""

    sentences: Mapping[str, str | tuple[str, ...]] = field(repr=False)
    plural: Callable[[int], int] = field(default=lambda number: int(number != 1), repr=False)

    def one(self, text: str) -> str:
        """The sentence; in English where there is none."""
        found = self.sentences.get(text, text)
        return found if isinstance(found, str) else found[0]

    def counted(self, number: int, one: str, many: str) -> str:
        """The form of a counted sentence that goes with a number."""
        found = self.sentences.get(one)
        if isinstance(found, tuple):
            return found[self.plural(number)]
        return one if number == 1 else many


def language_named(text: str) -> Language | None:
    """The language of a tag such as `de`, `de-CH`, `fr_CA`; None: none that is spoken here."""
    primary = text.strip().lower().replace("_", "-").partition("-")[0]
    return Language(primary) if primary in set(Language) else None


@lru_cache(maxsize=32)
def catalogue(language: Language, *folders: Path) -> Catalogue:
    """What is said in a language, by the folders' catalogues together: of two translations the first folder's counts.

    Blocks the first time (some 20 ms a file).
    """
    from gettext import c2py

    from babel.messages.pofile import read_po

    sentences: dict[str, str | tuple[str, ...]] = {}
    plural: Callable[[int], int] | None = None
    for folder in folders:
        path = folder / f"{language}.po"
        if not path.is_file():  # English needs none
            continue
        with path.open("rb") as file:
            read = read_po(file)
        plural = plural or c2py(read.plural_expr)
        for message in read:
            if not message.id or message.fuzzy:
                continue
            said: str | tuple[str, ...] = (
                message.string if isinstance(message.string, str) else tuple(message.string or ())
            )
            if said and all(said):
                sentences.setdefault(message.id if isinstance(message.id, str) else message.id[0], said)
    return Catalogue(sentences, plural) if plural else Catalogue({})
