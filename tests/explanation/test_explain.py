import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasbert.config import Config, merge, parse_config
from kerasbert.explanation import explain
from kerasbert.models import TextClassifier, complete_backbone_config
from kerasbert.tasks import get_task
from kerasbert.text import SPECIAL_TOKENS, SentencePieceVocabulary, WordPieceVocabulary

pytestmark = pytest.mark.process

WORDS = "手机酒店早餐好快贵无,."
SMALL = {
    "backbone": {"num_layers": 2, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "training": {"max_length": 16},
}


def run(classifier, texts, pairs=None, labels=None) -> dict[str, np.ndarray]:
    columns = [None if c is None else tf.constant(c, tf.string, [len(c)]) for c in (texts, pairs, labels)]
    outputs = explain(classifier, *columns)
    return {name: value.numpy() for name, value in outputs.items()}


def random_classifier(labels, seed=0, vocabulary=None, **values) -> TextClassifier:
    """Random weights, larger than a training starts with, so that every answer is far from linear."""
    config = parse_config(Config, merge(SMALL, values), where="test")
    config.backbone = complete_backbone_config(config.backbone, config.training.max_length)
    vocabulary = vocabulary or WordPieceVocabulary([*SPECIAL_TOKENS, *WORDS, "play", "##ing"])
    classifier = TextClassifier(config, get_task(config.task)(labels), vocabulary)
    random = np.random.default_rng(seed)
    for weight in classifier.model.weights:
        if len(weight.shape) > 1:
            weight.assign(random.normal(size=weight.shape) * 0.3)
    return classifier


def complete(outputs) -> np.ndarray:
    change = outputs["score"] - outputs["baseline_score"]
    total = sum(outputs[name].sum(axis=1) for name in outputs if name.endswith("attributions"))
    np.testing.assert_allclose(np.abs(total - change), outputs["error"], atol=1e-4)
    return np.abs(total - change) <= np.maximum(0.01 * np.abs(change), 1e-3) + 1e-4


@pytest.fixture(scope="module")
def explained(trained, reviews):
    return run(trained.classifier, reviews.texts)


@pytest.fixture(scope="module")
def on_trained(trained):
    graph = tf.function(
        lambda text: explain(trained.classifier, text), input_signature=[tf.TensorSpec([None], tf.string)]
    )
    return lambda texts: {name: value.numpy() for name, value in graph(tf.constant(texts)).items()}


@pytest.fixture(scope="module")
def pairs() -> TextClassifier:
    return random_classifier(["other", "same"], data={"pair_column": "pair"})


def test_the_attributions_sum_to_what_the_words_moved(explained):
    assert complete(explained).all()


@pytest.mark.parametrize(
    ("text", "tokens", "read"),
    [("", 0, 0), ("好" * 14, 14, 14), ("好" * 15, 15, 14), ("playing 好 " * 99, 297, 14)],
)
def test_how_much_of_a_text_was_read_is_said(text, tokens, read):
    outputs = run(random_classifier(["no", "yes"]), [text, "好"])
    assert outputs["tokens"].tolist() == [tokens, 1]
    assert outputs["tokens_read"].tolist() == [read, 1]


@pytest.mark.parametrize(
    ("text", "pair", "tokens", "read"),
    [("好", "", 1, 1), ("好" * 6, "快" * 7, 13, 13), ("好" * 9, "快" * 90, 99, 13)],
)
def test_how_much_of_two_texts_was_read_is_said(pairs, text, pair, tokens, read):
    outputs = run(pairs, [text], [pair])
    assert (outputs["tokens"].tolist(), outputs["tokens_read"].tolist()) == ([tokens], [read])


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text() | st.text("手机酒店很好太差 abc"), min_size=1, max_size=3))
def test_any_text_is_explained_completely(on_trained, texts):
    outputs = on_trained([text.encode() for text in texts])
    assert complete(outputs).all()
    for words, attributions in zip(outputs["words"], outputs["attributions"], strict=True):
        assert not attributions[words == b""].any()


def test_random_weights_are_explained_completely():
    outputs = run(random_classifier(["a", "b", "c"]), ["手机好", "酒店贵,早餐无.", "playing 快"])
    assert complete(outputs).all()
    assert np.abs(outputs["attributions"]).max() > 0.1


def test_the_word_that_decides_counts_most(trained, reviews):
    truth = [row.labels[0] for row in reviews.rows]
    attributions = run(trained.classifier, reviews.texts, labels=truth)["attributions"]
    # The last two characters of each review, over [thing][word].
    decisive = np.array(
        [row[len(t) - 2 : len(t)].sum() for row, t in zip(attributions, reviews.texts, strict=True)]
    )
    others = attributions.sum(axis=1) - decisive
    assert np.mean(decisive > np.abs(others)) >= 0.95


def test_the_label_is_the_decided_one_and_the_score_its_log_odds(explained, trained, reviews):
    decided = trained.classifier.predict(reviews.texts)
    assert explained["label"].tolist() == decided["label"].tolist()
    np.testing.assert_allclose(tf.sigmoid(explained["score"]), decided["score"], atol=1e-6)


def test_another_label_can_be_explained(trained):
    texts = ["手机很好"] * 3
    outputs = run(trained.classifier, texts, labels=["negative", "positive", "no such label"])
    assert outputs["label"].tolist() == [
        b"negative",
        b"positive",
        trained.classifier.predict(texts)["label"][0],
    ]
    np.testing.assert_allclose(outputs["attributions"][0], -outputs["attributions"][1], atol=2e-2)


def test_labels_decided_one_by_one_have_their_own_log_odds():
    classifier = random_classifier(["dear", "fast", "good"], task="multi_label")
    texts = ["酒店贵", "快"]
    outputs = run(classifier, texts, labels=["dear", "good"])
    probabilities = classifier.predict(texts)["probabilities"]
    np.testing.assert_allclose(tf.sigmoid(outputs["score"]), probabilities[[0, 1], [0, 2]], atol=1e-6)
    assert complete(outputs).all()


def test_words_are_those_of_the_text_graph_and_pieces_add_up():
    outputs = run(random_classifier(["a", "b"]), ["playing 手机"])
    assert outputs["words"].tolist() == [[b"playing", "手".encode(), "机".encode()]]


def test_words_that_were_cut_off_are_left_out(trained):
    outputs = run(trained.classifier, ["好" * 40, "手机"])
    assert outputs["words"].shape == (2, 14)  # max_length 16
    assert complete(outputs).all()


def test_a_pair_has_the_words_of_both_texts(pairs):
    outputs = run(pairs, ["手机好", "", "快" * 20], ["酒店贵贵", "早餐", "无" * 20])
    assert [b"".join(row).decode() for row in outputs["words"]] == ["手机好", "", "快" * 6]
    assert [b"".join(row).decode() for row in outputs["pair_words"]] == ["酒店贵贵", "早餐", "无" * 7]
    assert complete(outputs).all()


def test_words_of_sentencepiece_in_the_layout_of_xlm_r(unigram):
    model = unigram.parsed()
    for piece, name in zip(model.pieces, ("<pad>", "<unk>", "<s>", "</s>", "<mask>"), strict=False):
        piece.piece = name
    vocabulary = SentencePieceVocabulary(model.SerializeToString())
    classifier = random_classifier(["a", "b"], vocabulary=vocabulary, data={"pair_column": "pair"})
    outputs = run(classifier, ["今天 天气 playing", "今天" * 9], ["手机鑫", "酒店"])
    words, pair_words = (
        [[word.decode() for word in row if word] for row in outputs[name]] for name in ("words", "pair_words")
    )
    assert words == [["今天", "天气", "playing"], ["今天"] * 9]
    assert pair_words == [["手机", "鑫"], ["酒店"]]
    # What a word moves is found by changing it alone: nothing, where it is the baseline's token.
    assert complete(outputs).all()
    inputs = classifier.text_graph(tf.constant(["手机"]), tf.constant(["酒店"]))
    assert inputs["token_ids"].numpy().tolist()[0][:6] == [
        vocabulary.ids[token] for token in ("<s>", "手机", "</s>", "</s>", "酒店", "</s>")
    ]


@pytest.mark.parametrize("truncation", ["tail", "head_tail"])
def test_of_a_truncated_text_the_words_that_were_read_are_explained(truncation):
    values = {"text": {"truncation": truncation}, "data": {"pair_column": "pair"}}
    classifier = random_classifier(["a", "b"], **values)
    text, pair = "手机酒店早餐好快贵无手机", "贵快"
    # 13 tokens beside the special ones, 2 of them for the pair.
    read = {"tail": text[-11:], "head_tail": text[:3] + text[-8:]}[truncation]
    long, short = (run(classifier, [each, "好"], [pair, text]) for each in (text, read))
    assert b"".join(long["words"][0]).decode() == read
    for name in ("attributions", "pair_attributions", "score"):
        np.testing.assert_allclose(long[name], short[name], atol=1e-5)
    assert long["pair_words"].tolist() == short["pair_words"].tolist()
    single = random_classifier(["a", "b"], text={"truncation": truncation}, training={"max_length": 8})
    words = run(single, ["手机酒店早餐好快"])["words"][0]
    assert b"".join(words).decode() == {"tail": "酒店早餐好快", "head_tail": "手机早餐好快"}[truncation]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_all_windows_of_a_long_text_are_explained(pooling):
    text = "手机酒店早餐好快贵无" * 4
    values = {"text": {"windows": 3, "truncation": "tail"}, "head": {"pooling": pooling}}
    outputs = run(random_classifier(["a", "b"], **values), [text, "好", ""])
    assert [b"".join(row).decode() for row in outputs["words"]] == [text[-40:], "好", ""]
    assert outputs["tokens"].tolist() == [40, 1, 0]
    assert outputs["tokens_read"].tolist() == [40, 1, 0]
    assert complete(outputs)[:2].all()
    assert np.all(outputs["attributions"][0] != 0)


def test_the_answer_for_a_row_does_not_depend_on_its_batch(trained, explained, reviews):
    alone = run(trained.classifier, reviews.texts[3:4])
    np.testing.assert_allclose(alone["attributions"][0], explained["attributions"][3], atol=1e-4)


def test_no_rows_and_no_words(trained):
    assert run(trained.classifier, [])["words"].shape == (0, 0)
    nothing = run(trained.classifier, [""])
    assert nothing["attributions"].shape == (1, 0)
    assert nothing["score"] == nothing["baseline_score"]
    assert nothing["error"] == 0


# Oracles


class Linear:
    """A classifier whose logits are linear in the output of the embeddings."""

    def __init__(self, classifier: TextClassifier, seed: int = 0):
        self._classifier = classifier
        self.task, self.text_graph = classifier.task, classifier.text_graph
        self.decision = classifier.decision
        width = classifier.config.backbone.hidden_dim
        kernel = np.random.default_rng(seed).normal(size=(width, len(classifier.labels)))
        self.kernel = kernel.astype(np.float32)

    def embed(self, inputs):
        return self._classifier.embed(inputs)

    def logits(self, inputs, embeddings):
        rows = tf.where(inputs["padding_mask"] > 0)[:, 0]
        batch = tf.shape(inputs["token_ids"])[0]
        return tf.math.unsorted_segment_sum(embeddings @ self.kernel, rows, batch)


def test_a_linear_model_has_the_attributions_of_the_closed_form():
    classifier = random_classifier(["a", "b"])
    linear = Linear(classifier)
    outputs = run(linear, ["手机好贵"], labels=["b"])
    inputs = classifier.text_graph(tf.constant(["手机好贵"]))
    ids = inputs["token_ids"].numpy()
    masked = np.where((ids == 2) | (ids == 3) | (ids == 0), ids, 4)  # [CLS] [SEP] [PAD], [MASK]
    at_text, at_baseline = (
        linear.embed({**inputs, "token_ids": tf.constant(rows)}) for rows in (ids, masked)
    )
    each = (at_text - at_baseline).numpy() @ (linear.kernel[:, 1] - linear.kernel[:, 0])
    np.testing.assert_allclose(outputs["attributions"][0], each[1:-1], rtol=1e-3, atol=1e-4)


def test_a_word_that_is_embedded_like_the_baseline_counts_nothing():
    classifier = random_classifier(["a", "b"])
    table = classifier.model.encoder.token_embedding.embeddings
    rows = table.numpy()
    rows[len(SPECIAL_TOKENS) + WORDS.index("贵")] = rows[SPECIAL_TOKENS.index("[MASK]")]
    table.assign(rows)
    outputs = run(classifier, ["酒店贵好"])
    assert abs(outputs["attributions"][0, 2]) < 1e-6
    assert np.abs(outputs["attributions"][0, [0, 1, 3]]).min() > 1e-3


def riemann(classifier: TextClassifier, text: str, label_id: int, steps: int) -> np.ndarray:
    """Integrated gradients by the midpoint rule, over the model of Keras, one step after the other."""
    inputs = classifier.text_graph(tf.constant([text]))
    ids = inputs["token_ids"].numpy()
    masked = np.where(np.isin(ids, [0, 2, 3]), ids, 4)
    ends = [classifier.embed({**inputs, "token_ids": tf.constant(rows)}) for rows in (masked, ids)]

    @tf.function
    def slope(point: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(point)
            logits = classifier.model(inputs, training=False, embeddings=point)
            probability = tf.nn.softmax(logits)[0, label_id]
            score = tf.math.log(probability / (1 - probability))
        return tape.gradient(score, point)

    difference, total = ends[1] - ends[0], np.zeros(ends[0].shape[0])
    for step in range(steps):
        gradient = slope(ends[0] + (step + 0.5) / steps * difference)
        total += np.sum((gradient * difference).numpy(), axis=1) / steps
    return total[1:-1]


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_plain_sum_of_many_steps_agrees(pooling):
    classifier = random_classifier(["a", "b", "c"], head={"pooling": pooling})
    (outputs,) = [run(classifier, ["手机好贵"])]
    label_id = classifier.labels.index(outputs["label"][0].decode())
    expected = riemann(classifier, "手机好贵", label_id, steps=200)
    np.testing.assert_allclose(outputs["attributions"][0], expected, atol=0.01 * np.abs(expected).max())


def test_other_weights_give_other_attributions(trained, explained, reviews):
    # The randomisation test of Adebayo et al. 2018 (https://arxiv.org/abs/1810.03292).
    classifier = TextClassifier(
        trained.classifier.config, trained.classifier.task, trained.classifier.text_graph.vocabulary
    )
    keras.utils.set_random_seed(0)
    for weight in classifier.model.weights:
        weight.assign(keras.random.normal(weight.shape, stddev=0.1))
    outputs = run(classifier, reviews.texts, labels=list(explained["label"]))
    words = explained["words"] != b""
    correlation = np.corrcoef(ranks(explained["attributions"][words]), ranks(outputs["attributions"][words]))
    assert abs(correlation[0, 1]) < 0.5
    again = run(trained.classifier, reviews.texts)
    same = np.corrcoef(ranks(explained["attributions"][words]), ranks(again["attributions"][words]))
    assert same[0, 1] > 0.99


def ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values))
