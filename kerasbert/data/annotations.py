"""Reads the tasks that Label Studio exports.

What doccano exports is JSON lines with a list of labels, which reads like any other table.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from kerasbert.errors import DataError
from kerasbert.listing import join_first

Record = Mapping[str, Any]


def is_label_studio(record: Record) -> bool:
    """Whether a record is a task of a Label Studio export, in the format JSON."""
    return isinstance(record.get("data"), dict) and isinstance(record.get("annotations"), list)


def flattened(record: Record, label: str | None, place: str) -> dict[str, Any]:
    """Returns the data of a Label Studio task, with the choices of its annotators as the label.

    Of several annotators the most frequent answer counts; where two are as frequent there is no label.

    Args:
        record: the task.
        label: name of the label column, and of the Choices tag if there are several. None: not wanted.
        place: for messages.

    Raises:
        DataError: choices were made under several tags, none of which is called `label`.
    """
    data = dict(record["data"])
    if label is None:
        return data
    answers: dict[str, Counter[tuple[str, ...]]] = {}
    for annotation in record["annotations"]:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        for result in annotation.get("result") or ():
            if isinstance(result, dict) and result.get("type") == "choices":
                choices = tuple(map(str, (result.get("value") or {}).get("choices") or ()))
                answers.setdefault(str(result.get("from_name")), Counter())[choices] += 1
    if label not in answers and len(answers) > 1:
        raise DataError(
            f"{place}: has choices under several tags ({join_first(list(answers))}). Name one as the label "
            "column."
        )
    counts = answers.get(label) or next(iter(answers.values()), Counter())
    most = counts.most_common(2)
    certain = len(most) == 1 or (len(most) == 2 and most[0][1] > most[1][1])
    data[label] = list(most[0][0]) if certain else []
    return data
