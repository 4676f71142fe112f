"""Polling and writing: the same request has more than one answer."""

import pytest

from bookshop import Client


@pytest.fixture
def librarian(client: Client) -> Client:
    client.login("Ada", password="correct horse battery staple")
    return client


@pytest.mark.reqcache(repeats="sequence")
def test_polling_replays_every_answer_in_order(client: Client) -> None:
    assert client.wait_until_shipped() == 3


@pytest.mark.reqcache
def test_a_read_after_a_write_sees_the_write(librarian: Client) -> None:
    before = librarian.titles()
    number = librarian.add("Silas Marner", author="Eliot")
    assert librarian.titles() == [*before, "Silas Marner"]
    librarian.remove(number)
    assert librarian.titles() == before


@pytest.mark.reqcache
def test_a_login_replays_without_its_secrets_on_disk(librarian: Client) -> None:
    assert librarian.user() == "Ada"
