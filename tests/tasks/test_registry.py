import pytest

from kerasbert.errors import PluginError
from kerasbert.tasks import Classification, MultiLabel, get_task, list_tasks

WORKING = """
from kerasbert.tasks import Classification

class Mine(Classification):
    name = "mine"
    summary = "mine"
    defaults = {"training": {"epochs": 7}}
"""


def entry(name: str):
    (found,) = [entry for entry in list_tasks() if entry.name == name]
    return found


def test_built_in_tasks_are_found_like_those_of_plugins():
    assert get_task("classification") is Classification
    assert get_task("multi_label") is MultiLabel
    assert entry("classification").distribution == "kerasbert"


def test_an_installed_task_is_found(install):
    install("plugin_ok", WORKING, mine="plugin_ok:Mine")
    assert get_task("mine").name == "mine"
    assert (entry("mine").distribution, entry("mine").version) == ("plugin_ok", "1.0")
    assert entry("mine").error is None
    assert get_task("mine").defaults == {"training": {"epochs": 7}}


def test_tasks_are_listed_by_name(install):
    install("plugin_sorted", WORKING, mine="plugin_sorted:Mine")
    names = [entry.name for entry in list_tasks()]
    assert names == sorted(names)
    assert {"classification", "mine", "multi_label"} <= set(names)


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(PluginError, match=r"'clasification' is installed\. Did you mean classification\?"):
        get_task("clasification")


def test_a_task_unlike_any_other_names_what_is_installed():
    with pytest.raises(PluginError, match=r"Installed: .*classification.*multi_label") as caught:
        get_task("zzz_zzz")
    assert "Did you mean" not in str(caught.value)
    assert "pip" not in str(caught.value), "anyone may have published a package of that name"


BROKEN = {
    "raises": ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "syntax": ("class", "SyntaxError"),
    "exits": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "imports": ("import not_installed_anywhere", "ModuleNotFoundError: .*not_installed_anywhere"),
    "lacks": ("", "AttributeError: .*Mine"),
    "no_task": ("class Mine: name = 'mine'", "TypeError: .* is not a subclass"),
    "instance": (WORKING + "\nMine = Mine(['a', 'b'])", "TypeError: .* is not a subclass"),
    "function": ("def Mine(): pass", "TypeError: .* is not a subclass"),
    "nameless": (WORKING.replace('name = "mine"', ""), "calls itself 'classification'"),
    "unnamed": ("from kerasbert.tasks import Task\nclass Mine(Task): pass", "AttributeError: .*'name'"),
    "speechless": ("from kerasbert.tasks import Task\nclass Mine(Task): name = 'mine'", "Error: .*'summary'"),
    "two_lines": (WORKING + "    summary = 'a\\nb'", r"its summary must be one line of text"),
    "abstract": (
        "from kerasbert.tasks import Task\nclass Mine(Task):\n    name = summary = 'mine'",
        "it does not implement decide, loss",
    ),
    "talkative": ("raise RuntimeError('a\\nb ' * 999)", r"RuntimeError: a b[ ab]* \.\.\.$"),
    "misnamed": (WORKING.replace('"mine"', '"yours"'), "calls itself 'yours', its entry point 'mine'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_task_is_listed_with_its_error(install, case: str):
    source, error = BROKEN[case]
    install(f"plugin_{case}", source, mine=f"plugin_{case}:Mine")
    assert entry("mine").value is None
    with pytest.raises(PluginError, match=rf"'mine' of plugin_{case} is broken: .*{error}"):
        get_task("mine")


def test_a_broken_task_harms_no_other(install):
    install("plugin_bad", "raise RuntimeError", mine="plugin_bad:Mine")
    assert entry("mine").error.startswith("RuntimeError")
    assert entry("classification").value is get_task("classification") is Classification


def test_ctrl_c_is_no_broken_plugin(install):
    install("plugin_interrupted", "raise KeyboardInterrupt", mine="plugin_interrupted:Mine")
    with pytest.raises(KeyboardInterrupt):
        list_tasks()


def test_a_task_provided_twice_is_refused(install):
    install("plugin_one", WORKING, mine="plugin_one:Mine")
    install("plugin_two", WORKING, mine="plugin_two:Mine")
    with pytest.raises(PluginError, match=r"more than once, by plugin_(one|two), plugin_(one|two)"):
        get_task("mine")
    assert all("more than once" in entry.error for entry in list_tasks() if entry.name == "mine")
    assert [entry.distribution for entry in list_tasks() if entry.name == "mine"] == [
        "plugin_two",
        "plugin_one",
    ]


def test_a_built_in_task_cannot_be_replaced_silently(install):
    install("plugin_thief", WORKING.replace("mine", "classification"), classification="plugin_thief:Mine")
    with pytest.raises(PluginError, match=r"kerasbert.*Uninstall one"):
        get_task("classification")
