import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kerasbert.errors import CheckpointError
from kerasbert.hub import Address, is_address, parse_address

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.]{0,20}[A-Za-z0-9_]", fullmatch=True).filter(
    lambda name: ".." not in name and not name.endswith(".git")
)


@given(
    st.sampled_from(["hf", "modelscope"]),
    NAMES,
    NAMES,
    st.sampled_from([None, "v1.0", "refs/pr/3", "a" * 40]),
)
def test_addresses_are_read_as_they_are_written(scheme, owner, name, revision):
    address = Address(scheme, owner, name, revision)
    assert is_address(str(address))
    assert parse_address(str(address)) == address
    assert address.is_pinned == (revision == "a" * 40)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hf://a", "must be SCHEME://OWNER/NAME"),
        ("hf:/a/b", "Did you mean hf://a/b?"),
        ("hf://a/b/c", "must be SCHEME://OWNER/NAME"),
        ("hf://", "must be SCHEME://OWNER/NAME"),
        ("hf:///b", "the owner of a repository has ASCII letters"),
        ("hf://a/", "the name of a repository has ASCII letters"),
        ("hf://a/b@", "after @ stands a branch, a tag or a commit. Received: ''"),
        ("hf://a/b@../c", "after @ stands"),
        ("hf://a/b@x y", "after @ stands"),
        ("hf://a/b@-x", "after @ stands"),
        ("hf://a/b@v1@v2", "after @ stands"),
        ("hf://../b", "the owner of a repository"),
        ("hf://a/..", "the name of a repository"),
        ("hf://a/b.git", "the name of a repository"),
        ("hf://a/b--c", "the name of a repository"),
        ("hf://a/b?x=1", "the name of a repository"),
        ("hf://a/b c", "Did you mean hf://a/bc?"),
        (" hf://a/b", "Did you mean hf://a/b?"),
        ("hf://a/b\n", "Did you mean hf://a/b?"),
        ("HF://a/b", "Did you mean hf://a/b?"),
        ("hf：//ａ／ｂ", "Did you mean hf://a/b?"),
        ("hf://模型/名字", "the owner of a repository has ASCII letters"),
        ("hf://a/b\x00", "the name of a repository"),
        ("ModelScope://a/b", "Did you mean modelscope://a/b?"),
        ("https://huggingface.co/google-bert/bert-base-chinese", "Write hf://google-bert/bert-base-chinese"),
        ("huggingface.co/a/b/tree/main", "Write hf://a/b"),
        ("https://hf-mirror.com/a/b", "Write hf://a/b with HF_ENDPOINT=https://hf-mirror.com"),
        ("https://www.modelscope.cn/models/a/b/summary", "Write modelscope://a/b"),
        ("hf://" + "a" * 200 + "/b", "the owner of a repository"),
    ],
)
def test_malformed_addresses_say_what_is_meant(source: str, message: str):
    assert is_address(source)
    with pytest.raises(CheckpointError) as caught:
        parse_address(source)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "source", ["scratch", "bert_base_zh", "./hf", "runs/hf", "kaggle://keras/bert", "hf", ""]
)
def test_other_sources_are_no_addresses(source: str):
    assert not is_address(source)


@given(
    st.text(alphabet=string.printable + "：／＠模\u200b\x00", max_size=40).map(lambda text: f"hf://{text}")
)
@example("hf://a/b@\n")
def test_nothing_gets_through_that_means_something_in_a_path(source: str):
    try:
        address = parse_address(source)
    except CheckpointError:
        pass
    else:
        assert str(address) == source
        assert set(source) <= set(string.ascii_letters + string.digits + ":/@._+-")
        assert not {"", ".", ".."} & set(source.removeprefix("hf://").replace("@", "/").split("/"))
