"""What a corpus is built with."""

from typing import Literal

from pydantic import Field

from kerasbert.config import Section


class CorpusSettings(Section):
    """Saved with a corpus: what its examples depend on besides the text."""

    max_length: int = Field(128, ge=16, description="Tokens of an example, special tokens included.")
    pairs: Literal["nsp", "sop", "none"] = Field(
        "nsp",
        description="Second segments: the next sentences or another document's (nsp), the next or the "
        "swapped ones (sop), or one segment only (none).",
    )
    words: Literal["characters", "jieba"] = Field(
        "characters", description="What whole-word masking takes for a Chinese word."
    )
    short_share: float = Field(0.1, ge=0, le=1, description="Share of examples of a random shorter length.")
    held_out: float = Field(0.01, ge=0, lt=1, description="Share of the documents kept for validation.")
    shards: int = Field(16, ge=1, description="Training files; one is held in memory at a time.")
    seed: int = Field(0, ge=0, description="Of the shards, lengths and pairs.")
    lowercase: bool = Field(True, description="Lower-case and strip accents.")
    ascii_punctuation: bool = Field(False, description="Map curly quotes, ellipsis and dashes to ASCII.")
    added_tokens: list[str] = Field([], description="Tokens kept whole, found after lower-casing.")
    special_tokens: list[str] = Field([], description="Tokens kept whole, found as they are written.")
    text_field: str = Field("text", description="Column of the text in tables and JSON lines.")
    encoding: str = Field("utf-8", description="Encoding of the text.")
