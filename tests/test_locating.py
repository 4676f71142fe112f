"""Where the recordings of a cassette are filed: for many URLs at once as for each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqcache.flow import RunMemory
from pytest_reqcache.headers import Headers
from pytest_reqcache.identity import Identity, TestIdentity
from pytest_reqcache.models import RecordedRequest
from pytest_reqcache.redaction import Redactor
from pytest_reqcache.settings import MARKER_SETTINGS, TEST_SETTINGS, merge, parse_settings

SECRET = "s3cr3t-value-of-a-token"
PATHS = st.sampled_from(
    ["/", "/items", f"/{SECRET}", "/REDACTED-token", "/a;b", "/%7Ea", f"/x{SECRET}", "/k-123456", "/#a"]
)
QUERIES = st.lists(
    st.sampled_from(
        ["page=1", "token=abc", "skip=2", "SKIP=2", "sk%69p=2", f"a={SECRET}", "q=?token=1", "b", "a+b=1", ""]
    ),
    max_size=3,
).map("&".join)
URLS = st.builds(
    lambda origin, path, query, mark: f"{origin}{path}{mark}{query}",
    st.sampled_from(["http://a.test", "http://a.test:80", "HTTPS://A.test", "http://me:pw@a.test"]),
    PATHS,
    QUERIES,
    st.sampled_from(["?", "?", ""]),
)


def identities():
    for layer in ({}, {"ignored_parameters": ["skip"]}, {"redact": [r"re:k-\d+", r"re:\?page=(\d)"]}):
        settings = merge(TEST_SETTINGS, parse_settings(layer, MARKER_SETTINGS))
        yield Identity(lambda settings=settings: settings)
        for header in ((), (("Authorization", f"Bearer {SECRET}"),)):
            memory = RunMemory()
            redactor = Redactor(memory.registry, rules=lambda settings=settings: settings.redact.rules)
            redactor.observe(RecordedRequest("GET", "http://a.test/", Headers(header)), None)
            yield TestIdentity(lambda settings=settings: settings, redactor)


IDENTITIES = list(identities())


@pytest.mark.parametrize("number", range(len(IDENTITIES)))
@given(urls=st.lists(URLS, max_size=4))
def test_many_urls_are_filed_as_each_of_them_is(number, urls):
    identity = IDENTITIES[number]
    assert [*identity.locate_all(urls)] == [identity.locate(url) for url in urls]
