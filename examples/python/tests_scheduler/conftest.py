"""What these tests share: a live scheduler, whose address is in CLOACA_TEST_ADDRESS."""

import os

import pytest

import cloaca


@pytest.fixture(scope="session")
def address():
    return os.environ["CLOACA_TEST_ADDRESS"]


@pytest.fixture(scope="session")
def runner(address):
    with cloaca.DefaultRunner(address, host_id="python-tests") as runner:
        yield runner


@pytest.fixture
def one_slot(address, request):
    """A runner with a single slot."""
    name = f"one-slot-{request.node.name}".split("[")[0]
    with cloaca.DefaultRunner(address, slots=1, host_id=name) as runner:
        yield runner
