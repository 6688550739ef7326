import pytest

from kerasbert.testing import TaskContract

pytestmark = pytest.mark.process


class TestSentiment(TaskContract):
    name = "sentiment"
