"""Plain regular expressions, as people paste them from one project to the next: what is found without any check."""

import re
from collections.abc import Set

_PATTERNS = {
    "us.ssn": r"\b\d{3}[- ]?\d{2}[- ]?\d{4}\b",
    "us.itin": r"\b9\d{2}[- ]?\d{2}[- ]?\d{4}\b",
    "us.ein": r"\b\d{2}-\d{7}\b",
    "payment.card": r"\b(?:\d[ -]*?){13,16}\b",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "swift.bic": r"\b[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b",
    "us.aba": r"\b[0-3]\d{8}\b",
    "us.bank_account": r"\b\d{8,17}\b",
    "us.npi": r"\b[12]\d{9}\b",
    "us.dea": r"\b[A-Z]{2}\d{7}\b",
    "us.mbi": r"\b[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}\b",
    "us.passport": r"\b[A-Z]?\d{8,9}\b",
    "us.driver_license": r"\b[A-Z]\d{7,12}\b",
    "medical.mrn": r"(?i)\bMRN:? ?\d{5,10}\b",
    "medical.member_id": r"\b[A-Z]{3}\d{9}\b",
    "icd10": r"\b[A-Z]\d{2}\.\d{1,4}\b",
    "payment.cvv": r"(?i)\bCVV:? ?\d{3,4}\b",
    "date_of_birth": r"\b\d{1,2}[/-]\d{1,2}[/-]\d{4}\b",
    "uk.nhs": r"\b\d{3} ?\d{3} ?\d{4}\b",
    "uk.nino": r"\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
    "br.cpf": r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b",
    "secret.aws": r"\bAKIA[0-9A-Z]{16}\b",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}
# No word of any language, so that ordinary mail is judged by the numbers of people and money alone.
FLAGGING = frozenset({"us.ssn", "payment.card", "iban", "us.aba", "us.npi", "us.dea", "us.mbi", "us.passport"})


def found(text: str) -> Set[str]:
    """The types whose pattern stands in the text."""
    return {name for name, pattern in _COMPILED.items() if pattern.search(text)}
