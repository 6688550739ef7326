"""Taking up an unfinished run again."""

import json
from typing import Any

from kerasbert.checkpoints import RunDirectory
from kerasbert.errors import ConfigError, UserError
from kerasbert.files import remove_temporaries
from kerasbert.text import Vocabulary
from kerasbert.training.prepare import Prepared


def reopen(run: RunDirectory, prepared: Prepared) -> None:
    """Makes a run unfinished again, if `prepared` is what it was begun with.

    Raises:
        UserError: the run is finished, or was begun with other settings or data.
    """
    begun = run.load_config().model_dump()
    if run.metrics.is_file() and not json.loads(run.metrics.read_text(encoding="utf-8"))["interrupted"]:
        raise UserError(f"{run.path}: this run is finished. There is nothing to resume.")
    now = prepared.config.model_dump()
    # The directory may have moved, and a finished part may have calibrated the task's options.
    other = [key for key in differences(begun, now) if key.split(".")[0] not in ("run_dir", "task_options")]
    if other:
        raise ConfigError(
            f"{', '.join(other)}: differs from what {run.path} was begun with. Resume with its own "
            "config.yaml, or train anew with another --run-dir."
        )
    if Vocabulary.load(run.vocabulary).tokens != prepared.vocabulary.tokens:
        raise UserError(f"{run.path}: was begun with other training rows. Train anew with another --run-dir.")
    run.metrics.unlink(missing_ok=True)
    remove_temporaries(run.path)


def differences(begun: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Returns the dotted keys of `begun` whose values are others `now`."""
    keys = []
    for key in begun:
        if isinstance(begun[key], dict) and isinstance(now.get(key), dict):
            keys += differences(begun[key], now[key], f"{prefix}{key}.")
        elif begun[key] != now.get(key):
            keys.append(prefix + key)
    return keys
