"""Parses JSON numbers bit-exactly like RapidJSON without its full-precision flag."""

import math
import re

from kerasbert.serving.errors import ServingError, invalid

# After an N that does not start NaN, RapidJSON goes on to look for Inf.
_WHOLE = re.compile(rb"-?+(?:(0|[1-9][0-9]*+)|(NaN|(?:Na?+)?(?:Infinity|Inf(?!i))))")
_FRACTION = re.compile(rb"\.([0-9]++)")
_EXPONENT = re.compile(rb"[eE]([+-]?+[0-9]++)")
_SPECIAL = re.compile(rb"-?+(?:Na?+)?(?:I(?:n(?:f(?:i(?:n(?:i(?:ty?+)?)?)?)?)?)?)?")
_POWERS = [float(f"1e{power}") for power in range(309)]
_LARGEST_SIGNIFICAND = 2**53 - 1
_MOST_DIGITS = 17
_TENTH_OF_LARGEST = 1.7976931348623157e307
_MOST_WHOLE_DIGITS = 400  # more than any double has


def read_number(body: bytes, start: int) -> tuple[float, int]:
    """Returns the number at `start`, an `int` or a `float`, and where it ends.

    Raises:
        ServingError: it is not a number; the message is RapidJSON's.
    """
    match = _WHOLE.match(body, start)
    if match is None:
        end = _SPECIAL.match(body, start).end()  # type: ignore[union-attr]  # always
        raise parse_error("Invalid value.", end)
    minus, digits, special, end = body[start] == ord("-"), match[1] or b"0", match[2], match.end()
    fraction = exponent = None
    if body[end : end + 1] == b".":
        fraction = _FRACTION.match(body, end)
        if fraction is None:
            raise parse_error("Miss fraction part in number.", end + 1)
        end = fraction.end()
    if body[end : end + 1] in (b"e", b"E"):
        exponent = _EXPONENT.match(body, end)
        if exponent is None:
            signed = body[end + 1 : end + 2] in (b"+", b"-")
            raise parse_error("Miss exponent in number.", end + 1 + signed)
        end = exponent.end()
    if special and not fraction and not exponent:
        value = math.nan if special == b"NaN" else math.inf
    else:
        largest = 2**63 if minus else 2**64 - 1
        if len(digits) < 21 and not fraction and not exponent and int(digits) <= largest:
            return (-int(digits) if minus else int(digits)), end
        too_big = parse_error("Number too big to be stored in double.", start)
        value = _double(digits, fraction and fraction[1], exponent and exponent[1], largest, too_big)
    return (-value if minus else value), end


def parse_error(reason: str, offset: int) -> ServingError:
    """Returns the error of a body that is not JSON."""
    return invalid(f"JSON Parse error: {reason} at offset: {offset}")


def _double(
    digits: bytes, fraction: bytes | None, exponent: bytes | None, largest: int, too_big: ServingError
) -> float:
    if len(digits) > _MOST_WHOLE_DIGITS:
        raise too_big
    leading = digits[:20]
    while int(leading) > largest:
        leading = leading[:-1]
    value, significant, scale = float(int(leading)), len(leading) - 1, 0
    for digit in digits[len(leading) :]:
        if value >= _TENTH_OF_LARGEST:
            raise too_big
        value = value * 10 + (digit - 48)
    if fraction:
        rest = fraction
        if len(leading) == len(digits):
            significand = int(leading)
            if significand == 0:  # skip leading zeros, of which there may be millions
                rest = fraction.lstrip(b"0")
                scale -= len(fraction) - len(rest)
            used = 0
            while used < len(rest) and significand <= _LARGEST_SIGNIFICAND:
                significand = significand * 10 + (rest[used] - 48)
                used += 1
            scale -= used
            significant += used
            value, rest = float(significand), rest[used:]
        for digit in rest[: max(_MOST_DIGITS - significant, 0)]:
            value = value * 10.0 + (digit - 48)
            scale -= 1
    power = 0
    if exponent:
        steps = exponent.lstrip(b"+-")
        power = int(steps.lstrip(b"0")[:9] or b"0")
        if exponent[:1] == b"-":
            power = -power
        elif len(steps) > 1 and power > 308 - scale:
            raise too_big
    return _scaled(value, power + scale)


def _scaled(value: float, power: int) -> float:
    if power < -308:
        return _scaled_once(_scaled_once(value, -308), power + 308)
    return _scaled_once(value, power)


def _scaled_once(value: float, power: int) -> float:
    if power < -308:
        return 0.0
    return value * _POWERS[power] if power >= 0 else value / _POWERS[-power]
