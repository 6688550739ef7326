"""SentencePiece models in a Hugging Face folder: their own files, or a tokenizer.json alone."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerasbert.errors import CheckpointError, VocabularyError, excerpt
from kerasbert.text import SentencePieceVocabulary, model_proto
from kerasbert.text.sentencepiece_vocabulary import SPACE

_XLM_R = "sentencepiece.bpe.model"  # its token ids are not the numbers of its pieces
_FILES = (SentencePieceVocabulary.file_name, _XLM_R, "spiece.model", "spm.model")
_XLM_R_START = ("<s>", "<pad>", "</s>", "<unk>")  # and <mask> at the end
_COLLAPSE = (({"Regex": " {2,}"}, " "), ({"Regex": " {2,}"}, SPACE))
_TRIM = (({"Regex": r"\A +| +\z"}, ""),)
_ESCAPE = (({"String": " "}, SPACE),)


def find_model(directory: Path) -> Path | None:
    """Returns the SentencePiece model in a folder, if there is one."""
    return next((directory / name for name in _FILES if (directory / name).is_file()), None)


def read_model(path: Path) -> SentencePieceVocabulary:
    """Reads a SentencePiece model under the name that Transformers gives it.

    Raises:
        VocabularyError: the file cannot be read or used.
    """
    if path.name != _XLM_R:
        return SentencePieceVocabulary.load(path)
    try:
        model = model_proto.parse_model(path.read_bytes())
        first = [piece.piece for piece in model.pieces[:3]]
        if first != ["<unk>", "<s>", "</s>"]:
            raise VocabularyError(f"must begin with <unk>, <s>, </s>, as XLM-R's does. Received: {first}")
        words = model.pieces[3:]
        del model.pieces[:]
        for token in _XLM_R_START:
            kind = model_proto.UNKNOWN if token == "<unk>" else model_proto.CONTROL
            model.pieces.add(piece=token, type=kind)
        model.pieces.extend(words)
        model.pieces.add(piece="<mask>", type=model_proto.CONTROL)
        return SentencePieceVocabulary(model.SerializeToString())
    except OSError as error:
        raise VocabularyError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise VocabularyError(f"{path}: {error}.") from error
    except VocabularyError as error:
        raise VocabularyError(f"{path}: {error}") from error


def is_unigram(fast: Mapping[str, Any]) -> bool:
    """Whether the content of a tokenizer.json is a SentencePiece model of this kind."""
    model = fast.get("model")
    if not isinstance(model, dict):
        return False
    # Early files do not name the kind.
    return model.get("type", "Unigram" if isinstance(model.get("vocab"), list) else None) == "Unigram"


def require_same_pieces(
    path: Path, vocabulary: SentencePieceVocabulary, fast_path: Path, fast: Mapping[str, Any]
) -> None:
    """Raises `CheckpointError` unless a tokenizer.json has the pieces of the model beside it."""
    others = from_tokenizer_json(fast_path, fast).tokens
    if vocabulary.tokens[: len(others)] != others:
        raise CheckpointError(
            f"{fast_path.parent}: {path.name} and {fast_path.name} have different tokens. Remove the one "
            "that is not of these weights."
        )


def from_tokenizer_json(path: Path, fast: Mapping[str, Any]) -> SentencePieceVocabulary:
    """Returns the vocabulary of a tokenizer.json, whose ids become the numbers of the pieces.

    Args:
        path: of the file, for messages.
        fast: its content.

    Raises:
        CheckpointError, VocabularyError: the file is damaged, or splits texts in another way than
            SentencePiece does.
    """
    model = model_proto.ModelProto()
    try:
        pieces, unknown = fast["model"]["vocab"], fast["model"]["unk_id"]
        for index, (piece, score) in enumerate(pieces):
            kind = model_proto.UNKNOWN if index == unknown else model_proto.NORMAL
            model.pieces.add(piece=piece, score=score, type=kind)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: model must have unk_id and vocab, a list of pieces with scores ({excerpt(str(error))})."
        ) from error
    if fast["model"].get("byte_fallback"):
        raise CheckpointError(f"{path}: model.byte_fallback must be false. Received: true")
    try:
        _set_normalizer(model.normalizer_spec, fast)
        vocabulary = SentencePieceVocabulary(model.SerializeToString())
        _require_template(fast.get("post_processor"), vocabulary)
    except VocabularyError as error:
        raise VocabularyError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: is not as Transformers writes it ({excerpt(repr(error))})."
        ) from error
    return vocabulary


def with_added(model: Any, tokens: Sequence[str]) -> Any:
    """Makes tokens pieces that are found in texts before all others."""
    known = {piece.piece: piece for piece in model.pieces}
    for token in tokens:
        piece = known.get(token) or model.pieces.add(piece=token)
        if piece.type == model_proto.NORMAL:
            piece.type = model_proto.USER_DEFINED
    return model


def _set_normalizer(spec: Any, fast: Mapping[str, Any]) -> None:
    """Translates the normaliser and the pre-tokenizer."""
    spec.remove_extra_whitespaces = False
    for number, step in enumerate(_steps(fast.get("normalizer"), "normalizers")):
        kind, rule = step.get("type"), (step.get("pattern"), step.get("content"))
        if kind == "Precompiled" and number == 0:
            try:
                spec.precompiled_charsmap = base64.b64decode(
                    step["precompiled_charsmap"] or "", validate=True
                )
            except binascii.Error as error:
                raise VocabularyError(f"its precompiled_charsmap is damaged ({error}).") from error
        elif kind == "Replace" and rule in _COLLAPSE:
            spec.remove_extra_whitespaces = True
        elif not (kind == "Strip" or (kind == "Replace" and rule in (*_TRIM, *_ESCAPE))):
            raise VocabularyError(
                "its normalizer must be a Precompiled one, and may trim and join spaces after it. Received: "
                + excerpt(
                    str({name: value for name, value in step.items() if name != "precompiled_charsmap"})
                )
            )
    steps = _steps(fast.get("pre_tokenizer"), "pretokenizers")
    kinds = [step.get("type") for step in steps]
    if kinds not in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
        raise VocabularyError(f"its pre_tokenizer must be Metaspace. Received: {excerpt(str(steps))}")
    if steps[-1].get("replacement", SPACE) != SPACE:
        raise VocabularyError(f"its Metaspace must replace spaces by {SPACE}. Received: {steps[-1]}")
    prefix = steps[-1].get("prepend_scheme") or (
        "never" if steps[-1].get("add_prefix_space") is False else "always"
    )
    spec.add_dummy_prefix = prefix != "never"
    if "WhitespaceSplit" in kinds:
        spec.remove_extra_whitespaces = True


def _steps(value: Any, key: str) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    return list(value[key]) if value.get("type") == "Sequence" else [value]


def _require_template(processor: Mapping[str, Any] | None, vocabulary: SentencePieceVocabulary) -> None:
    """Raises `VocabularyError` unless rows become what `text.packing.pack` makes."""
    if processor is None:
        return
    cls, sep = vocabulary.special_tokens[2:4]
    if processor.get("type") in ("BertProcessing", "RobertaProcessing"):
        found = [processor["type"], processor["cls"][0], processor["sep"][0]]
        wanted = ["RobertaProcessing" if vocabulary.two_separators else "BertProcessing", cls, sep]
        if found != wanted:
            raise VocabularyError(f"its post_processor must be {wanted}. Received: {found}")
        return
    if processor.get("type") != "TemplateProcessing":
        raise VocabularyError(
            f"its post_processor must be TemplateProcessing. Received: {excerpt(str(processor.get('type')))}"
        )
    second = 0 if vocabulary.two_separators else 1
    between = [(sep, 0), (sep, 0)] if vocabulary.two_separators else [(sep, 0)]
    single = [(cls, 0), ("A", 0), (sep, 0)]
    pair = [*single[:2], *between, ("B", second), (sep, second)]
    for name, template in (("single", single), ("pair", pair)):
        parts = [next(iter(part.values())) for part in processor[name]]
        given = [(part["id"], part["type_id"]) for part in parts]
        if given != template:
            raise VocabularyError(
                f"its template of a {name} must be {template}. Received: {excerpt(str(given))}"
            )


def tokenizer_json(vocabulary: SentencePieceVocabulary) -> dict[str, Any]:
    """Returns the tokenizer.json of a vocabulary, for Transformers."""
    model = vocabulary.parsed()
    normalizer, cls, sep = model.normalizer_spec, *vocabulary.special_tokens[2:4]
    steps: list[dict[str, Any]] = []
    if normalizer.precompiled_charsmap:
        charsmap = base64.b64encode(normalizer.precompiled_charsmap).decode()
        steps.append({"type": "Precompiled", "precompiled_charsmap": charsmap})
    if normalizer.remove_extra_whitespaces:
        for pattern, content in (*_TRIM, _COLLAPSE[0]):
            steps.append({"type": "Replace", "pattern": pattern, "content": content})
    scheme = "always" if normalizer.add_dummy_prefix else "never"
    metaspace = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": True}

    def template(*tokens: tuple[str, int]) -> list[dict[str, Any]]:
        return [
            {"Sequence" if token in ("A", "B") else "SpecialToken": {"id": token, "type_id": segment}}
            for token, segment in tokens
        ]

    second = 0 if vocabulary.two_separators else 1
    between = [(sep, 0)] * (2 if vocabulary.two_separators else 1)
    added = [
        {
            "id": index,
            "content": piece.piece,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": piece.type != model_proto.USER_DEFINED,
        }
        for index, piece in enumerate(model.pieces)
        if piece.type in (model_proto.CONTROL, model_proto.UNKNOWN, model_proto.USER_DEFINED)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": steps} if steps else None,
        "pre_tokenizer": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": template((cls, 0), ("A", 0), (sep, 0)),
            "pair": template((cls, 0), ("A", 0), *between, ("B", second), (sep, second)),
            "special_tokens": {
                token: {"id": token, "ids": [vocabulary.ids[token]], "tokens": [token]}
                for token in (cls, sep)
            },
        },
        "decoder": metaspace,
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unk,
            "vocab": [[piece.piece, piece.score] for piece in model.pieces],
            "byte_fallback": False,
        },
    }
