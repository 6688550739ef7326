"""Which words mattered: integrated gradients as one TensorFlow graph."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import tensorflow as tf

from kerasbert.explanation.integrate import integrate
from kerasbert.explanation.words import of_words
from kerasbert.tasks.decision import at_temperature, decide
from kerasbert.text import TextGraph

if TYPE_CHECKING:  # an export is explained without Keras
    from kerasbert.models import TextModel


def explain(
    classifier: "TextModel", text: tf.Tensor, pair: tf.Tensor | None = None, label: tf.Tensor | None = None
) -> dict[str, tf.Tensor]:
    """Returns how much each word moved the log-odds of a label.

    Integrated gradients (Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365) from a baseline, the
    same row with each word's tokens replaced by [MASK], to the text, on a straight line between the
    outputs of the embeddings. Enguehard 2023 (https://arxiv.org/abs/2305.15853) finds [MASK] better than
    [PAD]: it is what the encoder has learnt to read as an unknown word. Log-odds, because a probability
    near 1 hides what moved it and a single logit of a softmax has no meaning without the others.

    Args:
        classifier: what decides.
        text: string [batch].
        pair: string [batch], the second text of each row, or None.
        label: string [batch]; the label to explain. Where it is no label, and without it, the decided one.

    Returns:
        With the batch first:
        `words`, string [batch, n], and `attributions`, float32 [batch, n]: the words that were read, as
        the text graph cuts them, padded with ""; `pair_words` and `pair_attributions` of the second text;
        `label`, string: the explained one; `score` and `baseline_score`, float32: its log-odds at the
        text and at the baseline; `error`, float32: how far the attributions are from summing to their
        difference; `tokens` and `tokens_read`, int32: how many tokens both texts have, and how many of
        them were read.
    """
    graph = classifier.text_graph
    split = [graph.split(strings) for strings in (text, pair) if strings is not None]
    words, pieces = zip(*split, strict=True)
    ids = [each.merge_dims(1, 2) for each in pieces]
    inputs, read = graph.pack(*ids), graph.kept(*ids)
    outputs, attributions = _integrated_gradients(classifier, inputs, label)
    outputs["tokens"] = tf.add_n([tf.cast(each.row_lengths(), tf.int32) for each in ids])
    outputs["tokens_read"] = tf.add_n(read)
    attributions = graph.of_tokens(attributions, ids[0])
    first = tf.zeros_like(read[0])
    kept = graph.truncation_mask(ids[0], read[0])
    outputs["words"], outputs["attributions"] = of_words(words[0], pieces[0], kept, attributions, first)
    if pair is not None:
        first += read[0] + (2 if graph.vocabulary.two_separators else 1)
        kept = graph.truncation_mask(ids[1], read[1])
        outputs["pair_words"], outputs["pair_attributions"] = of_words(
            words[1], pieces[1], kept, attributions, first
        )
    return outputs


def _integrated_gradients(
    classifier: "TextModel", inputs: Mapping[str, tf.Tensor], label: tf.Tensor | None
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Returns `label`, `score`, `baseline_score`, `error`, and the attributions [batch, length]."""
    both = {name: tf.concat([rows, rows], axis=0) for name, rows in inputs.items()}
    both["token_ids"] = tf.concat([_masked(classifier.text_graph, inputs), inputs["token_ids"]], axis=0)
    embeddings = classifier.embed(both)
    at_baseline, at_text = tf.split(classifier.logits(both, embeddings), 2)
    baseline, embedded = tf.split(embeddings, 2)  # their rows are equally long
    step = embedded - baseline
    labels = tf.constant(classifier.task.labels)
    chosen = decide(classifier.task, classifier.decision, at_text)["label_id"]
    if label is not None:
        named = label[:, None] == labels[None, :]
        chosen = tf.where(tf.reduce_any(named, axis=1), tf.argmax(named, axis=1), chosen)

    places = tf.where(inputs["padding_mask"] > 0)

    def slope(point: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        rows = {name: tf.boolean_mask(values, wanted) for name, values in inputs.items()}
        tokens = tf.gather(wanted, places[:, 0])
        ahead = tf.boolean_mask(step, tokens)
        hidden = tf.boolean_mask(baseline, tokens) + point * ahead
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(hidden)
            logits = classifier.logits(rows, hidden)
            score = _log_odds(classifier, logits, tf.boolean_mask(chosen, wanted))
        values = tf.reduce_sum(tape.gradient(score, hidden) * ahead, axis=-1)
        mask = rows["padding_mask"]
        return tf.scatter_nd(tf.where(mask > 0), values, tf.shape(mask, tf.int64))

    before, after = (_log_odds(classifier, logits, chosen) for logits in (at_baseline, at_text))
    nothing = tf.zeros_like(inputs["padding_mask"], tf.float32)
    attributions, error = integrate(slope, nothing, after - before)
    names = tf.gather(labels, chosen)
    return {"label": names, "score": after, "baseline_score": before, "error": error}, attributions


def _masked(graph: TextGraph, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
    vocabulary, ids = graph.vocabulary, inputs["token_ids"]
    # No text is split into one of these.
    special = tf.reduce_any(ids[..., None] == [vocabulary.cls, vocabulary.sep, vocabulary.pad], axis=-1)
    return tf.where(special, ids, vocabulary.mask)


def _log_odds(classifier: "TextModel", logits: tf.Tensor, label_id: tf.Tensor) -> tf.Tensor:
    """Returns log(p / (1 - p)) of a label's probability: float32 [batch]."""
    task, logits = classifier.task, at_temperature(logits, classifier.decision)
    own = tf.gather(logits, label_id, batch_dims=1)
    if task.label_separator is not None:  # the labels are decided one by one
        return own
    chosen = tf.one_hot(label_id, len(task.labels), on_value=True, off_value=False, dtype=tf.bool)
    return own - tf.reduce_logsumexp(tf.where(chosen, -float("inf"), logits), axis=-1)
