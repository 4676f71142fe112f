"""Bodies in a cassette: exact whatever they are, and readable where they can be."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cassette.conftest import identify, make
from pytest_reqcache.body import read_body
from pytest_reqcache.cassette import Cassette, bodies, json_text, nodes, reading, writing
from pytest_reqcache.cassette.torn import is_torn_item
from pytest_reqcache.headers import Headers
from pytest_reqcache.models import Change, Source

from .strategies import CONTENT_TYPES, JSON, LARGE, LETTERS, LINES, SMALL_BODIES, TREES

FOLDER = Path("c.bodies")  # where files would be: bodies of this size have none

# These take a hundredth of the time that an exchange with a server takes.
many = settings(max_examples=5 * settings().max_examples)
few = settings(max_examples=max(1, settings().max_examples // 4))


def interaction(body, kind):
    headers = [("Content-Type", kind)] if kind else []
    return make(method="POST", body=body, headers=headers, sent=headers, sent_body=body)


def form_of(body, kind):
    form = bodies.present(body, Headers.of([("Content-Type", kind)]), FOLDER)
    return form if isinstance(form, bodies.InlineBody) else None


@many
@given(SMALL_BODIES, CONTENT_TYPES)
@example(b'{"a":1.10}', "application/json")
@example('{"a":1}'.encode("utf-16"), "application/json")
@example(b"a \nb\r\n  c\x85\xe9\\\n\\", "text/plain; charset=latin-1")
@example(b"---\n- request:\n  created_at: 2026-01-01T00:00:00Z \n", "")
@example(b"\xff\xfe", "")
@example(b"\xef\xbb\xbf\xef\xbb\xbf", "text/plain; charset=utf-8-sig")
@example(b"\\", "text/plain; charset=unicode_escape")
def test_any_body_is_read_again(body, kind):
    """In a request and in a response; by both ways into a file; and whatever is cut off is told from it."""
    item = interaction(body, kind)
    text, files = writing.draft(item, FOLDER)[1:]
    assume(not files)  # a longer one, and what it is written as: the next test
    back = reading.interaction(nodes.read_item(text.decode(), 1), lambda: FOLDER, Source(None, 1, ""))
    assert (back.request.body, back.response.body) == (body, body)
    for cut in (len(text) // 3, len(text) // 2, len(text) - 40):
        assert is_torn_item(text[:cut])


@few
@given(st.lists(st.tuples(SMALL_BODIES | LARGE, CONTENT_TYPES), min_size=1, max_size=3))
def test_any_bodies_are_read_again_from_a_file(new_path, items):
    path = new_path()
    made = [interaction(body, kind) for body, kind in items]
    made = [
        make(f"https://x.example/{number}", body=item.response.body, headers=item.response.headers)
        for number, item in enumerate(made)
    ]
    Cassette(path, str).commit([Change(item) for item in made], identify)
    cassette = Cassette(path, str)
    assert [read_body(item.response.body) for item in cassette] == [body for body, _ in items]
    assert cassette._index.layout.scanned


@given(JSON, st.sampled_from(["application/json", "application/problem+json; charset=utf-8"]))
def test_json_is_readable_whatever_its_spelling(body, kind):
    """As JSON, or, where its white space is none that a tool writes, as text; as base64 only what is then
    neither ASCII nor free of control characters."""
    form = form_of(body, kind)
    assert form.form in ("json", "text") or not body.isascii() or {0, 127} & set(body)
    if form.form == "json":
        text = body.decode(form.parameter("encoding") or "utf-8")
        shown = json.JSONDecoder(
            parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=list
        ).decode
        assert shown(form.text) == shown(text)
        assert max(map(len, form.text.splitlines())) <= max(80, len(text))


LAYOUTS = {
    "compact": {"separators": (",", ":")},
    "spaced": {},
    "indent-2": {"indent": 2},
    "indent-4": {"indent": 4},
    "indent-tab": {"indent": "\t"},
}


@given(TREES, st.sampled_from(sorted(LAYOUTS)), st.booleans(), st.sampled_from(["", "\n"]), st.booleans())
def test_json_as_tools_write_it_is_json(tree, layout, ascii_only, end, slashes):
    text = json.dumps(tree, ensure_ascii=ascii_only, **LAYOUTS[layout]) + end
    if slashes:
        text = text.replace("/", "\\/")
    body = text.encode("utf-8", "replace")
    form = form_of(body, "application/json")
    assert form.form == "json"
    assert form.parameter("encoding") is None
    assert json_text.from_pretty(form.text, form.parameter("style") or "compact").encode() == body


@given(TREES, st.sampled_from(sorted(LAYOUTS)), st.booleans(), st.sampled_from(["", "\n", " \r\n"]))
@example({"a b": " ", "\\": [' \\" ', '"', {}, []]}, "indent-4", True, "\n")
@example([[[0]]] * 60, "spaced", True, "")
def test_json_laid_out_anew_by_a_hand_is_the_same_json(tree, layout, ascii_only, end):
    text = json.dumps(tree, ensure_ascii=ascii_only, **LAYOUTS[layout]) + end
    assert json_text.from_pretty(text) == json.dumps(tree, ensure_ascii=ascii_only, **LAYOUTS["compact"])


@given(
    LETTERS | LINES.map(bytes.decode), st.sampled_from(["utf-8", "shift_jis", "gb18030", "utf-16", "koi8-r"])
)
def test_text_is_text_in_any_encoding_that_is_named(text, encoding):
    body = text.encode(encoding, "ignore")
    form = form_of(body, f"text/plain; charset={encoding}")
    assert form.form == "text"
    assert form.parameter("encoding") is None


@given(LINES)
def test_lines_of_text_are_lines_of_the_cassette(body):
    """So that a changed line is one changed line in a review, whatever the lines end with."""
    text = writing.draft(make(body=body), FOLDER).text.decode()
    lines = text.partition("text: ")[2].splitlines()
    breaks = body.count(b"\n") + body.replace(b"\r\n", b"").count(b"\r")
    assert not body or len(lines) >= breaks
