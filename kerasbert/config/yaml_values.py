"""Loads YAML without its silent surprises: integers in unusual notations, repeated keys."""

from typing import Any

import yaml


class SpelledInt(int):
    """An integer that is not written as Python prints it, such as `01` or `1_000`."""

    spelling: str

    @property
    def is_decimal(self) -> bool:
        """Whether people would read the same number: not so `010`, which is 8, and `1:30`, which is 90."""
        digits = self.spelling.lstrip("+-").replace("_", "")
        return digits.startswith(("0x", "0b")) or (digits.isdigit() and int(digits) == abs(self))


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(key, deep=True) for key in own]
        for place, key in enumerate(keys):
            first = keys.index(key)
            if first == place:
                continue
            problem = f"the key {key!r} occurs twice"
            if own[first].value != own[place].value:  # 01 and yes are 1 and true, which are equal
                problem += f", as {own[first].value} and {own[place].value}; put quotes around both"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_mapping(node, deep)

    def construct_whole_number(self, node: Any) -> int:
        value = self.construct_yaml_int(node)
        if str(value) == node.value:
            return value
        spelled = SpelledInt(value)
        spelled.spelling = node.value
        return spelled


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole_number)
yaml.SafeDumper.add_representer(SpelledInt, lambda dumper, value: dumper.represent_int(int(value)))


def load_yaml(text: str) -> Any:
    """Returns the values in `text`.

    Raises:
        yaml.YAMLError: it is not YAML, or a mapping has a key twice.
        ValueError: a date is impossible.
    """
    return yaml.load(text, _Loader)  # a SafeLoader
