"""Reading: the marker on a module, and what a function adds to it."""

import pytest

from bookshop import Client

pytestmark = pytest.mark.reqcache(expire_after="2w")


def test_all_titles(client: Client) -> None:
    assert client.titles() == ["Emma", "Middlemarch", "Persuasion"]


def test_titles_of_an_author(client: Client) -> None:
    assert client.titles(author="Austen") == ["Emma", "Persuasion"]


def test_a_redirect_is_recorded_hop_by_hop(client: Client) -> None:
    response = client.latest()
    assert response.json()["title"] == "Persuasion"
    assert [hop.status_code for hop in response.history] == [302]


@pytest.mark.reqcache(expire_after="never")
def test_cover_is_an_image(client: Client) -> None:
    assert client.cover(1).startswith(b"\x89PNG")


@pytest.mark.parametrize(("number", "price"), [(1, 9.5), (2, 12.0)])
def test_price(client: Client, number: int, price: float) -> None:
    assert client.price(number) == price
