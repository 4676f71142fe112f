"""Whatever people do to a cassette, it says the same by both ways of reading, or what is wrong with it."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_reqcache.cassette import Cassette, CassetteError, TornTailWarning
from pytest_reqcache.cassette.scan import Unsure
from pytest_reqcache.expiration import Special
from pytest_reqcache.models import Change

from .by_hand import HABITS, Hand
from .conftest import CREATED_AT, URL, add, identify, make, ref

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
        assert "-" in lines[cassette.line(item) - 1]


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


def test_comment_in_the_last_line_of_a_flow_list_takes_in_no_item(path, open_cassette):
    path.write_text("version: 1\ninteractions: [\n] # c")
    add(open_cassette(), make())
    assert list(open_cassette()) == [make()]


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


# There are many ways to write a file.
MANY = settings(max_examples=3 * settings.default.max_examples)
HEADER_VALUES = st.text(st.sampled_from("ab1 :#-'\"{}[],&*!|>%@`\\\xe9\u2028\U0001f600"), max_size=6).map(
    str.strip
)
HEADERS = st.lists(st.tuples(st.sampled_from(["A", "b-c", "null", "Set-Cookie"]), HEADER_VALUES), max_size=3)
BODIES = st.sampled_from(
    [b"", b"one", b"\x00\xff", "\xe9: \n- b\n#c\n".encode(), b"a\n\n b", b" \t\n", b"- request:\n"]
)
WRITTEN = st.builds(
    make,
    url=st.sampled_from(["https://x/1", "https://x/2", "https://x/3?a=b&c=d:", "https://x/\xe9#e"]),
    body=BODIES,
    method=st.sampled_from(["GET", "POST", "ON"]),
    sent=HEADERS,
    headers=HEADERS,
    sent_body=BODIES,
    answer=st.sampled_from([1, 2]),
    keep=st.booleans(),
    expires=st.sampled_from([None, Special.NEVER, CREATED_AT]),
)
ADDED = make("https://x/new", b"a\n\nb\n", sent=[("A", "1")])
BY_HAND = st.builds(
    lambda items, habits, seed: (items, *Hand(habits, Random(seed)).cassette(items)),
    st.lists(WRITTEN, min_size=1, max_size=4),
    st.frozensets(st.sampled_from(HABITS), max_size=4),
    st.integers(0, 2**32),
)


@given(BY_HAND)
@MANY
def test_both_ways_read_what_a_hand_has_written_and_a_recording_adds_to_it(tmp_path_factory, by_hand):
    items, data, lines = by_hand
    path = rewritten(tmp_path_factory, data)
    expected = list(zip(items, lines, strict=True))
    assert said(path, "scan") == said(path, "general") == expected
    cassette = Cassette(path, str)
    add(cassette, ADDED)
    assert list(cassette) == list(Cassette(path, str)) == [*items, ADDED]
    assert said(path, "scan") == said(path, "general")


@given(BY_HAND, st.integers(0, 3), st.sampled_from(["commit", "append"]), st.booleans())
@MANY
def test_whatever_is_replaced_in_what_a_hand_has_written_the_rest_stays(
    tmp_path_factory, by_hand, number, how, removes
):
    items, data, _ = by_hand
    path = rewritten(tmp_path_factory, data)
    cassette = Cassette(path, str)
    read = list(cassette)
    number %= len(read)
    assume(len({ref(item) for item in read}) == len(read))
    new = replace(read[number], response=replace(read[number].response, body=b"new\n\n b\n"), source=None)
    getattr(cassette, how)([Change(None if removes else new, (ref(read[number]),)), Change(ADDED)], identify)
    cassette.close()
    expected = [*items[:number], *([] if removes else [new]), *items[number + 1 :], ADDED]
    assert list(Cassette(path, str)) == expected
    assert said(path, "scan") == said(path, "general")


EDITED_LINES = st.sampled_from(
    [
        *("# c", "", "  # c", "- request:", "  response:", "    status: 200 OK", "---", "...", "x: 1"),
        *("- a", "  keep: true", '"', "\t", "      text", "    headers: {}", "  created_at: 2026-11-23"),
        *(
            "-",
            "    url: https://x/2",
            "*a",
            "<<: 1",
            "\x85",
            "\r",
            "\u2028",
            "    A: &a '",
            "  - request: {",
        ),
        *("{", "]", "  answer: *a", "%YAML 1.1", "\ufeff", "-~request:", "interactions:", "version: 1"),
    ]
)
EDITS_OF_LINES = st.tuples(
    st.integers(0, 60), st.sampled_from(["insert", "replace", "delete", "indent", "repeat"]), EDITED_LINES
)


@given(BY_HAND, st.lists(EDITS_OF_LINES, max_size=3), st.sampled_from([16, 300, 1000]))
@MANY
def test_a_file_of_many_blocks_says_the_same(tmp_path_factory, by_hand, edits, block):
    _, data, _ = by_hand
    path = rewritten(tmp_path_factory, edited(data, edits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_reqcache.cassette.scan._BLOCK", block)
        patch.setattr("pytest_reqcache.cassette.index._COUNTED_AT_ONCE", block)
        in_blocks = said(path, "scan")
    assert in_blocks == said(path, "scan")


@given(BY_HAND, st.lists(EDITS_OF_LINES, min_size=1, max_size=3))
@MANY
def test_both_ways_agree_whatever_the_edit(tmp_path_factory, by_hand, edits):
    _, data, _ = by_hand
    path = rewritten(tmp_path_factory, edited(data, edits))
    quickly, generally = said(path, "scan"), said(path, "general")
    assert quickly == generally
    if isinstance(quickly, int):
        return
    before = [item for item, _ in quickly]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TornTailWarning)
        add(Cassette(path, str), ADDED)
    assert list(Cassette(path, str)) == [*before, ADDED]


def rewritten(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "by-hand.yaml"
    path.write_bytes(data)
    return path


def edited(data, edits):
    lines = data.decode().split("\n")
    for at, how, line in edits:
        at %= len(lines)
        old = lines[at]
        lines[at : at + (how != "insert")] = {
            "insert": [line],
            "replace": [line],
            "delete": [],
            "indent": [f"  {old}"],
            "repeat": [old, old],
        }[how]
    return "\n".join(lines).encode()


def said(path, way):
    """What a cassette says as a whole and of each URL, with the lines; or the line of what is wrong."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", TornTailWarning)
        if way == "general":
            patch.setattr("pytest_reqcache.cassette.index.scan", _unsure)
        try:
            cassette = Cassette(path, str)
            items = [(item, cassette.line(item)) for item in cassette]
        except CassetteError as error:
            return error.line
        found = [
            (item, cassette.line(item))
            for url in dict.fromkeys(item.request.url for item, _ in items)
            for item in Cassette(path, str).find(url)
        ]
        assert sorted(found, key=lambda pair: pair[1]) == items
        return items


def _unsure(*args):
    raise Unsure


@pytest.mark.parametrize("way", ["scan", "general"])
@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda text: text.replace("A: '1'", "A: 'x\u2028y\x85z'").replace("200 OK", "2 OK", 1), 10),
        (lambda text: text.replace("'1'", "'1", 1), 8),  # the next quote is far below
        (lambda text: text.replace("200", "2", 1).replace("OK\n", "OK\n    x: *a\n").replace("- r", "-r"), 4),
    ],
    ids=["YAML's own line breaks", "open quote", "two mistakes"],
)
def test_first_mistake_is_told_with_the_line_of_an_editor(edit, line, way, text, path):
    path.write_text(edit(text))
    assert said(path, way) == line


def test_alias_of_another_item_is_not_told_as_the_mistake_of_a_later_one(text, path):
    text = text.replace("A: '1'", "A: &a '1'").replace(
        "    method: POST", "    headers: {A: *a}\n    method: POST"
    )
    assert len(said_of(path, text)) == 3
    assert said_of(path, f"{text}x: 1\n") == text.count("\n") + 1


def said_of(path, text):
    path.write_text(text)
    return said(path, "scan")


def test_general_way_does_not_keep_what_it_parsed(text, path, open_cassette):
    path.write_text("---\n" + text)
    cassette = open_cassette()
    assert len(list(cassette)) == 3
    assert not cassette._index.layout.scanned
    assert cassette._index.layout.nodes == {}


@pytest.mark.parametrize("written", ["[", "[]", "", "null"])
def test_list_of_a_file_that_is_indented_as_a_whole_is_added_to_and_emptied(written, path, open_cassette):
    lines = ["version: 1", f"interactions: {written}"]
    if written == "[":
        item = (
            "{request: {method: GET, url: https://x/0}, response: {status: 200 OK}, created_at: 2026-11-23}"
        )
        lines += [item, "]"]
    path.write_text("".join(f"  {line}\n" for line in lines))
    cassette = open_cassette()
    add(cassette, make("https://x/1", b"a\n\nb\n"))
    add(cassette, make("https://x/2"))
    assert [item.request.url[-1] for item in open_cassette()] == ["0", "1", "2"][written != "[" :]
    assert open_cassette().find("https://x/1")[0].response.body == b"a\n\nb\n"
    cassette.commit([Change(None, tuple(ref(item) for item in cassette))], identify)
    assert list(open_cassette()) == []
    add(cassette, make("https://x/3"))
    assert [item.request.url for item in open_cassette()] == ["https://x/3"]


@pytest.mark.parametrize("beginning", ["  request:", "  - request:", "    - request:"])
def test_item_that_has_lost_its_place_is_told_whatever_is_looked_for(beginning, text, path, open_cassette):
    path.write_text(text.replace("- request:\n    method: POST", f"{beginning}\n    method: POST"))
    for item in ITEMS:
        with pytest.raises(CassetteError):
            open_cassette().find(item.request.url)


COMMENTED = """\
# mine
version: 1
interactions: [  # all
  # the first
  {request: {method: GET, url: "https://x/1"}, response: {status: 200, text: hi},
    created_at: 2026-11-23},  # checked
  # the second
  {request: {method: GET, url: "https://x/2"}, response: {status: 200}, created_at: 2026-11-23}  # too
  # no more
]  # the end
# end
"""


def test_comments_in_a_flow_list_stay_where_it_becomes_a_block(path, open_cassette):
    path.write_text(COMMENTED)
    before = [*open_cassette()]
    [added] = add(open_cassette(), make("https://x/3"))
    assert [*open_cassette()] == [*before, added]
    found = re.findall("( *)# (.*)", path.read_text())
    assert found[1:] == [
        (" " * 2, "the end"),
        ("", "all"),
        ("", "the first"),
        (" " * 2, "checked"),
        ("", "the second"),
        ("", "too"),
        ("", "no more"),
        ("", "end"),
    ]


def test_comments_of_a_document_in_flow_stay(path, open_cassette):
    path.write_text(
        COMMENTED.replace("version: 1\n", "{version: 1, # one\n").replace("]  # the end\n", "]}  # the end\n")
    )
    add(open_cassette(), make("https://x/3"))
    assert [len(list(open_cassette())), *re.findall("# (.*)", path.read_text())] == [
        3, "mine", "one", "all", "the first", "Recorded by pytest-reqcache. Edit freely: see docs/cassettes.",
        "checked", "the second", "too", "no more", "the end", "end"
    ]  # fmt: skip


@pytest.mark.parametrize("change", [Change(make("https://x/3"), ("gone",)), Change(None, ("gone",))])
def test_flow_list_stays_where_nothing_is_changed(change, path, open_cassette):
    path.write_text(COMMENTED)
    assert open_cassette().commit([change], identify) == [None]
    assert path.read_text() == COMMENTED


def test_anchor_of_the_first_item_of_a_flow_list_goes_with_it(path, open_cassette):
    item = '{request: {method: GET, url: "https://x/%d"}, response: {status: 200}, created_at: 2026-11-23}'
    path.write_text(f"version: 1\ninteractions: [&a {item % 1}, {item % 2}, *a]\n")
    cassette = open_cassette()
    one, two, three = cassette
    [new] = cassette.commit([Change(make("https://x/1", b"new"), (ref(one),))], identify)
    assert [*open_cassette()] == [new, two, three]
