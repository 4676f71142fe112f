"""Every spelling of vcrpy's cassettes, as plain data."""

from __future__ import annotations

import base64
import json
import tempfile
from dataclasses import replace
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcr.request import Request
from vcr.serialize import serialize
from vcr.serializers import jsonserializer, yamlserializer

from pytest_reqcache.cassette import Cassette
from pytest_reqcache.cassette.nodes import NodeError
from pytest_reqcache.headers import Headers
from pytest_reqcache.importing.converting import Secrecy, convert
from pytest_reqcache.importing.files import write
from pytest_reqcache.importing.foreign import ForeignCassette, LeftAlone, Recording
from pytest_reqcache.importing.vcrpy import read
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse

FILE_TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)

TEMPLATE = """\
interactions:
- request:
    body: {request_body}
    headers: {request_headers}
    method: POST
    uri: http://api.example/x
  response:
    body: {body}
    headers: {headers}
    status: {status}
version: 1
"""


def sample(**given: str) -> bytes:
    """A cassette of one interaction, as vcrpy writes it but for what is given."""
    filled = {
        "request_body": "null",
        "request_headers": "{}",
        "body": "{string: ''}",
        "headers": "{}",
        "status": "{code: 200, message: OK}",
        **given,
    }
    return TEMPLATE.format(**filled).encode()


def only(data: bytes) -> Recording:
    found = read(data)
    assert isinstance(found, ForeignCassette)
    (recording,) = found.recordings
    return recording


BASE64 = base64.b64encode(b"\x00\xff").decode()

BODIES = {
    "null": None,
    "~": None,
    "''": None,
    "text": b"text",
    "'null'": b"null",
    "'123'": b"123",
    "123": b"123",
    '"caf\\xE9 \\U0001F600\\r\\n"': "café \U0001f600\r\n".encode(),
    f"!!binary {BASE64}": b"\x00\xff",
    f"!!binary |\n      {BASE64[:2]}\n      {BASE64[2:]}": b"\x00\xff",
    "!!python/unicode 'text'": b"text",
    "!!python/str 'text'": b"text",
    "!!str null": b"null",
    "{string: text}": b"text",
    "{string: null}": None,
    f"{{base64_string: {BASE64}, encoding: utf-8}}": b"\x00\xff",
    "[one, !!binary dHdv]": b"onetwo",
    "!!python/tuple [one, two]": b"onetwo",
    f"!!python/object/new:_io.BytesIO {{state: !!python/tuple [!!binary {BASE64}, 0, null]}}": b"\x00\xff",
    "!!python/object/new:_io.BytesIO {}": None,
    "!!python/object/apply:builtins.iter {args: [[one, two]]}": b"onetwo",
    "{}": None,
    "{a: 1, b: [x, null, true, '2', 1.5]}": b'{"a":1,"b":["x",null,true,"2",1.5]}',
}


@pytest.mark.parametrize("written", BODIES)
def test_bodies(written: str) -> None:
    assert only(sample(request_body=written)).request.body == BODIES[written]
    assert only(sample(body=written)).body == (BODIES[written] or b"")


HEADERS = {
    "null": (),
    "{}": (),
    "{A: [one]}": (("A", "one"),),
    "{A: one}": (("A", "one"),),
    "{A: [one, two], B: ['']}": (("A", "one"), ("A", "two"), ("B", "")),
    "{A: [!!binary 6Q==]}": (("A", "é"),),
    "{A: [null], B: 12}": (("A", ""), ("B", "12")),
    "{A: []}": (),
}


@pytest.mark.parametrize("written", HEADERS)
def test_headers(written: str) -> None:
    recording = only(sample(request_headers=written, headers=written))
    assert recording.request.headers == recording.headers == Headers(HEADERS[written])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("{code: 404, message: Not Found}", (404, "Not Found")),
        ("{code: 200, message: null}", (200, "")),
        ("{code: 200}", (200, "")),
        ("204", (204, "")),
    ],
)
def test_status(status: str, expected: tuple[int, str]) -> None:
    recording = only(sample(status=status))
    assert (recording.status, recording.reason) == expected


def test_responses_of_old_versions_to_httpx() -> None:
    recording = only(
        b"interactions:\n- request: {method: get, uri: 'http://h/'}\n"
        b"  response: {content: 'caf\xc3\xa9', headers: {A: b}, http_version: HTTP/1.1, status_code: 201}\n"
    )
    assert (recording.status, recording.body) == (201, "café".encode())
    assert recording.request.method == "GET"
    assert recording.lost == ("response.http_version",)


def test_what_has_no_place_is_named() -> None:
    data = sample(
        body="{string: x, encoding: utf-8}", status="{code: 200, message: OK, more: 1}", request_body="{a: 1}"
    )
    data = data.replace(b"version: 1", b"  protocol: HTTP/2\nmetadata: {seed: 1}\nversion: 1")
    found = read(data)
    assert isinstance(found, ForeignCassette)
    assert found.lost == ("metadata",)
    assert found.recordings[0].lost == (
        "protocol",
        "request.body as a mapping (written as JSON)",
        "response.status.more",
        "response.body.encoding",
    )


def test_a_time_is_taken_where_one_is_written() -> None:
    data = sample().replace(b"  response:", b"  recorded_at: 2024-05-06T07:08:09Z\n  response:")
    assert only(data).received_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)


def test_json_says_the_same() -> None:
    interaction = {
        "request": {"method": "GET", "uri": "http://h/?a=\U0001f600", "body": None, "headers": {"A": ["b"]}},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {},
            "body": {"string": '{"\u20ac": NaN}'},
        },
    }
    recording = only(json.dumps({"version": 1, "interactions": [interaction]}, indent=4).encode())
    assert recording.line == 4
    assert recording.request.url == "http://h/?a=\U0001f600"
    assert recording.request.headers == Headers((("A", "b"),))
    assert recording.body == '{"€": NaN}'.encode()


def test_a_byte_order_mark_and_flow_style_are_read() -> None:
    assert only(b"\xef\xbb\xbf" + sample()).status == 200
    flow = "{interactions: [{request: {method: GET, uri: u}, response: {status: {code: 201}}}]}"
    assert only(f"--- # cassette\n{flow}\n".encode()).status == 201


def test_aliases_stand_for_what_they_name() -> None:
    data = sample(request_headers="{A: &a [one]}", headers="{B: *a}")
    assert only(data).headers == Headers((("B", "one"),))


OLD = b"- request: !!python/object:vcr.request.Request {host: h}\n  response: {}\n"

ERRORS = {
    b"interactions: [\n": (1, "not valid YAML"),
    b'{"interactions":\n [}': (2, "not valid JSON"),
    b'{"interactions": [],\n "interactions": []}': (2, "the key 'interactions' is here twice"),
    b"interactions: []\ninteractions: []\n": (2, "the key 'interactions' is here twice"),
    b"interactions: {a: b}\n": (1, "interactions is a mapping; a list is expected"),
    b"interactions:\n- 1\n": (2, "an interaction is a text; a mapping is expected"),
    b"interactions:\n- request: {uri: '', method: GET}\n  response: {}\n": (2, "uri is empty"),
    b"interactions:\n- request: {uri: x, method: GET}\n": (2, "an interaction without response"),
    b"interactions:\n- request: {uri: x}\n  response: {}\n": (2, "a request without method"),
    b"interactions:\n- request: {uri: x, method: GET}\n  response: {}\n": (3, "a response without status"),
    sample(status="{code: abc}"): (10, "the status is 'abc'; three digits are expected"),
    sample(status="{message: OK}"): (10, "a status without code"),
    sample(headers="[a]"): (9, "headers is a list; a mapping of names to values is expected"),
    sample(headers="{A: [{b: c}]}"): (9, "the header A is a mapping"),
    sample(body="!!binary '!'"): (8, "a value that is no base64"),
    sample(body="{base64_string: '!'}"): (8, "a value that is no base64"),
    sample(body="!!python/object/apply:os.system ['true']"): (8, "is not safe to read"),
    sample(request_body="!!python/name:os.system ''"): (3, "is not safe to read"),
    sample(headers="{<<: {A: b}}"): (9, "merge keys"),
    sample(body="[" * 40 + "]" * 40): (8, "nested more than 32 deep"),
    json.dumps({"interactions": eval("[" * 40 + "]" * 40)}).encode(): (1, "nested more than 32 deep"),
    b'{"interactions": ' + b"[" * 100_000 + b"]" * 100_000 + b"}": (1, "nested more than 32 deep"),
    b'{"interactions": [{"request": {"method": "GET", "uri": "u", "body": "\\ud800"}, "response": {}}]}': (
        1,
        "half a surrogate pair",
    ),
    sample().replace(b"version: 1", b"version: 2"): (11, "version is '2'; 1 is known"),
    sample() + b"--- a\n": (12, "a second document"),
    sample(body="\xff").replace("ÿ".encode(), b"\xff"): (8, "the byte 0xff is no UTF-8"),
    OLD: (1, "a cassette of vcrpy before 1.0"),
    b'[{"request": {"host": "h"}, "response": {}}]': (1, "a cassette of vcrpy before 1.0"),
}


@pytest.mark.parametrize("data", ERRORS, ids=[problem for _, problem in ERRORS.values()])
def test_what_cannot_be_read_is_named_with_its_line(data: bytes) -> None:
    line, problem = ERRORS[data]
    with pytest.raises(NodeError) as caught:
        read(data)
    assert problem in caught.value.problem
    assert caught.value.line == line


def test_aliases_that_repeat_too_much_are_refused() -> None:
    levels = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(NodeError, match="repeat too much") as caught:
        read(f"k0: &k0 [x, x]\n{levels}interactions: *k8\n".encode())
    assert caught.value.line == 6  # an alias counts as one more than what it stands for


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", LeftAlone.NO_CASSETTE),
        (b"a: 1\n", LeftAlone.NO_CASSETTE),
        (b"\x89PNG", LeftAlone.NO_CASSETTE),
        (b"# about interactions\n", LeftAlone.NO_CASSETTE),
        (b"Bucket: !Ref interactions\nresponse: !Sub x\n", LeftAlone.NO_CASSETTE),
        (b"a: 1\n--- interactions\n---\nb: 2\n", LeftAlone.NO_CASSETTE),
        (b'{"a": {"interactions": 1}}', LeftAlone.NO_CASSETTE),
        (b"a: {interactions: 1}\n", LeftAlone.NO_CASSETTE),
        (b'{"http_interactions": [], "recorded_with": "betamax/0.9"}', LeftAlone.NO_CASSETTE),
        (b"- responses: []\n", LeftAlone.NO_CASSETTE),
        (b"interactions: []\nversion: 1\n", LeftAlone.EMPTY),
        (b"interactions:\n", LeftAlone.EMPTY),
        (b"# Recorded by pytest-reqcache. Edit freely", LeftAlone.OURS),
        (b"version: 1\ninteractions:\n- request: {method: GET, url: u}\n", LeftAlone.OURS),
    ],
)
def test_what_is_no_cassette_of_vcrpy_is_left_alone(data: bytes, why: LeftAlone) -> None:
    assert read(data) is why


# --- What vcrpy writes is what stands in our cassette

# Of letters that spell no name that tells of a secret: its value would be redacted.
TOKEN = st.text("abcdefABCDEF", min_size=1, max_size=12).map("X-{}".format)
VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=20)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(str.encode)
BYTES = st.binary(max_size=60)
# Of a request's header vcrpy keeps one value, and names that differ in case alone are one.
REQUEST_HEADERS = st.lists(st.tuples(TOKEN, VALUE), max_size=4, unique_by=lambda item: item[0].lower())
RESPONSE_HEADERS = st.dictionaries(TOKEN, st.lists(VALUE, min_size=1, max_size=3), max_size=4)


@st.composite
def interactions(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> list[Interaction]:
    """Some that differ in their URLs."""
    return [
        Interaction(
            RecordedRequest(
                draw(st.sampled_from(["GET", "POST", "PURGE"])),
                f"http://h/{number}{draw(st.text('abc/?&=', max_size=12))}",
                Headers(tuple(draw(REQUEST_HEADERS))),
                draw(bodies) or None,
            ),
            RecordedResponse(
                draw(st.integers(200, 599)),
                draw(VALUE),
                Headers(
                    tuple(
                        (name, value) for name, values in draw(RESPONSE_HEADERS).items() for value in values
                    )
                ),
                draw(bodies),
            ),
            FILE_TIME,
        )
        for number in range(draw(st.integers(1, 3)))
    ]


def as_vcrpy(items: list[Interaction], serializer: object) -> bytes:
    """What vcrpy writes of them."""
    responses = []
    for item in items:
        headers: dict[str, list[str]] = {}
        for name, value in item.response.headers:
            headers.setdefault(name, []).append(value)
        status = {"code": item.response.status, "message": item.response.reason}
        responses.append({"status": status, "headers": headers, "body": {"string": item.response.body}})
    requests = [
        Request(item.request.method, item.request.url, item.request.body, dict(item.request.headers))
        for item in items
    ]
    written: str = serialize({"requests": requests, "responses": responses}, serializer)
    return written.encode()


def with_sorted_headers(item: Interaction) -> Interaction:
    """vcrpy sorts the names, and keeps the values of each in their order."""

    def by_name(headers: Headers) -> Headers:
        return Headers(tuple(sorted(headers, key=lambda field: field[0])))

    return replace(
        item,
        request=replace(item.request, headers=by_name(item.request.headers)),
        response=replace(item.response, headers=by_name(item.response.headers)),
    )


@pytest.mark.parametrize(
    ("serializer", "bodies"), [(yamlserializer, BYTES | TEXT), (jsonserializer, TEXT)], ids=["yaml", "json"]
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_everything_that_vcrpy_writes_is_imported(
    serializer: object, bodies: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    given_items = data.draw(interactions(bodies))
    found = read(as_vcrpy(given_items, serializer))
    assert isinstance(found, ForeignCassette)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.yaml")
        write(path, convert(found, FILE_TIME, Secrecy()).interactions)
        imported = list(Cassette(path, str))
    assert [*map(with_sorted_headers, imported)] == [*map(with_sorted_headers, given_items)]


def test_a_sent_file_is_written_by_vcrpy_as_an_object_that_is_read_as_its_bytes() -> None:
    request = Request("PUT", "http://h/", BytesIO(b"sent \xff"), {})
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": b""}}
    written = serialize({"requests": [request], "responses": [response]}, yamlserializer)
    assert "BytesIO" in written
    assert only(written.encode()).request.body == b"sent \xff"
