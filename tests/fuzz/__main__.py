"""``python -m tests.fuzz --seconds 60``: run every target for its share of the time; prints inputs tried.

Of an input that fails it prints the command that tries it again.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
import traceback
from ast import literal_eval
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from random import Random, randrange

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.inputs import made
from fuzz.targets import SLOWEST, TARGETS, Target

#: No input that is tried needs so much memory, in bytes; where the system cannot limit it, it is not limited.
MOST_MEMORY = 2**30


def run(target: Target, seconds: float, seed: int) -> tuple[int, float, list[bytes]]:
    """How many inputs were tried, the longest time that one took, and those that failed."""
    random, seeds = Random(seed), target.seeds()
    return attempt(target, (made(seeds, random) for _ in repeat(None)), seconds)


def attempt(target: Target, inputs: Iterator[bytes], seconds: float) -> tuple[int, float, list[bytes]]:
    """As ``run``, of inputs that are given."""
    tried, longest, failed = 0, 0.0, []
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(failed) < 5 and (data := next(inputs, None)) is not None:
        started = time.process_time()
        try:
            target.attempt(data)
            took = time.process_time() - started
            if took > SLOWEST:
                raise TimeoutError(f"took {took:.1f} s; {SLOWEST} s is the limit")
        except Exception:
            traceback.print_exc()
            failed.append(data)
        tried, longest = tried + 1, max(longest, time.process_time() - started)
    return tried, longest, failed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, default=None, help="to try the same inputs again")
    parser.add_argument(
        "--input", type=literal_eval, help="try these bytes alone, a literal such as b'[\\xff'"
    )
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all by default")
    given = parser.parse_args(arguments)
    seed = randrange(2**32) if given.seed is None else given.seed
    names = given.targets or list(TARGETS)
    print(f"seed {seed}")
    status = 0
    for name in names:
        if given.input is None:
            tried, longest, failed = run(TARGETS[name], given.seconds / len(names), seed)
        else:
            tried, longest, failed = attempt(TARGETS[name], iter([given.input]), given.seconds)
        print(
            f"{name:15} {tried:8,} inputs, the longest {longest * 1000:.0f} ms, {len(failed)} failed",
            flush=True,
        )
        for data in failed:
            print("again:", shlex.join(["python", "-m", "tests.fuzz", name, "--input", repr(data)]))
        status |= bool(failed)
    return status


def limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    limit_memory()
    sys.exit(main())
