import os
import re
import threading
import time

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from kerasbert.deployment import ServedVersions, changing
from kerasbert.deployment.served_versions import POLL_SECONDS
from kerasbert.errors import UserError
from kerasbert.layout import version_folders


def read(model_dir):
    """models.config as protobuf's own parser reads it."""
    text = (model_dir / "serving" / "models.config").read_text(encoding="utf-8")
    (config,) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    return config


def state(model_dir):
    config = read(model_dir)
    return dict(config.version_labels), list(config.model_version_policy.specific.versions)


@pytest.fixture
def publish(model_dir, add_version):
    def run(number):
        before = max(version_folders(model_dir), default=None)
        add_version(number)
        with changing(model_dir) as served:
            served.publish(number, before)

    return run


@pytest.fixture
def label(model_dir):
    def run(name, number):
        with changing(model_dir) as served:
            served.label(name, number)

    return run


@pytest.fixture
def rollback(model_dir):
    def run():
        with changing(model_dir) as served:
            served.rollback()

    return run


def test_the_first_version_is_stable_and_the_next_a_canary(publish, model_dir):
    publish(1)
    assert state(model_dir) == ({"stable": 1}, [1])
    publish(2)
    assert state(model_dir) == ({"stable": 1, "canary": 2}, [1, 2])


def test_the_server_is_told_its_own_paths(publish, model_dir):
    publish(1)
    config = read(model_dir)
    assert (config.name, config.base_path, config.model_platform) == (
        "reviews",
        "/models/reviews",
        "tensorflow",
    )


@pytest.mark.parametrize(
    ("folder", "name"), [("news_topic", "news_topic"), ("a b:c", "a-b-c"), ("情感", "model"), ("-x.", "x")]
)
def test_a_name_fits_into_an_address(tmp_path, folder, name):
    assert ServedVersions(tmp_path / folder).name == name


def test_a_promoted_canary_keeps_the_version_before_loaded(publish, label, model_dir):
    publish(1)
    publish(2)
    label("stable", 2)
    assert state(model_dir) == ({"stable": 2, "previous": 1}, [1, 2])


def test_a_rollback_and_its_own_rollback(publish, label, rollback, model_dir):
    publish(1)
    publish(2)
    label("stable", 2)
    rollback()
    assert state(model_dir) == ({"stable": 1, "previous": 2}, [1, 2])
    rollback()
    assert state(model_dir) == ({"stable": 2, "previous": 1}, [1, 2])


def test_no_rollback_without_a_version_before(publish, rollback, model_dir):
    publish(1)
    with pytest.raises(UserError, match="no other version was stable before"):
        rollback()
    assert state(model_dir) == ({"stable": 1}, [1])


def test_a_version_that_loses_its_last_label_is_no_longer_served(publish, label, model_dir):
    for number in (1, 2):
        publish(number)
        label("stable", number)
    publish(3)
    label("stable", 3)
    assert state(model_dir) == ({"stable": 3, "previous": 2}, [2, 3])


def test_a_version_waits_without_a_label_while_another_is_the_canary(publish, label, model_dir):
    for number in (1, 2, 3, 4):
        publish(number)
    assert state(model_dir) == ({"stable": 1, "canary": 2}, [1, 2, 4])
    label("canary", 4)
    assert state(model_dir) == ({"stable": 1, "canary": 4}, [1, 4])


def test_a_label_of_ones_own_loads_any_version(publish, label, model_dir, add_version):
    publish(3)
    add_version(1)
    label("old", 1)
    assert state(model_dir) == ({"stable": 3, "old": 1}, [1, 3])


def test_a_label_does_not_move_to_a_version_that_is_not_loaded(publish, label, model_dir, add_version):
    publish(3)
    add_version(1)
    with pytest.raises(UserError, match=r"version 1 is not served.* label \S+ next 1"):
        label("stable", 1)
    assert state(model_dir) == ({"stable": 3}, [3])


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a b", "标签"])
def test_a_label_must_fit_into_an_address(publish, label, name):
    publish(1)
    with pytest.raises(UserError, match="label: must be letters"):
        label(name, 1)


def test_a_version_that_does_not_exist_has_no_label(publish, label):
    publish(1)
    with pytest.raises(UserError, match="7: there is no such version"):
        label("canary", 7)


def test_a_label_is_removed_and_its_version_with_it(publish, model_dir):
    publish(1)
    publish(2)
    with changing(model_dir) as served:
        served.unlabel("canary")
    assert state(model_dir) == ({"stable": 1}, [1])


@pytest.mark.parametrize(("name", "message"), [("stable", "clients use"), ("x", "Labels: stable")])
def test_a_label_that_cannot_be_removed(publish, model_dir, name, message):
    publish(1)
    with pytest.raises(UserError, match=message), changing(model_dir) as served:
        served.unlabel(name)
    assert state(model_dir) == ({"stable": 1}, [1])


def test_versions_from_before_models_config_stay_what_clients_get(publish, model_dir, add_version):
    add_version(4)
    publish(5)
    assert state(model_dir) == ({"stable": 4, "canary": 5}, [4, 5])


def test_the_first_label_is_stable(label, model_dir, add_version):
    add_version(4)
    with pytest.raises(UserError, match=r"no version is stable yet"):
        label("canary", 4)
    label("stable", 4)
    assert state(model_dir) == ({"stable": 4}, [4])


def test_what_the_user_added_to_models_config_stays(publish, model_dir):
    publish(1)
    path = model_dir / "serving" / "models.config"
    path.write_text(path.read_text().replace('base_path: "', 'logging_config { } base_path: "/elsewhere'))
    publish(2)
    config = read(model_dir)
    assert config.base_path == "/elsewhere/models/reviews"
    assert config.HasField("logging_config")
    assert dict(config.version_labels) == {"stable": 1, "canary": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"model_config_list { config {", "is not a model configuration"),
        (b"model_config_list { unknown: 1 }", "is not a model configuration"),
        (b"\xff", "cannot be read"),
        (b"", "0 models"),
        (b"model_config_list { config { name: 'a' } config { name: 'b' } }", "2 models"),
    ],
)
def test_a_damaged_models_config_is_refused_and_kept(publish, model_dir, content, message):
    publish(1)
    path = model_dir / "serving" / "models.config"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{re.escape(str(path))}: .*{message}"):
        publish(2)
    assert path.read_bytes() == content


@pytest.mark.parametrize("policy", ["all { }", "latest { num_versions: 2 }"])
def test_a_policy_of_ones_own_is_not_replaced(publish, label, add_version, model_dir, policy):
    publish(1)
    add_version(2)
    path = model_dir / "serving" / "models.config"
    content = path.read_text(encoding="utf-8")
    specific = "specific {\n        versions: 1\n      }"
    assert specific in content
    content = content.replace(specific, policy)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="must be specific") as raised:
        label("canary", 2)
    assert path.read_text(encoding="utf-8") == content
    advice = str(raised.value).rpartition("write: model_version_policy { ")[2].removesuffix(" }")
    path.write_text(content.replace(policy, advice), encoding="utf-8")
    label("canary", 2)
    assert state(model_dir) == ({"stable": 1, "canary": 2}, [1, 2])


def test_a_directory_without_versions_is_refused_and_not_made(model_dir):
    with pytest.raises(UserError, match="holds no version"), changing(model_dir):
        pass
    assert not model_dir.exists()


def test_changes_at_the_same_time_are_all_kept(publish, model_dir):
    publish(1)

    def add(number):
        with changing(model_dir) as served:
            time.sleep(0.01)  # so that the others meet this one
            served.label(f"label-{number}", 1)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(read(model_dir).version_labels) == {"stable", *(f"label-{number}" for number in range(8))}


@pytest.mark.parametrize(("age", "waits"), [(0.0, POLL_SECONDS + 1), (3.0, POLL_SECONDS - 2), (60.0, 0)])
def test_each_state_stands_for_a_poll_at_least(publish, model_dir, monkeypatch, age, waits):
    publish(1)
    path = model_dir / "serving" / "models.config"
    os.utime(path, (time.time() - age,) * 2)
    slept = []
    monkeypatch.undo()
    monkeypatch.setattr(time, "sleep", slept.append)
    with changing(model_dir):
        pass
    assert slept == [pytest.approx(waits, abs=1)]


class Server:
    """How TensorFlow Serving takes a configuration (ServerCore::ReloadConfig), loading at once.

    It is started with --allow_version_labels_for_unavailable_models.
    """

    def __init__(self):
        self.labels, self.loaded = {}, set()

    def poll(self, model_dir):
        labels, versions = state(model_dir)
        for label, version in labels.items():
            moved = self.labels.get(label, version) != version
            assert not moved or version in self.loaded, f"refused: {label} of {version}"
        self.labels = labels
        self.loaded = {version for version in versions if (model_dir / str(version)).is_dir()}


class Life(RuleBasedStateMachine):
    """Whatever users do, a server that polls follows them."""

    @initialize(make=st.just(None))
    def start(self, make):
        self.model_dir = self.directories() / "model"
        self.server = Server()
        self.highest = 0
        self.export()

    @rule()
    def export(self):
        before, self.highest = self.highest or None, self.highest + 1
        (self.model_dir / str(self.highest)).mkdir(parents=True)
        with changing(self.model_dir) as served:
            served.publish(self.highest, before)

    @rule(label=st.sampled_from(["stable", "canary", "previous", "mine"]), data=st.data())
    def label(self, label, data):
        number = data.draw(st.integers(1, self.highest))
        self.attempt(lambda served: served.label(label, number))

    @rule(label=st.sampled_from(["canary", "previous", "mine"]))
    def unlabel(self, label):
        self.attempt(lambda served: served.unlabel(label))

    @rule()
    def rollback(self):
        stable = self.server.labels["stable"]
        if self.attempt(ServedVersions.rollback):
            assert state(self.model_dir)[0]["previous"] == stable

    @rule()
    def restart(self):
        self.server = Server()

    @invariant()
    def the_server_follows(self):
        self.server.poll(self.model_dir)
        assert set(self.server.labels.values()) <= self.server.loaded
        assert "stable" in self.server.labels
        assert len(self.server.loaded - set(self.server.labels.values())) <= 1

    def attempt(self, change) -> bool:
        try:
            with changing(self.model_dir) as served:
                change(served)
        except UserError:
            return False
        return True


@pytest.mark.process
def test_a_polling_server_can_follow_whatever_is_done(tmp_path_factory):
    Life.directories = lambda self: tmp_path_factory.mktemp("life")
    test = Life.TestCase()
    test.settings = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    test.runTest()
