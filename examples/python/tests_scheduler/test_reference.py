"""The snippets of the reference run as they are, over the wire, against a live scheduler."""

import os
import re
import shutil
import threading
from pathlib import Path

import pytest

import cloaca

TEXT = (Path(__file__).parent / "reference.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r"^## (\w+)\n\n```python\n(.*?)^```$", TEXT, re.M | re.S))


def build(name: str, **names: object) -> dict[str, object]:
    """Executes a snippet inside of a workflow of its name, with the names that it takes for granted."""
    space: dict[str, object] = {"cloaca": cloaca, **names}
    code = compile(SNIPPETS[name], f"reference.md, {name}", "exec")
    with cloaca.WorkflowBuilder(name):
        exec(code, space)
    return space


def run(runner, name, context=None, **names):
    build(name, **names)
    return runner.execute(name, context, timeout=30).final_context.to_dict()


def test_there_are_all_snippets():
    assert len(SNIPPETS) == 14


def test_my_task(runner):
    assert run(runner, "my_task") == {"result": "Task completed successfully"}


def test_dependencies(runner):
    assert run(runner, "dependencies")["processed_data"] == {"processed_data": [2, 4, 6, 8, 10]}


def test_async_task(runner):
    assert run(runner, "async_task") == {"async_result": "Async operation completed"}


def test_safe_task(runner):
    def risky():
        raise RuntimeError("risk")

    assert run(runner, "safe_task", risky_operation=risky) == {"success": False, "error": "risk"}
    assert run(runner, "safe_task", risky_operation=lambda: 7) == {"success": True, "result": 7}


class Printed:
    """Stands for `print`, and lets the test await what is printed."""

    def __init__(self):
        self.lines = []
        self.heard = threading.Event()

    def __call__(self, line):
        self.lines.append(line)
        self.heard.set()


def test_monitored_task(runner):
    printed = Printed()
    assert run(runner, "monitored_task", perform_operation=lambda: 1, print=printed) == {"result": 1}
    assert printed.heard.wait(10)
    assert printed.lines == ["Task 'monitored_task' completed successfully"]

    def failing():
        raise RuntimeError("boom")

    printed = Printed()
    with pytest.raises(cloaca.RunFailedError, match="boom"):
        run(runner, "monitored_task", perform_operation=failing, print=printed)
    assert printed.heard.wait(10)
    assert printed.lines == ["ALERT: Task 'monitored_task' failed: RuntimeError: boom"]


def test_resilient_task(runner, caplog):
    assert run(runner, "resilient_task", {"kept": 1}) == {"kept": 1}


def test_callback_patterns(runner, tmp_path):
    """They are callbacks: of a task that fails, after it made a folder; and of one that succeeds."""
    posted, timed = threading.Event(), []

    class Requests:
        @staticmethod
        def post(url, json):
            assert (url, json) == (None, {"text": "Task fails failed: RuntimeError: boom"})
            posted.set()

    class Statsd:
        @staticmethod
        def timing(name, duration):
            timed.append((name, duration))
            posted.set()

    space: dict = {"os": os, "shutil": shutil, "requests": Requests, "statsd": Statsd}
    exec(SNIPPETS["callback_patterns"], space)
    cleaned = threading.Event()

    def clean(*args):
        space["cleanup_temp_files"](*args)
        cleaned.set()

    with cloaca.WorkflowBuilder("callback_patterns") as builder:

        @cloaca.task(id="fails", on_failure=space["slack_alert"])
        def fails(context):
            raise RuntimeError("boom")

        @cloaca.task(id="fails_too", on_failure=clean)
        def fails_too(context):
            context.set("temp_dir", str(tmp_path / "temp"))
            os.mkdir(context.get("temp_dir"))
            raise RuntimeError("boom")

    with pytest.raises(cloaca.RunFailedError):
        runner.execute(builder, timeout=30)
    assert posted.wait(10) and cleaned.wait(10)
    assert not (tmp_path / "temp").exists()
    posted.clear()
    with cloaca.WorkflowBuilder("metrics") as builder:

        @cloaca.task(id="works", on_success=space["record_metrics"])
        def works(context):
            context.set("duration_ms", 12)

    runner.execute(builder, timeout=30)
    assert posted.wait(10)
    assert timed == [("task.works.duration", 12)]


def test_context_example(runner):
    done = {"processing_complete": True}
    assert run(runner, "context_example") == {"output_key": "DEFAULT_VALUE", **done}
    given = {"input_key": "abc"}
    assert run(runner, "context_example", given) == {**given, "output_key": "ABC", **done}


def test_idempotent_task(runner):
    calls = []
    assert run(runner, "idempotent_task", perform_operation=lambda: calls.append(1))["already_processed"] is True
    assert calls == [1]
    run(runner, "idempotent_task", {"already_processed": True}, perform_operation=lambda: calls.append(2))
    assert calls == [1]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, {"valid": False, "error": "Required 'data' field is missing"}),
        ({"data": [1]}, {"data": [1], "valid": False, "error": "Expected dict, got list"}),
        ({"data": {"a": 1}}, {"data": {"a": 1}, "valid": True}),
    ],
)
def test_validation_task(runner, given, left):
    assert run(runner, "validation_task", given) == left


def test_wait_for_ready(runner):
    answers = iter([False, True])
    assert run(runner, "wait_for_ready", some_external_check=lambda: next(answers)) == {"ready": True}


def test_wait_for_file(runner, monkeypatch):
    monkeypatch.setattr(os.path, "exists", lambda path: path == "/data/input.csv")
    assert run(runner, "wait_for_file") == {"file_path": "/data/input.csv"}


def test_mixed_pipeline(runner):
    exec(SNIPPETS["mixed_pipeline"], {"cloaca": cloaca})
    assert runner.execute("mixed_pipeline", timeout=30).final_context.to_dict() == {"step_1": True, "step_2": True}


def test_direct_call():
    @cloaca.task(id="my_handle_task")
    def my_handle_task(context, handle):
        context.set("before", 1)
        return context

    space = {"cloaca": cloaca, "my_handle_task": my_handle_task}
    exec(SNIPPETS["direct_call"], space)
    assert space["result"].get("before") == 1


def test_a_direct_call_cannot_defer():
    space = build("wait_for_ready", some_external_check=lambda: True)
    with pytest.raises(AttributeError):
        space["wait_for_ready"](cloaca.Context(), None)
