"""The server that tests of admission review pods with."""

import pytest

from tests.admission.admitting import Webhook


@pytest.fixture
def webhook() -> Webhook:
    """A server that knows its version and nothing else of the cluster."""
    return Webhook()
