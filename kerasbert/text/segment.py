"""Chinese word segmentation with jieba."""

import logging
import warnings
from collections.abc import Callable, Iterator

from kerasbert.extras import needs_extra


def word_segmenter(otherwise: str) -> Callable[[str], Iterator[str]]:
    """Returns jieba's `cut`, which splits a text into words that join up to the text again.

    Args:
        otherwise: the alternative to installing jieba, for the message.

    Raises:
        UserError: jieba is not installed.
    """
    with needs_extra("segment", "splitting into words", otherwise), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its source has invalid escapes
        import jieba
    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer().cut
