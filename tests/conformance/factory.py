"""What the conformance runner is given: a session that does what HTTP says, and nothing else."""

from __future__ import annotations

from pathlib import Path

from pytest_reqcache import HTTP_ONLY, CachedSession

METHODS = ("GET", "HEAD", "POST")  # those whose responses may be stored (RFC 9110 section 9.3)
EVERY_STATUS = range(100, 1000)


def factory(tmp_path: Path) -> CachedSession:
    """A private cache in a file of ``tmp_path``: nothing is reused without a lifetime or a validator."""
    return CachedSession(
        tmp_path / "cassette.yaml",
        cache_control=True,
        expire_after=HTTP_ONLY,
        stale_if_error=True,  # section 4.2.4: disconnected, a cache may use what is stale
        allowable_codes=EVERY_STATUS,
        allowable_methods=METHODS,
    )
