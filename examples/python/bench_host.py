"""A host for measuring: brings one workflow with one task, and counts what it executes.

    python bench_host.py --address 127.0.0.1:7233 [--slots 256] [--sync] [--runs 20000]

Without `--runs` it serves until SIGTERM. With it, it starts so many runs itself, waits until all of them are executed, and
prints one line of JSON: {"python_host_tasks_per_s": …}.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

import cloaca  # noqa: E402
from cloaca.v1.run_service_pb2 import RunSpec, StartRunsRequest  # noqa: E402
from cloaca.v1.run_service_pb2_grpc import RunServiceStub  # noqa: E402
from cloaca.wire import open_channel  # noqa: E402

WORKFLOW = "python-bench"
BATCH = 500


def workflow(is_async: bool) -> cloaca.Workflow:
    with cloaca.WorkflowBuilder(WORKFLOW) as builder:
        if is_async:

            @cloaca.task(id="work")
            async def work(context):
                context.set("out", 1)
        else:

            @cloaca.task(id="work")
            def work(context):
                context.set("out", 1)

    return builder.workflow


def measure(address: str, host: cloaca.Host, runs: int) -> dict[str, float]:
    """From the first start to the end of the last run."""
    channel = open_channel(address)
    stub = RunServiceStub(channel)
    client = cloaca.Client(address)
    begun = time.monotonic()
    last = ""
    for first in range(0, runs, BATCH):
        specs = [RunSpec(workflow=WORKFLOW) for _ in range(min(BATCH, runs - first))]
        last = stub.StartRuns(StartRunsRequest(runs=specs)).results[-1].started.run_id
    client.wait(last)
    # Leases of one priority come in the order of their starts: what is left is what is in flight.
    while not host.is_idle:
        time.sleep(0.002)
    seconds = time.monotonic() - begun
    channel.close()
    client.close()
    return {"runs": runs, "seconds": round(seconds, 3), "python_host_tasks_per_s": round(runs / seconds)}


def tell(host: cloaca.Host) -> None:
    host.wait_ready()
    print(json.dumps({"event": "host_started", "workflow": WORKFLOW, "task": "work"}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default=None)
    parser.add_argument("--slots", type=int, default=256)
    parser.add_argument("--sync", action="store_true", help="a sync task, in threads, instead of an async one")
    parser.add_argument("--runs", type=int, default=0)
    arguments = parser.parse_args()
    host = cloaca.Host(arguments.address, host_id="python-bench", slots=arguments.slots)
    host.register(workflow(not arguments.sync))
    if arguments.runs == 0:
        threading.Thread(target=tell, args=[host], daemon=True).start()
        host.run()
        return
    host.start().wait_ready(30)
    print(json.dumps(measure(host.address, host, arguments.runs)))
    host.drain()


if __name__ == "__main__":
    main()
