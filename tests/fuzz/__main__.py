"""``python -m tests.fuzz --seconds 60``: run every target for its share of the time; prints inputs tried."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path
from random import Random, randrange

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.inputs import made
from fuzz.targets import SLOWEST, TARGETS, Target


def run(target: Target, seconds: float, seed: int) -> tuple[int, float, list[bytes]]:
    """How many inputs were tried, the longest time that one took, and those that failed."""
    random, seeds = Random(seed), target.seeds()
    tried, longest, failed = 0, 0.0, []
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(failed) < 5:
        data = made(seeds, random)
        started = time.process_time()
        try:
            target.attempt(data)
        except Exception:
            traceback.print_exc()
            failed.append(data)
        took = time.process_time() - started
        if took > SLOWEST:
            print(f"took {took:.1f} s")
            failed.append(data)
        tried, longest = tried + 1, max(longest, took)
    return tried, longest, failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, default=None, help="to try the same inputs again")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all by default")
    arguments = parser.parse_args()
    seed = randrange(2**32) if arguments.seed is None else arguments.seed
    names = arguments.targets or list(TARGETS)
    print(f"seed {seed}")
    status = 0
    for name in names:
        tried, longest, failed = run(TARGETS[name], arguments.seconds / len(names), seed)
        print(
            f"{name:15} {tried:8,} inputs, the longest {longest * 1000:.0f} ms, {len(failed)} failed",
            flush=True,
        )
        for data in failed:
            print(f"  {data!r}")
        status |= bool(failed)
    return status


if __name__ == "__main__":
    sys.exit(main())
