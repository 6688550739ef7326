import dataclasses
import re
from types import SimpleNamespace

from kerasbert.language import speaking
from kerasbert.pretraining import prepare_pretraining
from kerasbert.pretraining.model_card import METRICS, write_model_card


def test_the_card_is_in_chinese_where_asked_for(make_config, tmp_path):
    prepared, path = prepare_pretraining(make_config()), tmp_path / "card.md"
    encoder = SimpleNamespace(num_layers=12, hidden_dim=768)
    held_out = {"max_length": 16, **dict.fromkeys(METRICS, 0.5)}
    metrics = {"held_out": [held_out], "steps": 1, "seconds": 2}
    names = {"BERT", "kerasbert", "TensorFlow", "Keras", "Python", "SHA", "UNK", "gelu_tanh", "pretrain.yaml"}
    for teacher, source, licence in ((None, "scratch", ""), (encoder, "来源", ""), (encoder, "来源", "许可")):
        config = prepared.config.model_copy(deep=True)
        config.backbone.source, config.teacher.source = source, "教师"
        taught = teacher and SimpleNamespace(encoder=teacher, licence=licence)
        changed = dataclasses.replace(prepared, config=config, teacher=taught)
        with speaking("zh"):
            write_model_card(path, changed, 10, metrics)
        card = path.read_text(encoding="utf-8").replace(prepared.vocabulary.digest[:12], "")
        assert set(re.findall(r"[A-Za-z_]{2,}(?:\.[a-z]+)?", card)) <= {*names, "stories.txt"}
        assert "困惑度 | 0.5000" in card
        assert ("教师模型的许可证：许可" in card) == bool(licence)
