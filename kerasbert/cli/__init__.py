"""The command line: one file per command, imported when the command runs."""

import sys
from typing import Any

try:
    from kerasbert.cli.lazy import LazyGroup
except KeyboardInterrupt:
    sys.stderr.write("Interrupted: nothing was started.\n")
    sys.exit(130)


def _version(context: Any, parameter: Any, value: bool) -> None:
    if value and not context.resilient_parsing:
        from kerasbert import __version__

        print(f"kerasbert {__version__}")
        context.exit()


main = LazyGroup(
    name="kerasbert",
    help="BERT text classification with Keras, from labelled text to TensorFlow Serving.",
    commands_table={
        "quickstart": ("quickstart:quickstart", "Train, evaluate and export a small demo model."),
        "train": ("train:train", "Train a classifier from a configuration file."),
        "distill": ("distill:distill", "Train a smaller model to imitate a trained one."),
        "tune": ("tune:tune", "Search for the best hyperparameters."),
        "evaluate": ("evaluate:evaluate", "Evaluate a model on labelled data."),
        "compare": ("compare:compare", "Compare two models on the same labelled data."),
        "predict": ("predict:predict", "Classify texts."),
        "embed": ("embed:embed", "Turn texts into vectors."),
        "explain": ("explain:explain", "Show which words influenced a prediction."),
        "export": ("export:export", "Export a run as a SavedModel for TensorFlow Serving."),
        "versions": ("versions:versions", "Manage which exported versions are served."),
        "serve": ("serve:serve", "Serve an exported model with a development server."),
        "vocab": ("vocab:vocab", "Learn a vocabulary."),
        "corpus": ("corpus:corpus", "Build corpora for pre-training."),
        "pretrain": ("pretrain:pretrain", "Pre-train a backbone from a configuration file."),
        "checkpoint": ("checkpoint:checkpoint", "List, import, trim, export and inspect checkpoints."),
        "backbones": ("backbones:backbones", "List the installed encoders."),
        "data": ("data:data", "Check and clean labelled data, and select texts to label."),
        "plugins": ("plugins:plugins", "List, check and create task plugins."),
        "doctor": ("doctor:doctor", "Check whether this machine can train and export."),
    },
    version=_version,
)
