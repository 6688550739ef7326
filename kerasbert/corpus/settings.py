"""The settings of a corpus."""

from typing import Literal

from pydantic import Field

from kerasbert.config import Section


class CorpusSettings(Section):
    """What the examples depend on besides the text; saved with the corpus."""

    max_length: int = Field(
        128, ge=16, description="Maximum number of tokens of an example, special tokens included."
    )
    pairs: Literal["nsp", "sop", "none"] = Field(
        "nsp",
        description="Second segment: the next sentences or another document's (nsp), the next sentences in "
        "either order (sop), or no second segment (none).",
    )
    words: Literal["characters", "jieba"] = Field(
        "characters", description="Units of Chinese text for whole-word masking."
    )
    short_share: float = Field(0.1, ge=0, le=1, description="Share of examples with a random shorter length.")
    held_out: float = Field(0.01, ge=0, lt=1, description="Share of documents held out for validation.")
    shards: int = Field(16, ge=1, description="Number of training files; one is in memory at a time.")
    seed: int = Field(0, ge=0, description="Random seed of shards, lengths and pairs.")
    lowercase: bool = Field(True, description="Whether to lower-case and strip accents.")
    ascii_punctuation: bool = Field(
        False, description="Whether to map curly quotes, ellipses and dashes to ASCII."
    )
    added_tokens: list[str] = Field(
        [], description="Tokens that are never split, matched in the normalised text."
    )
    special_tokens: list[str] = Field(
        [], description="Tokens that are never split, matched in the original text."
    )
    text_field: str = Field("text", description="Name of the text column in tables and JSON lines.")
    encoding: str = Field("utf-8", description="Encoding of the text.")
