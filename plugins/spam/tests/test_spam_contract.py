from kerasbert.testing import TaskContract


class TestSpam(TaskContract):
    name = "spam"
