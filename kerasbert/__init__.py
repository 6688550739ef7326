"""BERT text classification with Keras, from labelled text to TensorFlow Serving.

In short::

    import kerasbert

    config = kerasbert.load_config("configs/train/classification.yaml", ["data.train=rows.csv"])
    result = kerasbert.train(config)
    kerasbert.export_model(result.run.path, "models/mine")
    kerasbert.open_model("models/mine").predict(["房间很干净"])
"""

from importlib import import_module
from typing import Any

from kerasbert.startup import quiet_import

__version__ = "0.1.0"

# TensorFlow takes seconds to import: each name is looked up when it is first used.
_HOMES = {
    "KerasBertError": "kerasbert.errors",
    "UserError": "kerasbert.errors",
    "evaluate": "kerasbert.evaluation",
    "export_model": "kerasbert.export",
    "load_config": "kerasbert.tasks",
    "open_model": "kerasbert.predictors",
    "train": "kerasbert.training",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kerasbert' has no attribute {name!r}")
    with quiet_import():
        return getattr(import_module(_HOMES[name]), name)
