"""The context: keyed JSON data that flows along the graph."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import ContextKeyError, ContextValueError
from .values import decode_value, encode_value

MAX_KEY_LENGTH = 256
"""Longest key, in UTF-16 units."""


class Context:
    """What a task reads and sets. Values are written down at once and read afresh each time: changing one that was read
    changes nothing until it is set. Keys that nobody reads travel as text."""

    __slots__ = ("_base", "_changes")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._base: Mapping[str, str] = {
            _checked(key): encode_value(value, key) for key, value in (values or {}).items()
        }
        # Texts that were set, None for what was removed.
        self._changes: dict[str, str | None] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default."""
        text = self._text(key)
        return default if text is None else decode_value(text, key)

    def require(self, key: str) -> Any:
        """The value of a key that must be there. Raises ContextKeyError with the keys that are."""
        text = self._text(key)
        if text is None:
            raise self._missing(key)
        return decode_value(text, key)

    def set(self, key: str, value: Any) -> Context:
        """Sets a key. Raises ContextValueError when the value is none of JSON."""
        self._changes[_checked(key)] = encode_value(value, key)
        return self

    def insert(self, key: str, value: Any) -> Context:
        """Sets a key that is not there yet."""
        if key in self:
            raise ContextKeyError("CONTEXT_KEY_EXISTS", f'the key "{key}" is there; set it with `set` or `update`')
        return self.set(key, value)

    def update(self, key: str, value: Any) -> Context:
        """Sets a key that is there already."""
        if key not in self:
            raise self._missing(key)
        return self.set(key, value)

    def remove(self, key: str) -> Any:
        """Removes a key and returns what its value was; None when it was not there."""
        value = self.get(key)
        # What was not in the base needs no mention in a patch.
        if key in self._base:
            self._changes[key] = None
        else:
            self._changes.pop(key, None)
        return value

    def keys(self) -> list[str]:
        """The keys: those of the input, then those that were set since."""
        kept = [key for key in self._base if self._changes.get(key, "") is not None]
        return kept + [key for key, text in self._changes.items() if text is not None and key not in self._base]

    def to_dict(self) -> dict[str, Any]:
        """All values."""
        return {key: self.require(key) for key in self.keys()}

    def to_json(self) -> str:
        """All values, as one JSON text."""
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{self._text(key)}" for key in self.keys()) + "}"

    @staticmethod
    def from_json(text: str) -> Context:
        """A context from what `to_json` returned."""
        values = decode_value(text, "$")
        if not isinstance(values, dict):
            raise ContextValueError("CONTEXT_VALUE_INVALID", "$", "is no object; a context is one")
        return Context(values)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._text(key) is not None

    def __getitem__(self, key: str) -> Any:
        return self.require(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise self._missing(key)
        self.remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Context({self.to_json()})"

    def _text(self, key: str) -> str | None:
        if key in self._changes:
            return self._changes[key]
        return self._base.get(key)

    def _missing(self, key: str) -> ContextKeyError:
        keys = self.keys()
        near = difflib.get_close_matches(key, keys, 1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; there are {', '.join(keys) or 'none'}"
        return ContextKeyError("CONTEXT_KEY_MISSING", f'the context has no key "{key}"{hint}')


def context_of(texts: Mapping[str, str]) -> Context:
    """A context on top of JSON texts, which are not copied and must not change."""
    context = Context()
    context._base = texts
    return context


def texts_of(context: Context) -> dict[str, str]:
    """The JSON texts of a context, as they travel."""
    return {key: context._text(key) or "" for key in context}


def changes_of(context: Context) -> dict[str, str | None]:
    """What was set and removed on top of the base; None for a key that was removed."""
    return context._changes


def take_changes(context: Context) -> dict[str, str | None]:
    """Takes what was set and removed: it is part of the base from here on."""
    changes = context._changes
    if changes:
        base = dict(context._base)
        for key, text in changes.items():
            if text is None:
                base.pop(key, None)
            else:
                base[key] = text
        context._base = base
        context._changes = {}
    return changes


def replace_view(context: Context, other: Context) -> None:
    """Makes the values of another context all that there is."""
    wanted = texts_of(other)
    for key in context:
        if key not in wanted:
            context.remove(key)
    for key, text in wanted.items():
        if context._text(key) != text:
            context._changes[key] = text


def _checked(key: str) -> str:
    problem = None
    if not isinstance(key, str):
        problem = f"is a {type(key).__name__}"
    elif key == "":
        problem = "is empty"
    elif len(key) > MAX_KEY_LENGTH or len(key.encode("utf-16-le", "surrogatepass")) > 2 * MAX_KEY_LENGTH:
        problem = "is too long"
    elif not key.isascii() and any("\ud800" <= letter <= "\udfff" for letter in key):
        problem = "holds a lone surrogate"
    elif key == "__proto__":
        problem = "is reserved, since objects in JavaScript lose it"
    if problem is not None:
        rule = f"a context key is a string of 1 to {MAX_KEY_LENGTH} UTF-16 units"
        raise ContextKeyError("CONTEXT_KEY_INVALID", f"the key {key!r} {problem}; {rule}")
    return key
