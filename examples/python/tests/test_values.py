"""The codec of context values, by the fixture that every language shares."""

import datetime
import json
import math
from pathlib import Path

import pytest

import cloaca
from cloaca.values import MAX_DEPTH, decode_value, encode_value

FIXTURE = Path(__file__).resolve().parents[3] / "test/fixtures/context-values.json"
CASES = json.loads(FIXTURE.read_text(encoding="utf-8"))["texts"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_fixture(case):
    text = case["text"]
    if case.get("invalid"):
        with pytest.raises(cloaca.ContextValueError) as raised:
            decode_value(text, "key")
        assert raised.value.code == "CONTEXT_VALUE_INVALID"
    elif case.get("unsafe") and "e" in text:
        # A double cannot hold it, whatever the language.
        with pytest.raises(cloaca.ContextValueError) as raised:
            decode_value(text, "key")
        assert raised.value.code == "CONTEXT_NUMBER_UNSAFE"
    else:
        # Python's whole numbers have no limit: what is unsafe elsewhere is read and written as it is.
        assert encode_value(decode_value(text, "key"), "key") == case.get("canonical", text)


def test_the_fixture_has_cases_of_each_kind():
    assert len(CASES) > 40
    assert any(case.get("invalid") for case in CASES) and any(case.get("unsafe") for case in CASES)


def test_whole_numbers_of_any_size_keep_every_digit():
    value = {"id": 2**63 - 1, "more": [10**30, -(2**53)]}
    assert decode_value(encode_value(value, "k"), "k") == value
    # A float of the same size stays a float.
    assert encode_value(2.0**53, "k") == "9.007199254740992e+15"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (123456.789, "123456.789"),
        (1e16, "1e+16"),
    ]
    + [(1.5e300, "1.5e+300"), (1e-10, "1e-10"), (0.00001234, "0.00001234"), (5e-324, "5e-324"), (-2.5, "-2.5")],
)
def test_floats_are_written_as_javascript_writes_them(value, text):
    assert encode_value(value, "k") == text
    assert decode_value(text, "k") == value


CYCLE: list = []
CYCLE.append(CYCLE)
DEEP: list = []
for _ in range(MAX_DEPTH):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        (math.nan, "raw", "nan"),
        ({"items": [1, 2, math.inf]}, "raw.items[2]", "inf"),
        ({"a b": {1, 2}}, 'raw["a b"]', "sorted"),
        ({"at": datetime.datetime(2026, 1, 1)}, "raw.at", "isoformat"),
        ([(1, 2)], "raw[0]", "list(…)"),
        ({1: 2}, "raw", "keys of a JSON object are strings"),
        ({"deep": "\ud83d"}, "raw.deep", "surrogate"),
        ({"\ud83d": 1}, 'raw["\\ud83d"]', "surrogate"),
        (b"bytes", "raw", "base64"),
        (object(), "raw", "object"),
        (CYCLE, "raw[0]", "itself"),
        (DEEP, "raw" + "[0]" * MAX_DEPTH, "deeper"),
    ],
)
def test_what_json_would_lose_is_refused_with_its_path(value, path, words):
    with pytest.raises(cloaca.ContextValueError) as raised:
        cloaca.Context().set("raw", value)
    assert raised.value.path == path
    assert words in str(raised.value)
    assert isinstance(raised.value, ValueError)
