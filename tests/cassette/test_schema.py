"""docs/cassette.schema.json: it takes what we write, and refuses what the reader refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from pytest_reqcache.cassette import Cassette, json_text

from .conftest import add, make
from .mistakes import MISTAKES, SYNTAX, WHOLE
from .strategies import INTERACTIONS

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "cassette.schema.json").read_text(encoding="utf-8"))
validator = jsonschema.Draft202012Validator(SCHEMA)


class TextTimes(yaml.SafeLoader):
    """A plain loader that leaves times as they are written."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def faults(text: str) -> list[str]:
    """What the schema says of the text of a cassette."""
    return [error.message for error in validator.iter_errors(yaml.load(text, TextTimes))]


def test_it_is_a_schema_and_every_property_says_what_it_is():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    for name, value in [pair for part in parts for pair in part.get("properties", {}).items()]:
        target = SCHEMA["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
        assert value.get("description") or target.get("description"), name


def test_it_knows_every_style():
    assert SCHEMA["$defs"]["style"]["enum"] == list(json_text.STYLES)


@given(INTERACTIONS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_takes_whatever_we_write(tmp_path_factory, interaction):
    path = tmp_path_factory.mktemp("schema") / "c.yaml"
    add(Cassette(path, str), interaction)
    assert faults(path.read_text(encoding="utf-8")) == []


def test_it_takes_the_cassettes_of_the_demo(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "examples"))
    from demo import run_pytest
    from server import running_server

    suite = tmp_path / "suite"
    unwanted = shutil.ignore_patterns("__pycache__", "cassettes")
    shutil.copytree(DOCS / "examples" / "suite", suite, ignore=unwanted)
    with running_server() as url:
        run_pytest(suite, url, "-q")
    recorded = list(suite.glob("cassettes/**/*.yaml"))
    assert recorded
    assert {path.name: faults(path.read_text(encoding="utf-8")) for path in recorded} == {
        path.name: [] for path in recorded
    }


@pytest.mark.parametrize(
    ("body", "kind", "form"),
    [
        (b'{"a": [1, 2]}\n', "application/json", "style: spaced-newline"),
        (b'{"a":1}', "application/json", "json: |"),
        (b"caf\xe9", "text/plain", "encoding: latin-1"),
        ("né\n".encode(), "text/plain; charset=utf-8", "text: |"),
        (b"\x00\x01\xff", "image/png", "base64: |"),
        (b"\x00" * 10_000, "image/png", "file: users.bodies/"),
        (b"x" * 100_000, "text/plain", "file: users.bodies/"),
        (b"", "text/plain", "status: 200 OK"),
    ],
)
def test_it_takes_every_form_of_a_body(body, kind, form, path, open_cassette):
    sent = body if len(body) < 1000 else None
    add(open_cassette(), make(body=body, headers=[("Content-Type", kind)], method="POST", sent_body=sent))
    text = path.read_text(encoding="utf-8")
    assert form in text
    assert faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "version: 1\ninteractions: []\n",
        "version: 1\ninteractions:\n",
        WHOLE.replace("201 Created", "201").replace("Content-Length: '11'", "Content-Length: 11"),
        WHOLE.replace('    json: |\n      {"order": 7}', "    json: 7"),
        WHOLE.replace("2026-11-23T19:10:00Z", "2026-11-23 19:10:00 +02:00"),
        WHOLE.replace("  created_at", "  expires: never\n  keep: true\n  answer: 2\n  created_at"),
        WHOLE.replace("      Content-Type: text/plain", "    - A: b\n    - C: d\n    - A: {base64: eA==}"),
        "# yaml-language-server: $schema=../../docs/cassette.schema.json\n" + WHOLE,
    ],
    ids=range(9),
)
def test_it_takes_what_people_may_write(text, path):
    path.write_text(text, encoding="utf-8")
    assert list(Cassette(path, str)) is not None
    assert faults(text) == []


@pytest.mark.parametrize("mistake", [name for name, made in MISTAKES.items() if not made.unseen])
def test_it_refuses_what_the_reader_refuses(mistake):
    assert faults(MISTAKES[mistake].text) != []


@pytest.mark.parametrize("mistake", [name for name, made in MISTAKES.items() if made.unseen])
def test_what_it_cannot_see_is_left_to_the_reader(mistake):
    made = MISTAKES[mistake]
    if made.unseen == SYNTAX:
        with pytest.raises(yaml.YAMLError):
            faults(made.text)
    else:
        assert faults(made.text) == [], made.unseen
