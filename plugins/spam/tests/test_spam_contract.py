import pytest

from kerasbert.testing import TaskContract

pytestmark = pytest.mark.process


class TestSpam(TaskContract):
    name = "spam"
