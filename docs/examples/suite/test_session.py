"""The `cached_session` fixture: for code that is given its session."""

from datetime import timedelta

from bookshop import Client
from pytest_reqcache import CachedSession


def test_price_through_a_cached_session(cached_session: CachedSession, shop_url: str) -> None:
    assert Client(shop_url, cached_session).price(1) == 9.5


def test_the_same_read_is_requested_once(cached_session: CachedSession, shop_url: str) -> None:
    url = f"{shop_url}/books/2"
    cached_session.get(url)
    response = cached_session.get(url)
    assert response.from_cache
    assert not response.is_expired


def test_a_call_may_have_an_expiry_of_its_own(cached_session: CachedSession, shop_url: str) -> None:
    response = cached_session.get(f"{shop_url}/books/1", expire_after=timedelta(days=365))
    assert response.expires is not None
