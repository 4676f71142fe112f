"""How a refreshed answer differs from the recorded one: a table, and what holds for every JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqcache.drift import MOST, compare
from pytest_reqcache.headers import Headers
from pytest_reqcache.models import BodyFile, RecordedResponse


def answer(body: object = b"", status: int = 200, **headers: str) -> RecordedResponse:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes | BodyFile):
        return RecordedResponse(status, "", Headers.of(fields.items()), body)
    fields.setdefault("Content-Type", "application/json")
    return RecordedResponse(status, "", Headers.of(fields.items()), json.dumps(body).encode())


def told(old: RecordedResponse, new: RecordedResponse, volatile: tuple[str, ...] = ()) -> list[str]:
    drift = compare(old, new, volatile)
    if drift is None:
        return ["nothing"]
    return [f"{found.level}: {found}" for found in drift.differences] or [drift.level]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, ["nothing"]),
        ({"a": 1}, {"a": 2}, ["values"]),
        ({"a": 1}, {"a": 1.5}, ["values"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ["values"]),
        ({"total": 1}, {"total": "1"}, ["breaking: $.total: number -> string"]),
        ({"a": True}, {"a": 1}, ["breaking: $.a: boolean -> number"]),
        ({"plan": {}}, {"plan": {"seats": 3}}, ["additive: + $.plan.seats"]),
        ({"plan": {"seats": 3}}, {"plan": {}}, ["breaking: - $.plan.seats"]),
        ({"plan": {"seats": 3}}, {}, ["breaking: - $.plan"]),
        ({"plan": {"seats": 3}}, {"plan": None}, ["breaking: $.plan: object -> null"]),
        ({"plan": None}, {"plan": {"seats": 3}}, ["additive: $.plan: null -> object"]),
        ({"plan": None}, {"plan": None, "x": None}, ["additive: + $.x"]),
        ({"a": {"x": 1}}, {"a": [1]}, ["breaking: $.a: object -> array"]),
        ([{"id": 1}], [{"id": 2}, {"id": 3}], ["values"]),
        ([{"id": 1}], [], ["values"]),
        ([], [{"id": 1}], ["values"]),
        ([{"id": 1}, {"x": 1}], [{"x": 1}, {"id": 1}], ["values"]),
        ([{"id": 1}], [{"id": "1"}], ["breaking: $[*].id: number -> string"]),
        ([{"id": 1}], [{"id": 1}, {"id": None}], ["breaking: $[*].id: number -> number or null"]),
        ([{"id": 1}, {"id": None}], [{"id": 1}], ["values"]),
        ([1], [1, "a"], ["breaking: $[*]: number -> number or string"]),
        ([{"id": 1}], [{"id": 1}, {}], ["breaking: $[*].id: always -> sometimes"]),
        ([[1]], [["a"]], ["breaking: $[*][*]: number -> string"]),
        ({"a b": 1, "1": 1, "é": 1}, {}, ['breaking: - $["a b"]', 'breaking: - $["1"]', "breaking: - $.é"]),
        ({"new": 1, "a": 1}, {"x": 1, "a": "1"},
            ["breaking: - $.new", "breaking: $.a: number -> string", "additive: + $.x"]),
        ({"a": 1}, "text", ["breaking: $: object -> string"]),
        ({"a": 10**5000}, {"a": 1}, ["values"]),
    ],
)  # fmt: skip
def test_shape_of_json(old, new, expected):
    if old == {"a": 10**5000}:
        digits = b'{"a": ' + b"1" * 5000 + b"}"
        assert told(answer(digits), answer(b'{"a": 1}')) == expected
    else:
        assert told(answer(old), answer(new)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (answer({}, 200), answer({}, 201), ["values: status: 200 -> 201"]),
        (answer({"a": 1}, 200), answer({"error": 1}, 404), ["breaking: status: 200 -> 404"]),
        (answer(b"", 302, Location="/a"), answer(b"", 302, Location="/b"), ["values: Location changed"]),
        (
            answer({}, Content_Type="application/json"),
            answer(b"<p>", Content_Type="text/html; charset=utf-8"),
            ["breaking: Content-Type: application/json -> text/html", "breaking: $: object -> no JSON"],
        ),
        (answer({}, Content_Type="application/json"),
            answer({}, Content_Type="Application/JSON; charset=utf-8"), ["values"]),
        (answer(b"a"), answer(b"abc" * 1000), ["values: body: 1 byte -> 3,000 bytes"]),
        (answer(b"one"), answer(b"two"), ["values: body: 3 bytes -> 3 bytes, not the same"]),
        (answer(b"a", ETag="1", Date="x"), answer(b"a", ETag="1", Date="y", Age="3"), ["nothing"]),
        (answer(b"a", ETag="1"), answer(b"a", ETag="2"), ["values"]),
        (answer(b"a", Set_Cookie="a=1"), answer(b"a", Set_Cookie="a=2"), ["nothing"]),
        (answer(b"a", Vary="Accept"), answer(b"a", Vary="Cookie"), ["values: Vary: Accept -> Cookie"]),
        (answer(b"a"), answer(b"a", Sunset="soon"), ["values: + Sunset"]),
        (answer(b"a", X_Total="2"), answer(b"a"), ["values: - X-Total"]),
        (answer(b"a", X_Total="2"), answer(b"a", X_Total="3"), ["values"]),
        (answer(b"a", X_RateLimit_Left="2"), answer(b"a"), ["nothing"]),
        (answer({"a": 1}), answer(BodyFile(Path("x.json"), 2_000_000), Content_Type="application/json"),
         ["values: body: 8 bytes -> 2,000,000 bytes"]),
    ],
)  # fmt: skip
def test_status_and_fields(old, new, expected):
    assert told(old, new) == expected


def test_field_that_is_named_volatile_does_not_count():
    old, new = answer(b"a", X_Build="1"), answer(b"a", X_Build="2")
    assert told(old, new, ("x-build",)) == ["nothing"]
    assert told(old, new) == ["values"]


def test_what_is_nested_beyond_reason_is_told_by_its_size():
    deep = b"[" * 200_000 + b"]" * 200_000
    assert told(answer(deep), answer(b"[1]")) == ["values: body: 400,000 bytes -> 3 bytes"]


def test_output_is_bounded():
    drift = compare(answer({f"name-{n:05}" * 20: n for n in range(3000)}), answer({}))
    assert drift is not None
    assert (len(drift.differences), drift.omitted) == (MOST, 3000 - MOST)
    assert max(len(str(found)) for found in drift.differences) < 80


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


def reordered(value: object) -> object:
    if isinstance(value, dict):
        return {name: reordered(value[name]) for name in reversed(value)}
    return [reordered(item) for item in reversed(value)] if isinstance(value, list) else value


@given(JSON)
def test_same_answer_has_not_changed(value):
    assert compare(answer(value), answer(value)) is None


@given(JSON)
def test_order_of_members_and_elements_makes_no_difference(value):
    drift = compare(answer(value), answer(reordered(value)))
    assert drift is None or not drift.differences


@given(JSON, JSON)
def test_values_never_show(old, new):
    marker = "s3cret"

    def marked(value: object) -> object:
        if isinstance(value, dict):
            return {name: marked(member) for name, member in value.items()}
        if isinstance(value, list):
            return [marked(item) for item in value]
        return f"{marker}{value}" if isinstance(value, str) else value

    assert marker not in " ".join(told(answer(marked(old)), answer(marked(new))))


@given(JSON, JSON)
def test_what_was_added_one_way_was_removed_the_other_way(old, new):
    one_way, other_way = compare(answer(old), answer(new)), compare(answer(new), answer(old))
    if one_way is None or other_way is None:
        assert one_way is other_way
        return
    added = {found.where for found in one_way.differences if found.kind == "added"}
    removed = {found.where for found in other_way.differences if found.kind == "removed"}
    assert added == removed
