"""The command line: one file for each command, loaded when it is called."""

import sys
from typing import Any

try:
    from kerasbert.cli.lazy import LazyGroup
except KeyboardInterrupt:
    sys.stderr.write("Interrupted: nothing was begun.\n")
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
        "quickstart": ("quickstart:quickstart", "Train, evaluate and export a small model, to see it work."),
        "train": ("train:train", "Train a classifier as a configuration says."),
        "distill": ("distill:distill", "Train a smaller model that answers like a trained one."),
        "tune": ("tune:tune", "Search for the best settings of a training."),
        "evaluate": ("evaluate:evaluate", "Measure a model on labelled data."),
        "predict": ("predict:predict", "Classify texts."),
        "explain": ("explain:explain", "Show which words mattered."),
        "export": ("export:export", "Export a run as a SavedModel for TensorFlow Serving."),
        "versions": ("versions:versions", "Say which exported versions are served, as what; roll back."),
        "serve": ("serve:serve", "Serve an exported model, as TensorFlow Serving does."),
        "vocab": ("vocab:vocab", "Make vocabularies."),
        "corpus": ("corpus:corpus", "Make corpora for pre-training."),
        "pretrain": ("pretrain:pretrain", "Pre-train a backbone as a configuration says."),
        "checkpoint": ("checkpoint:checkpoint", "Bring checkpoints in and out, or look at one."),
        "data": ("data:data", "Look at data files before training on them."),
        "plugins": ("plugins:plugins", "List, check and start task plugins."),
        "doctor": ("doctor:doctor", "Tell whether this machine can train and export."),
    },
    version=_version,
)
