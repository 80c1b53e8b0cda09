"""The places where faults are put, by name: who moves a function that is one of them moves its name, too."""

import importlib

import pytest
from faults_armed import POINTS


@pytest.mark.parametrize("place", sorted({point.place for point in POINTS}))
def test_the_places_of_faults_exist(place: str) -> None:
    module, _, path = place.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    assert callable(found)
