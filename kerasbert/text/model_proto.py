"""The file format of SentencePiece models: `ModelProto` of sentencepiece_model.proto.

Only the fields that kerasbert needs are described; the others are kept as they are. The Python module of the
`sentencepiece` package is not used: it wants a newer protobuf than TensorFlow does.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

# Kinds of pieces.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
UNIGRAM = 1  # kind of model

_PACKAGE = "kerasbert.sentencepiece"
_Field = descriptor_pb2.FieldDescriptorProto
_STRING, _BYTES, _FLOAT = _Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_FLOAT
_BOOL, _INT32, _MESSAGE = _Field.TYPE_BOOL, _Field.TYPE_INT32, _Field.TYPE_MESSAGE
# The enums are integers here; the bytes in the file are the same. Each field: number, type, default.
_MESSAGES: dict[str, dict[str, tuple[int, int, str]]] = {
    "Piece": {"piece": (1, _STRING, ""), "score": (2, _FLOAT, ""), "type": (3, _INT32, str(NORMAL))},
    "TrainerSpec": {
        "model_type": (3, _INT32, str(UNIGRAM)),
        "vocab_size": (4, _INT32, "8000"),
        "treat_whitespace_as_suffix": (24, _BOOL, "false"),
        "byte_fallback": (35, _BOOL, "false"),
        "unk_id": (40, _INT32, "0"),
        "bos_id": (41, _INT32, "1"),
        "eos_id": (42, _INT32, "2"),
        "pad_id": (43, _INT32, "-1"),
        "unk_piece": (45, _STRING, "<unk>"),
        "bos_piece": (46, _STRING, "<s>"),
        "eos_piece": (47, _STRING, "</s>"),
        "pad_piece": (48, _STRING, "<pad>"),
    },
    "NormalizerSpec": {
        "name": (1, _STRING, ""),
        "precompiled_charsmap": (2, _BYTES, ""),
        "add_dummy_prefix": (3, _BOOL, "true"),
        "remove_extra_whitespaces": (4, _BOOL, "true"),
        "escape_whitespaces": (5, _BOOL, "true"),
    },
    "ModelProto": {
        "pieces": (1, _MESSAGE, "Piece"),
        "trainer_spec": (2, _MESSAGE, "TrainerSpec"),
        "normalizer_spec": (3, _MESSAGE, "NormalizerSpec"),
    },
}


def _model_proto() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="kerasbert/model.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, type, default) in fields.items():
            field = described.field.add(name=name, number=number, type=type, label=_Field.LABEL_OPTIONAL)
            if type == _MESSAGE:
                field.type_name = f".{_PACKAGE}.{default}"
            elif default:
                field.default_value = default
            if name == "pieces":
                field.label = _Field.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.ModelProto"))


ModelProto = _model_proto()


def parse_model(content: bytes) -> Any:
    """Returns the `ModelProto` in a file's content.

    Raises:
        ValueError: the content is none.
    """
    try:
        return ModelProto.FromString(content)
    except DecodeError as error:
        raise ValueError("not a SentencePiece model") from error
