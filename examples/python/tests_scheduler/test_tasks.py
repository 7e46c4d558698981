"""Retries, deferrals, cancellation and limits, over the wire, against a live scheduler."""

import asyncio
import threading

import pytest

import cloaca
from cloaca.v1.run_pb2 import RUN_EVENT_TYPE_TASK_DEFERRED, RUN_EVENT_TYPE_TASK_LEASED
from cloaca.v1.run_service_pb2 import WatchRunsRequest
from cloaca.v1.run_service_pb2_grpc import RunServiceStub
from cloaca.wire import open_channel


def one_task(name, **options):
    """Decorates the only task of a workflow."""

    def decorate(function):
        with cloaca.WorkflowBuilder(name) as builder:
            cloaca.task(id=name, **options)(function)
        return builder

    return decorate


def until(runner, run_id, event_type):
    """Returns once the log of a run has an event of a type."""
    watch = RunServiceStub(open_channel(runner.host.address)).WatchRuns(
        WatchRunsRequest(run_id=run_id, types=[event_type]), timeout=30
    )
    for response in watch:
        if response.events:
            break
    else:
        raise AssertionError("the run has ended without that event")
    watch.cancel()


def test_transient_failures_are_retried(runner):
    attempts = []

    @one_task("transient", retry_attempts=5, retry_condition="transient", retry_delay_ms=1)
    def builder(context, handle):
        attempts.append(handle.attempt)
        if len(attempts) < 3:
            raise ConnectionResetError("reset")
        context.set("attempts", attempts)

    assert runner.execute(builder, timeout=30).final_context.get("attempts") == [1, 2, 3]


@pytest.mark.parametrize(
    ("error", "count"), [(ValueError("bad"), 1), (cloaca.PermanentError("never"), 1), (TimeoutError(), 3)]
)
def test_which_failures_are_retried(runner, error, count):
    attempts = []
    name = f"which-{type(error).__name__}"

    @one_task(name, retry_attempts=2, retry_condition="transient", retry_delay_ms=1)
    def builder(context):
        attempts.append(1)
        raise error

    with pytest.raises(cloaca.RunFailedError) as raised:
        runner.execute(builder, timeout=30)
    assert len(attempts) == count
    assert type(error).__name__ in str(raised.value)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_the_slot_is_used_while_a_task_is_deferred(one_slot, is_async):
    """One slot: the second task makes the first one's condition true."""
    opened = []
    name = f"slot-{'async' if is_async else 'sync'}"
    with cloaca.WorkflowBuilder(name) as builder:
        if is_async:

            @cloaca.task(id="waits")
            async def waits(context, handle):
                local = "kept"
                assert handle.is_slot_held()
                value = await handle.defer_until(
                    lambda: opened and not handle.is_slot_held() and "open", poll_interval_ms=5
                )
                context.set("waits", [local, value, handle.is_slot_held()])
        else:

            @cloaca.task(id="waits")
            def waits(context, handle):
                local = "kept"
                assert handle.is_slot_held()
                value = handle.defer_until(lambda: opened and not handle.is_slot_held() and "open", poll_interval_ms=5)
                context.set("waits", [local, value, handle.is_slot_held()])

        @cloaca.task(id="opens")
        def opens(context):
            opened.append(1)

    assert one_slot.execute(builder, timeout=30).final_context.get("waits") == ["kept", "open", True]


def test_a_condition_may_be_async_and_what_it_raises_is_raised_in_the_task(runner):
    async def condition():
        await asyncio.sleep(0)
        raise LookupError("nothing there")

    with cloaca.WorkflowBuilder("raises") as builder:

        @cloaca.task(id="of_async")
        async def of_async(context, handle):
            try:
                await handle.defer_until(condition, poll_interval_ms=5)
            except LookupError as error:
                context.set("async", [str(error), handle.is_slot_held()])

        @cloaca.task(id="of_sync")
        def of_sync(context, handle):
            try:
                handle.defer_until(condition, poll_interval_ms=5)
            except LookupError as error:
                context.set("sync", [str(error), handle.is_slot_held()])

    left = runner.execute(builder, timeout=30).final_context.to_dict()
    assert left == {"async": ["nothing there", True], "sync": ["nothing there", True]}


def test_max_wait_gives_a_slot_and_an_error_to_catch(runner):
    @one_task("max-wait")
    def builder(context, handle):
        with pytest.raises(cloaca.DeferTimeoutError) as raised:
            handle.defer_until(lambda: False, poll_interval_ms=5, max_wait_ms=30, describe="the moon")
        context.set("error", [str(raised.value), handle.is_slot_held()])
        handle.defer_until(lambda: True)

    assert runner.execute(builder, timeout=30).final_context.get("error") == ["waited for 30 ms for the moon", True]


def test_a_handle_is_consumed_with_its_task(runner):
    kept = []

    @one_task("consumed")
    def builder(context, task_handle):
        kept.append(task_handle)

    runner.execute(builder, timeout=30)
    for use in (kept[0].is_slot_held, lambda: kept[0].defer_until(lambda: True)):
        with pytest.raises(ValueError, match="has ended"):
            use()


def test_a_forgotten_await_fails_for_good(runner):
    @one_task("forgotten", retry_attempts=3, retry_delay_ms=1)
    async def builder(context, handle):
        handle.defer_until(lambda: True)

    with pytest.raises(cloaca.RunFailedError, match="await handle.defer_until"):
        runner.execute(builder, timeout=30)


def test_wrong_options_of_a_deferral_are_told(runner):
    @one_task("options")
    def builder(context, handle):
        handle.defer_until(True, poll_interval_ms=0, max_wait_ms=-1)

    with pytest.raises(cloaca.RunFailedError, match="condition is True.*poll_interval_ms is 0.*max_wait_ms is -1"):
        runner.execute(builder, timeout=30)


def test_what_a_failed_attempt_committed_is_there_in_the_next(runner):
    @one_task("committed", retry_attempts=1, retry_delay_ms=1)
    def builder(context, handle):
        if context.get("kept") is None:
            context.set("kept", 1)
            handle.checkpoint()
            context.set("lost", 1)
            raise RuntimeError("first")
        assert context.get("lost") is None

    assert runner.execute(builder, timeout=30).final_context.to_dict() == {"kept": 1}


def test_results(runner):
    with cloaca.WorkflowBuilder("results") as builder:

        @cloaca.task(id="patch")
        def patch(context):
            return {"a": 2**70}

        @cloaca.task(id="other", dependencies=["patch"])
        def other(context):
            return cloaca.Context({"b": context.get("a") + 1})

    assert runner.execute(builder, timeout=30).final_context.to_dict() == {"b": 2**70 + 1}

    @one_task("no-result", retry_attempts=3)
    def wrong(context):
        return 5

    with pytest.raises(cloaca.RunFailedError, match="the task returned 5"):
        runner.execute(wrong, timeout=30)


def test_a_patch_that_is_too_large_fails_its_task_and_no_other(runner):
    @one_task("large", retry_attempts=3)
    def builder(context):
        context.set("large", "x" * 9_000_000)

    with pytest.raises(cloaca.RunFailedError, match="ContextTooLargeError"):
        runner.execute(builder, timeout=30)
    test_results(runner)


def test_a_cancelled_sync_task_is_told(one_slot):
    seen, begun = [], threading.Event()

    @one_task("cancel-sync")
    def builder(context, handle):
        begun.set()
        assert handle.stopping.wait(20)
        with pytest.raises(cloaca.CancelledError) as raised:
            handle.raise_if_stopping()
        seen.append(raised.value.reason)

    run_id = one_slot.start(builder)
    assert begun.wait(20)
    assert one_slot.client.cancel(run_id, "enough") == "CANCELLED"

    # Its slot is free once it has stopped.
    @one_task("after-cancel")
    def after(context):
        pass

    one_slot.execute(after, timeout=30)
    assert seen == ["RUN_CANCELLED"]


def test_on_failure_hears_of_the_last_timeout_from_a_task_that_does_not_stop(address):
    """Retried as any failure; the callback does not wait for code that never stops, and hears of it once."""
    heard, told, may_stop = [], threading.Event(), threading.Event()

    def note(task_id, error, context):
        heard.append((task_id, error, context.get("begun")))
        told.set()

    with cloaca.WorkflowBuilder("times-out") as builder:

        @cloaca.task(id="slow", timeout_ms=50, retry_attempts=1, retry_delay_ms=10, on_failure=note)
        def slow(context, handle):
            context.set("begun", handle.attempt)
            (handle.stopping if handle.attempt == 1 else may_stop).wait(20)

    with cloaca.DefaultRunner(address, host_id="times-out") as runner:
        run_id = runner.start(builder)
        assert told.wait(20)
        may_stop.set()
        with pytest.raises(cloaca.RunFailedError, match="timeout of 50 ms"):
            runner.client.result(run_id, 30)
    assert heard == [("slow", 'TaskTimeoutError: task "slow" held a slot for longer than its timeout of 50 ms', 2)]
    assert issubclass(cloaca.TaskTimeoutError, TimeoutError)


def test_a_cancelled_async_task_is_cancelled(one_slot):
    seen, begun = [], threading.Event()

    @one_task("cancel-async")
    async def builder(context):
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    run_id = one_slot.start(builder)
    assert begun.wait(20)
    one_slot.client.cancel(run_id)

    @one_task("after-async")
    def after(context):
        pass

    one_slot.execute(after, timeout=30)
    assert seen == ["cancelled"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_task_that_is_cancelled_while_deferred(runner, is_async):
    seen, told = [], threading.Event()
    name = f"cancel-deferred-{is_async}"

    def note(error):
        seen.append(error.reason)
        told.set()

    if is_async:

        @one_task(name)
        async def builder(context, handle):
            try:
                await handle.defer_until(lambda: False, poll_interval_ms=5)
            except cloaca.CancelledError as error:
                note(error)
    else:

        @one_task(name)
        def builder(context, handle):
            try:
                handle.defer_until(lambda: False, poll_interval_ms=60_000)
            except cloaca.CancelledError as error:
                note(error)

    run_id = runner.start(builder)
    until(runner, run_id, RUN_EVENT_TYPE_TASK_DEFERRED)
    runner.client.cancel(run_id)
    assert told.wait(20)
    assert seen == ["RUN_CANCELLED"]


def test_a_draining_host_hands_back_what_is_deferred(address):
    """The slots are closed for the task: a ValueError, as the reference says; another host executes it again."""
    seen = []
    with cloaca.WorkflowBuilder("handed-back") as builder:

        @cloaca.task(id="waits")
        def waits(context, handle):
            if not seen:
                context.set("first", True)
                try:
                    handle.defer_until(lambda: False, poll_interval_ms=60_000)
                except ValueError as error:
                    seen.append(error.code)
                    raise
            context.set("second", handle.attempt)

    with cloaca.DefaultRunner(address, host_id="drains") as first:
        run_id = first.start(builder)
        until(first, run_id, RUN_EVENT_TYPE_TASK_DEFERRED)
        first.host.drain(grace_ms=0)
        assert seen == ["SLOTS_CLOSED"]
    with cloaca.DefaultRunner(address, host_id="takes-over") as second:
        second.host.register(builder).start()
        assert second.client.result(run_id, 30).final_context.to_dict() == {"first": True, "second": 1}


def test_a_host_shows_life_while_its_tasks_compute(one_slot):
    """Pure Python that computes for longer than two heartbeats; meanwhile the session stays alive."""
    stop = threading.Event()

    @one_task("computes")
    def builder(context):
        n = 0
        while not stop.is_set():
            n += 1

    run_id = one_slot.start(builder)
    until(one_slot, run_id, RUN_EVENT_TYPE_TASK_LEASED)
    session = one_slot.host._session
    heard = one_slot.host._connection._last_heard
    for _ in range(600):
        if one_slot.host._connection._last_heard - heard > 1:
            break
        stop.wait(0.05)
    assert one_slot.host._connection._last_heard > heard
    stop.set()
    assert one_slot.client.result(run_id, 30).status == "SUCCEEDED"
    assert session.session_id == one_slot.host._session.session_id


def test_a_definition_that_the_scheduler_refuses(runner):
    with cloaca.WorkflowBuilder("circle") as builder:

        @cloaca.task(id="a", dependencies=["b"])
        def a(context):
            pass

        @cloaca.task(id="b", dependencies=["a"])
        def b(context):
            pass

    with pytest.raises(cloaca.RemoteError) as raised:
        runner.execute(builder, timeout=30)
    assert raised.value.code == "DEFINITION_INVALID"
    # It is forgotten: the host goes on.
    test_results(runner)


def test_an_implementation_serves_any_version(address):
    with cloaca.WorkflowBuilder("somebody-elses") as builder:

        @cloaca.task(id="implemented")
        def implemented(context):
            context.set("by", "the owner")

    with cloaca.DefaultRunner(address, host_id="owner") as owner:
        owner.host.start()
        owner.host.bring(builder).result(20)
    host = cloaca.Host(address, host_id="implementer")

    @cloaca.task(id="implemented")
    def other(context):
        context.set("by", "another")

    host.implement("somebody-elses", other).start().wait_ready(20)
    client = cloaca.Client(address)
    assert client.result(client.start("somebody-elses"), 30).final_context.get("by") == "another"
    host.drain()
    client.close()
