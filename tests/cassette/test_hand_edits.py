"""Whatever people do to a cassette, it says the same by both ways of reading, or what is wrong with it."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_reqcache.cassette import Cassette, CassetteError, TornTailWarning
from pytest_reqcache.cassette.scan import Unsure
from pytest_reqcache.models import Change

from .conftest import URL, add, identify, make, ref

ITEMS = [
    make(
        "https://x/1", b'{"a":[{"b":1}]}', headers=[("Content-Type", "application/json")], sent=[("A", "1")]
    ),
    make("https://x/2", "é: \U0001f600\n\n- b\n#c\n".encode(), method="POST", sent_body=b"x=1"),
    make("https://x/3", b"\x00\x01", headers=[("Set-Cookie", "a"), ("Set-Cookie", "b")], answer=2),
]


@pytest.fixture
def text(path, open_cassette):
    """The text of a cassette with ITEMS."""
    add(open_cassette(), *ITEMS)
    return path.read_text()


def indented(text, by=2):
    head, _, items = text.partition("interactions:\n")
    return head + "interactions:\n" + re.sub(r"(?m)^(?=.)", " " * by, items)


FLOW = """\
{"version": 1, "interactions": [
  {"request": {"method": "GET", "url": "https://x/1"},   # one
   "response": {"status": "200 OK", "text": "- request:\\n"}, "created_at": "2026-11-23T19:10:00Z"}, {
"request": {"method": "GET", "url": "https://x/2"}, "response": {"status": 200}, "created_at": 2026-11-23},
]}
"""

QUOTED_SCALAR = """\
version: 1
interactions:
- request:
    method: GET
    url: https://x/1
  response:
    status: 200 OK
    text: "one
- request:
    method: GET
    url: https://x/wrong

"
  created_at: 2026-11-23T19:10:00Z
- request:
    method: GET
    url: https://x/2
  response:
    status: 200 OK
  created_at: 2026-11-23T19:10:00Z
"""

ANCHORS = """\
version: 1
interactions:
- request: &request
    method: GET
    url: https://x/1
    headers: &headers {A: "1"}
  response:
    status: &status 200 OK
    headers: *headers
  created_at: &then 2026-11-23T19:10:00Z
- request: *request
  response:
    status: *status
  answer: 2
  created_at: *then
"""

EDITS = {
    "untouched": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "BOM": lambda text: "\ufeff" + text,
    "document start": lambda text: "---\n" + text,
    "document end": lambda text: text + "...\n",
    "YAML directive": lambda text: "%YAML 1.1\n---\n" + text,
    "indented list": indented,
    "list indented by one": lambda text: indented(text, 1),
    "other indentation": lambda text: re.sub(
        r"(?s)(    method: POST.*?)(?=  response:)", lambda found: re.sub("(?m)^(?=.)", "  ", found[1]), text
    ),
    "quoted keys": lambda text: text.replace("request:", '"request":').replace(
        "interactions:", "'interactions':"
    ),
    "quoted URL": lambda text: text.replace("url: https://x/1", 'url: "https://x/\\x31"'),
    "folded URL": lambda text: text.replace("url: https://x/1", "url: >-\n      https://x/1"),
    "URL first": lambda text: text.replace(
        "    method: GET\n    url: https://x/1\n", "    url: https://x/1\n    method: GET\n"
    ),
    "response first": lambda text: re.sub(
        r"(?s)- request:\n(    method: POST.*?)  response:\n(.*?)  created_at",
        r"- response:\n\2  request:\n\1  created_at",
        text,
    ),
    "time first": lambda text: re.sub(
        r"(?s)- request:\n(.{30,500}?)  created_at: ([^\n]*)\n",
        r"- created_at: \2\n  request:\n\1",
        text,
        count=1,
    ),
    "dash alone": lambda text: text.replace("- request:", "-\n  request:"),
    "dash and comment": lambda text: text.replace("- request:", "-  # why\n  request:"),
    "wide dash": lambda text: text.replace("- request:", "- # c\n\n  request:", 1),
    "version last": lambda text: text.replace("version: 1\n", "") + "version: 1\n",
    "comments everywhere": lambda text: re.sub(
        r"(?m)^( *)(response|headers|status|created_at|url|- request)", r"\1# '\"[\n\1\2", text
    ),
    "comments at column 0": lambda text: re.sub(
        r"(?m)^( *)(response|headers|status|created_at|- request)", r"# - request:\n\1\2", text
    ),
    "comments behind values": lambda text: re.sub(r"(?m)(: (?:GET|POST|https.*|20.*))$", r"\1  # c: '", text),
    "blank lines": lambda text: re.sub(r"(?m)^( *)(response|status|created_at|- request)", r"\n\n\1\2", text),
    "header comments": lambda text: (
        "# a\n\n#b\n" + text.replace("interactions:\n", "# c\ninteractions: # d\n\n  # e\n")
    ),
    "no header comment": lambda text: text.partition("\n")[2],
    "no last newline": lambda text: text.rstrip("\n"),
    "tagged": lambda text: text.replace("url: https://x/1", "url: !!str https://x/1"),
    "anchored": lambda text: text.replace("url: https://x/1", "url: &u https://x/1"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_file_says_the_same(edit, text, path, open_cassette):
    path.write_bytes(EDITS[edit](text).encode())
    cassette = open_cassette()
    assert [cassette.find(item.request.url) for item in ITEMS] == [[item] for item in ITEMS]
    assert list(open_cassette()) == ITEMS
    lines = path.read_text().split("\n")
    for item in cassette:
        assert "-" in lines[item.source.line - 1]


@pytest.mark.parametrize("edit", EDITS)
def test_edited_file_is_changed_only_where_it_has_to_be(edit, text, path, open_cassette):
    edited = EDITS[edit](text).encode()
    path.write_bytes(edited)
    cassette = open_cassette()
    one, two, three = cassette
    new = make("https://x/2", b"new\n")
    added = make("https://x/4", b"  x\n\n y\n")
    cassette.commit([Change(new, (ref(two),)), Change(added)], identify)
    assert list(open_cassette()) == [one, new, three, added]
    assert [item.source for item in open_cassette()] == [item.source for item in cassette]
    after = path.read_bytes()
    start, end = edited.index(b"POST"), edited.index(b"https://x/3")
    start = edited.rindex(b"\n-" if b"\n-" in edited[:start] else b"-", 0, start)
    before_two = edited[: start - 20]
    assert after.startswith(before_two)
    from_three = edited[end:].removesuffix(b"...\n").removesuffix(b"version: 1\n")
    assert from_three in after
    cassette.commit([Change(None, (ref(item),)) for item in cassette], identify)
    assert list(open_cassette()) == []
    add(open_cassette(), new)
    assert list(open_cassette()) == [new]


@pytest.mark.parametrize("text", [FLOW, QUOTED_SCALAR, ANCHORS], ids=["flow", "quoted scalar", "anchors"])
def test_file_only_the_general_way_can_read(text, path, open_cassette):
    path.write_text(text)
    cassette = open_cassette()
    assert cassette.find("https://x/wrong") == []
    one, two = cassette
    assert cassette.find("https://x/1")[0] == one
    [new] = add(cassette, make("https://x/4"))
    assert list(open_cassette()) == [one, two, new]
    cassette.commit(
        [Change(make(one.request.url, b"new", answer=one.answer), (ref(one),))], identify
    ) if text != ANCHORS else 0
    assert list(open_cassette())[1:] == [two, new]


def test_flow_list_becomes_a_block_and_its_items_keep_their_text(path, open_cassette):
    path.write_text(FLOW)
    add(open_cassette(), make())
    text = path.read_text()
    assert '- {"request": {"method": "GET", "url": "https://x/1"},   # one\n' in text
    assert text.endswith("created_at: 2026-11-23T19:10:00.123Z\n")


@pytest.mark.parametrize(
    "nothing", ["interactions:\n", "interactions: []\n", "interactions: ~\n", "interactions: [ ] # c\n"]
)
def test_list_without_items(nothing, path, open_cassette):
    for text in ("version: 1\n" + nothing, "# a\n" + nothing + "version: 1\n", "---\nversion: 1\n" + nothing):
        path.write_text(text)
        assert list(open_cassette()) == []
        add(open_cassette(), make())
        assert list(open_cassette()) == [make()]
        assert ("# c" in path.read_text()) == ("# c" in text)


TIMES = {
    "2026-11-23": "2026-11-23T00:00:00+00:00",
    "2026-11-23 19:10:00": "2026-11-23T19:10:00+00:00",
    "2026-11-23T19:10": "2026-11-23T19:10:00+00:00",
    "2026-11-23t19:10:00.5z": "2026-11-23T19:10:00.500000+00:00",
    "2026-11-23T19:10:00.1234567Z": "2026-11-23T19:10:00.123456+00:00",
    "2026-11-23T19:10:00+02:00": "2026-11-23T17:10:00+00:00",
    "2026-11-23 19:10:00 -5": "2026-11-24T00:10:00+00:00",
    "2026-11-23 19:10:00 UTC": "2026-11-23T19:10:00+00:00",
    '"2026-11-23T19:10:00Z"': "2026-11-23T19:10:00+00:00",
    "2026-1-2": "2026-01-02T00:00:00+00:00",
}


@pytest.mark.parametrize("time", TIMES)
def test_times_may_be_typed_by_hand(time, path, open_cassette):
    add(open_cassette(), make(URL))
    path.write_text(
        path.read_text().replace(
            "  created_at: 2026-11-23T19:10:00.123Z", f"  expires: {time}\n  created_at: {time}"
        )
    )
    [item] = open_cassette()
    assert item.created_at.isoformat() == item.expires.isoformat() == TIMES[time]


@pytest.mark.parametrize(
    ("old", "new", "attribute"),
    [
        ("200 OK", "'200 OK'", "response.status"),
        ("A: '1'", "A: 1", "request.headers"),
        ("headers:\n      A: '1'", "headers: {A: '1'}", "request.headers"),
        ("headers:\n      A: '1'", "headers: [A: '1']", "request.headers"),
        ("headers:\n      A: '1'", "headers:\n    - A: 1", "request.headers"),
    ],
)
def test_values_may_be_spelt_otherwise(old, new, attribute, text, path, open_cassette):
    assert old in text
    path.write_text(text.replace(old, new))
    assert list(open_cassette()) == ITEMS


EDITED_LINES = st.sampled_from(
    [
        "# c",
        "",
        "  # c",
        "- request:",
        "  response:",
        "    status: 200 OK",
        "---",
        "x: 1",
        "- a",
        "  keep: true",
        '"',
        "\t",
        "      text",
        "    headers: {}",
        "  created_at: 2026-11-23",
        "-",
        "    url: https://x/2",
        "*a",
        "<<: 1",
        "\x85",
        "\r",
    ]
)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from(["insert", "replace", "delete"]), EDITED_LINES),
        max_size=3,
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_scan_and_general_way_agree_whatever_the_edit(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "agree.yaml"
    path.unlink(missing_ok=True)
    add(Cassette(path, str), *ITEMS)
    lines = path.read_text().split("\n")
    for at, how, line in changes:
        at %= len(lines)
        lines[at : at + (how != "insert")] = [] if how == "delete" else [line]
    path.write_text("\n".join(lines))
    assert said(path, "scan") == said(path, "general")


def said(path, way):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", TornTailWarning)
        if way == "general":
            patch.setattr("pytest_reqcache.cassette.index.scan", _unsure)
        try:
            return list(Cassette(path, str))
        except CassetteError as error:
            return type(error)


def _unsure(*args):
    raise Unsure


def test_general_way_does_not_keep_what_it_parsed(text, path, open_cassette):
    path.write_text("---\n" + text)
    cassette = open_cassette()
    assert len(cassette) == 3
    assert not cassette._index.layout.scanned
    assert cassette._index.layout.nodes == {}
