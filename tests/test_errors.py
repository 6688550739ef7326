from hypothesis import given
from hypothesis import strategies as st

from kerasbert.errors import one_line


@given(st.text(st.sampled_from("ab \n中"), max_size=60), st.integers(5, 30))
def test_a_message_is_one_line_that_ends_with_a_whole_word(message: str, most: int):
    line, words = one_line(message, most), message.split()
    assert "\n" not in line
    assert len(line) <= most + len(" ...")
    if line.endswith(" ...") and " " in line.removesuffix(" ..."):
        kept = line.removesuffix(" ...").split()
        assert kept == words[: len(kept)]
    elif not line.endswith(" ..."):
        assert line == " ".join(words)
