"""Which recorded request comes nearest to one that was missed, and what differs."""

from __future__ import annotations

import pytest

from pytest_reqcache.headers import Headers
from pytest_reqcache.models import RecordedRequest
from pytest_reqcache.nearest import differences, nearest, one_made_up

URL = "http://api.test"
MULTIPART = b'--BB\r\nContent-Disposition: form-data; name="f"\r\n\r\nx1\r\n--BB--\r\n'


def request(method="GET", path="/", headers=(), body=None) -> RecordedRequest:
    return RecordedRequest(method, URL + path, Headers.of(headers), body)


@pytest.mark.parametrize(
    ("asked", "candidates", "expected"),
    [
        (request(path="/a?p=2"), ["/b?p=2", "/a?p=1", "/a?p=1&q=2"], "/a?p=1"),
        (request(path="/users/12"), ["/orders/12", "/users/11"], "/users/11"),
        (request(path="/a?x=1&y=2"), ["/a?x=1", "/a?x=1&y=3"], "/a?x=1&y=3"),
    ],
)
def test_nearest_comes_first(asked, candidates, expected):
    recorded = [(request(path=path), ()) for path in candidates]
    assert nearest(asked, recorded)[0][0].url == URL + expected


def test_other_hosts_are_left_out():
    assert nearest(request(), [(RecordedRequest("GET", "http://other.test/"), ())]) == []


def test_same_path_of_another_method_is_nearer_than_another_path():
    recorded = [(request("GET", "/zzz"), ()), (request("POST", "/a"), ())]
    assert nearest(request("GET", "/a"), recorded)[0][0].method == "POST"


@pytest.mark.parametrize(
    ("asked", "recorded", "lines"),
    [
        (request(path="/a?n=1"), request(path="/a"), ["+ query n=1"]),
        (request(path="/a"), request(path="/a?n=1"), ["- query n=1"]),
        (request(body=b"\xff\xfe"), request(body=b"\xff"), ["- body 1 bytes", "+ body 2 bytes"]),
        (request(body=b"one\ntwo"), request(body=b"one\nthree"), ["- body three", "+ body two"]),
        (request(body=b'{"b":1,"a":2}'), request(body=b'{"a": 2, "b": 1}'), []),
        (request(body=None), request(body=b""), []),
        (
            request(headers=[("X-V", "2")]),
            request(headers=[("x-v", "1")]),
            ["- header x-v: 1", "+ header x-v: 2"],
        ),
        (request(headers=[("Other", "2")]), request(), []),
        (request(path="/?t=a&t=b"), request(path="/?t=b"), ["+ query t=a", "- query t=b", "+ query t=b"]),
        (request(path="/?p=a%3Bb"), request(path="/?p=a;b"), ["+ query p=a%3Bb", "- query p=a;b"]),
        (request(path="/?p=a%2Fb+c"), request(path="/?p=a/b%20c"), []),
        (request(path="/%7Eu?%61=1"), request(path="/~u?a=1"), []),
        (
            RecordedRequest("GET", "https://api.test/"),
            request(),
            ["- origin http://api.test", "+ origin https://api.test"],
        ),
        (RecordedRequest("GET", "http://API.test:80/"), request(), []),
        (request(body=b'{"n":1.0}'), request(body=b'{"n":1.00}'), ['- body {"n":1.00}', '+ body {"n":1.0}']),
        (
            request(
                body=MULTIPART.replace(b"BB", b"one"),
                headers=[("Content-Type", "multipart/form-data; boundary=one")],
            ),
            request(
                body=MULTIPART.replace(b"BB", b"two").replace(b"x1", b"x2"),
                headers=[("Content-Type", "multipart/form-data; boundary=two")],
            ),
            ["- body x2", "+ body x1"],
        ),
        (
            request(body=b"b=1&a=1", headers=[("Content-Type", "text/plain")]),
            request(body=b"b=1&a=1", headers=[("Content-Type", "application/x-www-form-urlencoded")]),
            ["- header content-type: application/x-www-form-urlencoded", "+ header content-type: text/plain"],
        ),
    ],
)
def test_differences_as_a_diff(asked, recorded, lines):
    found = [line for difference in differences(asked, recorded, ["x-v"]) for line in difference.lines()]
    assert sorted(found) == sorted(lines)


JSON = [("Content-Type", "application/json")]
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@pytest.mark.parametrize(
    ("asked", "recorded", "name"),
    [
        (request(path="/?ts=1764417600&q=a"), request(path="/?ts=1764417605&q=a"), "ts"),
        (request(path="/?nonce=5f0c9f6e3d0a"), request(path="/?nonce=8a5f7a2b6c11"), "nonce"),
        (request(path="/?page=1"), request(path="/?page=2"), None),
        (request(path="/?q=emma-and-co"), request(path="/?q=persuasion"), None),
        (request(path="/?ts=1764417600"), request(), None),
        (request(path="/?ts=1764417600&q=a"), request(path="/?ts=1764417605&q=b"), None),
        (request(path="/a?ts=1764417600"), request(path="/b?ts=1764417605"), None),
        (
            request("POST", "/", JSON, b'{"at": "2026-11-29T10:00", "n": 1}'),
            request("POST", "/", JSON, b'{"at": "2026-11-28T10:00", "n": 1}'),
            "at",
        ),
        (
            request("POST", "/", JSON, b'{"n": 17644176001, "at": 1}'),
            request("POST", "/", JSON, b'{"n": 17644176002, "at": 1}'),
            "n",
        ),
        (
            request("POST", "/", JSON, b'{"a1": 12345678}'),
            request("POST", "/", JSON, b'{"b1": 12345678}'),
            None,
        ),
        (request("POST", "/", FORM, b"ts=1764417600"), request("POST", "/", FORM, b"ts=1764417605"), "ts"),
        (request("POST", "/", body=b"1764417600"), request("POST", "/", body=b"1764417605"), None),
        (
            request("POST", "/", [("Content-Type", "text/plain")], b"at: 2026-11-29T10:00"),
            request("POST", "/", [("Content-Type", "text/plain")], b"at: 2026-11-28T10:00"),
            None,
        ),
        (
            request("POST", "/", JSON, b'{"query": "{ book(id: 12345) { title } }"}'),
            request("POST", "/", JSON, b'{"query": "{ book(id: 12346) { title } }"}'),
            None,
        ),
    ],
)
def test_one_parameter_that_may_be_made_up_for_each_request(asked, recorded, name):
    assert one_made_up(asked, differences(asked, recorded)) == name


def test_long_values_and_long_bodies_are_cut():
    asked = request(path="/?q=" + "x" * 500, body="\n".join(map(str, range(100))).encode())
    recorded = request(path="/?q=y", body="\n".join(map(str, range(100, 200))).encode())
    lines = [line for difference in differences(asked, recorded) for line in difference.lines()]
    assert max(map(len, lines)) <= 120
    assert len(lines) <= 10
