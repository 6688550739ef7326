import pytest

from kerasbert.testing import TaskContract

pytestmark = pytest.mark.process


class TestNewsTopic(TaskContract):
    name = "news_topic"
