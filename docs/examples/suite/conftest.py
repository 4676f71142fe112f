import os

import pytest

from bookshop import Client


@pytest.fixture(scope="session")
def shop_url() -> str:
    return os.environ.get("BOOKSHOP_URL", "http://127.0.0.1:8000")


@pytest.fixture
def client(shop_url: str) -> Client:
    return Client(shop_url)
