"""Chinese words, by jieba."""

import logging
import warnings
from collections.abc import Callable, Iterator

from kerasbert.errors import UserError


def word_segmenter(otherwise: str) -> Callable[[str], Iterator[str]]:
    """Returns jieba's `cut`, from a text to its words; together they are the text.

    Args:
        otherwise: what to do without jieba, for the message.

    Raises:
        UserError: jieba is not installed.
    """
    try:
        with warnings.catch_warnings():  # its source has escapes that Python warns of
            warnings.simplefilter("ignore")
            import jieba
    except ImportError as error:
        raise UserError(
            f"jieba is not installed. Install it with pip install 'kerasbert[segment]', or {otherwise}."
        ) from error
    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer().cut
