"""Reopens an unfinished run."""

import dataclasses
import json

from kerasbert.checkpoints import RunDirectory
from kerasbert.engine.resume import require_same_config
from kerasbert.errors import UserError
from kerasbert.files import remove_temporaries
from kerasbert.training.fingerprint import changed_labels, fingerprint, require_fingerprint
from kerasbert.training.prepare import Prepared


def reopen(run: RunDirectory, prepared: Prepared) -> None:
    """Marks a run as unfinished again, if it was started with `prepared`.

    Raises:
        UserError: the run is finished, or was started with other settings or data.
    """
    if run.metrics.is_file() and not json.loads(run.metrics.read_text(encoding="utf-8")).get("interrupted"):
        raise UserError(f"{run.path}: this run is finished. There is nothing to resume.")
    # The directory may have moved, and a finished part may have calibrated the decision.
    require_same_config(run, prepared.config, may_differ=("run_dir", "task_options", "decision"))
    require_fingerprint(run.data, fingerprint(prepared, prepared.config.distillation.teacher))
    # Runs from before there were fingerprints have these two alone.
    changed = changed_labels(run.load_labels(), prepared.task.labels)
    if changed is None and run.load_vocabulary().digest != prepared.vocabulary.digest:
        changed = f"the vocabulary that {_source_of_vocabulary(prepared)} gives is now another"
    if changed:
        raise UserError(
            f"{run.path}: was started with other data: {changed}. Start a new run with another "
            "run_dir (--output)."
        )
    run.metrics.unlink(missing_ok=True)
    remove_temporaries(run.path)


def in_order_of(run: RunDirectory, prepared: Prepared) -> Prepared:
    """Returns `prepared` with its labels in the order of the run, if the run has the same ones.

    Runs from before labels that are whole numbers were ordered as numbers have another order.
    """
    labels = run.load_labels()
    if sorted(labels) != sorted(prepared.task.labels):
        return prepared
    task = type(prepared.task)(labels, prepared.config.task_options)
    return dataclasses.replace(prepared, task=task)


def _source_of_vocabulary(prepared: Prepared) -> str:
    if prepared.source:
        return "backbone.source"
    if prepared.config.distillation.teacher:
        return "distillation.teacher"
    return "text.vocabulary" if prepared.config.text.vocabulary else "data.train"
