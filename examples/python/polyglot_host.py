"""The second of the hosts of `npm run demo:polyglot`: it joins what the one in TypeScript has fetched with a file that comes later.

python polyglot_host.py <address>
"""

from __future__ import annotations

import csv
import os
import sys
import threading
from collections import defaultdict
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

import cloaca  # noqa: E402


@cloaca.task(id="transform")
def transform(context, handle):
    folder = Path(context.get("folder"))
    if context.get("asked") is None:
        with (folder / "requests.txt").open("a", encoding="utf-8") as requests:
            requests.write("temperatures, please\n")
        context.set("asked", True)
    to_be_seen(handle, 0.3)

    # The slot is given back until the file is there. What was set so far is kept, even when this host dies: it asks once.
    answer = folder / "temperatures.csv"
    handle.defer_until(answer.exists, poll_interval_ms=50, describe=answer.name)

    celsius = by_decade((int(year), float(value)) for year, value in rows_of(answer))
    ppm = by_decade(context.get("co2"))
    decades = [
        {"decade": decade, "ppm": round(ppm[decade], 1), "celsius": round(celsius[decade], 2)}
        for decade in sorted(ppm.keys() & celsius.keys())
    ]
    context.set("decades", decades)
    context.remove("co2")
    to_be_seen(handle, 0.6)


def rows_of(path: Path):
    with path.open(encoding="utf-8", newline="") as file:
        yield from list(csv.reader(file))[1:]


def by_decade(values) -> dict[int, float]:
    """The mean of each decade of which every year is there."""
    years = defaultdict(set)
    found = defaultdict(list)
    for year, value in values:
        decade = year // 10 * 10
        years[decade].add(year)
        found[decade].append(value)
    return {decade: mean(values) for decade, values in found.items() if len(years[decade]) == 10}


def to_be_seen(handle, seconds: float) -> None:
    """The computing takes milliseconds: too fast to watch."""
    handle.stopping.wait(seconds)
    handle.raise_if_stopping()


def main() -> None:
    host = cloaca.Host(sys.argv[1], host_id="python", slots=1, drain_grace_ms=0, max_backoff_ms=500)
    host.implement("climate", transform)

    def tell() -> None:
        host.wait_ready()
        print("ready", flush=True)
        # It ends with whoever started this process: nobody needs it any more then.
        while os.read(0, 1024):
            pass
        host.drain(wait=False)

    threading.Thread(target=tell, daemon=True).start()
    host.run()


if __name__ == "__main__":
    main()
