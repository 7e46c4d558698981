"""A host for tests that end a scheduler or a host: one task runs, and one is deferred, until a file is there; one comes last.

python restart_host.py <address> <file> sync|async
"""

import asyncio
import os
import sys
import threading

import cloaca

address, gate, kind = sys.argv[1:]


def executes(task):
    # In one write: tasks run at the same time.
    os.write(1, f"executes {task}\n".encode())


def is_open():
    return os.path.exists(gate)


with cloaca.WorkflowBuilder("pair") as pair:
    if kind == "sync":

        @cloaca.task(id="running")
        def running(context):
            executes("running")
            while not is_open():
                threading.Event().wait(0.01)
            context.set("running", 1)

        @cloaca.task(id="waiting")
        def waiting(context, handle):
            executes("waiting")
            local = "before"
            handle.defer_until(is_open, poll_interval_ms=10)
            context.set("waiting", f"{local} and after")
    else:

        @cloaca.task(id="running")
        async def running(context):
            executes("running")
            while not is_open():
                await asyncio.sleep(0.01)
            context.set("running", 1)

        @cloaca.task(id="waiting")
        async def waiting(context, handle):
            executes("waiting")
            local = "before"
            await handle.defer_until(is_open, poll_interval_ms=10)
            context.set("waiting", f"{local} and after")

    @cloaca.task(id="last", dependencies=["running", "waiting"])
    def last(context):
        executes("last")
        context.set("last", 1)


cloaca.Host(address, slots=2, drain_grace_ms=100).register(pair).run()
