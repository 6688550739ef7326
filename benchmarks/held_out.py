"""How well a backbone guesses masked words, and next sentences, in texts that it never read.

    python benchmarks/held_out.py FILE... [--source SOURCE]... [--max-length 128] [--workdir DIR]

FILE is what `kerasbert corpus build` takes. Examples and masks are those of pre-training (whole words by
jieba), the same for each source; a source without a masked LM head is refused. Without one for sentence pairs
that column is nan.
"""

import argparse
import shutil
from pathlib import Path

from kerasbert.checkpoints import open_source
from kerasbert.config import PretrainingConfig
from kerasbert.corpus import CorpusSettings, build_corpus
from kerasbert.models import build_pretraining_model
from kerasbert.pretraining.validate import Validation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--source", action="append")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "held_out")
    arguments = parser.parse_args()
    print("| text | source | masked LM accuracy | perplexity | sentence pairs |\n" + "| --- " * 5 + "|")
    for name in arguments.source or ["kerasbert-tiny-zh"]:
        source = open_source(name)
        if "mlm_head" not in source.head_names:
            raise SystemExit(f"{name}: has no weights of a masked LM head.")
        pairs = "nsp_head" in source.head_names
        model = build_pretraining_model(source.backbone, source.config, next_sentence=pairs)
        source.copy_heads_to(model)
        settings = CorpusSettings(
            max_length=arguments.max_length,
            words="jieba",
            pairs="nsp" if pairs else "none",
            shards=1,
            held_out=0.5,
            **source.text,
        )
        for file in arguments.files:
            directory = arguments.workdir / file.name
            shutil.rmtree(directory, ignore_errors=True)
            corpus = build_corpus([file], directory, source.vocabulary, settings)
            config = PretrainingConfig(phases=[{"corpus": str(directory), "steps": 1}], nsp=pairs)
            of = Validation(model, config)(corpus, 64)
            cells = (of["mlm_accuracy"], of["perplexity"], of.get("nsp_accuracy", float("nan")))
            print(f"| {file.name} | {name} |", " | ".join(f"{cell:.3f}" for cell in cells), "|", flush=True)


if __name__ == "__main__":
    main()
