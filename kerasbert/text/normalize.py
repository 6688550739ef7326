"""BERT's basic tokenisation in the graph: clean, lower-case, put spaces between words.

The rules are those of `BasicTokenizer` in Google's BERT (Devlin et al. 2019,
https://arxiv.org/abs/1810.04805), written with core TensorFlow ops plus `NormalizeUTF8` of
tensorflow-text, all of which a stock TensorFlow Serving links. `tf_text.regex_split` is not used, because
it cuts a string at a NUL.
"""

import tensorflow as tf
import tensorflow_text as tf_text

# The blocks that BERT treats as Chinese characters; each character is a word.
_CJK = (
    r"\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}"
    r"\x{2B740}-\x{2B81F}\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}"
)
_ASCII_PUNCTUATION = r"!-/:-@\[-`{-~"
_STANDS_ALONE = rf"([{_ASCII_PUNCTUATION}\p{{P}}{_CJK}])"
_REMOVED = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\p{Cf}\p{Co}\x{FFFD}]"

_TO_ASCII = (("[“”„‟]", '"'), ("[‘’‚‛]", "'"), ("…", "..."), ("[—–―]", "-"))


def valid_utf8(text: tf.Tensor) -> tf.Tensor:
    """Replaces invalid bytes by U+FFFD, which `spaced_words` then removes. String of any shape."""
    return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace", replacement_char=0xFFFD)


def ascii_punctuation(text: tf.Tensor) -> tf.Tensor:
    """Maps curly quotes, the ellipsis and dashes to ASCII. String of any shape."""
    for pattern, ascii_form in _TO_ASCII:
        text = tf.strings.regex_replace(text, pattern, ascii_form)
    return text


def spaced_words(text: tf.Tensor, lowercase: bool) -> tf.Tensor:
    """Returns `text` with a space around each punctuation mark and Chinese character.

    Args:
        text: valid UTF-8, string of any shape.
        lowercase: also strip accents and lower-case.
    """
    return separate(normalize(text, lowercase))


def normalize(text: tf.Tensor, lowercase: bool) -> tf.Tensor:
    """Returns valid UTF-8 `text` cleaned, and lower-cased without accents. String of any shape."""
    text = tf.strings.regex_replace(text, _REMOVED, "")
    text = tf.strings.regex_replace(text, r"[\s\p{Z}]", " ")
    if lowercase:
        text = tf_text.normalize_utf8(text, "NFD")
        text = tf.strings.regex_replace(text, r"\p{Mn}", "")
        text = tf.strings.lower(text, encoding="utf-8")
    return text


def separate(text: tf.Tensor) -> tf.Tensor:
    """Puts a space around each punctuation mark and Chinese character. String of any shape."""
    return tf.strings.regex_replace(text, _STANDS_ALONE, r" \1 ")
