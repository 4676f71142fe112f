"""What a miss says: why, what comes nearest, and the command that records what is missing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ..guard import is_loopback
from ..journal import Miss
from ..models import RecordedRequest
from ..nearest import is_another_port, nearest, one_made_up
from ..policy import Reason
from .elsewhere import Holder
from .naming import with_bodies

_MOST_LINES: Final = 25
_LONGEST_LINE: Final = 150
_OTHERS: Final = 3  # recorded requests that are named after the nearest
# Reasons that one more recording would not change, and what would.
_IN_THE_WAY: Final = {
    Reason.METHOD: "name {method} in allowable_methods",
    Reason.DO_NOT_CACHE: "take do-not-cache, no-store or cache_control off",
    Reason.REVALIDATE: "take cache_control off",
    Reason.TOO_OLD: "take max-age or min-fresh off the request",
}


def explain(
    miss: Miss,
    request: RecordedRequest,
    recorded: Iterable[tuple[RecordedRequest, Iterable[str]]],
    *,
    cassette: Path,
    command: str,
    elsewhere: Holder | None = None,
) -> str:
    """The miss in a few lines; ``command`` is what records it, ``elsewhere`` another cassette that holds it.

    ``request`` and ``recorded`` have their secrets masked; what is recorded comes with the names of the
    headers that are compared.
    """
    reason = miss.explain()
    if miss.reason is Reason.NEVER_RECORDED and not cassette.exists():
        reason = "no cassette yet: the file does not exist"
    lines = [
        _cut(f"not cached: {miss.method} {miss.url}"),
        f"  reason:    {reason}",
        f"  cassette:  {cassette}",
        *_elsewhere_lines(cassette, elsewhere),
        *map(_cut, _nearest_lines(miss, request, recorded)),
    ]
    if len(lines) >= _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 2], "             ..."]
    return "\n".join([*lines, f"  to record: {command}"])


def _elsewhere_lines(cassette: Path, elsewhere: Holder | None) -> Iterator[str]:
    if elsewhere is None:
        return
    yield f"  elsewhere: {elsewhere.path}"
    if not elsewhere.is_owned and not cassette.exists():
        yield f"             if the test was renamed or moved, move that file{with_bodies(elsewhere.path)}"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 3]}..."


def _nearest_lines(
    miss: Miss, request: RecordedRequest, recorded: Iterable[tuple[RecordedRequest, Iterable[str]]]
) -> Iterator[str]:
    if miss.reason not in (Reason.NEVER_RECORDED, Reason.VARY):
        return
    ranked = nearest(request, recorded)
    ranked = [(found, differing) for found, differing in ranked if differing]
    if not ranked:
        return
    (first, differing), others = ranked[0], ranked[1:]
    yield f"  nearest:   {first.method} {first.url}"
    for difference in differing:
        for line in difference.lines():
            yield f"             {line}"
    name = one_made_up(request, differing)
    if name is not None:
        yield f"             where {name!r} is another one each time, name it in ignored_parameters"
    elif is_another_port(differing) and is_loopback(request.url):
        yield "             where a server of the tests has another port each time, name it in passthrough"
    if others:
        names = list(dict.fromkeys(f"{other.method} {other.url}" for other, _ in others))
        shown = ", ".join(names[:_OTHERS])
        more = f" and {len(names) - _OTHERS} more" if len(names) > _OTHERS else ""
        yield f"  recorded:  {shown}{more}"


def record_command(
    nodeid: str,
    variables: Sequence[str],
    arguments: Sequence[str],
    *,
    miss: Miss,
    refuses: bool,
    wants_part: bool,
) -> str:
    """The command that records what was missed. Before it stands what no command takes back, and what would
    be in the way of the recording or of its use.

    ``refuses`` says that the test, or the request, itself asks to make no request, ``wants_part`` that it
    has a condition or range whose own answer is not recorded.
    """
    first = ["take only_if_cached off"] if refuses else []
    if miss.reason in _IN_THE_WAY:
        first.append(_IN_THE_WAY[miss.reason].format(method=miss.method))
    elif wants_part:
        first.append("take cache_control off if the answer is a 304 or a part")
    return ", then ".join([*first, online_command(nodeid, variables, arguments)])


def online_command(nodeid: str, variables: Sequence[str], arguments: Sequence[str]) -> str:
    """The command that runs a test online; without a test, the whole run.

    ``variables`` and ``arguments`` take back what would make the run offline again.
    """
    test = [shlex.quote(nodeid)] if nodeid else []
    return " ".join([*variables, "pytest", *test, *map(shlex.quote, arguments)])
