"""The parts of a session that need no wire."""

import threading

from cloaca.backoff import Backoff
from cloaca.committed import CommittedPatch
from cloaca.outgoing import BYTES_PER_MESSAGE, EVENTS_PER_MESSAGE, Outgoing
from cloaca.owed import OwedEvents
from cloaca.v1.context_pb2 import Patch
from cloaca.v1.definition_pb2 import Implementation, WorkflowDefinition
from cloaca.v1.host_service_pb2 import (
    RECEIPT_RESULT_APPLIED,
    RECEIPT_RESULT_CONFLICT,
    RECEIPT_RESULT_STALE,
    Complete,
    Heartbeat,
    HeldLease,
    Hello,
    HostEvent,
    Receipt,
)
from cloaca.wire import elsewhere, hello_events
from cloaca.workers import Workers


def complete(lease_id: str, size: int = 0) -> HostEvent:
    return HostEvent(complete=Complete(lease_id=lease_id, patch=Patch(set={"k": "x" * size})))


def test_receipts_are_cumulative_with_exceptions():
    owed = OwedEvents()
    heard = []
    for lease in "abc":
        owed.add(complete(lease), lease, lambda receipt: heard.append((receipt.seq, receipt.result)))
    excepted = owed.settle(2, [Receipt(seq=1, result=RECEIPT_RESULT_CONFLICT)])
    assert heard == [(1, RECEIPT_RESULT_CONFLICT), (2, RECEIPT_RESULT_APPLIED)]
    assert [event.complete.lease_id for event, _ in excepted] == ["a"]
    assert [event.seq for event in owed.all()] == [3]
    owed.drop("c")
    assert heard[-1] == (3, RECEIPT_RESULT_STALE)
    assert len(owed) == 0


def test_what_is_ready_goes_out_in_one_message():
    outgoing = Outgoing([HostEvent(hello=Hello(host_id="h"))])
    outgoing.put([complete("a"), complete("b")])
    outgoing.put([HostEvent(heartbeat=Heartbeat(nonce=1))])
    assert [event.WhichOneof("event") for event in next(outgoing).events] == ["hello"]
    assert len(next(outgoing).events) == 3
    outgoing.finish()
    assert list(outgoing) == []


def test_batches_are_split_by_number_and_size():
    outgoing = Outgoing([])
    outgoing.put([complete(str(n)) for n in range(EVENTS_PER_MESSAGE + 1)])
    assert [len(next(outgoing).events), len(next(outgoing).events)] == [EVENTS_PER_MESSAGE, 1]
    outgoing.put([complete("a", BYTES_PER_MESSAGE), complete("b", BYTES_PER_MESSAGE)])
    assert [len(next(outgoing).events), len(next(outgoing).events)] == [1, 1]


def test_no_message_is_larger_than_the_scheduler_takes():
    outgoing = Outgoing([])
    outgoing.limit(10_000)
    outgoing.put([complete(str(n), 900) for n in range(50)])
    outgoing.finish()
    messages = list(outgoing)
    assert sum(len(message.events) for message in messages) == 50
    assert 5_000 < max(message.ByteSize() for message in messages) <= 10_000


def test_a_closed_stream_lets_its_reader_go():
    outgoing = Outgoing([])
    reader = threading.Thread(target=lambda: list(outgoing))
    reader.start()
    outgoing.close()
    reader.join(10)
    assert not reader.is_alive()


def test_a_long_hello_goes_on_in_chunks():
    definitions = [WorkflowDefinition(name=f"w{n}", description="x" * 400_000) for n in range(6)]
    held = [HeldLease(lease_id=str(n)) for n in range(25_000)]
    events = hello_events(Hello(host_id="h"), definitions, [Implementation(workflow="w0")], held)
    parts = [event.hello if event.HasField("hello") else event.hello_chunk for event in events]
    assert [event.WhichOneof("event") for event in events] == ["hello"] + ["hello_chunk"] * (len(events) - 1)
    assert [d.name for part in parts for d in part.definitions] == [f"w{n}" for n in range(6)]
    assert [h.lease_id for part in parts for h in part.held_leases] == [str(n) for n in range(25_000)]
    assert [len(part.implementations) for part in parts] == [0] * (len(parts) - 1) + [1]
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    assert max(event.ByteSize() for event in events) < 2 * 1024 * 1024


def test_backoff_doubles_is_capped_and_spread():
    backoff = Backoff(100, 1000, lambda: 0.0)
    assert [backoff.next_ms() for _ in range(6)] == [50, 100, 200, 400, 500, 500]
    backoff.reset()
    assert backoff.next_ms() == 50
    assert Backoff(100, 1000, lambda: 1.0).next_ms() == 100


def test_what_was_committed_counts_for_the_limit():
    committed = CommittedPatch(Patch(set={"a": "12"}, removed=["gone"]))
    assert committed.on_top_of({"a": "0", "gone": "1", "x": "2"}) == {"a": "12", "x": "2"}
    assert committed.bytes_with({}) == 7 + 2 * 16
    assert committed.bytes_with({"a": "1", "ü": "22"}) == 2 + 4 + 4 + 3 * 16
    committed.add({"a": None})
    assert committed.bytes_with({}) == 5 + 2 * 16


def test_a_scheduler_elsewhere_keeps_the_protection():
    assert elsewhere("grpcs://a:1", "b:2") == "grpcs://b:2"
    assert elsewhere("a:1", "b:2") == "grpc://b:2"
    assert elsewhere("a:1", "no address") is None


def test_threads_are_used_again_and_never_waited_for():
    workers = Workers()
    begun, go_on = threading.Barrier(21), threading.Event()

    def work():
        begun.wait(10)
        go_on.wait(10)

    for _ in range(20):
        workers.run(work)
    # All twenty run at once.
    begun.wait(10)
    go_on.set()
    names = set()
    for _ in range(50):
        done = threading.Event()
        workers.run(lambda done=done: (names.add(threading.get_ident()), done.set()))
        assert done.wait(10)
    assert len(names) <= 21
