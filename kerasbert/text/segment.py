"""Chinese words, by jieba."""

import logging
import warnings
from collections.abc import Callable, Iterator

from kerasbert.extras import needs_extra


def word_segmenter(otherwise: str) -> Callable[[str], Iterator[str]]:
    """Returns jieba's `cut`, from a text to its words; together they are the text.

    Args:
        otherwise: what to do without jieba, for the message.

    Raises:
        UserError: jieba is not installed.
    """
    with needs_extra("segment", "splitting into words", otherwise), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its source has escapes that Python warns of
        import jieba
    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer().cut
