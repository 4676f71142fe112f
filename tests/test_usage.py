"""The name of a recording tells apart what is not the same, and nothing else."""

from __future__ import annotations

from itertools import combinations

from pytest_reqcache.headers import Headers
from pytest_reqcache.models import RecordedRequest
from pytest_reqcache.usage import fingerprint

URL = "https://api.example.com/a"

DISTINCT = [
    (RecordedRequest("GET", URL), 1, None),
    (RecordedRequest("GET", URL), 2, None),
    (RecordedRequest("GET", URL), 1, "key"),
    (RecordedRequest("HEAD", URL), 1, None),
    (RecordedRequest("GET", f"{URL}?b"), 1, None),
    (RecordedRequest("GET", URL, Headers((("A", "bc"),))), 1, None),
    (RecordedRequest("GET", URL, Headers((("Ab", "c"),))), 1, None),
    (RecordedRequest("GET", URL, Headers(), b""), 1, None),
    (RecordedRequest("GET", URL, Headers(), b"body"), 1, None),
]


def test_different_recordings_have_different_names():
    for one, other in combinations(DISTINCT, 2):
        assert fingerprint(*one) != fingerprint(*other)


def test_equal_recordings_have_the_same_name():
    for request, answer, key in DISTINCT:
        equal = RecordedRequest(request.method, request.url, Headers(request.headers.items), request.body)
        assert fingerprint(equal, answer, key) == fingerprint(request, answer, key)
