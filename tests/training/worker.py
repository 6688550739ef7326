"""One worker of a cluster, for test_distribution.py: trains every configuration of a JSON file in turn."""

import importlib
import json
import sys
import time
from pathlib import Path

from kerasbert.config import Config, TrainingConfig, parse_config
from kerasbert.engine.strategy import choose_strategy
from kerasbert.errors import KerasBertError
from kerasbert.training import train
from kerasbert.training.validation import Validation


def main(path: str, *flags: str) -> int:
    strategy = choose_strategy(TrainingConfig(strategy="multi_worker"))
    module = importlib.import_module("kerasbert.training.train")
    if "--steps-only" in flags:  # without what the chief does at the end
        module.finish = lambda *given: given
        module.load_result = lambda *given: given
        # Each epoch is the best: the saved weights are those after the last step.
        Validation.__call__ = lambda self: {"loss": 1.0, "accuracy": time.time(), "macro_f1": time.time()}
    for values in json.loads(Path(path).read_text(encoding="utf-8")):
        try:
            train(parse_config(Config, values, where="test"), resume="--resume" in flags, strategy=strategy)
        except KerasBertError as error:
            print(f"Error: {error}", file=sys.stderr)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
