"""``ignored_parameters`` are neither compared nor stored."""

from __future__ import annotations

import json

import pytest

from pytest_reqcache.redaction import redact_ignored, strip_ignored

from .building import FORM, JSON, request

NAMES = {"key", "x-key"}


@pytest.mark.parametrize(
    ("given", "redacted", "stripped"),
    [
        ("https://x/?key=a&b=c#d", "https://x/?key=REDACTED&b=c#d", "https://x/?b=c#d"),
        ("https://x/?b=c&KEY=a%20b", "https://x/?b=c&KEY=REDACTED", "https://x/?b=c"),
        ("https://x/?k%65y=a", "https://x/?k%65y=REDACTED", "https://x/"),
        ("https://x/?key", "https://x/?key", "https://x/"),
        ("https://x/key=a", "https://x/key=a", "https://x/key=a"),
    ],
)
def test_query(given: str, redacted: str, stripped: str) -> None:
    assert redact_ignored(request(given), NAMES).url == redacted
    assert strip_ignored(request(given), NAMES).url == stripped


def test_headers_in_any_case() -> None:
    asked = request("https://x/", ("X-KEY", "a"), ("Accept", "b"))
    assert redact_ignored(asked, NAMES).headers.items == (("X-KEY", "REDACTED"), ("Accept", "b"))
    assert strip_ignored(asked, NAMES).headers.items == (("Accept", "b"),)


def test_form() -> None:
    asked = request("https://x/", FORM, body=b"a=b&Key=%ff&c=d")
    assert redact_ignored(asked, NAMES).body == b"a=b&Key=REDACTED&c=d"
    assert strip_ignored(asked, NAMES).body == b"a=b&c=d"


@pytest.mark.parametrize(
    ("given", "redacted", "stripped"),
    [
        ('{ "key":"a" , "b":1.10}', '{ "key":"REDACTED" , "b":1.10}', {"b": 1.1}),
        ('{"a": [{"Key": [1, {"key": 2}]}, 1]}', '{"a": [{"Key": "REDACTED"}, 1]}', {"a": [{}, 1]}),
        ('{"key": null, "b": "key"}', '{"key": "REDACTED", "b": "key"}', {"b": "key"}),
        (r'{"k\u0065y": "a\"b"}', r'{"k\u0065y": "REDACTED"}', {}),
        ('{"key": {"a": "}"}, "b": 1}', '{"key": "REDACTED", "b": 1}', {"b": 1}),
    ],
)
def test_json(given: str, redacted: str, stripped: object) -> None:
    asked = request("https://x/", JSON, body=given.encode())
    assert redact_ignored(asked, NAMES).body == redacted.encode()
    assert json.loads(strip_ignored(asked, NAMES).body or b"") == stripped


MULTIPART = ("Content-Type", "multipart/form-data; boundary=b")
KEY_PART = '--b\r\nContent-Disposition: form-data; name="Key"\r\n\r\n{}\r\n'
OTHER_PART = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n--c\r\n--b--\r\n'


def test_multipart() -> None:
    asked = request("https://x/", MULTIPART, body=(KEY_PART.format("--d") + OTHER_PART).encode())
    assert redact_ignored(asked, NAMES).body == (KEY_PART.format("REDACTED") + OTHER_PART).encode()
    assert strip_ignored(asked, NAMES).body == OTHER_PART.encode()


@pytest.mark.parametrize(
    ("parts", "without"),
    [
        (KEY_PART + KEY_PART + OTHER_PART, OTHER_PART),
        (KEY_PART.replace("\r\n", "\n") + OTHER_PART.replace("\r\n", "\n"), OTHER_PART.replace("\r\n", "\n")),
        ("\r\n" + KEY_PART + OTHER_PART, "\r\n" + OTHER_PART),
    ],
)
def test_multipart_is_as_if_the_first_part_had_never_been(parts: str, without: str) -> None:
    one, other = (request("https://x/", MULTIPART, body=body.encode()) for body in (parts, without))
    assert strip_ignored(one, NAMES) == strip_ignored(other, NAMES)


@pytest.mark.parametrize("kind", ["text/plain", ""])
def test_json_of_another_type_is_as_if_the_member_had_never_been(kind: str) -> None:
    bodies = (b'{"key":1,"a":[1.10]}', b'{"a":[1.10]}', b'{ "a": [1.10] }')
    asked = [request("https://x/", ("Content-Type", kind), body=body) for body in bodies]
    assert len({strip_ignored(one, NAMES).body for one in asked}) == 1


@pytest.mark.parametrize("kind", ["text/plain", ""])
def test_body_is_read_as_redaction_reads_it(kind: str) -> None:
    headers = [("Content-Type", kind)] if kind else []
    for body, written in ((b'{"key": "a"}', b'{"key": "REDACTED"}'), (b"key=a&b=c", b"key=REDACTED&b=c")):
        asked = request("https://x/", *headers, body=body)
        assert redact_ignored(asked, NAMES).body == written
        assert b"a" not in (strip_ignored(asked, NAMES).body or b"")


@pytest.mark.parametrize(
    "asked",
    [
        request("https://x/?a=b", ("Accept", "b")),
        request("https://x/", JSON, body=b'{"a": "key",  "b": 1.10}'),
        request("https://x/", FORM, body=b"a=key"),
        request("https://x/", ("Content-Type", "text/plain"), body=b"the key=1"),
        request("https://x/", JSON, body=b'{"broken": "key'),
    ],
)
def test_where_nothing_is_ignored_the_request_is_itself(asked) -> None:  # type: ignore[no-untyped-def]
    assert redact_ignored(asked, NAMES) is asked
    assert strip_ignored(asked, NAMES) is asked
    assert redact_ignored(asked, ()) is asked
    assert strip_ignored(asked, ()) is asked


@pytest.mark.parametrize("body", ['{"value": "123", "name": "qty"}', '{"name": "qty", "value": "123"}'])
def test_a_member_that_is_called_value_has_its_own_name_too(body: str) -> None:
    asked = request("https://x/", JSON, body=body.encode())
    assert b"123" not in (redact_ignored(asked, {"value"}).body or b"")
