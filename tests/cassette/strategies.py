"""Interactions of every kind, for property-based tests."""

from __future__ import annotations

from hypothesis import strategies as st

from pytest_reqcache.expiration import Special

from .conftest import CREATED_AT, make

TEXTS = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\r\n\t :#-'\"{}[]&*!|>%@\x85\u2028\ufeff"), max_size=12
)
URLS = TEXTS.map("https://x/{}".format)
NAMES = st.sampled_from(["A", "a", "Set-Cookie", "set-cookie"]) | TEXTS.filter(bool)
INTERACTIONS = st.builds(
    make,
    url=URLS,
    method=st.sampled_from(["GET", "POST", "M-SEARCH", "NULL", "ON"]),
    status=st.integers(100, 999).filter(lambda status: status not in (204, 304)),
    reason=TEXTS,
    headers=st.lists(st.tuples(NAMES, TEXTS), max_size=5),
    sent=st.lists(st.tuples(NAMES, TEXTS), max_size=5),
    body=st.binary(max_size=40),
    sent_body=st.none() | st.binary(max_size=40),
    answer=st.integers(1, 10),
    expires=st.sampled_from([None, Special.NEVER, CREATED_AT]),
    keep=st.booleans(),
    key=st.none() | TEXTS,
)
