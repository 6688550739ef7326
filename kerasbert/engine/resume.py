"""Whether a training is resumed with the settings it was begun with."""

from typing import Any


def differences(begun: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Returns the dotted keys of `begun` whose values are others `now`."""
    keys = []
    for key in begun:
        if isinstance(begun[key], dict) and isinstance(now.get(key), dict):
            keys += differences(begun[key], now[key], f"{prefix}{key}.")
        elif begun[key] != now.get(key):
            keys.append(prefix + key)
    return keys
