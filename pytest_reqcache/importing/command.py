"""``python -m pytest_reqcache import``: imports file after file, and says what became of each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from ..cassette import CassetteError
from ..cassette.nodes import NodeError
from ..redaction import SecretFoundError, parse_redaction_lines
from . import files, vcrpy
from .converting import Converted, Secrecy, convert
from .files import ImportTrouble, Job
from .foreign import LeftAlone

DESCRIPTION = """\
Make cassettes of pytest-reqcache out of those of vcrpy and pytest-recording (YAML or JSON). Secrets are
replaced by placeholders, gzip bodies are stored decoded, the layout of the folders is kept. Nothing that
exists is written over."""

EPILOG = """\
The exit status is 0 where every cassette that was found is imported, 1 where one is not (the others are,
all the same), 2 for a mistake on the command line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a cassette, or a folder of them")
    parser.add_argument("--to", type=Path, metavar="DIR", help="write the new cassettes below this folder")
    parser.add_argument(
        "--in-place", action="store_true", help="write each beside its original, which becomes NAME.orig"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing; say what would be lost and what redacted"
    )
    parser.add_argument(
        "--redact",
        action="append",
        default=[],
        metavar="ENTRY",
        help="a further secret: a name, re:REGEX, $.json.path, or !name for what is none; may be repeated",
    )
    parser.add_argument(
        "--allow-secret",
        action="append",
        default=[],
        metavar="NAME",
        help="an environment variable or a token's form that may stand in a cassette; may be repeated",
    )


def run(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Import what the arguments name; gives the exit status."""
    if arguments.to is not None and arguments.in_place:
        parser.error("--to and --in-place exclude one another")
    if arguments.to is None and not (arguments.in_place or arguments.dry_run):
        parser.error("where to? Say --to DIR or --in-place; --dry-run shows what either would do")
    if arguments.to is not None and arguments.to.exists() and not arguments.to.is_dir():
        parser.error(f"--to {arguments.to}: this is no folder")
    try:
        rules = parse_redaction_lines(arguments.redact, "--redact").rules
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    secrecy = Secrecy(rules, tuple(arguments.allow_secret))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a file's name may have what the terminal's encoding has not
            stream.reconfigure(errors="backslashreplace")
    importer = Importer(arguments.to, secrecy, dry_run=arguments.dry_run, out=sys.stdout, err=sys.stderr)
    try:
        importer.run(arguments.paths)
        importer.close()
    except KeyboardInterrupt:
        importer.close("interrupted")
        return 130
    except BrokenPipeError:  # who reads the output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 1 if importer.errors else 0


@dataclass(slots=True)
class Importer:
    """One run of the command, and what it has counted so far."""

    to: Path | None
    secrecy: Secrecy
    dry_run: bool
    out: TextIO
    err: TextIO
    errors: int = 0
    cassettes: int = 0
    interactions: int = 0
    _left_alone: dict[LeftAlone, int] = field(default_factory=dict)
    _taken: dict[Path, Path] = field(default_factory=dict)
    _to_be_seen_to: int = 0
    _has_found_one: bool = False
    _progress: str = ""

    def run(self, paths: list[Path]) -> None:
        found = list(files.jobs(paths, self.to))
        for number, job in enumerate(found, 1):
            self._show_progress(f"{number} of {len(found)}")
            if isinstance(job, Job):
                with self._errors_of(job.source):
                    self._import(job, is_named=job.source in paths)
            else:
                self._error(f"{job[0]}: {job[1]}")
        if not (self.errors or self._has_found_one):
            self._error(f"{', '.join(map(str, paths))}: no cassette of vcrpy found")

    def close(self, word: str = "") -> None:
        """The last line: what was done."""
        self._show_progress("")
        done = "to import" if self.dry_run else "imported"
        parts = [
            f"{counted(self.cassettes, 'cassette')} {done} ({counted(self.interactions, 'interaction')})"
        ]
        if self._to_be_seen_to:
            parts.append(f"{self._to_be_seen_to} to be seen to: 'needs' or 'perhaps' above")
        parts += [f"{count} left alone: {why.value}" for why, count in self._left_alone.items()]
        parts += [counted(self.errors, "error")] if self.errors else []
        self._say("; ".join([word, *parts] if word else parts))

    @contextmanager
    def _errors_of(self, source: Path) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except NodeError as error:
            self._error(f"{source}:{error.line}: {error.problem}")
        except CassetteError as error:
            self._error(f"{source}: cannot be written: {error.problem}")
        except SecretFoundError as error:
            self._error(
                f"{source}: {error.leak} of {error.request}; --redact ENTRY has it replaced, "
                f"--allow-secret {error.leak.names[0]} lets it pass"
            )
        except ImportTrouble as error:
            self._error(f"{source}: {error}")
        except OSError as error:
            self._error(f"{source}: {error.strerror or error}: {error.filename}")

    def _import(self, job: Job, *, is_named: bool) -> None:
        data, changed_at = files.read(job.source)
        found = vcrpy.read(data)
        if isinstance(found, LeftAlone):
            self._leave_alone(job.source, found, is_named=is_named)
            return
        self._has_found_one = True
        if self.to is None and files.is_half_replaced(job, data):
            self._finish(job)
            return
        self._check_place(job)
        converted = convert(found, datetime.fromtimestamp(changed_at, timezone.utc), self.secrecy)
        if not self.dry_run:
            self._put(job, data, converted)
        self._taken[job.target] = job.source
        self.cassettes += 1
        self.interactions += len(converted.interactions)
        self._to_be_seen_to += bool(converted.sequences or converted.retried or converted.refused)
        for line in report(job, converted):
            self._say(line)

    def _check_place(self, job: Job) -> None:
        other = self._taken.get(job.target)
        if other is not None:
            raise ImportTrouble(f"{job.target} is made of {other}; import one of them alone")
        files.check_place(job, in_place=self.to is None)

    def _put(self, job: Job, data: bytes, converted: Converted) -> None:
        if self.to is None:
            files.replace(job, data, converted.interactions)
        else:
            files.write(job.target, converted.interactions)

    def _finish(self, job: Job) -> None:
        """Take away what an interrupted run has imported already."""
        if not self.dry_run:
            job.source.unlink()
        self._say(f"{job.source}: {job.target} was made of it by an earlier run")

    def _leave_alone(self, source: Path, why: LeftAlone, *, is_named: bool) -> None:
        if why is LeftAlone.NO_CASSETTE and not source.suffix and not is_named:
            return  # most files without a suffix have nothing to do with us
        self._has_found_one |= why is not LeftAlone.NO_CASSETTE
        self._left_alone[why] = self._left_alone.get(why, 0) + 1
        self._say(f"{source}: left alone: {why.value}")

    def _error(self, text: str) -> None:
        self.errors += 1
        self._show_progress("")
        print(f"error: {text}", file=self.err, flush=True)

    def _say(self, line: str) -> None:
        self._show_progress("")
        print(line, file=self.out, flush=True)

    def _show_progress(self, text: str) -> None:
        """A line that the next one takes the place of; on a terminal alone."""
        if self.err.isatty() and (text or self._progress):
            if self._progress:
                self.err.write(f"\r{' ' * len(self._progress)}\r")
            self.err.write(text)
            self.err.flush()
            self._progress = text


def report(job: Job, converted: Converted) -> Iterator[str]:
    """The lines that say what became of a file."""
    yield f"{job.source} -> {job.target}: {counted(len(converted.interactions), 'interaction')}"
    if converted.redacted:
        yield f"  redacted: {listed(converted.redacted)}"
    if converted.lost:
        yield f"  lost: {listed(converted.lost)}"
    if converted.shared:
        yield f"  shared: {counted(converted.shared, 'repeated request')} answered as the one before"
    if converted.undated:
        yield f"  dated by the file: {counted(converted.undated, 'response')} without Date"
    for request, answers in converted.sequences:
        yield f'  needs repeats="sequence": {request} has {answers} answers with no write between'
    for request, _ in converted.refused:
        yield (
            f"  perhaps without its credential: {request} was refused, and answered; "
            "write the credential into the request that had it"
        )
    for request, errors in converted.retried:
        yield (
            f"  perhaps retried by urllib3: {request} has {counted(errors, 'error')} before its answer; "
            "remove what no test saw"
        )


def listed(counts: Mapping[str, int]) -> str:
    """Names, each with how often it was met where that is more than once."""
    return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in counts.items())


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
