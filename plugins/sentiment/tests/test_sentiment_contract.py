from kerasbert.testing import TaskContract


class TestSentiment(TaskContract):
    name = "sentiment"
