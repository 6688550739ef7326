import io

from rich.console import Console

from kerasbert.explanation import show


def test_words_are_no_markup():
    words = [{"word": "[/E1]", "attribution": 0.5}, {"word": ":smile:", "attribution": -0.4}]
    record = {"label": "positive", "score": 0.1, "baseline_score": 0.0, "error": 0.0, "words": words}
    output = io.StringIO()
    show(record, Console(file=output, width=100))
    assert output.getvalue().count("[/E1]") == output.getvalue().count(":smile:") == 2
