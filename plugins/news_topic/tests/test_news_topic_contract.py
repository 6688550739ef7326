from kerasbert.testing import TaskContract


class TestNewsTopic(TaskContract):
    name = "news_topic"
