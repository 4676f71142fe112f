"""A commit is one step: what did not change keeps its bytes, and others' recordings are respected."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from dataclasses import replace
from datetime import timedelta
from io import FileIO
from pathlib import Path

import pytest

from pytest_reqcache.body import read_body
from pytest_reqcache.cassette import Cassette, CassetteError, MemoryCassette, index, storing
from pytest_reqcache.expiration import Special
from pytest_reqcache.models import Change

from .conftest import CREATED_AT, URL, add, identify, make, ref

LATER = CREATED_AT + timedelta(days=1)


@pytest.fixture(params=["file", "memory"])
def open_any(request, path):
    """Opens one and the same cassette, of either kind."""
    memory = MemoryCassette(str)
    return lambda: Cassette(path, str) if request.param == "file" else memory


def urls(cassette):
    return [item.request.url for item in cassette]


def test_nothing_is_touched_before_the_first_recording(tmp_path):
    cassette = Cassette(tmp_path / "deep" / "down" / "c.yaml", str)
    assert (cassette.find(URL), list(cassette), len(list(cassette))) == ([], [], 0)
    cassette.commit([], identify)
    cassette.compact()
    cassette.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_added_is_found(open_any):
    stored = add(open_any(), make("https://x/1"), make("https://x/2"), make("https://x/1", answer=2))
    assert open_any().find("https://x/1") == [stored[0], stored[2]]
    assert open_any().find("https://x/3") == []
    assert urls(open_any()) == ["https://x/1", "https://x/2", "https://x/1"]
    assert len(list(open_any())) == 3


def test_locator_decides_what_is_found_together(path):
    cassette = Cassette(path, lambda url: url.partition("?")[0])
    add(cassette, make("https://x/?a=1"), make("https://x/?a=2"), make("https://y/"))
    assert urls(cassette.find("https://x/")) == ["https://x/?a=1", "https://x/?a=2"]


def test_replacing_keeps_the_place(open_any):
    cassette = open_any()
    one, two, three = add(cassette, *(make(f"https://x/{n}") for n in (1, 2, 3)))
    [new] = cassette.commit([Change(make("https://x/2", b"new"), (ref(two),))], identify)
    assert list(open_any()) == [one, new, three]
    assert ref(new) != ref(two)


def test_one_change_may_stand_for_several(open_any):
    cassette = open_any()
    one, two, three = add(cassette, *(make(f"https://x/{n}") for n in (1, 2, 3)))
    [new] = cassette.commit([Change(make("https://x/9"), (ref(one), ref(two)))], identify)
    assert list(open_any()) == [new, three]


def test_removing(open_any):
    cassette = open_any()
    one, two = add(cassette, make("https://x/1"), make("https://x/2"))
    assert cassette.commit([Change(None, (ref(one),)), Change(None, ("unknown",))], identify) == [None, None]
    assert list(open_any()) == [two]


def test_changes_of_one_commit_are_applied_together(open_any):
    cassette = open_any()
    one, two = add(cassette, make("https://x/1"), make("https://x/2"))
    changes = [
        Change(make("https://x/3")),
        Change(None, (ref(one),)),
        Change(make("https://x/2", b"new"), (ref(two),)),
    ]
    three, nothing, new = cassette.commit(changes, identify)
    assert nothing is None
    assert list(open_any()) == [new, three]


def test_change_of_what_is_gone_is_dropped_unless_it_refreshes(open_any):
    cassette = open_any()
    [one] = add(cassette, make())
    [other] = open_any().commit([Change(make(body=b"other"), (ref(one),))], identify)
    assert cassette.commit([Change(make(body=b"mine"), (ref(one),))], identify) == [None]
    assert list(cassette) == [other]
    [mine] = cassette.commit([Change(make(body=b"mine"), (ref(one),), refresh=True)], identify)
    assert list(open_any()) == [mine]


def test_change_of_what_was_removed_is_dropped(open_any):
    cassette = open_any()
    [one] = add(cassette, make())
    open_any().commit([Change(None, (ref(one),))], identify)
    assert cassette.commit([Change(make(body=b"mine"), (ref(one),))], identify) == [None]
    assert list(open_any()) == []


def test_what_a_commit_removes_is_no_rival_of_what_it_adds(open_any):
    [one] = add(open_any(), make())
    changes = [Change(None, (ref(one),)), Change(make(body=b"new"))]
    _, new = open_any().commit(changes, identify)
    assert list(open_any()) == [new]


def test_refresh_of_what_was_removed_is_added(open_any):
    cassette = open_any()
    [one] = add(cassette, make())
    open_any().commit([Change(None, (ref(one),))], identify)
    [mine] = cassette.commit([Change(make(), (ref(one),), refresh=True)], identify)
    assert list(open_any()) == [mine]


def test_what_another_process_recorded_meanwhile_is_kept(open_cassette):
    mine, others = open_cassette(), open_cassette()
    assert mine.find(URL) == []
    [kept] = add(others, make(body=b"others"))
    assert add(mine, make(body=b"mine"), make("https://x/2")) == [None, *mine.find("https://x/2")]
    assert open_cassette().find(URL) == [kept]
    assert add(mine, make(body=b"mine", answer=2)) != [None]


def test_looking_elsewhere_does_not_count_as_having_seen_it(open_cassette):
    mine, others = open_cassette(), open_cassette()
    assert mine.find(URL) == []
    add(others, make(body=b"others"))
    mine.find("https://x/2")
    assert add(mine, make(body=b"mine")) == [None]


def test_refreshing_addition_replaces_what_another_process_recorded(open_cassette):
    mine, others = open_cassette(), open_cassette()
    mine.find(URL)
    add(others, make(body=b"others"))
    [new] = mine.commit([Change(make(body=b"mine"), refresh=True)], identify)
    assert list(open_cassette()) == [new]


def test_same_recording_twice_in_one_commit_or_seen_before_is_no_conflict(open_cassette):
    cassette = open_cassette()
    add(cassette, make(), make())
    assert len(cassette.find(URL)) == 2
    add(cassette, make())
    assert len(list(open_cassette())) == 3


@pytest.mark.parametrize("look", [lambda cassette: cassette.find(URL), list], ids=["found", "listed"])
def test_what_was_looked_at_is_no_conflict_until_the_cassette_is_closed(look, open_cassette):
    add(open_cassette(), make())
    cassette = open_cassette()
    look(cassette)
    assert add(cassette, make()) != [None]
    cassette.close()
    assert cassette._index.layout is None
    assert add(cassette, make()) == [None]


def test_what_was_looked_at_under_other_terms_is_no_conflict_until_the_cassette_is_closed(path):
    terms = ["these"]
    cassette = Cassette(path, str, terms=lambda: terms[0])
    add(Cassette(path, str), make())
    cassette.find(URL)
    terms[0] = "others"
    assert add(cassette, make()) != [None]
    cassette.close()
    assert add(cassette, make()) == [None]


def test_rewriting_keeps_the_bytes_of_what_did_not_change(path, open_cassette):
    add(open_cassette(), *(make(f"https://x/{n}") for n in (1, 2, 3)))
    items = path.read_text().split("- request:")
    header = "# mine\n\nversion: 1  # one\n# more\ninteractions:   # all of them\n\n# before the first\n"
    edited = [
        items[1].replace("GET\n", "GET\n    # a note\n").replace("text: |\n      hello", 'text: "hello\\n"'),
        items[2] + "  # still two\n\n# about three\n# and more\n",
        items[3] + "# the end\n",
    ]
    path.write_text("- request:".join([header, *edited]))
    cassette = open_cassette()
    [_, old, _] = cassette
    cassette.commit(
        [Change(make("https://x/2", b"new\n"), (ref(old),)), Change(make("https://x/4"))], identify
    )
    new = items[2].replace("hello", "new") + "\n# about three\n# and more\n"
    added = items[3].replace("x/3", "x/4")
    assert path.read_text() == "- request:".join([header, edited[0], new, items[3], added]) + "# the end\n"


def test_comments_before_an_item_go_with_it(path, open_cassette):
    add(open_cassette(), make("https://x/1"), make("https://x/2"))
    before = path.read_text()
    path.write_text(
        before.replace(
            "- request:\n    method: GET\n    url: https://x/2",
            "# two\n\n- request:\n    method: GET\n    url: https://x/2",
        )
    )
    cassette = open_cassette()
    [_, two] = cassette
    cassette.commit([Change(None, (ref(two),))], identify)
    assert before.startswith(path.read_text())
    assert len(list(cassette)) == 1


def test_only_the_time_moves_where_only_the_time_is_new(path, open_cassette):
    add(open_cassette(), make())
    edited = (
        path.read_text().replace("200 OK", "'200 OK'  # by hand").replace("Z\n", "Z  # then\n  # indeed\n")
    )
    path.write_text(edited)
    cassette = open_cassette()
    [item] = cassette
    [item] = cassette.commit([Change(replace(item, created_at=LATER), (ref(item),))], identify)
    assert path.read_text() == edited.replace("-23T", "-24T")
    [item] = cassette.commit([Change(replace(item, expires=Special.NEVER), (ref(item),))], identify)
    assert (
        "  expires: never\n  created_at: 2026-11-24T19:10:00.123Z  # then\n  # indeed\n" in path.read_text()
    )
    cassette.commit([Change(replace(item, expires=LATER), (ref(item),))], identify)
    assert path.read_text() == edited.replace(
        "  created_at", "  expires: 2026-11-24T19:10:00.123Z\n  created_at"
    ).replace("created_at: 2026-11-23", "created_at: 2026-11-24")


ODD_FORMS = {
    "indented": lambda text: re.sub("^(?=[- ] )", "  ", text, flags=re.MULTILINE),
    "wide dash": lambda text: text.replace("- request:", "-   request:").replace("\n  ", "\n    "),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "time with a space": lambda text: text.replace("-23T", "-23 "),
    "quoted time": lambda text: re.sub("created_at: (.*)", "created_at: '\\1'", text),
}


@pytest.mark.parametrize("form", ODD_FORMS)
def test_only_the_time_moves_in_other_forms_too(form, path, open_cassette):
    add(open_cassette(), make(body=b"a\n\nb\n"))
    noted = path.read_text().replace("  response:", "  # checked\n  response:")
    before = ODD_FORMS[form](noted).encode()
    path.write_bytes(before)
    cassette = open_cassette()
    [item] = cassette
    for new in (replace(item, expires=LATER), replace(item, created_at=LATER)):
        cassette.commit([Change(new, (ref(item),))], identify)
        assert list(open_cassette()) == [new]
        [item] = cassette
    lines, there = path.read_bytes().splitlines(True), before.splitlines(True)
    assert lines[:-1] == there[:-1]
    assert lines[-1].strip() == b"created_at: 2026-11-24T19:10:00.123Z"
    assert len(lines[-1]) - len(lines[-1].lstrip()) == len(there[-1]) - len(there[-1].lstrip())
    assert lines[-1].endswith(b"\r\n") == (form == "CRLF")


@pytest.mark.parametrize(
    "time",
    [
        ">-\n    2026-11-23",
        "|\n    2026-11-23",
        "&t\n    2026-11-23",
        "2026-11-23\n    10:00:00",
        "!!str\n    2026-11-23",
    ],
)
def test_time_that_stands_below_its_key_is_moved_as_a_whole(time, path, open_cassette):
    add(open_cassette(), make())
    path.write_text(re.sub("created_at: .*", f"created_at: {time}", path.read_text()))
    cassette = open_cassette()
    [item] = cassette
    new = replace(item, created_at=LATER)
    cassette.commit([Change(new, (ref(item),))], identify)
    assert list(open_cassette()) == [new]


def test_empty_cassette_is_valid_and_can_be_added_to(path, open_cassette):
    cassette = open_cassette()
    [one] = add(cassette, make())
    full = path.read_text()
    path.write_text("# mine\n" + full)
    cassette.commit([Change(None, (ref(one),))], identify)
    assert path.read_text() == "# mine\n" + full.partition("\n- request")[0] + " []\n"
    assert (len(list(open_cassette())), list(open_cassette())) == (0, [])
    add(open_cassette(), make())
    assert path.read_text() == "# mine\n" + full


@pytest.mark.parametrize("nothing", ["", "\n", "# only a comment\n", "# no newline"])
def test_file_with_nothing_in_it_is_an_empty_cassette(nothing, path, open_cassette):
    path.write_text(nothing)
    assert list(open_cassette()) == []
    add(open_cassette(), make())
    assert path.read_text().startswith(nothing)
    assert len(list(open_cassette())) == 1


def test_list_without_its_last_newline_is_added_to(path, open_cassette):
    add(open_cassette(), make())
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    add(open_cassette(), make("https://x/2"))
    assert path.read_bytes().startswith(whole + b"- request:")
    assert len(list(open_cassette())) == 2


def test_append_supersedes_and_compact_removes(path, open_cassette):
    cassette = open_cassette()
    one, two = cassette.append([Change(make("https://x/1")), Change(make("https://x/2"))], identify)
    path.write_text(
        path.read_text().replace("- request:", "# about one\n- request:", 1).replace("# about", "# About")
    )
    before = path.read_bytes()
    [new] = cassette.append([Change(make("https://x/1", b"2\n"), (ref(one),))], identify)
    [newer] = cassette.append([Change(make("https://x/1", b"3\n"), (ref(new),))], identify)
    assert path.read_bytes().startswith(before)
    assert cassette.find("https://x/1") == [newer]
    assert list(cassette) == [two, newer]
    assert len(list(cassette)) == 2
    assert len(list(open_cassette())) == 4
    cassette.close()
    assert path.read_bytes() == before.replace(b"hello", b"3", 1)
    assert [item.response.body for item in cassette] == [b"3\n", b"hello\n"]


def test_append_that_removes_rewrites(path, open_cassette):
    cassette = open_cassette()
    one, _ = add(cassette, make("https://x/1"), make("https://x/2"))
    cassette.append([Change(None, (ref(one),)), Change(make("https://x/3"))], identify)
    assert urls(open_cassette()) == ["https://x/2", "https://x/3"]


def test_superseded_item_cannot_be_replaced_again(open_cassette):
    cassette = open_cassette()
    [one] = add(cassette, make())
    cassette.append([Change(make(body=b"2"), (ref(one),))], identify)
    assert cassette.append([Change(make(body=b"3"), (ref(one),))], identify) == [None]
    cassette.append([Change(make(body=b"4"), (ref(one),), refresh=True)], identify)
    cassette.close()
    assert [item.response.body for item in open_cassette()] == [b"4"]


def test_append_may_stand_for_several(open_cassette):
    cassette = open_cassette()
    one, two, three = add(cassette, *(make(f"https://x/{n}") for n in (1, 2, 3)))
    [new] = cassette.append([Change(make("https://x/9"), (ref(one), ref(two)))], identify)
    assert list(cassette) == [three, new]
    cassette.close()
    assert sorted(urls(open_cassette())) == ["https://x/3", "https://x/9"]


def test_what_was_superseded_can_be_recorded_again(open_cassette):
    cassette = open_cassette()
    [item] = add(cassette, make())
    for body in (b"2", b"hello\n", b"2", b"2"):
        [item] = cassette.append([Change(make(body=body), (ref(item),))], identify)
        assert list(cassette) == [item]
    cassette.close()
    assert [item.response.body for item in open_cassette()] == [b"2"]


def test_times_of_an_edited_item_can_be_moved_back(path, open_cassette):
    add(open_cassette(), make())
    before = path.read_text().replace("200 OK", "200 OK  # by hand")
    path.write_text(before)
    cassette = open_cassette()
    [item] = cassette
    for expires in (LATER, None, LATER, None):
        [item] = cassette.append([Change(replace(item, expires=expires), (ref(item),))], identify)
        assert list(cassette) == [item]
    cassette.close()
    assert path.read_text() == before


@pytest.mark.parametrize("what", ["deleted", "restored"])
def test_compacting_respects_what_others_did_to_the_file(what, path, open_cassette):
    cassette = open_cassette()
    [one] = add(cassette, make())
    before = path.read_bytes()
    cassette.append([Change(make(body=b"2"), (ref(one),))], identify)
    path.unlink()
    if what == "restored":
        path.write_bytes(before)
    cassette.close()
    assert path.exists() is (what == "restored")
    assert what == "deleted" or path.read_bytes() == before


def test_file_put_back_under_an_open_cassette_shows_what_stands_in_it(path, open_cassette):
    cassette = open_cassette()
    [one] = add(cassette, make())
    before = path.read_bytes()
    cassette.append([Change(make(body=b"2"), (ref(one),))], identify)
    path.unlink()
    path.write_bytes(before)
    assert cassette.find(URL) == list(cassette) == [one]
    assert len(list(cassette)) == 1
    [new] = cassette.append([Change(make(body=b"3"), (ref(one),))], identify)
    assert cassette.find(URL) == [new]


@pytest.mark.parametrize("first_to_close", [0, 1])
def test_later_of_two_that_replace_the_same_counts_and_alone_is_left(first_to_close, open_cassette):
    [old] = add(open_cassette(), make())
    cassettes = [open_cassette(), open_cassette()]
    for cassette in cassettes:
        cassette.find(URL)
    for cassette, body in zip(cassettes, (b"earlier", b"later"), strict=True):
        cassette.append([Change(make(body=body), (ref(old),))], identify)
    for cassette in (cassettes[first_to_close], cassettes[1 - first_to_close]):
        cassette.close()
        assert open_cassette().find(URL)[-1].response.body == b"later"
    assert len(list(open_cassette())) == 1


@pytest.mark.parametrize("how", ["commit", "append"])
def test_what_was_edited_to_be_kept_meanwhile_is_not_replaced(how, path, open_cassette):
    cassette = open_cassette()
    [one] = add(cassette, make())
    path.write_text(
        path.read_text().replace("hello", "edited").replace("  created_at", "  keep: true\n  created_at")
    )
    before = path.read_bytes()
    change = Change(make(body=b"new"), (ref(one),), refresh=True)
    assert getattr(cassette, how)([change], identify) == [None]
    cassette.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["commit", "append"])
@pytest.mark.parametrize("change_of", ["edit", "recording"])
def test_refresh_under_way_drops_its_answer_for_an_edit_alone(how, change_of, path, open_cassette):
    cassette = open_cassette()
    [one] = add(cassette, make())
    text = path.read_text().replace("hello", "edited")
    path.write_text(text if change_of == "edit" else text.replace("19:10:00", "19:10:01"))
    before = path.read_bytes()
    new = make(body=b"new", created_at=LATER)
    change = Change(new, (ref(one),), refresh=True, since=one.created_at)
    stored = getattr(cassette, how)([change], identify)
    cassette.close()
    assert (stored == [None]) == (path.read_bytes() == before) == (change_of == "edit")
    assert [item.response.body for item in open_cassette()] == [
        b"edited\n" if change_of == "edit" else b"new"
    ]


OTHER_FORMS = {
    "indented": lambda text: re.sub("^(?=[- ] )", "  ", text, flags=re.MULTILINE),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "no last newline": lambda text: text.rstrip("\n"),
    "byte order mark": lambda text: "\ufeff" + text,
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_compacting_keeps_the_form_of_the_file(form, path, open_cassette):
    add(open_cassette(), make("https://x/1", b"a\n\nb\n"), make("https://x/2", b"c\n\nd\n"))
    path.write_bytes(OTHER_FORMS[form](path.read_text()).encode())
    cassette = open_cassette()
    one, _ = cassette
    cassette.append([Change(make("https://x/1", b"e\n\nf\n"), (ref(one),))], identify)
    cassette.append([Change(make("https://x/3", b"g\n"))], identify)
    cassette.close()
    bodies = {item.request.url: item.response.body for item in open_cassette()}
    assert bodies == {"https://x/1": b"e\n\nf\n", "https://x/2": b"c\n\nd\n", "https://x/3": b"g\n"}
    if form == "CRLF":
        assert (
            path.read_bytes().count(b"\r")
            == path.read_bytes().count(b"\r\n")
            == path.read_bytes().count(b"\n")
        )


@pytest.mark.parametrize("form", [*OTHER_FORMS, "flow"])
def test_what_was_superseded_is_not_found_whatever_the_form_of_the_file(form, path, open_cassette):
    add(open_cassette(), make("https://x/1"), make("https://x/2"))
    if form == "flow":
        items = ", ".join(
            f"{{request: {{method: GET, url: https://x/{number}}}, response: {{status: 200 OK}}, "
            "created_at: 2026-11-23}"
            for number in (1, 2)
        )
        path.write_text(f"version: 1\ninteractions: [{items}]\n")
    else:
        path.write_bytes(OTHER_FORMS[form](path.read_text()).encode())
    cassette = open_cassette()
    for url in ("https://x/2", "https://x/1"):
        for body in (b"one\n", b"other\n", b"one\n", b"one\n"):
            [item] = cassette.find(url)
            [new] = cassette.append([Change(make(url, body), (ref(item),))], identify)
            assert cassette.find(url) == [new]
            assert len(list(cassette)) == 2
    cassette.close()
    assert [item.response.body for item in open_cassette()] == [b"one\n"] * 2


ANCHORED = """\
version: 1
interactions:
- request: {method: GET, url: https://x/1}
  response: {status: 200 OK, headers: &h {X-A: b}, text: one}
  created_at: 2026-11-23
- request: {method: GET, url: https://x/2}
  # what both have
  response: {status: 200 OK, headers: *h, text: two}
  created_at: 2026-11-23
- request: {method: GET, url: https://x/3}
  response: {status: 200 OK, text: three}
  created_at: 2026-11-23
"""


@pytest.mark.parametrize("how", ["remove", "replace", "append", "both"])
def test_what_aliases_stand_for_outlives_its_anchor(how, path, open_cassette):
    path.write_text(ANCHORED)
    cassette = open_cassette()
    one, two, three = cassette
    new = Change(None if how == "remove" else make("https://x/1"), (ref(one),))
    if how == "append":
        cassette.append([new], identify)
    else:
        later = Change(replace(two, created_at=LATER), (ref(two),))
        cassette.commit([new, later] if how == "both" else [new], identify)
    cassette.close()
    left = [item for item in open_cassette() if item.request.url != "https://x/1"]
    assert [item.response for item in left] == [two.response, three.response]
    assert "*h" not in path.read_text()


@pytest.mark.parametrize("how", ["commit", "append"])
@pytest.mark.parametrize("anchored", ["200 OK", "2026-11-23T19:10:00.123Z"])
def test_anchor_that_nobody_has_read_may_go(anchored, how, path, open_cassette):
    add(open_cassette(), make("https://x/1"), make("https://x/2"))
    text = path.read_text()
    start = text.rindex("- request")
    path.write_text(text[:start].replace(anchored, f"&a {anchored}") + text[start:].replace(anchored, "*a"))
    cassette = open_cassette()
    [one] = cassette.find("https://x/1")
    getattr(cassette, how)([Change(make("https://x/1", b"new"), (ref(one),))], identify)
    cassette.close()
    assert list(open_cassette()) == [make("https://x/1", b"new"), make("https://x/2")]


def test_list_whose_key_cannot_be_emptied_is_an_error_and_left_alone(path, open_cassette):
    add(open_cassette(), make())
    path.write_text(path.read_text().replace("interactions:", "? interactions\n:"))
    before = path.read_text()
    cassette = open_cassette()
    [one] = cassette
    with pytest.raises(CassetteError, match=r"users\.yaml:\d+: the key of the list"):
        cassette.commit([Change(None, (ref(one),))], identify)
    assert path.read_text() == before


def test_aliases_stay_where_their_anchor_does(path, open_cassette):
    path.write_text(ANCHORED)
    cassette = open_cassette()
    cassette.commit([Change(None, (ref(list(cassette)[2]),))], identify)
    assert path.read_text() == ANCHORED[: ANCHORED.rindex("- request")]


@pytest.mark.parametrize("spelling", ["{0}\\{1}", "'{0}\\{1}'", '"{0}\\/{1}"', '"{0}/{1[0]}\\x2E{1[1]}"'])
def test_body_file_stays_however_its_name_is_spelt(spelling, path, open_cassette):
    large = bytes(range(256)) * 300
    add(open_cassette(), make("https://x/1", large), make("https://x/2"))
    text = path.read_text()
    name = text.partition("file: ")[2].partition("\n")[0]
    folder, _, file = name.partition("/")
    spelt = spelling.format(folder, file.split(".") if "1[" in spelling else file)
    path.write_text(text.replace(name, spelt))
    cassette = open_cassette()
    [two] = cassette.find("https://x/2")
    cassette.commit([Change(make("https://x/2", b"new"), (ref(two),))], identify)
    [one] = open_cassette().find("https://x/1")
    assert read_body(one.response.body) == large


def test_growth_by_another_process_is_noticed(open_cassette):
    mine, others = open_cassette(), open_cassette()
    add(others, make("https://x/1"))
    assert len(list(mine)) == 1
    add(others, make("https://x/2"))
    assert urls(mine.find("https://x/2")) == ["https://x/2"]
    assert [mine.line(item) for item in mine] == [4, 12]


UNDER_THE_SAME_STAMP = {
    "another body": (lambda text: text.replace("hello", "salut"), {"1": [b"salut\n"], "2": [b"salut\n"]}),
    "URLs changed round": (
        lambda text: text.replace("x/1", "x/0").replace("x/2", "x/1").replace("x/0", "x/2"),
        {"1": [b"hello\n"], "2": [b"hello\n"]},
    ),
    "another end": (
        lambda text: text.replace("hello", "hello you", 1).replace("hello\n", "h\n"),
        {"1": [b"hello you\n"], "2": [b"h\n"]},
    ),
    "another URL": (lambda text: text.replace("x/1", "x/3"), {"1": [], "2": [b"hello\n"]}),
    "an item less": (
        lambda text: text.partition("- request")[0].ljust(len(text) - 1, "#") + "\n",
        {"1": [], "2": []},
    ),
}


@pytest.mark.parametrize("edit", UNDER_THE_SAME_STAMP)
@pytest.mark.parametrize("read_before", [True, False])
def test_rewriting_that_the_stamp_does_not_tell_is_noticed(edit, read_before, path, open_cassette):
    change, expected = UNDER_THE_SAME_STAMP[edit]
    add(open_cassette(), make("https://x/1"), make("https://x/2"))
    cassette = open_cassette()
    cassette.find("https://x/1" if read_before else "https://x/none")
    before, text = path.stat(), change(path.read_text())
    assert len(text) <= before.st_size
    path.write_text(text.ljust(before.st_size, "#"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for number in ("1", "2"):
        found = cassette.find(f"https://x/{number}")
        assert found == open_cassette().find(f"https://x/{number}")
        assert [item.response.body for item in found] == expected[number]


@pytest.mark.parametrize("how", ["in place", "another file", "same size", "deleted"])
def test_rewriting_by_another_program_is_noticed(how, path, open_cassette):
    cassette = open_cassette()
    add(cassette, make("https://x/1"), make("https://x/2"))
    cassette.find("https://x/1")
    text = path.read_text()
    if how == "in place":
        path.write_text(text.replace("hello", "hello there") + text.partition("interactions:\n")[2])
    elif how == "another file":
        (path.parent / "new").write_text(text.replace("hello", "good morning"))
        os.replace(path.parent / "new", path)
    elif how == "same size":
        path.write_text(text.replace("hello", "salut"))
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()
    bodies = [item.response.body for item in cassette.find("https://x/1")]
    assert (
        bodies
        == {
            "in place": [b"hello there\n", b"hello\n"],
            "another file": [b"good morning\n"],
            "same size": [b"salut\n"],
            "deleted": [],
        }[how]
    )


def test_symbolic_link_and_mode_are_kept(tmp_path):
    real, link = tmp_path / "real" / "c.yaml", tmp_path / "link.yaml"
    [one] = add(Cassette(real, str), make())
    real.chmod(0o640)
    link.symlink_to(real)
    Cassette(link, str).commit([Change(make(body=b"\x00" * 9000), (ref(one),))], identify)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.yaml", "real"]
    assert sorted(file.name for file in real.parent.iterdir()) == ["c.bodies", "c.yaml"]
    assert [item.response.body for item in Cassette(link, str)] == [b"\x00" * 9000]


def test_link_that_leads_elsewhere_now_is_followed(tmp_path):
    for name in ("one", "two"):
        add(Cassette(tmp_path / name / "c.yaml", str), make(f"https://x/{name}", b"\x00" * 70_000))
    link = tmp_path / "current"
    link.symlink_to("one")
    cassette = Cassette(link / "c.yaml", str)
    add(cassette, make("https://x/a"))
    for name in ("two", "one"):
        link.unlink()
        link.symlink_to(name)
        assert f"https://x/{name}" in urls(cassette)
        add(cassette, make(f"https://x/into-{name}"))
        assert cassette.find(f"https://x/into-{name}") != []
        assert cassette.find(f"https://x/{name}") == Cassette(tmp_path / name / "c.yaml", str).find(
            f"https://x/{name}"
        )
    assert urls(Cassette(tmp_path / "one" / "c.yaml", str)) == [
        "https://x/one",
        "https://x/a",
        "https://x/into-one",
    ]
    assert urls(Cassette(tmp_path / "two" / "c.yaml", str)) == ["https://x/two", "https://x/into-two"]


@pytest.mark.parametrize("body", [b"small", b"\x00" * 70_000])
def test_link_that_leads_elsewhere_is_followed_by_who_writes_without_a_look(body, tmp_path):
    for name in ("one", "two"):
        add(Cassette(tmp_path / name / "c.yaml", str), make(f"https://x/{name}"))
    link = tmp_path / "current"
    link.symlink_to("one")
    cassette = Cassette(link / "c.yaml", str)
    add(cassette, make("https://x/a"))
    link.unlink()
    link.symlink_to("two")
    add(cassette, make("https://x/b", body))
    assert urls(Cassette(tmp_path / "one" / "c.yaml", str)) == ["https://x/one", "https://x/a"]
    _, new = Cassette(tmp_path / "two" / "c.yaml", str)
    assert (new.request.url, read_body(new.response.body)) == ("https://x/b", body)


def test_nothing_else_is_left_behind(open_cassette, tmp_path):
    cassette = open_cassette()
    [one] = add(cassette, make())
    cassette.commit([Change(make(body=b"new"), (ref(one),))], identify)
    cassette.close()
    assert [file.name for file in tmp_path.iterdir()] == ["users.yaml"]


def test_what_a_killed_process_left_of_a_rewriting_goes_with_the_next(path, open_cassette, monkeypatch):
    left, put = [], storing._put_in_place

    def leave(unfinished, target):
        left.append(unfinished.with_name(unfinished.name.replace(f"{os.getpid()}", "1")))
        left[-1].write_bytes(unfinished.read_bytes())
        put(unfinished, target)

    cassette = open_cassette()
    [one] = add(cassette, make())
    with monkeypatch.context() as patch:
        patch.setattr(storing, "_put_in_place", leave)
        [two] = cassette.commit([Change(make(body=b"2"), (ref(one),))], identify)
    assert left[0].exists()
    cassette.commit([Change(make(body=b"3"), (ref(two),))], identify)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_file_is_on_the_disk_before_it_is_put_in_place(path, open_cassette, monkeypatch):
    done, sync, put = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append("synced") or sync(file))
    monkeypatch.setattr(os, "replace", lambda *paths: done.append("replaced") or put(*paths))
    cassette = open_cassette()
    [one] = add(cassette, make())
    cassette.commit([Change(make(body=b"new"), (ref(one),))], identify)
    assert done == ["synced", "replaced"]


def test_what_another_program_appends_at_the_last_moment_stays(path, open_cassette, monkeypatch):
    append = storing.append

    def append_later(path, *given, **how):
        path.write_bytes(path.read_bytes() + b"# mine\n")
        return append(path, *given, **how)

    cassette = open_cassette()
    add(cassette, make())
    before = path.read_bytes()
    monkeypatch.setattr(storing, "append", append_later)
    with pytest.raises(CassetteError, match="a program that does not lock it has just changed it"):
        add(cassette, make("https://x/2"))
    assert path.read_bytes() == before + b"# mine\n"


def test_held_lock_times_out_and_names_the_file(open_cassette, monkeypatch, path):
    from pytest_reqcache.cassette import locking

    holder, waiter = open_cassette(), open_cassette()
    monkeypatch.setattr(locking, "TIMEOUT", 0.05)
    with (
        holder._index.lock.held(),
        pytest.raises(CassetteError, match=r"users\.yaml: another process has held"),
    ):
        add(waiter, make())
    assert not path.exists()
    add(waiter, make())


def test_locks_are_in_the_temporary_directory(open_cassette, monkeypatch, tmp_path_factory, tmp_path):
    elsewhere = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    cassette = open_cassette()
    with cassette._index.lock.held():
        [folder] = elsewhere.iterdir()
        [lock] = folder.iterdir()
        assert folder.name.startswith("pytest-reqcache-")
        assert lock.suffix == ".lock"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, lock)] == [0o700, 0o600]
    assert list(tmp_path.iterdir()) == []


def test_lock_that_is_a_link_is_not_followed(open_cassette, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    cassette = open_cassette()
    lock = Path(cassette._index.lock.file)
    lock.parent.mkdir()
    lock.symlink_to(elsewhere / "made")
    with pytest.raises(CassetteError, match="cannot be locked: "):
        add(cassette, make())
    assert not (elsewhere / "made").exists()


def test_frozen_clock_does_not_stop_the_wait(open_cassette, monkeypatch):
    from pytest_reqcache.cassette import locking

    freezegun = pytest.importorskip("freezegun")
    holder, waiter = open_cassette(), open_cassette()
    monkeypatch.setattr(locking, "TIMEOUT", 0.05)
    with holder._index.lock.held(), freezegun.freeze_time("2030-01-01"), pytest.raises(CassetteError):
        add(waiter, make())


def test_relative_path_is_that_of_the_time_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cassette = Cassette(Path("c.yaml"), str)
    monkeypatch.chdir("/")
    add(cassette, make())
    assert cassette.path == Path("c.yaml")
    assert (tmp_path / "c.yaml").exists()


def test_file_that_may_not_be_written_is_not_replaced(path, open_cassette, monkeypatch):
    cassette = open_cassette()
    [one] = add(cassette, make())
    before, opened = path.read_bytes(), os.open

    def refuse(name, flags, *more, **named):
        if os.fspath(name) == str(path) and flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(13, "Permission denied", str(name))
        return opened(name, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    for change in (
        Change(make("https://x/2")),
        Change(make(body=b"new"), (ref(one),)),
        Change(None, (ref(one),)),
    ):
        with pytest.raises(CassetteError, match=r"users\.yaml: Permission denied; make the file"):
            cassette.commit([change], identify)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# Windows removes and replaces no file that is open.


def test_file_is_closed_when_it_is_replaced(path, open_cassette, monkeypatch):
    opened, replaced = [], []

    class Opened(FileIO):
        def __init__(self, *given):
            super().__init__(*given)
            opened.append(self)

    def replace_closed(source, target):
        assert all(file.closed for file in opened)
        replaced.append(target)
        os.rename(source, target)

    monkeypatch.setattr(index, "FileIO", Opened)
    monkeypatch.setattr(os, "replace", replace_closed)
    cassette = open_cassette()
    one, two = add(cassette, make("https://x/1"), make("https://x/2"))
    cassette.commit([Change(make("https://x/1", b"new"), (ref(one),)), Change(None, (ref(two),))], identify)
    [new] = cassette
    cassette.append([Change(make("https://x/1", b"newer"), (ref(new),))], identify)
    cassette.close()
    assert replaced == [path, path]
    assert [item.response.body for item in cassette] == [b"newer"]


def test_file_that_somebody_reads_is_replaced_a_moment_later(path, open_cassette, monkeypatch):
    attempts, put = [], os.replace

    def refuse_twice(source, target):
        attempts.append(target)
        if len(attempts) < 3:
            raise PermissionError(13, "is being used by another process")
        put(source, target)

    monkeypatch.setattr(storing, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(os, "replace", refuse_twice)
    cassette = open_cassette()
    [one] = add(cassette, make())
    cassette.commit([Change(None, (ref(one),))], identify)
    assert (len(attempts), len(list(cassette))) == (3, 0)


def test_new_file_that_fails_is_removed_when_it_is_closed(path, open_cassette, monkeypatch):
    closed, close = [], os.close
    unlink = Path.unlink
    monkeypatch.setattr(os, "close", lambda descriptor: closed.append("closed") or close(descriptor))
    monkeypatch.setattr(Path, "unlink", lambda path, **how: closed.append("removed") or unlink(path, **how))

    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storing, "_write_all", full)
    with pytest.raises(CassetteError, match="No space left"):
        add(open_cassette(), make())
    assert closed == ["closed", "removed"]
    assert not path.exists()
