"""Which recorded answers go with which credential."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_reqcache.models import Interaction, RecordedRequest
from pytest_reqcache.redaction import Bindings, Masked, Redactor, Registry

from .building import bearer, interaction, redacted, request

A, B = "REDACTED-authorization", "REDACTED-authorization-2"


class Test:
    """A test's bindings on a cassette that holds requests with these tokens."""

    __test__ = False

    def __init__(self, *tokens: str, registry: Registry | None = None, cassette: str | None = None) -> None:
        self._redactor = Redactor(registry or Registry())
        self.bindings = Bindings(registry)
        self.tokens = tokens
        self._stored = [interaction(bearer(token), cassette=cassette) for token in tokens]

    def choose(self, asked: RecordedRequest, *, offline: bool = False) -> list[str | None]:
        candidates = [(item, self.masked(item)) for item in self._stored]
        chosen = self.bindings.choose(self._redactor.mask(asked), candidates, offline=offline)
        return [_token(item) for item in chosen]

    def answer(self, asked: RecordedRequest, token: str) -> None:
        self.bindings.bind(self._redactor.mask(asked), self._redactor.mask(bearer(token)))

    def masked(self, item: Interaction) -> Masked:
        return self._redactor.mask(item.request)


def _token(item: Interaction) -> str | None:
    return (item.request.headers.get("Authorization") or "").rpartition(" ")[2]


@pytest.mark.parametrize(
    ("stored", "asked", "online", "offline"),
    [
        ([A], "a", [A], [A]),
        ([A, B, A], "a", [A, A], [A, A]),
        ([A, B], A, [A], [A]),
        ([A, B], B, [B], [B]),
        ([A], B, [], [A]),
        ([A, "a"], "a", ["a"], ["a"]),
        (["b"], "a", [], ["b"]),
        (["b", A], "a", [A], [A]),
        ([], "a", [], []),
    ],
)
def test_an_unbound_request(stored, asked, online, offline) -> None:  # type: ignore[no-untyped-def]
    assert Test(*stored).choose(bearer(asked)) == online
    assert Test(*stored).choose(bearer(asked), offline=True) == offline


def test_a_bound_value_takes_its_own_placeholder_only() -> None:
    test = Test(A, B, A)
    test.answer(bearer("a"), B)
    assert test.choose(bearer("a")) == [B]


def test_a_bound_placeholder_is_for_its_own_value_only() -> None:
    test = Test(A, B)
    test.answer(bearer("a"), A)
    assert test.choose(bearer("b")) == [B]
    test.answer(bearer("b"), B)
    assert test.choose(bearer("c")) == []
    assert test.choose(bearer("c"), offline=True) == [A, B]


def test_an_answer_against_the_bindings_changes_none() -> None:
    test = Test(A, B)
    test.answer(bearer("a"), A)
    test.answer(bearer("c"), A)
    test.answer(bearer("a"), B)
    assert test.choose(bearer("a")) == [A]
    assert test.choose(bearer("c")) == [B]


def test_recorded_and_live_answers_of_one_value_are_chosen_together() -> None:
    test = Test(A, "a", B)
    test.answer(bearer("a"), A)
    assert test.choose(bearer("a")) == [A, "a"]
    assert test.choose(bearer(A)) == [A, "a"]


def test_what_was_issued_apart_goes_with_nothing_recorded() -> None:
    test = Test(A, B)
    test.bindings.set_apart(["a"])
    assert test.choose(bearer("a")) == []
    assert test.choose(bearer("a"), offline=True) == [A, B]
    assert test.choose(bearer("b")) == [A]


def test_what_was_issued_apart_goes_with_what_was_written_for_it() -> None:
    registry = Registry()
    registry.note(Path("a.yaml"), "a", B)
    test = Test(A, B, registry=registry, cassette="a.yaml")
    test.bindings.set_apart(["a"])
    assert test.choose(bearer("a")) == [B]


@pytest.mark.parametrize(("place", "goes"), [("X-Api-Key: {}", False), ("Cookie: sid={}", True)], ids=str)
def test_a_placeholder_that_the_test_has_sent_is_of_no_other_value_unless_it_is_a_cookie(
    place: str, goes: bool
) -> None:
    """A client has one token at a time; its cookies change with any answer."""

    def asked(value: str) -> RecordedRequest:
        name, text = place.format(value).split(": ")
        return request("https://x/", (name, text))

    redactor, bindings = Redactor(Registry()), Bindings()
    stored = asked("REDACTED-it")
    candidates = [(interaction(stored), redactor.mask(stored))]
    bindings.bind(redactor.mask(stored), redactor.mask(stored))
    assert len(bindings.choose(redactor.mask(asked("s3cret")), candidates, offline=False)) == goes


def test_a_request_without_credentials_takes_all() -> None:
    assert Test(A, B).choose(request()) == [A, B]


def test_all_credentials_agree() -> None:
    def asked(token: str, cookie: str) -> RecordedRequest:
        return request("https://x/", ("Authorization", f"Bearer {token}"), ("Cookie", f"sid={cookie}"))

    redactor, bindings = Redactor(Registry()), Bindings()
    stored = [asked(A, "REDACTED-sid"), asked(B, "REDACTED-sid"), asked(B, "REDACTED-sid-2")]
    bindings.bind(redactor.mask(asked("a", "s")), redactor.mask(stored[0]))
    candidates = [(interaction(one), redactor.mask(one)) for one in stored]
    chosen = bindings.choose(redactor.mask(asked("b", "t")), candidates, offline=False)
    assert [item.request for item in chosen] == [stored[2]]


def test_one_value_at_two_places_is_one_placeholder() -> None:
    def asked(*tokens: str) -> RecordedRequest:
        return request("https://x/", ("X-Api-Key", tokens[0]), ("X-Auth-Token", tokens[1]))

    redactor = Redactor(Registry())
    stored = [asked("REDACTED-a", "REDACTED-b"), asked("REDACTED-a", "REDACTED-a")]
    candidates = [(interaction(one), redactor.mask(one)) for one in stored]
    for given, expected in ((asked("x", "x"), stored[1]), (asked("x", "y"), stored[0])):
        for order in (candidates, candidates[::-1]):
            chosen = Bindings().choose(redactor.mask(given), order, offline=False)
            assert [item.request for item in chosen] == [expected]


@pytest.mark.parametrize(
    ("asked", "stored", "agrees"),
    [
        ("Digest nonce=1", "Digest REDACTED-authorization", True),
        ("Digest nonce=1", "Digest nonce=2", True),
        ("AWS4-HMAC-SHA256 a", "AWS4-HMAC-SHA256 REDACTED-authorization", True),
        ("Bearer a", "Digest REDACTED-authorization", False),
        ("Digest nonce=1", "Basic REDACTED-authorization", False),
        ("Bearer a", "Basic REDACTED-authorization", False),
        ("bearer a", "Bearer REDACTED-authorization", True),
    ],
)
def test_schemes(asked: str, stored: str, agrees: bool) -> None:
    redactor = Redactor(Registry())
    live, old = (request("https://x/", ("Authorization", one)) for one in (asked, stored))
    for _ in range(2):
        bindings = Bindings()
        bindings.bind(redactor.mask(live), redactor.mask(old))
        chosen = bindings.choose(redactor.mask(live), [(interaction(old), redactor.mask(old))], offline=False)
        assert bool(chosen) is agrees


def test_what_this_process_wrote_is_bound_in_every_test() -> None:
    registry = Registry()
    written = [interaction(bearer(token), cassette="c.yaml") for token in "ab"]
    redacted(*written, redactor=Redactor(registry))
    test = Test(A, B, registry=registry, cassette="c.yaml")
    assert test.choose(bearer("b")) == [B]
    assert test.choose(bearer("a")) == [A]
    assert test.choose(bearer("c")) == []


def test_a_value_that_it_wrote_goes_with_no_other_placeholder() -> None:
    registry = Registry()
    redacted(interaction(bearer("a"), cassette="c.yaml"), redactor=Redactor(registry))
    test = Test(B, registry=registry, cassette="c.yaml")
    assert test.choose(bearer("a")) == []
    assert test.choose(bearer("b")) == [B]


def test_what_it_wrote_to_another_cassette_is_not() -> None:
    registry = Registry()
    redacted(interaction(bearer("a"), cassette="c.yaml"), redactor=Redactor(registry))
    assert Test(A, registry=registry, cassette="d.yaml").choose(bearer("c")) == [A]


def test_a_value_that_has_taken_the_place_of_a_placeholder_goes_with_it() -> None:
    registry = Registry()
    redacted(interaction(bearer("a"), cassette="c.yaml"), redactor=Redactor(registry))
    test = Test(A, registry=registry, cassette="c.yaml")
    assert test.choose(bearer("c")) == []
    test.bindings.take_over("c", A)
    assert test.choose(bearer("c")) == [A]


@pytest.mark.parametrize(
    ("value", "cassette", "is_wide"),
    [("own", None, False), ("given", Path("wider.yaml"), True), (B, None, False)],
    ids=["its own", "that of a wider fixture", "a placeholder"],
)
def test_a_value_that_has_a_placeholder_takes_no_other_over(
    value: str, cassette: Path | None, is_wide: bool
) -> None:
    registry = Registry()
    if value != B:
        registry.note(cassette, value, B, is_wide=is_wide)
    bindings = Bindings(registry)
    bindings.take_over(value, A)
    assert bindings.placeholder_of(value) is None


def test_the_placeholder_of_a_wider_fixture_is_not_taken_over() -> None:
    registry = Registry()
    registry.note(Path("wider.yaml"), "a", A, is_wide=True)
    bindings = Bindings(registry, Path("c.yaml"))
    bindings.take_over("c", A)
    assert bindings.placeholder_of("c") is None
