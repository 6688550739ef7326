"""BERT text classification with Keras, from labelled text to TensorFlow Serving.

In short::

    import kerasbert

    result = kerasbert.train(data=frame, task="classification", run_dir="runs/mine")
    result.model.predict("房间干净，服务也好。")["label"]
    kerasbert.export_model("runs/mine", "models/mine")
    kerasbert.open_model("models/mine").predict(["房间干净，服务也好。", "隔音太差了。"])

See `help(kerasbert.train)` and the documentation of the other names.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kerasbert.startup import quiet_import

if TYPE_CHECKING:
    from kerasbert.api.compare import compare
    from kerasbert.api.evaluate import evaluate
    from kerasbert.api.train import train
    from kerasbert.client import Client
    from kerasbert.config import Config
    from kerasbert.errors import KerasBertError, ServerError, UserError
    from kerasbert.evaluation import Comparison, Evaluation
    from kerasbert.export import export_model
    from kerasbert.predictors import Model, TextEncoder, open_encoder, open_model
    from kerasbert.tasks import load_config
    from kerasbert.training import TrainResult

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Comparison",
    "Config",
    "Evaluation",
    "KerasBertError",
    "Model",
    "ServerError",
    "TextEncoder",
    "TrainResult",
    "UserError",
    "__version__",
    "compare",
    "evaluate",
    "export_model",
    "load_config",
    "open_encoder",
    "open_model",
    "train",
]

# TensorFlow takes seconds to import: each name is imported when it is first used.
_HOMES = {
    "Client": "kerasbert.client",
    "Comparison": "kerasbert.evaluation",
    "Config": "kerasbert.config",
    "Evaluation": "kerasbert.evaluation",
    "KerasBertError": "kerasbert.errors",
    "Model": "kerasbert.predictors",
    "ServerError": "kerasbert.errors",
    "TextEncoder": "kerasbert.predictors",
    "TrainResult": "kerasbert.training",
    "UserError": "kerasbert.errors",
    "compare": "kerasbert.api",
    "evaluate": "kerasbert.api",
    "export_model": "kerasbert.export",
    "load_config": "kerasbert.tasks",
    "open_encoder": "kerasbert.predictors",
    "open_model": "kerasbert.predictors",
    "train": "kerasbert.api",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # a type checker would accept any misspelt name

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'kerasbert' has no attribute {name!r}")
        with quiet_import():
            return getattr(import_module(_HOMES[name]), name)
