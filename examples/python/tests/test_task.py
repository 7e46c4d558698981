import pytest

import cloaca
from cloaca.task import task_of
from cloaca.v1 import definition_pb2
from cloaca.wire import definition_of


def test_a_decorated_function_stays_callable():
    @cloaca.task(id="double")
    def double(context, handle):
        context.set("b", context.get("a") * 2)
        return context

    assert double(cloaca.Context({"a": 2}), None).get("b") == 4
    assert task_of(double).wants_handle


def test_without_parentheses_the_id_is_the_name():
    @cloaca.task
    def fetch(context):
        pass

    assert task_of(fetch).id == "fetch"
    assert not task_of(fetch).wants_handle


def test_all_problems_are_told_at_once():
    with pytest.raises(cloaca.DefinitionError) as raised:

        @cloaca.task(
            id="1st", dependencies=["a b"], retry_attempts=-1, retry_backoff="expo", retry_delay_ms=1.5,
            retry_condition="al", retry_jitter="yes", on_success=3,
        )  # fmt: skip
        def broken(context, handler):
            pass

    assert len(raised.value.problems) == 9
    text = str(raised.value)
    assert 'did you mean "exponential"?' in text and 'did you mean "all"?' in text
    assert '"handler" would get no value' in text
    assert isinstance(raised.value, ValueError)


def test_the_builder_tells_what_is_wrong_with_the_graph():
    with pytest.raises(cloaca.DefinitionError) as raised:
        with cloaca.WorkflowBuilder("graph"):

            @cloaca.task(id="fetch_data")
            def one(context):
                pass

            @cloaca.task(id="load", dependencies=["fetch_dat"])
            def two(context):
                pass

            @cloaca.task(id="load")
            def three(context):
                pass

    assert len(raised.value.problems) == 2
    assert 'did you mean "fetch_data"?' in str(raised.value)


def test_tasks_of_outside_are_added_by_id_or_function():
    @cloaca.task(id="outside")
    def outside(context):
        pass

    @cloaca.task(dependencies=[outside])
    def after(context):
        pass

    workflow = (
        cloaca.WorkflowBuilder("added").description("text").tag("k", "v").add_task("outside").add_task(after).build()
    )
    definition = definition_of(workflow)
    assert [task.id for task in definition.tasks] == ["outside", "after"]
    assert list(definition.tasks[1].dependencies) == ["outside"]
    assert (definition.description, dict(definition.tags)) == ("text", {"k": "v"})


def test_only_what_differs_from_the_default_travels():
    with cloaca.WorkflowBuilder("policies") as builder:

        @cloaca.task(id="plain")
        def plain(context):
            pass

        @cloaca.task(
            id="retried", retry_attempts=3, retry_backoff="linear", retry_condition="transient", retry_jitter=False
        )
        def retried(context):
            pass

    plain_definition, retried_definition = definition_of(builder.workflow).tasks
    assert not plain_definition.HasField("retry")
    retry = retried_definition.retry
    assert retry.backoff == definition_pb2.RETRY_BACKOFF_LINEAR
    assert retry.condition == definition_pb2.RETRY_CONDITION_TRANSIENT
    assert (retry.attempts, retry.jitter, retry.HasField("delay_ms")) == (3, False, False)


def test_a_workflow_that_was_not_built_is_named():
    with pytest.raises(cloaca.DefinitionError, match="was not built"):
        cloaca.Host("127.0.0.1:1").register("nobody_built_this")


@pytest.mark.parametrize("address", ["sqlite://x.db", "localhost", "http://localhost:1", ""])
def test_an_address_that_is_none(address, monkeypatch):
    monkeypatch.setenv("CLOACA_ADDRESS", address)
    if address == "":
        assert cloaca.Host().address == "127.0.0.1:7233"
        return
    with pytest.raises(cloaca.OptionsError, match="allowed are host:port"):
        cloaca.DefaultRunner()
