"""A host on the wire, against a scheduler that these tests script: what a newer one says, cuts, silence, and its keep-alive."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

import cloaca
from cloaca.v1.host_service_pb2 import (
    CANCEL_REASON_TIMEOUT,
    LEASE_STATE_ENDING,
    FailureVerdict,
    KeepAliveResponse,
    Lease,
    LeaseVerdict,
    Limits,
    Receipts,
    RegisteredWorkflow,
    SchedulerEvent,
    Welcome,
    WorkResponse,
)
from cloaca.v1.host_service_pb2_grpc import HostServiceServicer, add_HostServiceServicer_to_server

CUT = object()
# Field 900 of a message, a length-delimited one: from a newer scheduler.
UNKNOWN = b"\xa2\x38\x03abc"


class Scheduler(HostServiceServicer):
    """Hears what a host says, and says what a test puts in."""

    def __init__(self, heartbeat_ms=10_000):
        self.heard = queue.Queue()
        self.connections = queue.Queue()
        self.kept_alive = threading.Event()
        self.heartbeat_ms = heartbeat_ms
        self.acknowledges = True
        self._says = []
        self._server = grpc.server(ThreadPoolExecutor(8))
        add_HostServiceServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Work(self, requests, context):  # noqa: N802
        says = queue.Queue()
        self._says.append(says)

        def hear():
            try:
                for request in requests:
                    for event in request.events:
                        self.heard.put(event)
                        if event.WhichOneof("event") == "heartbeat" and self.acknowledges:
                            says.put(SchedulerEvent(heartbeat_ack={"nonce": event.heartbeat.nonce}))
            except Exception:
                pass
            says.put(None)

        threading.Thread(target=hear, daemon=True).start()
        self.connections.put(says)
        while True:
            event = says.get()
            if event is None:
                return
            if event is CUT:
                context.abort(grpc.StatusCode.UNAVAILABLE, "cut")
            yield event if isinstance(event, WorkResponse) else WorkResponse(events=[event])

    def KeepAlive(self, request, context):  # noqa: N802
        assert (request.session_id, request.resume_token) == ("session", "token")
        self.kept_alive.set()
        return KeepAliveResponse(ttl_ms=1000)

    def next(self, kind):
        """The next event of a kind; others are passed by."""
        while True:
            event = self.heard.get(timeout=20)
            if event.WhichOneof("event") == kind:
                return event

    def welcome(self, generation=1, **more):
        """Takes the next connection, hears its Hello, and welcomes it."""
        says = self.connections.get(timeout=20)
        hello = self.next("hello").hello
        welcome = Welcome(
            protocol_version=1,
            session_id="session",
            resume_token="token",
            generation=generation,
            resumed=generation > 1,
            ttl_ms=60_000,
            heartbeat_interval_ms=self.heartbeat_ms,
            limits=Limits(max_message_bytes=4 * 2**20, max_patch_bytes=2**20, max_failure_bytes=2**14),
            workflows=[RegisteredWorkflow(name="wired", version="v1")],
            **more,
        )
        says.put(SchedulerEvent(welcome=welcome))
        return says, hello

    def stop(self):
        # A test that fails leaves its host behind, which would hold the server's threads.
        for says in self._says:
            says.put(None)
        self._server.stop(None).wait()


@pytest.fixture
def scheduler():
    scheduler = Scheduler()
    yield scheduler
    scheduler.stop()


def lease(lease_id, task="echo", **more):
    return SchedulerEvent(
        lease=Lease(lease_id=lease_id, workflow="wired", workflow_version="v1", task=task, attempt=1, **more)
    )


def start_host(scheduler, **options):
    with cloaca.WorkflowBuilder("wired") as builder:

        @cloaca.task(id="echo")
        def echo(context):
            context.set("out", context.get("in"))

    return cloaca.Host(scheduler.address, host_id="wired", max_backoff_ms=50, **options).register(builder).start()


def end(host, says):
    """Drains a host in order."""
    host.drain(wait=False)
    # Whatever number the Drain has.
    says.put(SchedulerEvent(receipts=Receipts(up_to=1000)))
    host.wait(20)


def test_events_and_fields_of_a_newer_scheduler_are_ignored(scheduler):
    host = start_host(scheduler)
    says, hello = scheduler.welcome()
    assert (hello.protocol_min, hello.protocol_max, hello.slots, hello.sdk.language) == (1, 1, 8, "python")
    # An event that is not known, between two that are; and a lease with a field that is not known.
    message = WorkResponse(events=[lease("a", input={"in": "1"}), lease("b", input={"in": "2"})])
    unknown_event = SchedulerEvent.FromString(UNKNOWN)
    message.events.insert(1, unknown_event)
    odd = lease("c", input={"in": "3"})
    odd.lease.MergeFromString(UNKNOWN)
    says.put(message)
    says.put(odd)
    outs = {}
    for _ in range(3):
        complete = scheduler.next("complete").complete
        outs[complete.lease_id] = dict(complete.patch.set)
    assert outs == {"a": {"out": "1"}, "b": {"out": "2"}, "c": {"out": "3"}}
    end(host, says)


def test_what_has_no_receipt_is_said_again_with_its_number(scheduler):
    host = start_host(scheduler)
    says, hello = scheduler.welcome()
    assert (hello.resume_token, len(hello.held_leases)) == ("", 0)
    says.put(lease("a"))
    says.put(lease("a"))
    first = scheduler.next("complete")
    says.put(CUT)
    says, hello = scheduler.welcome(generation=2)
    assert hello.resume_token == "token"
    assert [(held.lease_id, held.state) for held in hello.held_leases] == [("a", 5)]
    again = scheduler.next("complete")
    assert again == first
    says.put(SchedulerEvent(receipts=Receipts(up_to=again.seq)))
    says.put(CUT)
    says, hello = scheduler.welcome(generation=3)
    assert len(hello.held_leases) == 0
    end(host, says)


def test_a_session_is_kept_alive_when_its_stream_does_not_get_through():
    scheduler = Scheduler(heartbeat_ms=20)
    host = start_host(scheduler)
    says, _ = scheduler.welcome()
    assert scheduler.next("heartbeat").heartbeat.nonce == 1
    assert not scheduler.kept_alive.is_set()
    scheduler.acknowledges = False
    assert scheduler.kept_alive.wait(20)
    end(host, says)
    scheduler.stop()


def test_a_refusal_that_another_try_would_not_change_ends_the_host():
    class Refusing(Scheduler):
        def Work(self, requests, context):  # noqa: N802
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such thing")

    scheduler = Refusing()
    host = start_host(scheduler)
    with pytest.raises(cloaca.RemoteError, match="no such thing"):
        host.wait(20)
    with pytest.raises(cloaca.RemoteError):
        host.wait_ready(20)
    scheduler.stop()


def test_of_a_timeout_is_heard_once_also_when_it_came_while_the_connection_was_away(scheduler):
    heard, begun, told, may_stop = [], threading.Event(), threading.Event(), threading.Event()
    with cloaca.WorkflowBuilder("wired") as builder:

        def note(task_id, error, context):
            heard.append(error)
            told.set()

        @cloaca.task(id="deaf", on_failure=note)
        def deaf(context):
            begun.set()
            may_stop.wait(20)

    host = cloaca.Host(scheduler.address, host_id="wired", max_backoff_ms=50).register(builder).start()
    says, _ = scheduler.welcome()
    says.put(lease("1", "deaf"))
    assert begun.wait(20)
    says.put(CUT)
    ending = {
        "lease_id": "1",
        "state": LEASE_STATE_ENDING,
        "cancel_reason": CANCEL_REASON_TIMEOUT,
        "detail": "too slow",
    }
    verdicts = [LeaseVerdict(failure=FailureVerdict(final=True), **ending)]
    says, _ = scheduler.welcome(2, verdicts=verdicts)
    assert told.wait(20)
    says.put(CUT)
    says, _ = scheduler.welcome(3, verdicts=verdicts)
    may_stop.set()
    assert scheduler.next("stopped").stopped.lease_id == "1"
    end(host, says)
    assert heard == ["TaskTimeoutError: too slow"]
