"""Presidio beside us, run by the Python of an environment of its own: `python presidio.py < texts > entities`.

Its pattern recognisers with context words, on a blank spaCy model: no recogniser of names, since none of the types
measured is one, and no model has to be fetched. The lemma that context words are compared with is the word in small
letters. A line in is {"text"}; a line out is {"ms", "found": [[entity, score], ...]}.
"""

import inspect
import json
import sys
import time

import presidio_analyzer.predefined_recognizers as predefined
import spacy
from presidio_analyzer import AnalyzerEngine, PatternRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine


class Blank(NlpEngine):
    """Words, and nothing about them."""

    def __init__(self) -> None:
        self._nlp = spacy.blank("en")

    def load(self) -> None:
        """Nothing to load."""

    def is_loaded(self) -> bool:
        return True

    def get_supported_languages(self) -> list[str]:
        return ["en"]

    def get_supported_entities(self) -> list[str]:
        return []

    def is_stopword(self, word: str, language: str) -> bool:
        return self._nlp.vocab[word].is_stop

    def is_punct(self, word: str, language: str) -> bool:
        return self._nlp.vocab[word].is_punct

    def process_batch(self, texts, language, **options):
        return [(text, self.process_text(text, language)) for text in texts]

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        words = self._nlp.make_doc(text)
        lemmas = [word.lower_ for word in words]
        return NlpArtifacts([], words, [word.idx for word in words], lemmas, self, language)


def _recognisers():
    """Every pattern recogniser there is, asked about English texts whatever its own language."""
    for name, kind in inspect.getmembers(predefined, inspect.isclass):
        if not issubclass(kind, PatternRecognizer) or inspect.isabstract(kind):
            continue
        try:
            yield kind(supported_language="en")
        except (TypeError, ValueError) as error:
            print(f"{name} was left out: {error}", file=sys.stderr)


def main() -> None:
    """Answer line by line."""
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    registry = RecognizerRegistry(recognizers=list(_recognisers()), supported_languages=["en"])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    engine.analyze("a word", language="en")
    for line in sys.stdin:
        text = json.loads(line)["text"]
        started = time.process_time()
        results = engine.analyze(text, language="en")
        took = (time.process_time() - started) * 1000
        found = sorted({(result.entity_type, round(result.score, 3)) for result in results})
        sys.stdout.write(json.dumps({"ms": took, "found": found}) + "\n")


if __name__ == "__main__":
    main()
