"""What a recorded cassette looks like, and that it says what was recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_reqcache import CachedSession
from pytest_reqcache.cassette import nodes, reading, writing
from pytest_reqcache.cassette.file import Cassette
from pytest_reqcache.expiration import Special
from pytest_reqcache.headers import Headers
from pytest_reqcache.models import Interaction, Source

from .conftest import CREATED_AT, add, make
from .strategies import INTERACTIONS, TEXTS, URLS

EXAMPLE = """\
# Recorded by pytest-reqcache. Edit freely: see docs/cassettes.
version: 1
interactions:
- request:
    method: GET
    url: https://api.example.com/users?page=2
    headers:
      Accept: application/json
      Authorization: Bearer REDACTED-authorization
  response:
    status: 200 OK
    headers:
      Content-Type: application/json
      ETag: '"33a64df5"'
      Set-Cookie:
      - theme=light; Path=/
      - session=REDACTED-session; Path=/; HttpOnly
    json: |
      {
        "users": [
          {"name": "Ada"}
        ]
      }
  created_at: 2026-11-23T19:10:00.123Z
- request:
    method: PUT
    url: https://api.example.com/users/7
    headers:
      Content-Type: application/json
    json: |
      {"name": "Grace"}
  response:
    status: 204 No Content
  answer: 2
  expires: 2026-12-23T19:10:00Z
  created_at: 2026-11-23T19:10:01.877Z
"""

FIRST = make(
    "https://api.example.com/users?page=2",
    b'{"users":[{"name":"Ada"}]}',
    sent=[("Accept", "application/json"), ("Authorization", "Bearer REDACTED-authorization")],
    headers=[
        ("Content-Type", "application/json"),
        ("ETag", '"33a64df5"'),
        ("Set-Cookie", "theme=light; Path=/"),
        ("Set-Cookie", "session=REDACTED-session; Path=/; HttpOnly"),
    ],
)
SECOND = make(
    "https://api.example.com/users/7",
    b"",
    method="PUT",
    sent=[("Content-Type", "application/json")],
    sent_body=b'{"name":"Grace"}',
    status=204,
    reason="No Content",
    answer=2,
    expires=datetime(2026, 12, 23, 19, 10, tzinfo=timezone.utc),
    created_at=CREATED_AT + timedelta(milliseconds=1754),
)


def round_trip(interaction: Interaction, tmp_path) -> Interaction:
    folder = tmp_path / "x.bodies"
    text = writing.draft(interaction, folder).text.decode()
    return reading.interaction(nodes.read_item(text, 1), lambda: folder, Source(None, 1, ""))


def test_recorded_cassette_looks_like_the_documented_one(path, open_cassette):
    add(open_cassette(), FIRST, SECOND)
    assert path.read_text() == EXAMPLE
    assert list(open_cassette()) == [FIRST, SECOND]


def test_interactions_know_their_line(open_cassette):
    cassette = open_cassette()
    stored = add(cassette, FIRST, SECOND)
    assert [cassette.line(item) for item in stored] == [4, 25]
    assert [item.source for item in open_cassette()] == [item.source for item in stored]


def test_a_line_is_that_of_the_file_as_it_is_now(path, open_cassette):
    cassette = open_cassette()
    first, second = add(cassette, FIRST, SECOND)
    text = path.read_text()
    path.write_text(text.replace("- request", "# by hand\n- request", 1))
    assert [cassette.line(item) for item in (first, second)] == [5, 26]
    path.write_text(text[: text.rindex("- request")])
    assert [cassette.line(item) for item in (first, second)] == [4, 0]


def test_equal_texts_are_told_apart_by_their_places(path, open_cassette):
    add(open_cassette(), FIRST)
    path.write_text(path.read_text() + path.read_text().partition("interactions:\n")[2])
    cassette = open_cassette()
    assert [cassette.line(item) for item in cassette.find(FIRST.request.url)] == [4, 25]


def test_everything_optional_is_written_and_read(tmp_path):
    interaction = make(answer=3, expires=Special.NEVER, keep=True, key="users: 7", body=b"")
    assert round_trip(interaction, tmp_path) == interaction
    lines = writing.draft(interaction, tmp_path).text.decode().splitlines()
    assert lines[-5:-1] == ["  answer: 3", "  expires: never", "  keep: true", "  key: 'users: 7'"]


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    [
        (200, "OK", "status: 200 OK"),
        (200, "", "status: 200"),
        (418, "I'm a teapot: short # stout", "status: '418 I''m a teapot: short # stout'"),
        (200, "two  spaces", "status: 200 two  spaces"),
        (200, " OK ", "status: '200  OK '"),
        (200, "Grün", "status: 200 Grün"),
        (200, "a\nb", 'status: "200 a\\nb"'),
        (200, "\x85", 'status: "200 \\N"'),
    ],
)
def test_status_line_comes_back(status, reason, line, tmp_path):
    interaction = make(status=status, reason=reason)
    assert line in writing.draft(interaction, tmp_path).text.decode()
    assert round_trip(interaction, tmp_path) == interaction


@pytest.mark.parametrize(
    ("headers", "as_list"),
    [
        ([("A", "1"), ("B", "2")], False),
        ([("Set-Cookie", "a"), ("Set-Cookie", "b"), ("B", "2")], False),
        ([("Set-Cookie", "a"), ("set-cookie", "b")], False),
        ([("Set-Cookie", "a"), ("B", "2"), ("Set-Cookie", "b")], True),
    ],
)
def test_headers_are_a_mapping_unless_that_loses_their_order(headers, as_list, tmp_path):
    interaction = make(headers=headers)
    assert ("\n    - " in writing.draft(interaction, tmp_path).text.decode()) is as_list
    assert round_trip(interaction, tmp_path) == interaction


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "5",
        "true",
        "null",
        "~",
        "- a",
        "a: b",
        "a #b",
        "'",
        '"',
        "2026-11-23",
        "0x1F",
        "a\nb",
        "a\r\n b",
        "\x00",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "é",
        "日本",
        "😀",
        "\t",
        "a\t",
        "<<",
        "=",
        "!x",
        "&x",
        "*x",
        "�",
        "x" * 5000,
        "%",
        "@",
        "`",
        "|",
        ">",
        "?",
        ": ",
        "{a}",
        "[a]",
        ",",
        "...",
        "---",
    ],
)
def test_odd_texts_come_back_as_header_values_and_names(value, tmp_path):
    interaction = make(headers=[("X", value), ("Y", value), ("Y", "b"), ("X", "again")])
    assert round_trip(interaction, tmp_path) == interaction
    if value and value != "\ud800":
        interaction = make(headers=[(value, "a")], key=value)
        assert round_trip(interaction, tmp_path) == interaction


@given(INTERACTIONS)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_interaction_comes_back(tmp_path_factory, interaction):
    assert round_trip(interaction, tmp_path_factory.getbasetemp()) == interaction


@given(st.lists(st.builds(make, url=URLS, body=TEXTS.map(str.encode)), min_size=1, max_size=4))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_is_found_again(tmp_path_factory, items):
    path = tmp_path_factory.mktemp("found") / "c.yaml"
    add(Cassette(path, str), *items)
    cassette = Cassette(path, str)
    assert list(cassette) == items
    for item in items:
        assert item in cassette.find(item.request.url)
    assert cassette._index.layout.scanned


def test_half_a_surrogate_pair_in_a_url_is_refused(open_cassette, path):
    from pytest_reqcache.cassette import CassetteError

    with pytest.raises(
        CassetteError, match=r"half a surrogate pair, .*; leave it out \(while recording: with"
    ):
        add(open_cassette(), make("https://x/\ud800"))
    assert not path.exists()


def test_status_of_two_digits_is_refused(open_cassette, path):
    from pytest_reqcache.cassette import CassetteError

    with pytest.raises(CassetteError, match="42 is no status of HTTP, 100 to 999 are accepted; leave it out"):
        add(open_cassette(), make(status=42))
    assert not path.exists()


def test_pure_python_yaml_gives_the_same(tmp_path, monkeypatch):
    with_libyaml = writing.draft(FIRST, tmp_path).text
    monkeypatch.setattr(writing, "_LIBYAML", None)
    monkeypatch.setattr(nodes, "_LOADER", __import__("yaml").SafeLoader)
    assert writing.draft(FIRST, tmp_path).text == with_libyaml
    assert round_trip(FIRST, tmp_path) == FIRST


def test_times_have_milliseconds(open_cassette):
    exact = make(
        created_at=CREATED_AT + timedelta(microseconds=456), expires=CREATED_AT + timedelta(microseconds=7)
    )
    [stored] = add(open_cassette(), exact)
    assert stored == replace(exact, created_at=CREATED_AT, expires=CREATED_AT)
    assert list(open_cassette()) == [stored]


def test_headers_of_nothing_leave_no_key(tmp_path):
    assert "headers" not in writing.draft(make(headers=Headers()), tmp_path).text.decode()


def test_a_method_that_a_hand_wrote_in_lower_case_is_the_same_method(tmp_path):
    """Requests are always looked for in upper case; it would replay, and yet be no GET for all else."""
    (tmp_path / "c.yaml").write_text(
        "version: 1\ninteractions:\n- request:\n    method: get\n    url: http://example.com/\n"
        "  response:\n    status: 200 OK\n  created_at: 2026-11-29T00:00:00Z\n"
    )
    with CachedSession(tmp_path / "c.yaml", only_if_cached=True) as session:
        assert session.get("http://example.com/").from_cache
        assert session.cache.contains(url="http://example.com/")
        session.cache.delete(urls=["http://example.com/"])
        assert len(session.cache) == 0
