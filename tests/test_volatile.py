"""When a refreshed answer says the same, and what of it is then written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from pytest_reqcache.drift import compare
from pytest_reqcache.headers import Headers
from pytest_reqcache.models import Body, BodyFile, Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.volatile import redated, says_the_same

THEN = datetime(2026, 6, 1, tzinfo=timezone.utc)
NOW = THEN + timedelta(days=1)


def answer(*headers: tuple[str, str], body: Body = b"x", status: int = 200) -> RecordedResponse:
    return RecordedResponse(status, "OK", Headers.of(headers), body)


def recorded(*headers: tuple[str, str]) -> Interaction:
    return Interaction(RecordedRequest("GET", "http://api.test/"), answer(*headers), THEN)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (("Date", "1"), ("Date", "2"), True),
        (("Expires", "1"), ("Age", "2"), True),
        (("X-RateLimit-Remaining", "1"), ("x-ratelimit-remaining", "2"), True),
        (("CF-Ray", "1"), ("CF-Ray", "2"), True),
        (("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "a=2"), True),
        (("Set-Cookie", "a=1"), ("Set-Cookie", "b=1"), False),
        (("ETag", '"1"'), ("ETag", '"2"'), False),
        (
            ("WWW-Authenticate", 'Digest realm="a, b", nonce="1\\"2", opaque=3, qop="auth"'),
            ("WWW-Authenticate", 'Digest realm="a, b", nonce="4", opaque=5, qop="auth"'),
            True,
        ),
        (
            ("WWW-Authenticate", 'Digest realm="a", nonce="1"'),
            ("WWW-Authenticate", 'Digest nonce="1"'),
            False,
        ),
        (("X-Build", "1"), ("X-Build", "2"), False),
    ],
)
def test_only_volatile_fields_may_differ(old, new, same):
    assert says_the_same(answer(old), answer(new)) is same


def test_further_names_may_differ_too():
    assert says_the_same(answer(("X-Build", "1")), answer(("X-Build", "2")), {"x-build"})


@pytest.mark.parametrize("change", [{"body": b"y"}, {"status": 201}])
def test_status_and_body_may_not(change):
    assert not says_the_same(answer(), answer(**change))


def test_times_are_moved_and_nothing_else():
    old = recorded(("Date", "1"), ("X-Request-Id", "1"))
    new = replace(recorded(("Date", "2"), ("X-Request-Id", "2")), created_at=NOW, expires=NOW)
    assert redated(old, new, ages=False) == replace(old, created_at=NOW, expires=NOW)


def test_cookies_live_as_long_as_those_of_the_new_answer():
    old = recorded(
        ("Set-Cookie", "a=1; Expires=Mon, 01 Jun 2026 01:00:00 GMT; Path=/"),
        ("Set-Cookie", "b=2; expires=Mon, 01-Jun-2026 02:00:00 GMT"),
        ("Set-Cookie", "c=3"),
        ("Set-Cookie", "d=4; Expires=Mon, 01 Jun 2026 04:00:00 GMT"),
    )
    new = recorded(
        ("Set-Cookie", "b=8; Expires=Tue, 02 Jun 2026 02:00:00 GMT"),
        ("Set-Cookie", "c=9; Expires=Tue, 02 Jun 2026 03:00:00 GMT"),
        ("Set-Cookie", "a=7; Path=/; Expires=Tue, 02 Jun 2026 01:00:00 GMT"),
        ("Set-Cookie", "d=6; Max-Age=60"),
    )
    assert redated(old, replace(new, created_at=NOW), ages=False).response.headers.items == (
        ("Set-Cookie", "a=1; Expires=Tue, 02 Jun 2026 01:00:00 GMT; Path=/"),
        ("Set-Cookie", "b=2; expires=Tue, 02 Jun 2026 02:00:00 GMT"),
        ("Set-Cookie", "c=3"),
        ("Set-Cookie", "d=4; Expires=Tue, 02 Jun 2026 04:00:00 GMT"),
    )


def test_fields_of_time_are_moved_where_the_age_counts():
    old = recorded(("Date", "1"), ("Age", "5"), ("X-Request-Id", "1"))
    new = replace(recorded(("Date", "2"), ("Expires", "3")), created_at=NOW)
    headers = redated(old, new, ages=True).response.headers
    assert headers.items == (("Date", "2"), ("X-Request-Id", "1"), ("Expires", "3"))


@pytest.mark.parametrize(("other", "same"), [(b"x" * 9, True), (b"x" * 8 + b"y", False), (b"x" * 10, False)])
def test_body_in_a_file_is_compared_by_its_bytes(tmp_path, other, same):
    files = [BodyFile(tmp_path / name, len(content)) for name, content in (("a", b"x" * 9), ("b", other))]
    for file, content in zip(files, (b"x" * 9, other), strict=True):
        file.path.write_bytes(content)
    assert says_the_same(answer(body=files[0]), answer(body=files[1])) is same
    assert says_the_same(answer(body=files[0]), answer(body=other)) is same
    assert (compare(answer(body=files[0]), answer(body=files[1])) is None) is same


def test_body_whose_file_is_gone_is_not_the_same(tmp_path):
    gone = BodyFile(tmp_path / "gone", 1)
    assert not says_the_same(answer(body=gone), answer())
