import pytest

import cloaca
from cloaca.context import changes_of, context_of, replace_view, take_changes


def test_get_gives_a_fresh_copy_and_a_default():
    context = cloaca.Context({"raw": [1]})
    context.get("raw").append(2)
    assert context.get("raw") == [1]
    assert context.get("missing") is None
    assert context.get("missing", "default") == "default"


def test_a_value_is_written_down_when_it_is_set():
    value = [1]
    context = cloaca.Context().set("raw", value)
    value.append(2)
    assert context.get("raw") == [1]


def test_the_patch_has_what_was_set_and_removed():
    context = context_of({"a": "1", "b": "2"})
    context.set("c", 3)
    context.set("d", 4)
    context.remove("d")
    assert context.remove("a") == 1
    assert context.keys() == ["b", "c"]
    assert changes_of(context) == {"a": None, "c": "3"}
    assert take_changes(context) == {"a": None, "c": "3"}
    assert changes_of(context) == {}
    assert context.to_dict() == {"b": 2, "c": 3}


def test_a_value_that_nobody_reads_travels_as_it_is():
    context = context_of({"odd": "1e400"})
    assert context.keys() == ["odd"]
    with pytest.raises(cloaca.ContextValueError):
        context.get("odd")


def test_another_context_takes_the_place_of_the_values():
    context = context_of({"a": "1", "b": "2"})
    replace_view(context, cloaca.Context({"b": 2, "c": 3}))
    assert changes_of(context) == {"a": None, "c": "3"}


def test_insert_update_and_require_tell_what_is_there():
    context = cloaca.Context({"raw_data": 1})
    with pytest.raises(cloaca.ContextKeyError, match="is there"):
        context.insert("raw_data", 2)
    with pytest.raises(cloaca.ContextKeyError, match='did you mean "raw_data"'):
        context.update("rawdata", 2)
    with pytest.raises(KeyError):
        context.require("x")
    assert context.insert("x", 1).update("x", 2).require("x") == 2


@pytest.mark.parametrize("key", ["", "k" * 257, "🙂" * 129, "\ud83d", "__proto__", None, 1])
def test_keys_that_are_none(key):
    with pytest.raises(cloaca.ContextKeyError) as raised:
        cloaca.Context().set(key, 1)
    assert raised.value.code == "CONTEXT_KEY_INVALID"


def test_json():
    context = cloaca.Context({"a": {"b": [1.5]}})
    assert context.to_json() == '{"a":{"b":[1.5]}}'
    assert cloaca.Context.from_json(context.to_json()) == context
