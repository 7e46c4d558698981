"""What a lease's executions have committed so far. It goes out again, whole, in the lease of the next one: so the limit for a
patch holds for all of it (P10)."""

from __future__ import annotations

from collections.abc import Mapping

from .v1.context_pb2 import Patch

# What a key counts besides its text and that of its value.
_KEY_OVERHEAD_BYTES = 16


class CommittedPatch:
    """Counts what was set and removed, as the limit for patches does."""

    def __init__(self, checkpoint: Patch) -> None:
        # None for a key that was removed.
        self._changes: dict[str, str | None] = dict(checkpoint.set)
        self._changes.update((key, None) for key in checkpoint.removed)

    def on_top_of(self, texts: Mapping[str, str]) -> dict[str, str]:
        """The texts with what was committed applied."""
        merged: dict[str, str | None] = dict(texts)
        merged.update(self._changes)
        return {key: text for key, text in merged.items() if text is not None}

    def bytes_with(self, changes: Mapping[str, str | None]) -> int:
        """The bytes that it would have with these changes on top."""
        merged = {**self._changes, **changes} if self._changes else changes
        return sum(
            _KEY_OVERHEAD_BYTES + len(key.encode()) + (0 if text is None else len(text.encode()))
            for key, text in merged.items()
        )

    def add(self, changes: Mapping[str, str | None]) -> None:
        self._changes.update(changes)
