"""The two engines: a session made by hand, and that of a test; each on a cassette, recording or replaying."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pytest_reqcache import CachedSession
from pytest_reqcache.cassette import Cassette
from pytest_reqcache.engine import Engine
from pytest_reqcache.flow import Flow, RunMemory
from pytest_reqcache.identity import TestIdentity
from pytest_reqcache.journal import Journal
from pytest_reqcache.redaction import Redactor
from pytest_reqcache.session import session_on
from pytest_reqcache.settings import CONFIG_SETTINGS, TEST_SETTINGS, SettingsView
from pytest_reqcache.transport import Transport

EVERY_CODE = frozenset(range(100, 1000))
EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@contextmanager
def by_hand(path: Path) -> Iterator[CachedSession]:
    with CachedSession(path, allowable_codes=EVERY_CODE, allowable_methods=EVERY_METHOD) as session:
        yield session


@contextmanager
def of_a_test(path: Path) -> Iterator[CachedSession]:
    """As the ``cached_session`` of a test that passes, in a run of its own."""
    view = SettingsView(replace(TEST_SETTINGS, allowable_codes=EVERY_CODE), {}, CONFIG_SETTINGS)
    memory = RunMemory()
    redactor = Redactor(memory.registry, path)
    identity = TestIdentity(lambda: view.current, redactor)
    flow = Flow(
        Cassette(path, identity.locate, identity.locate_all, identity.terms, identity.keys),
        identity,
        redactor,
        memory,
        lambda: view.current,
    )
    transport = Transport(flow, lambda: view.current, Journal(), lambda miss, request: "")
    with session_on(Engine(transport, view, mocks_first=True)) as session:
        yield session
    transport.end()
    flow.commit()


ENGINES = {"by hand": by_hand, "of a test": of_a_test}
