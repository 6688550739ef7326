"""Trains, evaluates and exports a model on bundled data in a few minutes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from kerasbert.config import Config, merge, parse_config
from kerasbert.errors import PluginError, UserError
from kerasbert.evaluation import report_training, summary
from kerasbert.export import NativeModel, export_model
from kerasbert.files import wrap_write_errors
from kerasbert.layout import version_folders
from kerasbert.progress import print_plain
from kerasbert.tasks import get_task
from kerasbert.training import train

DEFAULT_TASK = "sentiment"
_MARK = ".kerasbert-quickstart"
_RUN, _MODEL = "run", "model"
_RECIPE: dict[str, Any] = {
    "backbone": {"source": "kerasbert-tiny-zh"},
    "head": {"pooling": "mean_max"},
    "training": {
        "epochs": 4,
        "batch_size": 16,
        "max_length": 96,
        "learning_rate": 5e-4,
        "token_dropout": 0.1,
        "adversarial_norm": 1.0,
    },
}


def quickstart(workdir: Path, task_name: str, console: Console, say: Callable[[str], None]) -> None:
    """Trains, evaluates and exports a model on a task's sample data, and classifies its sample texts.

    Args:
        workdir: output directory; the output of an earlier quickstart is replaced.
        task_name: a task with sample data.
        console: shows progress.
        say: called with each line of the result.

    Raises:
        UserError: the task has no sample data, or `workdir` holds something other than a quickstart.
    """
    task = get_task(task_name)
    if task.sample_data is None:
        raise PluginError(f"the task {task_name!r} brings no sample data. Try: {DEFAULT_TASK}")
    _clear(workdir)
    run_dir, model_dir = workdir / _RUN, workdir / _MODEL
    data = {"train": str(task.sample_data.train), "validation": str(task.sample_data.validation)}
    values = merge(merge(task.defaults, _RECIPE), {"task": task_name, "data": data})
    config = parse_config(Config, values, where="quickstart")
    config.run_dir = str(run_dir)

    console.rule(f"1/4 train the task {task_name} from the bundled backbone on bundled text")
    result = train(config, console)
    console.rule("2/4 evaluate")
    page, metrics = report_training(result)
    print_plain(console, summary(metrics))
    console.rule("3/4 export a SavedModel and verify it in the native loader")
    published = export_model(run_dir, model_dir)
    print_plain(console, f"{published.path}, {published.size / 1e6:.1f} MB")
    console.rule("4/4 classify with the native loader")
    for line in _answers(published.path, task.sample_texts):
        say(line)
    say("")
    say(f"Report:   {page}")
    say(f"Classify: kerasbert predict {model_dir} '{task.sample_texts[0]}'")
    say(f"Try it:   kerasbert serve {model_dir} --ui")
    say(f"Serve:    docker run -p 8501:8501 -v {model_dir.resolve()}:/models/{task_name} \\")
    say(f"            -e MODEL_NAME={task_name} tensorflow/serving:2.20.0")
    say("Train on your own rows: kerasbert train CONFIG (see configs/train in the repository)")


def _answers(version: Path, texts: tuple[str, ...]) -> list[str]:
    batch = np.array([text.encode() for text in texts], object)
    (answer,) = NativeModel(version).run([("serving_default", {"text": batch})])
    width = max(len(label) for label in answer["label"])
    return [
        f"{label.decode():<{width}}  {score:.3f}  {text}"
        for label, score, text in zip(answer["label"], answer["score"], texts, strict=True)
    ]


def _clear(workdir: Path) -> None:
    with wrap_write_errors(workdir):
        workdir.mkdir(parents=True, exist_ok=True)
        old = list(workdir.iterdir())
        if old and not (workdir / _MARK).is_file():
            raise UserError(f"{workdir}: is not empty. Choose another directory with --output.")
        made = {workdir / _MARK, workdir / _RUN, workdir / _MODEL}
        later = [folder for number, folder in version_folders(workdir / _MODEL).items() if number != 1]
        for path in (*old, *later):
            if path not in made:
                raise UserError(
                    f"{path}: was not made by quickstart, which replaces {_RUN} and {_MODEL} in {workdir}. "
                    "Move it away, or choose another directory with --output."
                )
        for name in (_RUN, _MODEL):
            if (workdir / name).exists():
                shutil.rmtree(workdir / name)
        (workdir / _MARK).touch()
