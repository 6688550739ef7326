"""What a backbone knows before it is fine-tuned: logistic regression on its hidden states, layer by layer.

    python benchmarks/probe.py [--source SOURCE] [--task NAME]... [--rows 1000] [--seed 0] [--workdir DIR]

The features of a text are the means of its hidden states after the embeddings and after each layer, the
same encoder with random weights beside it. The regression learns from random rows of the recipe's training
file and is scored on its validation file; of two strengths of regularisation the better one is shown.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transfer import CONFIGS, TASKS, take_rows

import kerasbert
from kerasbert.data import Rows
from kerasbert.data.batches import prediction_batches, tokenize_rows
from kerasbert.models import build_backbone, build_text_graph
from kerasbert.models.encoder import Encoder
from kerasbert.text import TextGraph
from kerasbert.training import prepare

STRENGTHS = (0.003, 0.03)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", default="kerasbert-tiny-zh")
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "probe")
    arguments = parser.parse_args()
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    for task in arguments.task or TASKS:
        config = kerasbert.load_config(CONFIGS / f"{task}.yaml", [f"backbone.source={arguments.source}"])
        take_rows(config, arguments.rows, arguments.seed, arguments.workdir)
        prepared = prepare(config)
        assert prepared.source
        graph = build_text_graph(prepared.config, prepared.task, prepared.vocabulary)
        keras.utils.set_random_seed(arguments.seed)
        encoder = build_backbone(prepared.config.backbone, len(prepared.vocabulary))
        for weights in ("random", arguments.source):
            if weights != "random":
                prepared.source.copy_to(encoder)
            sides = [states(encoder, rows, graph) for rows in (prepared.train, prepared.validation)]
            labels = [[row[0] for row in rows.labels] for rows in (prepared.train, prepared.validation)]
            scores = [score(*layer, *labels) for layer in zip(*sides, strict=True)]
            print(f"{task:<12}{weights:<24}{' '.join(f'{value:.4f}' for value in scores)}", flush=True)


def states(encoder: Encoder, rows: Rows, graph: TextGraph) -> list[np.ndarray]:
    """Returns the mean hidden states of each row after each layer, float32 [rows, hidden]."""
    batches, order = prediction_batches(tokenize_rows(rows, graph), graph, 64)
    means: list[list[np.ndarray]] = []
    for batch in batches:
        row_of = tf.where(batch["padding_mask"] != 0)[:, 0]
        hidden_states = encoder(batch, return_hidden_states=True)["hidden_states"]
        means.append([tf.math.segment_mean(hidden, row_of).numpy() for hidden in hidden_states])
    layers = []
    for of_batches in zip(*means, strict=True):
        in_order = np.concatenate(of_batches)[: len(order)]
        layers.append(np.empty_like(in_order))
        layers[-1][order] = in_order
    return layers


def score(train: np.ndarray, validation: np.ndarray, labels: list[str], expected: list[str]) -> float:
    """Returns the accuracy of the better regression."""
    models = [
        make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))
        for strength in STRENGTHS
    ]
    return max(float(model.fit(train, labels).score(validation, expected)) for model in models)


if __name__ == "__main__":
    main()
