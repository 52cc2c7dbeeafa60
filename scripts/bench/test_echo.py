"""The same conversations as a teacher's pytest file: one server process a case, no sandbox."""

import pytest
from echo_clients import CASES
from echo_server import servers


@pytest.fixture
def start():
    with servers() as start:
        yield start


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_case(case, start):
    case(start)
