from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from .cases import CASES, Bench, say
from .environments import ROOT, python_of, versions_of
from .figures import Results
from .page import write_page
from .peers import SUBJECTS, Subject, chosen
from .processes import clean_environment, loopback
from .targets import check

RESULTS = ROOT / "docs" / "performance.json"
_SHOWN = ("requests", "urllib3", "pytest", "PyYAML", "vcrpy", "pytest-recording", "cassetter", "betamax")
_SHOWN += ("responses", "requests-cache", "hishel", "CacheControl")
_SIZES = (1, 10, 100, 1000, 5000)


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="3 rounds, sizes up to 1,000, shorter recordings"
    )
    parser.add_argument("--rounds", type=int, help="how many rounds (default 11; with --quick 3)")
    parser.add_argument("--sizes", default="", metavar="NUMBERS", help="of cassettes (1,10,100,1000,5000)")
    parser.add_argument(
        "--patience", type=float, help="seconds for a subject in a case, beyond three rounds (default 120)"
    )
    parser.add_argument("--only", default="", metavar="CASES", help=f"of {', '.join(CASES)}")
    parser.add_argument(
        "--peers", default="", metavar="NAMES", help="see --list; the floors always take part"
    )
    parser.add_argument("--list", action="store_true", help="show the cases and the peers, and end")
    parser.add_argument(
        "--check", action="store_true", help="compare with the targets; exit 1 if one is missed"
    )
    parser.add_argument(
        "--no-run", action="store_true", help="measure nothing: page and check from --results"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="the JSON file of the figures")
    parser.add_argument("--anew", action="store_true", help="forget the figures of rows not measured now")
    parser.add_argument(
        "--environments", type=Path, default=ROOT / "build" / "benchmarks", help="where the environments are"
    )
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace, known: Results) -> Results:
    """Run the cases that are asked for; their figures take the place of the known ones."""
    subjects = chosen(options.peers)
    names = [name.strip() for name in options.only.split(",") if name.strip()] or list(CASES)
    unknown = set(names) - set(CASES)
    if unknown:
        raise ValueError(f"no such case: {', '.join(sorted(unknown))}; known are {', '.join(CASES)}")
    environments = options.environments.resolve()
    pythons = {subject.name: python_of(subject, environments) for subject in subjects}
    results = Results(about=about(options, subjects, pythons))
    folder = Path(tempfile.mkdtemp(prefix="reqcache-benchmarks-"))
    quick = options.quick
    try:
        with loopback() as server:
            bench = Bench(
                subjects,
                pythons,
                folder,
                server,
                rounds=options.rounds or (3 if quick else 11),
                sizes=_numbers(options.sizes) or _SIZES[: 4 if quick else None],
                recorded=300 if quick else 1000,
                recorded_flat=1000 if quick else 5000,
                streamed=(30 if quick else 100) * 1000 * 1000,
                patience=options.patience or (20 if quick else 120),
                results=results,
            )
            for name in names:
                say(f"{name}: {(CASES[name].__doc__ or '').splitlines()[0]}")
                CASES[name](bench)
                write(options, known.updated(results))  # a run may take an hour: what is known is kept
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return known.updated(results)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number.strip())


def write(options: argparse.Namespace, results: Results) -> None:
    """Write the figures, and the page that shows them."""
    results.save(options.results)
    write_page(results, options.results.with_suffix(".md"))


def about(
    options: argparse.Namespace, subjects: list[Subject], pythons: dict[str, Path]
) -> dict[str, object]:
    """What the page says of the run."""
    versions: dict[str, str] = {}
    for python in dict.fromkeys(pythons.values()):
        versions |= versions_of(python)
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "rounds": options.rounds or (3 if options.quick else 11),
        "quick": options.quick,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "variables": len(clean_environment()),
        "versions": {name: versions[name] for name in _SHOWN if name in versions},
    }


def main(arguments: list[str]) -> int:
    options = parsed(arguments)
    if options.list:
        for name, case in CASES.items():
            sys.stdout.write(f"{name:12} {(case.__doc__ or '').splitlines()[0]}\n")
        for subject in SUBJECTS:
            sys.stdout.write(f"{subject.name:24} {subject.title}\n")
        return 0
    results = Results() if options.anew or not options.results.exists() else Results.load(options.results)
    try:
        results = results if options.no_run else measured(options, results)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write(options, results)
    say(f"written: {options.results}, {options.results.with_suffix('.md')}")
    if not options.check:
        return 0
    verdicts = check(results)
    for verdict in verdicts:
        sys.stdout.write(f"{verdict}\n")
    return 1 if any(verdict.is_missed for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
