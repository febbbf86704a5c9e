"""How much the tests of this folder do."""

import pytest

from tests.faults.load.scale import Scale, chosen_scale


@pytest.fixture(scope="session")
def scale() -> Scale:
    return chosen_scale()
