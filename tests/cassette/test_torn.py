"""A recording that was cut off loses at most itself; what people edited is never taken for one."""

from __future__ import annotations

import warnings
from datetime import timedelta

import pytest

from pytest_reqcache.cassette import Cassette, CassetteError, TornTailWarning
from pytest_reqcache.cassette.locking import Lock
from pytest_reqcache.cassette.storing import UNFINISHED
from pytest_reqcache.models import Change

from .conftest import CREATED_AT, add, identify, make

LAST = make(
    "https://x/2?a=...",
    '{"a":[{"é":"日本"}],"b":"\U0001f600"}'.encode(),
    method="PUT",
    sent=[("A", "1"), ("Cookie", "a"), ("Cookie", "b"), ("A", "2"), ("X", "- a: b"), ("Y", "wait...")],
    sent_body=b"text\n\nwith\ttabs\n\n",
    headers=[("Content-Type", "application/json"), ("Set-Cookie", "a"), ("Set-Cookie", "b")],
    answer=12,
    expires=CREATED_AT + timedelta(days=1),
    keep=True,
    key="a: b",
)


def whole_and_last(path):
    cassette = Cassette(path, str)
    add(cassette, make("https://x/1"))
    size = path.stat().st_size
    add(cassette, LAST)
    return path.read_bytes(), size


def test_cut_at_any_byte_nothing_wrong_is_read(path, tmp_path):
    data, first_end = whole_and_last(path)
    header_end = data.index(b"- request:")
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            items = list(Cassette(path, str))
        whole = cut >= len(data) - 1
        assert [item.request.url for item in items] == (
            [] if cut < first_end - 1 else ["https://x/1", LAST.request.url][: 2 if whole else 1]
        ), data[:cut][-60:]
        is_between = cut in (0, header_end, first_end - 1, first_end) or whole
        assert [warning.category for warning in caught] == ([] if is_between else [TornTailWarning]), data[
            :cut
        ][-60:]


def test_after_a_cut_at_any_byte_recording_goes_on(path, tmp_path):
    data, first_end = whole_and_last(path)
    aside = tmp_path / "users.yaml.torn"
    for cut in (*range(0, len(data), 7), len(data) - 2):
        path.write_bytes(data[:cut])
        aside.unlink(missing_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornTailWarning)
            cassette = Cassette(path, str)
            before = list(cassette)
            [new] = add(cassette, make("https://x/3"))
            assert list(Cassette(path, str)) == [*before, new]
        assert aside.exists() == (cut not in (0, data.index(b"- request:"), first_end - 1, first_end))
        if aside.exists():
            torn = aside.read_bytes()
            assert torn.strip()
            assert data[:cut].rstrip(b"\n").endswith(torn.rstrip(b"\n"))


def test_warning_names_file_and_line_once(path):
    data, _ = whole_and_last(path)
    path.write_bytes(data[:-30])
    cassette = Cassette(path, str)
    with pytest.warns(TornTailWarning, match=r"users\.yaml:12: the last interaction was cut off") as caught:
        assert [len(list(cassette)), len(list(cassette))] == [1, 1]
    assert len(caught) == 1
    assert path.read_bytes() == data[:-30]


def test_torn_end_is_set_aside_and_kept(path, tmp_path):
    data, first_end = whole_and_last(path)
    for _ in range(2):
        path.write_bytes(data[:-30])
        with pytest.warns(TornTailWarning):
            add(Cassette(path, str), make("https://x/3"))
    assert (tmp_path / "users.yaml.torn").read_bytes() == (data[first_end:-30] + b"\n") * 2


@pytest.mark.parametrize("beginning", [b"", b"\xef\xbb\xbf"], ids=["scanned", "parsed"])
def test_cut_within_the_mark_of_an_unfinished_step(beginning, path):
    data, first_end = whole_and_last(path)
    for cut in range(1, len(UNFINISHED) + 1):
        told = "what one test recorded was cut off" if cut > 1 else "the last interaction was cut off"
        path.write_bytes(beginning + data[:first_end] + UNFINISHED[:cut])
        with pytest.warns(TornTailWarning, match=told):
            assert [item.request.url for item in Cassette(path, str)] == ["https://x/1"]
        with pytest.warns(TornTailWarning):
            add(Cassette(path, str), make("https://x/3"))
        assert [item.request.url for item in Cassette(path, str)] == ["https://x/1", "https://x/3"]


def test_comments_before_a_torn_end_stay(path):
    data, first_end = whole_and_last(path)
    path.write_bytes(data[:first_end] + b"\n# mine\n" + data[first_end:-30])
    with pytest.warns(TornTailWarning):
        add(Cassette(path, str), make("https://x/3"))
    assert path.read_bytes().startswith(data[:first_end] + b"\n# mine\n- request:")


def test_cut_at_any_byte_of_a_file_with_crlf(path):
    data, first_end = whole_and_last(path)
    first_end += data.count(b"\n", 0, first_end)
    data = data.replace(b"\n", b"\r\n")
    for cut in range(first_end, len(data)):
        path.write_bytes(data[:cut])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornTailWarning)
            found = [item.request.url for item in Cassette(path, str)]
        assert found == ["https://x/1", LAST.request.url][: 2 if cut >= len(data) - 2 else 1], data[:cut][
            -60:
        ]


@pytest.mark.parametrize(
    "encode", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: b"\xef\xbb\xbf" + data]
)
def test_torn_end_of_a_file_that_has_to_be_parsed(encode, path):
    data, _ = whole_and_last(path)
    path.write_bytes(encode(data[:-30]))
    with pytest.warns(TornTailWarning, match=":12:"):
        add(Cassette(path, str), make("https://x/3"))
    assert [item.request.url for item in Cassette(path, str)] == ["https://x/1", "https://x/3"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("method: PUT", "metod: PUT"),
        ("    method: PUT\n", "    method: PUT\n    # a note\n"),
        ("method: PUT", 'method: "PUT"'),
        ("    url: https://x/2?a=...\n", ""),
        ("    status: 200 OK\n", ""),
        ("  answer: 12\n  expires", "  expires"),
        ("  response:\n", "response:\n"),
        ("- request:\n    method: PUT", "- method: PUT"),
        ("  keep: true", "  kept: true"),
    ],
)
@pytest.mark.parametrize("ends_with_newline", [True, False])
def test_edited_end_is_an_error_and_the_file_is_left_alone(old, new, ends_with_newline, path):
    data, _ = whole_and_last(path)
    text = data.decode()
    assert old in text
    text = text.replace(old, new).partition("\n  created_at: 2026-11-23T19:10:00.123Z\n- ")
    head, last = text[0] + text[1], text[2].rpartition("  created_at")[0]
    if new.startswith("  expires"):
        last = last.replace("  keep: true\n", "") + "  answer: 12\n"
    path.write_text(head + last + ("" if ends_with_newline else "  "))
    before = path.read_bytes()
    for use in (list, lambda cassette: add(cassette, make("https://x/9"))):
        with pytest.raises(CassetteError, match=r"users\.yaml:\d+(:\d+)?: "):
            use(Cassette(path, str))
    assert path.read_bytes() == before


@pytest.mark.parametrize("tail", ["\n", "\n\n# the end\n", "# no newline", "   \n", "  # indented\n"])
def test_blank_lines_and_comments_are_no_tear(tail, path):
    whole_and_last(path)
    path.write_text(path.read_text() + tail)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cassette = Cassette(path, str)
        assert len(list(cassette)) == 2
        add(cassette, make("https://x/3"))
        assert len(list(Cassette(path, str))) == 3
    assert tail in path.read_text()


@pytest.mark.parametrize(
    "time",
    [
        "'2026-11-23T19:10:00.123Z'",
        '"2026-11-23T19:10:00.123Z"',
        "2026-11-23T19:10:00.123Z # by hand",
        "2026-11-23T20:10:00.123+01:00",
        "2026-11-23 19:10:00.123",
    ],
)
def test_time_written_by_hand_at_the_end_of_a_file_is_no_tear(time, path):
    whole_and_last(path)
    path.write_text(path.read_text().rpartition("2026")[0] + time)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cassette = Cassette(path, str)
        assert [item.created_at for item in cassette] == [CREATED_AT, CREATED_AT]
        add(cassette, make("https://x/3"))
        assert len(list(Cassette(path, str))) == 3


def test_reader_does_not_take_a_write_in_progress_for_a_tear(path, monkeypatch):
    data, _ = whole_and_last(path)
    path.write_bytes(data[:-30])

    def wait_for_the_writer(lock):
        path.write_bytes(data)
        return acquire(lock)

    acquire = Lock._acquire
    monkeypatch.setattr(Lock, "_acquire", wait_for_the_writer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(Cassette(path, str))) == 2


def test_item_with_all_but_its_last_line_is_removed_only_by_its_tear(path):
    data, _ = whole_and_last(path)
    cassette = Cassette(path, str)
    items = list(cassette)
    path.write_bytes(data[: data.rindex(b"  created_at")])
    with pytest.warns(TornTailWarning):
        cassette.commit([Change(None, (items[1].source.ref,))], identify)
    assert len(list(cassette)) == 1
