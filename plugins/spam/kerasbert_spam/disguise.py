"""Undoing what senders do to hide words from filters, as TensorFlow ops."""

import tensorflow as tf
import tensorflow_text as tf_text

_INVISIBLE = (
    r"[\x{00AD}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180E}\x{200B}-\x{200F}"
    r"\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{FE00}-\x{FE0F}\x{FEFF}]"
)
# Cyrillic and Greek letters that look like Latin ones, after lower-casing.
_LOOK_ALIKES = {
    "a": "аα",
    "b": "ь",
    "c": "сϲ",
    "d": "ԁ",
    "e": "еε",
    "h": "һ",
    "i": "іι",
    "j": "ј",
    "k": "кκ",
    "m": "м",
    "n": "п",
    "o": "оο",
    "p": "рρ",
    "q": "ԛ",
    "s": "ѕ",
    "t": "тτ",
    "u": "υ",
    "v": "ѵν",
    "w": "ѡω",
    "x": "хχ",
    "y": "уγ",
    "z": "ʐ",
}
# What stands for a word in adverts only: the ways to write WeChat.
_WECHAT = r"[薇溦徽嶶][信❤]|微❤|[v∨][信❤]|卫星号"
_SEPARATED = r"(\p{Han})[.·•_*~|+／/\\-](\p{Han})"


def undisguise(text: tf.Tensor) -> tf.Tensor:
    """Returns strings with plain letters, digits and words. Valid UTF-8 of any shape.

    Full-width and circled forms become plain (NFKC), invisible characters go, look-alike letters
    become Latin, single marks between Chinese characters go.
    """
    text = tf.strings.lower(tf_text.normalize_utf8(text, "NFKC"), encoding="utf-8")
    text = tf.strings.regex_replace(text, _INVISIBLE, "")
    for latin, others in _LOOK_ALIKES.items():
        text = tf.strings.regex_replace(text, f"[{others}]", latin)
    # Matches do not overlap, so every second mark is left to the second pass.
    for _ in range(2):
        text = tf.strings.regex_replace(text, _SEPARATED, r"\1\2")
    return tf.strings.regex_replace(text, _WECHAT, "微信")
