"""docs/performance.md and its plot, from the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .figures import Results
from .peers import SUBJECTS, Subject
from .plot import line_chart
from .targets import MB, check, sizes_of

_PLOTTED = ("ours", "session", "vcrpy", "cassetter", "betamax", "responses")
_PLOTTED += ("requests-cache-yaml", "requests-cache-sqlite", "hishel", "cachecontrol")

_HEAD = """\
# Performance

How long pytest-reqcache takes, and how much memory, beside other tools that record or cache what `requests`
does. Everything on this page but its text is measured by one command:

```sh
tox -e bench
```

`tox -e bench -- --quick` takes a few minutes, `--only replay --peers ours,vcrpy` measures a part, `--list`
says what there is, and `--check` compares with the targets below and exits with 1 if one is missed.

## How to read it

- The **floor** is a `requests.Session` whose adapter builds each response from memory: a urllib3 response,
  and what `requests` makes of it. Figures with a multiplication sign are multiples of the floor in the same
  round; those of recording, of the live request to a server on loopback.
- The floor looks for proxies in the environment, as `requests` does before each request: the more variables
  there are, the longer that takes, one to two microseconds each. pytest-reqcache does it only for what it
  sends: a request that is replayed can cost less than the floor.
- Bodies are JSON of 1 KB, with twelve header fields. What is on by default is on: redaction, matching,
  and for pytest-reqcache in a test all that a test has.
- Each tool runs in a process and in an environment of its own. Each round goes through all of them, in an
  order that changes; a figure is the median of the rounds.
- What is replayed comes right after twenty other requests, to another store: as a test in the midst of a
  suite, whose code is in the processor's caches. How long a process takes to get there, the whole runs of
  pytest below include.
- **A/A** is the same subject measured twice: what differs by less than that cannot be told from noise.
- Recorders keep one file for all interactions of a test. Caches keep a row or a file for each response, which
  nobody is meant to read or edit: they are shown because they are what a replay could cost.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its head, and what stands in it for a subject; None where nothing is known."""

    head: str
    cell: Callable[[str], str | None]


_QUICK = """\
 A quick run: the figures are rough, and those of different
sections may come from different runs, on a machine that others used. Measure again before you cite them."""


def write_page(results: Results, page: Path) -> None:
    """Write the page, and the plot beside it."""
    plot = page.with_suffix(".svg")
    page.write_text(text_of(results, plot.name), encoding="utf-8")
    lines = _lines(results)
    if lines:
        title = "One replayed request, by the size of the cassette (times the floor)"
        plot.write_text(line_chart(title, "interactions in the cassette", "times the floor", lines))


def text_of(results: Results, plot: str) -> str:
    """The page, as Markdown."""
    sections = [
        _HEAD,
        _run(results),
        _targets(results),
        _replay(results, plot),
        _opening(results),
        _recording(results),
        _suites(results),
        _memory(results),
        _processes(results),
    ]
    return "\n".join(section for section in sections if section)


def _run(results: Results) -> str:
    about = results.about
    if not about:
        return ""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    remarks = _QUICK if about.get("quick") else ""
    kept = ", ".join(dict.fromkeys(row.partition(".")[0] for row in about.get("kept", ())))
    if kept:
        remarks += f" Of earlier runs: {kept}."
    return (
        f"## The run\n\n{about['date']}, {about['rounds']} rounds, Python {about['python']}, "
        f"{about['system']}, {about['variables']} environment variables.{remarks}\n\n"
        f"{_stopped_early(results)}{versions}.\n"
    )


def _stopped_early(results: Results) -> str:
    """Who was slow, and so has fewer rounds behind some figures."""
    titles = {subject.name: subject.title for subject in SUBJECTS}
    fewer: dict[str, int] = {}
    for row, subjects in results.rows.items():
        for name, values in subjects.items():
            if not row.startswith("memory") and len(values) < results.about["rounds"]:
                fewer[name] = min(fewer.get(name, len(values)), len(values))
    if not fewer:
        return ""
    listed = ", ".join(f"{titles[name]} ({rounds})" for name, rounds in fewer.items() if name in titles)
    return f"What takes long was stopped early in some cases; the fewest rounds: {listed}.\n\n"


def _targets(results: Results) -> str:
    lines = ["## Targets", "", "| | measured | target | |", "|---|--:|--:|---|"]
    lines += (
        f"| {verdict.target} | {verdict.shown} | {verdict.limit:g}{verdict.unit} | {verdict.outcome.value} |"
        for verdict in check(results)
    )
    return "\n".join([*lines, ""])


# --- tables


def table(results: Results, cases: Sequence[str], columns: Sequence[Column]) -> str:
    """A line for each subject that has a figure or a reason for having none; the A/A lines last."""
    shown = []
    for subject in sorted(SUBJECTS, key=lambda one: one.name.endswith("-again")):
        cells = [column.cell(subject.name) for column in columns]
        reason = next(filter(None, (results.absent.get(case, {}).get(subject.name) for case in cases)), "")
        if any(cell is not None for cell in cells):
            shown.append(f"| {_title(subject)} | {' | '.join(cell or '-' for cell in cells)} |")
        elif reason and subject.kind != "floor":
            shown.append(f"| {subject.title} | {' | '.join('-' for _ in cells)} |")
    if not shown:
        return ""
    head = f"| | {' | '.join(column.head for column in columns)} |"
    return "\n".join([head, f"|---|{'--:|' * len(columns)}", *shown, "", *_reasons(results, cases)])


def _title(subject: Subject) -> str:
    if subject.name.endswith("-again"):
        return f"*A/A: {subject.title.removesuffix(', again')}*"
    return f"**{subject.title}**" if subject.kind == "ours" else subject.title


def _reasons(results: Results, cases: Sequence[str]) -> list[str]:
    """Why there is no figure, for those of whom one could expect it."""
    by_reason: dict[str, list[str]] = {}
    for subject in SUBJECTS:
        for case in cases:
            reason = results.absent.get(case, {}).get(subject.name)
            if reason and subject.kind != "floor":
                by_reason.setdefault(reason, []).append(subject.title)
    lines = [f"- {', '.join(dict.fromkeys(names))}: {reason}" for reason, names in by_reason.items()]
    return ["No figure:", "", *lines, ""] if lines else []


def _times(results: Results, row: str, base: str = "floor") -> Callable[[str], str | None]:
    """A ratio: to the base, or for what was measured twice to the first time."""

    def cell(subject: str) -> str | None:
        once = subject.removesuffix("-again")
        if subject == base:
            typical = results.typical(row, base)
            return None if typical is None else _duration(typical)
        ratio = results.ratio(row, subject, once if subject != once else base)
        return None if ratio is None else f"{_digits(ratio)} ×"

    return cell


def _digits(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _absolute(results: Results, row: str) -> Callable[[str], str | None]:
    def cell(subject: str) -> str | None:
        typical = results.typical(row, subject)
        return None if typical is None or subject.endswith("-again") else _duration(typical)

    return cell


def _megabytes(results: Results, row: str) -> Callable[[str], str | None]:
    def cell(subject: str) -> str | None:
        typical = results.typical(row, subject)
        return None if typical is None else f"{typical / MB:.1f} MB"

    return cell


# --- sections


def _replay(results: Results, plot: str) -> str:
    sizes = sizes_of(results, "replay.first")
    if not sizes:
        return ""
    parts = ["## Replay\n", f"![One replayed request, by the size of the cassette]({plot})\n"]
    for what, title in (
        (
            "first",
            "Each interaction used for the first time, by the number of interactions in the cassette:\n",
        ),
        ("repeated", "The same requests again:\n"),
    ):
        columns = [Column(f"{size:,}", _times(results, f"replay.{what}.{size}")) for size in sizes]
        cases = [f"replay {size}" for size in sizes]
        parts += [title, table(results, ["replay", *cases], columns)]
    size = next(iter(sizes_of(results, "credential.first")), None)
    if size is not None:
        parts.append(f"With a bearer token in each request, {size:,} interactions:\n")
        heads = (("first", "first use"), ("repeated", "repeated"))
        columns = [Column(head, _times(results, f"credential.{what}.{size}")) for what, head in heads]
        parts.append(table(results, ["credential", f"credential {size}"], columns))
    size = next(iter(sizes_of(results, "one_url.request")), None)
    if size is not None:
        parts.append(
            f"{size:,} requests with bodies of their own to one URL, as those of GraphQL, each used once:\n"
        )
        columns = [Column(f"each of {size:,}", _times(results, f"one_url.request.{size}"))]
        parts.append(table(results, ["one_url"], columns))
    return "\n".join(parts)


def _lines(results: Results) -> dict[str, list[tuple[float, float]]]:
    titles = {subject.name: subject.title for subject in SUBJECTS}
    lines = {}
    for name in _PLOTTED:
        sizes = sizes_of(results, "replay.first")
        ratios = [(float(size), results.ratio(f"replay.first.{size}", name, "floor")) for size in sizes]
        known = [(size, ratio) for size, ratio in ratios if ratio is not None]
        if known:
            lines[titles[name]] = known
    return lines


def _opening(results: Results) -> str:
    sizes = [size for size in sizes_of(results, "replay.open") if size >= 10]
    if not sizes:
        return ""
    columns = [Column(f"{size:,}", _absolute(results, f"replay.open.{size}")) for size in sizes]
    loads = [
        f"{_duration(load)} for {size:,}"
        for size in sizes
        if (load := results.typical(f"yaml.{size}", "session")) is not None
    ]
    text = (
        "From making the session to its first answer, by the number of interactions. For the files of "
        f"pytest-reqcache PyYAML's C loader alone takes {', '.join(loads) or 'longer'}. The floor opens "
        "nothing: what it takes is the session, and the request.\n"
    )
    return "\n".join(["## Opening\n", text, table(results, ["replay"], columns)])


def _recording(results: Results) -> str:
    columns = [
        Column(f"each of {size:,}", _times(results, f"recording.request.{size}", "live"))
        for size in sizes_of(results, "recording.request")
    ]
    for size in sizes_of(results, "flat.end"):
        columns.append(Column(f"first 100 of {size:,}", _times(results, f"flat.start.{size}", "live")))
        columns.append(Column(f"last 100 of {size:,}", _times(results, f"flat.end.{size}", "live")))
    if not columns:
        return ""
    text = (
        "A request that is recorded, as a multiple of the same request with nothing between; opening and "
        "closing are part of it in the first column.\n"
    )
    return "\n".join(["## Recording\n", text, table(results, ["recording", "flat"], columns)])


def _suites(results: Results) -> str:
    columns = []
    if "suite.run" in results.rows:
        columns.append(Column("500 tests, 3 replayed requests each", _times(results, "suite.run")))
    if "idle.run" in results.rows:
        columns.append(Column("500 tests, no HTTP", _times(results, "idle.run")))
    if "imports.plugin" in results.rows:
        columns.append(Column("import of the plugin", _absolute(results, "imports.plugin")))
    if not columns:
        return ""
    text = (
        "Whole runs of pytest, from the start of the process to its end. Without HTTP the floor is the suite "
        "without a plugin; the import is what comes on top of `import pytest`.\n"
    )
    return "\n".join(["## pytest\n", text, table(results, ["suite", "idle", "imports"], columns)])


def _memory(results: Results) -> str:
    rows = (
        ("memory.many", "50 MB in 500 bodies, replayed"),
        ("memory.recorded", "a streamed body, recorded"),
        ("memory.replayed", "the same, replayed"),
    )
    columns = [Column(head, _megabytes(results, row)) for row, head in rows if row in results.rows]
    if not columns:
        return ""
    size = "30" if results.about.get("quick") else "100"
    text = (
        "The most memory that the process had, above what it had after a few requests. The streamed body has "
        f"{size} MB. Three rounds at most: this varies little.\n"
    )
    cases = ["memory", *(row for row, _ in rows)]
    return "\n".join(["## Memory\n", text, table(results, cases, columns)])


def _processes(results: Results) -> str:
    if "processes.lost" not in results.rows:
        return ""

    def lost(subject: str) -> str | None:
        values = results.values("processes.lost", subject)
        return f"{max(values):.0f}" if values else None

    columns = [Column("lost, at worst", lost), Column("time", _absolute(results, "processes.seconds"))]
    text = (
        "Eight processes record 100 requests each, all into one cassette: how many of the 800 are not in it "
        "then.\n"
    )
    return "\n".join(["## Eight processes\n", text, table(results, ["processes"], columns)])
