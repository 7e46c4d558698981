"""Values of the context: JSON, and nothing that JSON would lose or change.

Python holds whole numbers of any size; it reads and writes them as they are. Floating-point numbers are written as
JavaScript writes them, so that a text does not depend on the language that wrote it last.
"""

from __future__ import annotations

import json
import math
import re
from json.encoder import encode_basestring
from typing import Any

from .errors import ContextValueError

MAX_DEPTH = 100
"""Deepest nesting of lists and dicts."""

_SAFE = 2**53 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")

_ADVICE = {
    "tuple": "say list(…)",
    "set": "say sorted(…) or list(…)",
    "frozenset": "say sorted(…) or list(…)",
    "bytes": "say base64.b64encode(…).decode()",
    "bytearray": "say base64.b64encode(…).decode()",
    "datetime": "say isoformat()",
    "date": "say isoformat()",
    "Decimal": "say str(…)",
    "coroutine": "an await is missing",
}


def encode_value(value: Any, key: str) -> str:
    """The JSON text of a value. Raises ContextValueError with the path of what is none of JSON."""
    out: list[str] = []
    _write(value, out, [key], [])
    return "".join(out)


def decode_value(text: str, key: str) -> Any:
    """A fresh value from JSON text. Raises ContextValueError: `CONTEXT_NUMBER_UNSAFE` for a number that Python cannot
    hold, `CONTEXT_VALUE_INVALID` for what is not JSON."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_read_float, parse_int=_read_int)
    except _UnsafeNumber as error:
        problem = f"holds the number {error}, which Python cannot hold; write it as a string"
        raise ContextValueError("CONTEXT_NUMBER_UNSAFE", path_of([key]), problem) from None
    except (ValueError, RecursionError) as error:
        raise _invalid([key], f"the text is not JSON: {error}") from None
    # What JSON can escape and UTF-8 cannot carry: the encoder finds its place.
    if "\\u" in text:
        encode_value(value, key)
    return value


def path_of(steps: list[str | int]) -> str:
    """`raw.items[2]`, or `raw["a b"]` where a step is no plain name."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN_NAME.match(step):
            path += f".{step}" if path else step
        else:
            path += f"[{json.dumps(step)}]" if path else json.dumps(step)
    return path


class _UnsafeNumber(ValueError):
    pass


def _read_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _UnsafeNumber(text[:60])
    return value


def _read_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        # More digits than the interpreter takes.
        raise _UnsafeNumber(f"{text[:60]}…") from None


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _write(value: Any, out: list[str], steps: list[str | int], within: list[Any]) -> None:
    kind = type(value)
    if kind is str:
        out.append(_text(value, steps))
    elif value is None:
        out.append("null")
    elif kind is bool:
        out.append("true" if value else "false")
    elif kind is int:
        try:
            out.append(str(value))
        except ValueError:
            raise _invalid(steps, "is a whole number with too many digits; write it as a string") from None
    elif kind is float:
        out.append(_number(value, steps))
    elif kind is list or kind is dict:
        _write_nested(value, out, steps, within)
    else:
        advice = _ADVICE.get(kind.__name__, "allowed are None, bool, int, float, str, list and dict")
        raise _invalid(steps, f"is a {kind.__name__}, which JSON cannot hold; {advice}")


def _write_nested(value: Any, out: list[str], steps: list[str | int], within: list[Any]) -> None:
    if any(outer is value for outer in within):
        raise _invalid(steps, "contains itself")
    if len(within) >= MAX_DEPTH:
        raise _invalid(steps, f"is nested deeper than {MAX_DEPTH}")
    within.append(value)
    if type(value) is list:
        out.append("[")
        for index, item in enumerate(value):
            if index > 0:
                out.append(",")
            steps.append(index)
            _write(item, out, steps, within)
            steps.pop()
        out.append("]")
    else:
        out.append("{")
        for index, (key, item) in enumerate(value.items()):
            if type(key) is not str:
                raise _invalid(steps, f"has the key {key!r}; the keys of a JSON object are strings")
            steps.append(key)
            out.append(("," if index > 0 else "") + _text(key, steps) + ":")
            _write(item, out, steps, within)
            steps.pop()
        out.append("}")
    within.pop()


def _text(value: str, steps: list[str | int]) -> str:
    if _SURROGATE.search(value) is not None:
        raise _invalid(steps, "holds a lone surrogate, which UTF-8 cannot carry")
    return encode_basestring(value)


def _number(value: float, steps: list[str | int]) -> str:
    if math.isnan(value) or math.isinf(value):
        raise _invalid(steps, f"is {value}, which JSON cannot hold")
    if value.is_integer() and abs(value) <= _SAFE:
        return str(int(value))
    mantissa, _, exponent_text = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0") if whole == "0" else whole + fraction
    # Where the point stands, counted from the first digit.
    leading = len(fraction) - len(fraction.lstrip("0")) if whole == "0" else 0
    point = (len(whole) if whole != "0" else -leading) + int(exponent_text or 0)
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    # A whole number beyond the safe ones keeps its exponent, so that it reads as the float that it is.
    if value.is_integer() or not -6 < point <= 21:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def _invalid(steps: list[str | int], problem: str) -> ContextValueError:
    return ContextValueError("CONTEXT_VALUE_INVALID", path_of(steps), problem)
