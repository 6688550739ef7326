import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.encoding import (
    codec_name,
    convert_first,
    guess_encoding,
    read_text,
    require_encoding,
    strict_lines,
)
from kerasbert.errors import DataError

SIMPLIFIED = [
    "房间很干净，服务也热情，下次还会再来。",
    "早餐品种太少，味道一般，不推荐。",
    "屏幕清晰，运行流畅，电池不耐用！",
    "快递第二天就到了，包装完好。",
    "价格比别家贵，质量却差不多……",
]
TRADITIONAL = [
    "房間很乾淨，服務也熱情，下次還會再來。",
    "早餐種類太少，味道一般，不推薦。",
    "螢幕清晰，運行流暢，電池不耐用！",
    "包裹第二天就到了，包裝完好。",
    "價格比別家貴，品質卻差不多。",
]
CHINESE = st.lists(st.sampled_from(SIMPLIFIED), min_size=1, max_size=5).map("\n".join)
CHINESE_OF_TAIWAN = st.lists(st.sampled_from(TRADITIONAL), min_size=1, max_size=5).map("\n".join)


def required(content: bytes, encoding: str = "utf-8") -> str:
    return require_encoding(lambda: io.BytesIO(content), "a.txt", encoding, convert_first)


@given(CHINESE | CHINESE_OF_TAIWAN)
def test_the_encoding_of_chinese_is_named(text: str):
    with_letters = f"text,label\r\n{text},1\r\n"
    for encoding in ("utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        assert guess_encoding(with_letters.encode(encoding)) == encoding
    for encoding in ("utf-8", "utf-8-sig"):
        assert required(text.encode(encoding)) == "utf-8"


@given(CHINESE)
def test_simplified_chinese_is_gb18030(text: str):
    for start in range(0, len(text), 7):  # a few characters are enough
        part = text[start : start + 7].strip("，。！…\n")
        if len(part) > 1:
            assert guess_encoding(part.encode("gb18030")) == "gb18030", part


@given(CHINESE_OF_TAIWAN)
def test_traditional_chinese_is_big5_or_gb18030(text: str):
    assert guess_encoding(text.encode("big5")) == "big5"
    assert guess_encoding(text.encode("gb18030")) == "gb18030"


@settings(deadline=None)
@given(CHINESE, st.sampled_from(["gb18030", "utf-16", "utf-16-le", "big5"]))
def test_text_in_another_encoding_is_refused_and_read_as_the_message_says(text: str, encoding: str):
    content = (f"text\n{text}" if encoding != "big5" else f"text\n{TRADITIONAL[0]}").encode(encoding)
    with pytest.raises(DataError) as raised:
        required(content)
    assert str(raised.value) == (
        f"a.txt: is not UTF-8. It reads as {encoding}. Convert it: iconv -f {encoding} -t utf-8."
    )
    assert required(content, encoding) == encoding


def test_utf_8_is_read_as_utf_8_whatever_was_said():
    assert required(SIMPLIFIED[0].encode(), "gb18030") == "utf-8"
    assert required(b"abc", "gb18030") == "gb18030"


def test_lines_that_fit_no_encoding_are_shown():
    content = b"ok\ncaf\xe9\n" + "好\n".encode() + b"\xff\xfe\xfd\n" * 4
    with pytest.raises(DataError) as raised:
        required(content)
    assert str(raised.value) == (
        "a.txt: is not UTF-8 "
        r"(line 2: 'caf\xe9'; line 4: '\xff\xfe\xfd'; line 5: '\xff\xfe\xfd' and 2 more). "
        "Correct these lines, or save the file as UTF-8."
    )


def test_a_few_bad_bytes_do_not_make_utf_8_another_encoding():
    for text in SIMPLIFIED:
        assert guess_encoding(text.encode() + b"\xff\n") is None
        assert guess_encoding(text.encode() * 3 + b"\x80") is None


def test_lines_in_different_encodings_are_in_none():
    content = SIMPLIFIED[0].encode() + b"\n" + SIMPLIFIED[1].encode("gb18030") + b"\n"
    assert guess_encoding(content) is None
    with pytest.raises(DataError, match=r"is not UTF-8 \(line 2: "):
        required(content)


def test_binary_files_are_no_text():
    with pytest.raises(DataError, match="is not text: it holds NUL bytes, first in line 2"):
        required(b"abc\n\x01\x00\x02")


def test_a_stream_is_refused_at_the_line():
    lines = strict_lines(
        io.BytesIO("好\n\n".encode() + "很好\n".encode("gb18030")), "-", "utf-8", convert_first
    )
    assert [next(lines), next(lines)] == ["好\n", "\n"]
    with pytest.raises(DataError, match=r"^-:3: is not UTF-8 .*It reads as gb18030. Convert it"):
        next(lines)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_stream_of_wide_characters_is_named_or_read(encoding: str):
    content = "好a\n坏\n".encode(encoding)
    with pytest.raises(DataError, match=r"^-:1: "):
        list(strict_lines(io.BytesIO(content), "-", "utf-8", convert_first))
    assert list(strict_lines(io.BytesIO(content), "-", encoding, convert_first)) == ["好a\n", "坏\n"]


@pytest.mark.parametrize("encoding", ["utf-9", "klingon", "base64"])
def test_an_unknown_encoding_is_named_with_its_setting(encoding: str):
    with pytest.raises(DataError) as raised:
        codec_name(encoding, "--encoding")
    assert str(raised.value) == f"--encoding: unknown encoding. Received: {encoding!r}"


def test_a_small_file_is_read_without_its_mark(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeff好: 坏\r\n".encode())
    assert read_text(path) == "好: 坏\r\n"
    path.write_bytes("标签: 好\n".encode("gb18030"))
    with pytest.raises(DataError, match=r"a\.yaml: is not UTF-8. It reads as gb18030"):
        read_text(path)
