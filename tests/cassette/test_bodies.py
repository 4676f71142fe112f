"""Which form a body takes, and that its exact bytes come back from it."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_reqcache.body import open_body, read_body
from pytest_reqcache.cassette import Cassette, CassetteError, bodies, json_text, nodes, reading, writing
from pytest_reqcache.cassette.index import Index
from pytest_reqcache.headers import Headers
from pytest_reqcache.models import BodyFile, Change, Source

from .conftest import URL, add, identify, make, ref

OTHER = "https://api.example.com/groups"

JSON = [("Content-Type", "application/json")]


def form_of(body, headers, tmp_path):
    form = bodies.present(body, Headers.of(headers), tmp_path / "x.bodies")
    return "file" if isinstance(form, bodies.FiledBody) else (form.form, *sum(form.parameters, ()))


def comes_back(body, headers, tmp_path):
    folder = tmp_path / "x.bodies"
    text = writing.draft(make(body=body, headers=headers), folder).text.decode()
    return (
        reading.interaction(nodes.read_item(text, 1), lambda: folder, Source(None, 1, "")).response.body
        == body
    )


TREE = {"users": [{"name": "Ada", "é": "日本\U0001f600"}], "empty": [], "n": 1.5, "long": list(range(100))}


@pytest.mark.parametrize(
    ("body", "headers", "form"),
    [
        (b'{"a":1}', JSON, ("json",)),
        (b'{"a":1}', [], ("json",)),
        (b"[1,2]\n", [], ("json", "style", "compact-newline")),
        (b'{"a":1}', [("Content-Type", "application/problem+json; charset=utf-8")], ("json",)),
        (b'{"a":1}', [("Content-Type", "text/plain")], ("text",)),
        (b'"x"', JSON, ("json",)),
        (b"null", JSON, ("json",)),
        (b"null", [], ("text",)),
        (b'{"a": 1, "b": 2}', JSON, ("json", "style", "spaced")),
        (b'{"a": 1.10}', JSON, ("json", "style", "spaced")),
        (b'{"a": 1E400, "b": -0}', JSON, ("json", "style", "spaced")),
        (b'{"a":1,"a":2}', JSON, ("json",)),
        (b'{"a":NaN}', JSON, ("json",)),
        (b'{"a":"\\ud800"}', JSON, ("json",)),
        (b'{"a":"http:\\/\\/x"}', JSON, ("json",)),
        (b'{"a":"\\u00E9"}', JSON, ("json",)),
        (b'{\n\t"a": []\n}', JSON, ("json", "style", "indent-tab")),
        (b'{\r\n  "a": 1\r\n}', JSON, ("text", "line_ends", "crlf")),
        ('{"a":1}'.encode("utf-16"), JSON, ("json", "encoding", "utf-16")),
        ('{"a":1}'.encode("utf-32-be"), JSON, ("json", "encoding", "utf-32-be")),
        (b"[" * 200 + b"]" * 200, JSON, ("text",)),
        (b'{"a":"\\u00e9"}', JSON, ("json", "style", "compact-ascii")),
        (b'{"a":"\\u2028"}', JSON, ("json",)),
        (b'{"a" :1}', JSON, ("text",)),
        (b'\xef\xbb\xbf{"a":1}', JSON, ("json", "encoding", "utf-8-sig")),
        (b'{"a":"\xe9"}', JSON, ("json", "encoding", "latin-1")),
        (b"[" * 50_000, JSON, ("text",)),
        (b"[" * 20_000 + b"]" * 20_000, JSON, ("text",)),
        (b"1" * 5000, JSON, ("json",)),
        (b"\xe9t\xe9", [("Content-Type", "text/plain; charset=ISO-8859-1")], ("text",)),
        (b"\xe9t\xe9", [("Content-Type", "text/plain")], ("text", "encoding", "latin-1")),
        (b"\xc3\xa9", [("Content-Type", "text/plain; charset=nonsense")], ("text", "encoding", "utf-8")),
        ("日本".encode("shift_jis"), [("Content-Type", 'text/html; charset="Shift_JIS"')], ("text",)),
        (b"abc", [("Content-Type", "text/plain; charset=rot13")], ("text", "encoding", "utf-8")),
        (b"\xef\xbb\xbfa,b", [], ("text", "encoding", "utf-8-sig")),
        ("wörter".encode("utf-16"), [], ("text", "encoding", "utf-16")),
        ("wörter".encode("utf-16"), [("Content-Type", "text/plain; charset=utf-16")], ("text",)),
        ('<meta charset="gb18030">中文'.encode("gb18030"), [], ("text", "encoding", "gb18030")),
        ("<?xml encoding='iso-8859-2'?>ł".encode("iso-8859-2"), [], ("text", "encoding", "iso-8859-2")),
        (b"a,b\r\nc,d\r\n", [("Content-Type", "text/csv")], ("text", "line_ends", "crlf")),
        (b"a\r\n\xe9\r\n", [], ("text", "encoding", "latin-1", "line_ends", "crlf")),
        (b"a,b\r\nc,d\n", [], ("text",)),
        (b"\x00\x01\x02", [], ("base64",)),
        (bytes(range(256)), [], ("base64",)),
        (b"a" * bodies.LARGEST_TEXT, [], ("text",)),
        (b"a" * (bodies.LARGEST_TEXT + 1), [], "file"),
        (b"\x00" * (bodies.LARGEST_BASE64 + 1), [], "file"),
    ],
)
def test_form_of_a_body(body, headers, form, tmp_path):
    assert form_of(body, headers, tmp_path) == form
    assert form == "file" or comes_back(body, headers, tmp_path)


def dumped(tree, style):
    name = style.removesuffix("-newline")
    layout = {"spaced": {"separators": (", ", ": ")}, "compact": {"separators": (",", ":")}}
    indent = {"indent-2": 2, "indent-4": 4, "indent-tab": "\t"}
    name, escapes = name.removesuffix("-ascii"), name.endswith("-ascii")
    how = layout.get(name) or {"indent": indent[name]}
    return (json.dumps(tree, ensure_ascii=escapes, **how) + "\n" * style.endswith("-newline")).encode()


@pytest.mark.parametrize("style", json_text.STYLES)
def test_every_style_restores_its_bytes(style, tmp_path):
    body = dumped(TREE, style)
    assert form_of(body, JSON, tmp_path) == (("json",) if style == "compact" else ("json", "style", style))
    assert comes_back(body, JSON, tmp_path)


@pytest.mark.parametrize(
    ("tree", "pretty"),
    [
        ({"name": "Grace"}, '{"name": "Grace"}\n'),
        ({"a": [], "b": {}}, '{"a": [], "b": {}}\n'),
        ({"users": [{"name": "Ada"}]}, '{\n  "users": [\n    {"name": "Ada"}\n  ]\n}\n'),
        (["x" * 79], '[\n  "' + "x" * 79 + '"\n]\n'),
        ("é", '"é"\n'),
    ],
)
def test_pretty_json(tree, pretty):
    assert json_text.to_pretty(dumped(tree, "compact").decode()) == (pretty, "compact")


@pytest.mark.parametrize(
    ("text", "scalar"),
    [
        ("hello", "|-"),
        ("hello\n", "|"),
        ("a\n\n\n", "|+"),
        ("  a\n b\n", "|2"),
        ("\n\na", "|2-"),
        ("\ta\n\tb\n", "|2"),
        ("a\tb\nc\n", "|"),
        ("a \U0001f600\nb\n", "|"),
        ("a \nb", '"a'),
        ("a\rb\r\n", '"a'),
        ("a\t\nb", '"a'),
        ("a\ufeff\n", '"a'),
        ("a long enough text\x85b", '"a'),
        ("a\u2028b\n", '"a'),
        ("a" * 50 + "\x01", '"a'),
        ("- request:\n    method: GET\n", "|"),
        ("---\n...\n", "|"),
        ("#\n", "|"),
    ],
)
def test_text_is_a_literal_block_where_yaml_can_hold_it(text, scalar, tmp_path):
    written = writing.draft(make(body=text.encode()), tmp_path).text.decode()
    assert written.partition("    text: ")[2].startswith(scalar)
    assert comes_back(text.encode(), [], tmp_path)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a \n b\n", ['"a \\n\\', '\\ b\\n"']),
        ("<p> \r\n'x' \"é\U0001f600\"\n", ['"<p> \\r\\n\\', '\'x\' \\"é\U0001f600\\"\\n"']),
        ("\u2028\n\n\ufeff\n", ['"\\L\\n\\', "\\n\\", '\\uFEFF\\n"']),
        ("a\rb", ['"a\\r\\', 'b"']),
    ],
)
def test_text_that_no_block_can_hold_is_written_line_by_line(text, lines, tmp_path):
    written = writing.draft(make(body=text.encode()), tmp_path).text.decode()
    assert written.partition("    text: ")[2].partition("\n  created_at")[0].split("\n      ") == lines
    assert comes_back(text.encode(), [], tmp_path)


SNIPPETS = st.text(st.sampled_from(" \t\n\r\x85\u2028\ufeff\x00aé日\U0001f600-#:'\"|>{[\\"), max_size=15)


@given(
    SNIPPETS.map(str.encode) | st.binary(max_size=60),
    st.sampled_from([[], JSON, [("Content-Type", "image/png")]]),
)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_body_comes_back(tmp_path_factory, body, headers):
    assert comes_back(body, headers, tmp_path_factory.getbasetemp())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(VALUES, st.sampled_from(json_text.STYLES))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_json_comes_back(tmp_path_factory, tree, style):
    try:
        body = dumped(tree, style)
    except UnicodeEncodeError:
        return
    assert comes_back(body, JSON, tmp_path_factory.getbasetemp())


def test_request_without_body_is_not_one_with_an_empty_body(open_cassette, path):
    none, empty = make(sent_body=None), make(sent_body=b"", method="POST")
    add(open_cassette(), none, empty)
    assert [item.request.body for item in open_cassette()] == [None, b""]
    assert 'text: ""' in path.read_text()


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("image/png", ".png"),
        ("application/json", ".json"),
        ("application/vnd.api+json", ".json"),
        ("text/html; charset=utf-8", ".html"),
        ("application/x-unknown", ".bin"),
        ("../../x", ".bin"),
    ],
)
def test_large_body_gets_a_file_with_the_right_suffix(kind, suffix, open_cassette, path, tmp_path):
    body = os.urandom(bodies.LARGEST_TEXT + 1)
    [stored] = add(open_cassette(), make(body=body, headers=[("Content-Type", kind)]))
    [file] = (tmp_path / "users.bodies").iterdir()
    assert file.suffix == suffix
    assert f"file: users.bodies/{file.name}\n" in path.read_text()
    assert stored.response.body == body
    assert [item.response.body for item in open_cassette()] == [body]


def test_body_files_are_read_lazily_when_very_large(open_cassette, tmp_path):
    source = tmp_path / "download"
    source.write_bytes(os.urandom(bodies.LARGEST_IN_MEMORY + 1))
    add(open_cassette(), make(body=BodyFile(source, source.stat().st_size)))
    content = source.read_bytes()
    source.unlink()
    [item] = open_cassette()
    assert isinstance(item.response.body, BodyFile)
    assert item.response.body.path.parent == tmp_path / "users.bodies"
    assert read_body(item.response.body) == content
    with open_body(item.response.body) as file:
        assert file.read() == content


def test_small_body_given_as_a_file_stands_in_the_cassette(open_cassette, path, tmp_path):
    source = tmp_path / "download"
    source.write_bytes(b"hello\n")
    [stored] = add(open_cassette(), make(body=BodyFile(source, 6)))
    assert stored.response.body == b"hello\n"
    assert "text: |\n      hello\n" in path.read_text()


def test_body_file_goes_with_the_last_item_that_refers_to_it(open_cassette, tmp_path):
    body, folder = b"\x00" * 10_000, tmp_path / "users.bodies"
    one, two = add(open_cassette(), make("https://x/1", body), make("https://x/2", body))
    assert len(list(folder.iterdir())) == 1
    cassette = open_cassette()
    cassette.commit([Change(None, (ref(one),))], identify)
    assert [item.response.body for item in cassette] == [body]
    cassette.commit([Change(make("https://x/2", b"small"), (ref(two),))], identify)
    assert not folder.exists()


def test_body_that_a_killed_process_was_writing_goes_with_the_last_one(open_cassette, tmp_path):
    [one] = add(open_cassette(), make(body=b"\x00" * 10_000))
    (tmp_path / "users.bodies" / ".0123456789abcdef.1.tmp").write_bytes(b"\x00")
    open_cassette().commit([Change(None, (ref(one),))], identify)
    assert not (tmp_path / "users.bodies").exists()


def test_files_of_others_in_the_folder_stay(open_cassette, tmp_path):
    [one] = add(open_cassette(), make(body=b"\x00" * 10_000))
    (tmp_path / "users.bodies" / "notes.txt").write_text("mine")
    open_cassette().commit([Change(None, (ref(one),))], identify)
    assert [file.name for file in (tmp_path / "users.bodies").iterdir()] == ["notes.txt"]


def test_body_file_stays_where_the_folder_cannot_be_listed(open_cassette, tmp_path, monkeypatch):
    body = b"\x00" * 10_000
    one, _ = add(open_cassette(), make("https://x/1"), make("https://x/2", body))
    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name), tmp_path))
    open_cassette().commit([Change(make("https://x/1", b"new"), (ref(one),))], identify)
    assert [item.response.body for item in open_cassette()] == [b"new", body]


def refusing(function, folder):
    def refused(path="."):
        if os.fspath(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return function(path)

    return refused


def test_body_file_of_a_cassette_that_is_spelt_otherwise_stays(open_cassette, tmp_path, monkeypatch):
    # As where the file system takes no notice of case: both have one folder.
    monkeypatch.setattr(Index, "folder", lambda index: tmp_path / "USERS.bodies")
    body = b"\x00" * 10_000
    add(open_cassette(), make(body=body))
    other = Cassette(tmp_path / "Users.yaml", str)
    [one] = add(other, make())
    other.commit([Change(None, (ref(one),))], identify)
    assert [item.response.body for item in open_cassette()] == [body]


def test_freshened_item_keeps_its_body_file(open_cassette, tmp_path):
    large = os.urandom(bodies.LARGEST_IN_MEMORY + 1)
    [one] = add(open_cassette(), make(body=large))
    [item] = open_cassette()
    changed = replace(item, response=replace(item.response, reason="Fine"))
    [new] = open_cassette().commit([Change(changed, (ref(one),))], identify)
    assert read_body(new.response.body) == large
    assert len(list((tmp_path / "users.bodies").iterdir())) == 1


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../secret.bin",
        "users.bodies/../users.yaml",
        "users.bodies/..",
        "users.bodies/",
        "other/x.bin",
        "users.bodies/link.bin",
        "users.bodies/a/b",
        "users.bodies\\\\..\\\\users.yaml",
    ],
)
def test_body_file_outside_the_own_folder_is_refused(name, path, open_cassette, tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"secret")
    (tmp_path / "users.bodies").mkdir()
    (tmp_path / "users.bodies" / "link.bin").symlink_to(tmp_path / "secret.bin")
    add(open_cassette(), make())
    path.write_text(path.read_text().replace("text: |\n      hello", f'file: "{name}"'))
    with pytest.raises(CassetteError, match=r"users\.yaml:9:5: the body file"):
        list(open_cassette())


@pytest.mark.skipif(os.name == "nt", reason="names of files hold no backslash there")
def test_cassette_with_a_backslash_in_its_name_has_body_files(tmp_path):
    body = b"\x00" * 10_000
    add(Cassette(tmp_path / "a\\b.yaml", str), make(body=body))
    assert [item.response.body for item in Cassette(tmp_path / "a\\b.yaml", str)] == [body]


def test_no_body_is_written_through_a_symbolic_link(open_cassette, tmp_path, path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "users.bodies").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        CassetteError, match=r"users\.yaml: the folder 'users\.bodies' is a symbolic link; put"
    ):
        add(open_cassette(), make(body=b"\x00" * 10_000))
    assert not path.exists()
    assert not [*(tmp_path / "elsewhere").iterdir()]


def test_missing_body_file_is_named(open_cassette, tmp_path):
    add(open_cassette(), make(body=b"\x00" * 10_000))
    [file] = (tmp_path / "users.bodies").iterdir()
    file.unlink()
    with pytest.raises(
        CassetteError, match=rf"users\.yaml:9:5: cannot read the body file.*{file.name}.*restore it"
    ):
        list(open_cassette())


def test_body_files_of_a_renamed_cassette_are_found_and_kept(open_cassette, tmp_path, path):
    bodies_of = {url: os.urandom(bodies.LARGEST_IN_MEMORY + 1) for url in (OTHER, URL)}
    add(open_cassette(), *(make(url, body=body) for url, body in bodies_of.items()))
    path.rename(tmp_path / "people.yaml")
    renamed = Cassette(tmp_path / "people.yaml", str)
    with pytest.raises(
        CassetteError, match=r"if the cassette was renamed, rename the folder users\.bodies, too"
    ):
        list(renamed)
    (tmp_path / "users.bodies").rename(tmp_path / "people.bodies")
    assert {item.request.url: read_body(item.response.body) for item in renamed} == bodies_of
    [item] = renamed.find(OTHER)
    renamed.commit([Change(None, (item.ref,))], identify)
    [left] = (tmp_path / "people.bodies").iterdir()
    assert left.read_bytes() == bodies_of[URL]


def test_failed_write_leaves_no_body_file(open_cassette, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pytest_reqcache.cassette.storing._write_all", full)
    with pytest.raises(CassetteError, match="No space left"):
        add(open_cassette(), make(body=b"\x00" * 10_000))
    assert list(tmp_path.iterdir()) == []


LENGTH = ("Content-Length", "999")


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ({}, "6"),
        ({"body": b""}, "0"),
        ({"headers": [("content-length", "7"), ("X", "y")]}, "6"),
        ({"headers": [LENGTH, ("Content-Encoding", "gzip")]}, "999"),
        ({"method": "HEAD", "body": b""}, "999"),
        ({"status": 204, "body": b""}, "999"),
        ({"status": 304, "body": b""}, "999"),
    ],
)
def test_stored_length_is_corrected_to_that_of_the_body(fields, length, open_cassette):
    add(open_cassette(), make(**{"headers": [LENGTH], **fields}))
    [item] = open_cassette()
    assert item.response.headers.get("Content-Length") == length


def test_hand_edited_json_just_works(open_cassette, path):
    add(open_cassette(), make(body=b'{"name":"Ada"}', headers=[*JSON, ("Content-Length", "14")]))
    path.write_text(path.read_text().replace('{"name": "Ada"}', '{ "name" :\n\n        "Grace" }'))
    [item] = open_cassette()
    assert item.response.body == b'{"name":"Grace"}'
    assert item.response.headers.get("Content-Length") == "16"


def test_json_of_any_spelling_in_a_spaced_style(open_cassette, path):
    add(open_cassette(), make(body=json.dumps(TREE).encode(), headers=JSON))
    path.write_text(path.read_text().replace('"Ada"', '"Grace"'))
    [item] = Cassette(path, str)
    assert item.response.body == json.dumps(TREE).encode().replace(b"Ada", b"Grace")


def test_body_file_that_was_edited_is_never_written_over(open_cassette, tmp_path):
    png, body = [("Content-Type", "image/png")], bytes(range(256)) * 100
    add(open_cassette(), make("https://x/1", body, headers=png, keep=True))
    [file] = (tmp_path / "users.bodies").iterdir()
    edited = b"edited" * 5000
    file.write_bytes(edited)
    for number in (2, 3):
        add(open_cassette(), make(f"https://x/{number}", body, headers=png))
    assert [item.response.body for item in open_cassette()] == [edited, body, body]
    assert len(list((tmp_path / "users.bodies").iterdir())) == 2


def test_refresh_of_an_edited_body_file_has_a_file_of_its_own(open_cassette, tmp_path):
    body = bytes(range(256)) * 100
    [stored] = add(open_cassette(), make(body=body))
    [file] = (tmp_path / "users.bodies").iterdir()
    file.write_bytes(b"edited")
    open_cassette().commit([Change(make(body=body), (ref(stored),), refresh=True)], identify)
    assert [item.response.body for item in open_cassette()] == [body]
    assert len(list((tmp_path / "users.bodies").iterdir())) == 1


def test_body_file_that_is_edited_at_the_last_moment_stays(tmp_path):
    body = bodies.FiledBody("0123456789abcdef.bin", b"as it was received")
    for _ in range(2):
        bodies.write_file(body, tmp_path)
        assert (tmp_path / body.name).read_bytes() == body.content
    (tmp_path / body.name).write_bytes(b"edited")
    with pytest.raises(OSError, match="was edited"):
        bodies.write_file(body, tmp_path)
    assert (tmp_path / body.name).read_bytes() == b"edited"
