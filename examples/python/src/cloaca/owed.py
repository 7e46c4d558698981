"""What a session has said and has no receipt for (P4). It outlives connections: each new one hears all of it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .v1.host_service_pb2 import (
    RECEIPT_RESULT_APPLIED,
    RECEIPT_RESULT_STALE,
    HostEvent,
    Receipt,
)

OnReceipt = Callable[[Receipt], None]


class OwedEvents:
    """Numbers events, and keeps them until their receipt. Not safe for threads: the session's lock guards it."""

    def __init__(self) -> None:
        # By number, in order.
        self._owed: dict[int, tuple[HostEvent, str, OnReceipt | None]] = {}
        self._seq = 0

    def __len__(self) -> int:
        return len(self._owed)

    def __contains__(self, seq: int) -> bool:
        return seq in self._owed

    def add(self, event: HostEvent, lease_id: str = "", on_receipt: OnReceipt | None = None) -> int:
        """Gives an event its number. `lease_id`: what it is about, empty for the host itself."""
        self._seq += 1
        event.seq = self._seq
        self._owed[self._seq] = (event, lease_id, on_receipt)
        return self._seq

    def all(self) -> list[HostEvent]:
        """Everything, in its order."""
        return [event for event, _, _ in self._owed.values()]

    def kinds(self) -> Iterator[str]:
        """What is owed, by the names of the events."""
        return (event.WhichOneof("event") or "" for event, _, _ in self._owed.values())

    def settle(self, up_to: int, exceptions: Iterable[Receipt]) -> list[tuple[HostEvent, Receipt]]:
        """Settles everything up to a number: as APPLIED, but for the exceptions. Returns those that were owed."""
        excepted = []
        for receipt in exceptions:
            event = self._settle_one(receipt)
            if event is not None:
                excepted.append((event, receipt))
        applied = []
        for seq in self._owed:
            if seq > up_to:
                break
            applied.append(seq)
        for seq in applied:
            self._settle_one(Receipt(seq=seq, result=RECEIPT_RESULT_APPLIED))
        return excepted

    def drop(self, lease_id: str) -> None:
        """What is owed about a lease that is not ours would only be answered STALE."""
        for seq in [seq for seq, (_, about, _) in self._owed.items() if about == lease_id]:
            receipt = Receipt(seq=seq, result=RECEIPT_RESULT_STALE)
            receipt.error.code = "LEASE_STALE"
            receipt.error.message = "the lease is not current"
            self._settle_one(receipt)

    def _settle_one(self, receipt: Receipt) -> HostEvent | None:
        owed = self._owed.pop(receipt.seq, None)
        if owed is None:
            return None
        event, _, on_receipt = owed
        if on_receipt is not None:
            on_receipt(receipt)
        return event
