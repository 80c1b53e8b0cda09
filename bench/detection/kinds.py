"""The types that are measured."""

from detection.kinds_us import FINANCIAL, IDENTITY, MEDICAL
from detection.kinds_world import ABROAD, SECRETS

KINDS = (*FINANCIAL, *IDENTITY, *MEDICAL, *ABROAD, *SECRETS)
DETECTORS = {kind.label: kind.detector for kind in KINDS}
