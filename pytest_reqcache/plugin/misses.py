"""What a miss says: why, and the command that records what is missing."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..journal import Miss
from ..policy import Reason


def explain(miss: Miss, cassette: Path, nodeid: str, offline: str) -> str:
    """The miss in a few lines."""
    reason = miss.explain()
    if miss.reason is Reason.NEVER_RECORDED and not cassette.exists():
        reason = f"no cassette: {cassette} does not exist"
    return "\n".join(
        [
            f"not cached: {miss.method} {miss.url}",
            f"  reason:    {reason}",
            f"  cassette:  {cassette}",
            f"  to record: {record_command(nodeid, offline)}",
        ]
    )


def record_command(nodeid: str, offline: str) -> str:
    """The command that runs a test online."""
    command = f"pytest {shlex.quote(nodeid)}"
    if offline == "reqcache_offline":
        return f"{command} -o reqcache_offline=false"
    if offline.startswith("REQCACHE_OFFLINE"):
        return f"REQCACHE_OFFLINE=0 {command}"
    return command
