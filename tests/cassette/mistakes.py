"""Mistakes that people make in a cassette: for each the place that is named, and words that are said.

One table for all who must refuse them: the reader, a whole test run, and the JSON Schema.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_reqcache.cassette import json_text

URL, ORDERS = "http://shop.example/orders/7", "http://shop.example/orders"
STEM = "users"

WHOLE = f"""\
# Recorded by pytest-reqcache. Edit freely: see docs/cassettes.
version: 1
interactions:
- request:
    method: POST
    url: {ORDERS}
    headers:
      Content-Type: application/json
    json: |
      {{"book": 1}}
  response:
    status: 201 Created
    headers:
      Content-Type: application/json
      Content-Length: '11'
    json: |
      {{"order": 7}}
  created_at: 2026-11-23T19:10:00Z
- request:
    method: GET
    url: {URL}
  response:
    status: 200 OK
    headers:
      Content-Type: text/plain
    text: |
      hello
  created_at: 2026-11-23T19:10:01Z
"""

VCRPY = f"""\
interactions:
- request:
    body: null
    headers:
      Accept: ['*/*']
    method: GET
    uri: {URL}
  response:
    body: {{string: hello}}
    headers: {{}}
    status: {{code: 200, message: OK}}
version: 1
"""

VCRPY_JSON = """\
{"version": 1, "interactions": [
  {"request": {"method": "GET", "uri": "URL", "body": null, "headers": {}},
    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "hello"}}}
]}
""".replace("URL", URL)

RUBY_VCR = f"""\
---
http_interactions:
- request:
    method: get
    uri: {URL}
recorded_at: Mon, 23 Nov 2026 19:10:00 GMT
recorded_with: VCR 6.3.1
"""

BETAMAX = """\
{"http_interactions": [{"request": {"method": "GET", "uri": "URL"}}], "recorded_with": "betamax/0.9.0"}
""".replace("URL", URL)

#: Why a schema cannot see a mistake.
SYNTAX = "it is no YAML"
TWICE = "a plain loader takes the last of two equal keys"
CONTENT = "a schema does not look into a text"
FILES = "a schema knows no files"
LOADED = "a plain loader of YAML 1.1 reads it as another value"


@dataclass(frozen=True)
class Mistake:
    """A cassette with one mistake in it; ``unseen`` says why a schema has no eye for it."""

    text: str
    place: str
    words: str
    unseen: str = ""

    def at(self, stem: str) -> str:
        """The text of a cassette of that name."""
        return self.text.replace(f"{STEM}.bodies", f"{stem}.bodies")


def edit(old: str, new: str, place: str, words: str, unseen: str = "") -> Mistake:
    assert WHOLE.count(old) == 1, old
    return Mistake(WHOLE.replace(old, new), place, words, unseen)


GET, STATUS, HEADER, BODY = (
    "    method: GET",
    "    status: 200 OK",
    "      Content-Type: text/plain",
    "      hello",
)
RESPONSE = "  response:\n    status: 200 OK"
TEXT, JSON = f"    text: |\n{BODY}", '    json: |\n      {"order": 7}'
FIRST, LAST = "  created_at: 2026-11-23T19:10:00Z", "  created_at: 2026-11-23T19:10:01Z"

SYNTAX_MISTAKES = {
    "tab before a key": edit(GET, "\tmethod: GET", "20:1", "a tab; indent with spaces alone"),
    "tab before a header": edit(
        HEADER, "\tContent-Type: text/plain", "25:1", "a tab; indent with spaces alone"
    ),
    "key one column to the right": edit(
        f"    url: {URL}",
        f"     url: {URL}",
        "21:6",
        "deeper than line 20, which has a value already; indent both",
    ),
    "key one column to the left": edit(
        f"    url: {URL}",
        f"   url: {URL}",
        "21:4",
        "begin it in column 3 as line 19 does, or in column 5 as line 20",
    ),
    "status too deep": edit(STATUS, "      status: 200 OK", "24:5", "nothing can begin in this column"),
    "status not deep enough": edit(
        STATUS, "  status: 200 OK", "24:5", "deeper than line 23, which has a value"
    ),
    "response to the left": edit(
        RESPONSE, RESPONSE[1:], "22:2", "begin it in column 1 as line 19 does, or in column 3 as line 19"
    ),
    "response far too deep": edit(
        RESPONSE, "    " + RESPONSE, "22:7", "deeper than line 21, which has a value"
    ),
    "headers out of step": edit(HEADER, HEADER[1:] + "\n      X: y", "26:7", "deeper than line 25"),
    "text not deep enough": edit(
        BODY, "    hello", "27:5", "a line without ': '; write 'key: value', or indent it"
    ),
    "json not deep enough": edit('      {"order": 7}', '    {"order": 7}', "17:5", "a line without ': '"),
    "created_at to the right": edit(
        LAST, " " + LAST, "28:4", "begin it in column 3 as line 22 does, or in column 5 as line 26 does"
    ),
    "item to the right": edit(
        f"- request:\n{GET}", f"  - request:\n{GET}", "19:3", "begin it in column 1 as line 4 does"
    ),
    "quote not closed": edit(
        STATUS, '    status: "200 OK', "23:13", "a quote is opened here and never closed"
    ),
    "quote of a header not closed": edit(
        "text/plain", "'text/plain", "25:21", "a quote is opened here and never closed; close it"
    ),
    "quote closed far below": edit(
        "201 Created",
        '"201 Created',
        "12:13",
        "a quote is opened here and closed only in line 17; close it where",
    ),
    "bracket not closed": edit(
        "text/plain", "[text/plain", "25:21", "a bracket is opened here and not closed"
    ),
    "bracket with nothing behind it": Mistake(
        "version: 1\ninteractions: [\n", "2:15", "a bracket is opened here and not closed"
    ),
    "bracket above items in block form": Mistake(
        WHOLE.replace("interactions:", "interactions: [", 1),
        "3:15",
        "a bracket is opened here and not closed",
    ),
    "no colon": edit(STATUS, "    status 200 OK", "23:5", "a key without ': ' behind it; write 'key: value'"),
    "no space behind the colon": edit(STATUS, "    status:200 OK", "23:5", "a key without ': ' behind it"),
    "no colon behind request": edit(
        f"- request:\n{GET}", f"- request\n{GET}", "19:3", "or 'key:' above what is"
    ),
    "colon in a value": edit(
        "text/plain", "text: plain", "25:25", "a second ': ' in the line; put the value in quotes"
    ),
    "value with a percent sign": edit(
        "text/plain", "%5", "25:21", "a value cannot begin with '%'; put it in quotes"
    ),
    "value with an at sign": edit("text/plain", "@x", "25:21", "a value cannot begin with '@'"),
    "value with an asterisk": edit("text/plain", "*/*", "25:21", "a value cannot begin with '*'"),
    "alias of nothing": edit(
        "200 OK", "*ok", "23:13", "*ok names no anchor that is complete above it; write the value out"
    ),
    "control character": edit(
        BODY, "      he\x01llo", "27:9", "characters are not allowed; write it as an escape"
    ),
    "merge conflict": edit(
        STATUS,
        f"<<<<<<< HEAD\n{STATUS}\n=======\n    status: 201 Created\n>>>>>>> theirs",
        "23:1",
        "a merge conflict that is not resolved; take the whole file of one side",
    ),
    "merge conflict at the end": Mistake(
        WHOLE + "<<<<<<< HEAD\n- request:\n=======\n>>>>>>> theirs\n", "29:1", "a merge conflict"
    ),
    "unsafe tag": edit(
        "200 OK", "!!python/object/apply:os.system [ls]", "23:5", "os.system' is not safe to read"
    ),
    "custom tag": edit("200 OK", "!env HOME", "23:5", "the tag '!env' is not safe to read; remove it"),
    "second document": Mistake(
        WHOLE + "---\n" + WHOLE, "29:1", "a second document; a cassette is one: remove"
    ),
    "nothing but a rule at the end": Mistake(WHOLE + "---\n", "29:1", "a second document"),
    "key that is a list": edit(
        STATUS, f"    [a]: b\n{STATUS}", "23:5", "a key that is no text; write a name"
    ),
}

MISTAKES = {
    **{
        name: Mistake(found.text, found.place, found.words, SYNTAX) for name, found in SYNTAX_MISTAKES.items()
    },
    "alias in itself": edit("text/plain", "&a [*a]", "25:25", "*a names no anchor that is complete above it"),
    # the file as a whole
    "newer version": edit(
        "version: 1", "version: 2", "2:1", "version 2 was written by a newer pytest-reqcache"
    ),
    "odd version": edit("version: 1", "version: one", "2:1", "version is 'one'; write 'version: 1'"),
    "version in quotes": edit("version: 1", "version: '1'", "2:1", "version is '1'; write 'version: 1'"),
    "no version": edit(
        "version: 1\n", "", "1", "no version; a cassette says 'version: 1' above its interactions"
    ),
    "no list": Mistake(
        "version: 1\n", "1", "no list of interactions; write 'interactions:' and the items below it"
    ),
    "list alone": Mistake("- 1\n", "1:1", "a cassette is a mapping with 'version' and 'interactions'"),
    "text alone": Mistake("hello\n", "1:1", "a cassette is a mapping with 'version' and 'interactions'"),
    "interactions a text": Mistake(
        "version: 1\ninteractions: x\n", "2:15", "interactions is a text; write a list"
    ),
    "item a text": Mistake(WHOLE + "- hello\n", "29:3", "an interaction expected here, found a text"),
    "unknown key of the cassette": Mistake(
        WHOLE + "foo: 1\n", "29:1", "a cassette has an unknown key 'foo'; known are"
    ),
    "version twice": edit(
        "version: 1", "version: 1\nversion: 1", "3:1", "the key 'version' is here twice", TWICE
    ),
    # other tools
    "vcrpy": Mistake(
        VCRPY, "7:5", "of vcrpy or pytest-recording; 'python -m pytest_reqcache import FILE --to DIR'"
    ),
    "vcrpy as JSON": Mistake(
        VCRPY_JSON, "2:33", "of vcrpy or pytest-recording; 'python -m pytest_reqcache import"
    ),
    "Ruby VCR": Mistake(
        RUBY_VCR, "2:1", "of betamax or Ruby VCR, and none of ours; move it away and record anew"
    ),
    "betamax": Mistake(
        BETAMAX, "1:2", "of betamax or Ruby VCR, and none of ours; move it away and record anew"
    ),
    # keys
    "misspelt version": edit(
        "version: 1", "vresion: 1", "2:1", "unknown key 'vresion'; did you mean 'version'?"
    ),
    "misspelt interactions": edit("interactions:", "interaction:", "3:1", "did you mean 'interactions'?"),
    "misspelt request": edit(f"- request:\n{GET}", f"- reqest:\n{GET}", "19:3", "did you mean 'request'?"),
    "misspelt response": edit(
        RESPONSE, f"  responce:\n{STATUS}", "22:3", "'responce'; did you mean 'response'?"
    ),
    "misspelt keep": edit(LAST, f"  kept: true\n{LAST}", "28:3", "unknown key 'kept'; did you mean 'keep'?"),
    "misspelt created_at": edit(FIRST, FIRST.replace("_", ""), "18:3", "did you mean 'created_at'?"),
    "misspelt last created_at": edit(LAST, LAST.replace("_", ""), "28:3", "did you mean 'created_at'?"),
    "misspelt method": edit(
        GET, "    methode: GET", "20:5", "a request has an unknown key 'methode'; did you mean"
    ),
    "misspelt status": edit(
        STATUS, "    state: 200 OK", "23:5", "a response has an unknown key 'state'; did you mean"
    ),
    "body": edit(
        TEXT, "    body: hello", "26:5", "unknown key 'body'; write it as one of json, text, base64, file"
    ),
    "header not deep enough": edit(
        HEADER, HEADER[2:], "25:5", "unknown key 'Content-Type'; known are status, headers"
    ),
    "response too deep": edit(
        RESPONSE, "  " + RESPONSE, "22:5", "'response', which belongs to an interaction; indent"
    ),
    "created_at too deep": edit(
        LAST, "  " + LAST, "28:5", "a response has a key 'created_at', which belongs to an"
    ),
    "created_at at the edge": edit(
        LAST, LAST[2:], "28:1", "a cassette has a key 'created_at', which belongs to an"
    ),
    "keep in the response": edit(
        STATUS, f"{STATUS}\n    keep: true", "24:5", "'keep', which belongs to an interaction"
    ),
    "answer in the response": edit(
        STATUS, f"{STATUS}\n    answer: 2", "24:5", "'answer', which belongs to an"
    ),
    "answer twice": edit(
        LAST,
        f"  answer: 1\n  answer: 2\n{LAST}",
        "29:3",
        "'answer' is here twice, first in line 28; remove one",
        TWICE,
    ),
    "status twice": edit(
        STATUS, f"{STATUS}\n    status: 429", "24:5", "'status' is here twice, first in line 23", TWICE
    ),
    "header twice": edit(HEADER, f"{HEADER}\n{HEADER}", "26:7", "'Content-Type' is here twice", TWICE),
    "dash lost": edit(
        f"- request:\n{GET}", f"  request:\n{GET}", "19:3", "'request' is here twice, first in line 4", TWICE
    ),
    "merge key": edit(
        HEADER, "      <<: {}", "25:7", "merge keys ('<<') are not supported; write the values", LOADED
    ),
    "no method": edit(f"{GET}\n", "", "19:3", "a request without method; add it, or remove the interaction"),
    "no url": edit(f"    url: {URL}\n", "", "19:3", "a request without url; add it"),
    "no status": edit(f"{STATUS}\n", "", "22:3", "a response without status; add it"),
    "no created_at": edit(f"{FIRST}\n", "", "4:3", "an interaction without created_at; add it, or remove"),
    "created_at a comment": edit(
        LAST, f"  # {LAST}", "19:3", "an interaction without created_at; add it, or remove"
    ),
    # values
    "method of two words": edit(
        GET, "    method: G T", "20:5", "method is 'G T'; write one word such as GET"
    ),
    "method empty": edit(GET, "    method:", "20:5", "method is ''; write one word such as GET"),
    "url without a host": edit(
        f"    url: {URL}", "    url: /orders/7", "21:5", "write a whole one, with its 'https://'"
    ),
    "url empty": edit(f"    url: {URL}", "    url:", "21:5", "url is ''; write a whole one"),
    "status too small": edit(
        "200 OK", "42", "23:5", "status is '42'; write a code of three digits and a reason"
    ),
    "status too large": edit("200 OK", "1000", "23:5", "status is '1000'; write a code of three digits"),
    "status without a code": edit(
        "200 OK", "OK", "23:5", "status is 'OK'; write a code of three digits and a reason"
    ),
    "status without a space": edit("200 OK", "200OK", "23:5", "status is '200OK'; write a code"),
    "status a mapping": edit("200 OK", "{code: 200}", "23:5", "status is a mapping; write one text"),
    "headers a text": edit(
        f"headers:\n{HEADER}", "headers: text/plain", "24:5", "headers is a text; write one 'Name:"
    ),
    "header without a colon": edit(
        HEADER, HEADER.replace(":", ""), "24:5", "headers is a text; write one 'Name: value' a line below it"
    ),
    "headers a list of texts": edit(
        HEADER, "    - text/plain", "25:7", "has a text in its list; write one '- Name: value'"
    ),
    "header a mapping": edit("text/plain", "{a: b}", "25:7", "Content-Type is a mapping; write one text"),
    "time in words": edit(
        LAST, "  created_at: yesterday", "28:3", "created_at is 'yesterday'; write a time such as 20"
    ),
    "time left out": edit(
        LAST, "  created_at:", "28:3", "created_at is ''; write a time such as 2026-11-23T19:10:00Z"
    ),
    "no such time": edit(
        LAST, "  created_at: 2026-02-30", "28:3", "created_at is '2026-02-30'; write a time", CONTENT
    ),
    "no such zone": edit(
        LAST,
        "  created_at: 2026-11-23T19:10:00+02:75",
        "28:3",
        "created_at is '2026-11-23T19:10:00+02:75'; write a time",
        CONTENT,
    ),
    "expires in words": edit(
        LAST, f"  expires: soon\n{LAST}", "28:3", "expires is 'soon'; write a time such as 2026-1"
    ),
    "expires a duration": edit(
        LAST, f"  expires: 30d\n{LAST}", "28:3", "expires is '30d'; write a time such as"
    ),
    "answer zero": edit(LAST, f"  answer: 0\n{LAST}", "28:3", "answer is '0'; write a number from 1"),
    "answer in words": edit(LAST, f"  answer: two\n{LAST}", "28:3", "answer is 'two'; write a number from 1"),
    "keep yes": edit(
        LAST, f"  keep: yes\n{LAST}", "28:3", "keep is 'yes'; write true, without quotes", LOADED
    ),
    "keep please": edit(LAST, f"  keep: please\n{LAST}", "28:3", "keep is 'please'; write true"),
    "keep in quotes": edit(
        LAST, f"  keep: 'true'\n{LAST}", "28:3", "keep is 'true'; write true, without quotes"
    ),
    # bodies
    "json without its end": edit(
        '{"order": 7}', '{"order": 7', "17", "the json body is no JSON: Expecting", CONTENT
    ),
    "json with a comma too many": edit(
        '      {"order": 7}',
        '      {\n        "order": 7,,\n      }',
        "18",
        "is no JSON: Expecting property",
        CONTENT,
    ),
    "json with typographic quotes": edit(
        '"order"', "“order”", "17", "is no JSON: Expecting property name", CONTENT
    ),
    "json on its key's line": edit(
        JSON, "    json: '{order: 7}'", "16:5", "the json body is no JSON", CONTENT
    ),
    "json as YAML": edit(
        JSON, "    json:\n      order: 7", "16:5", "json is a mapping; write 'json: |', and below it"
    ),
    "json in braces": edit(
        JSON, '    json: {"order": 7}', "16:5", "json is a mapping; write 'json: |', and below it"
    ),
    "style unknown": edit(
        JSON, f"    style: wide\n{JSON}", "16:5", f"style is 'wide'; known are {json_text.STYLES[0]}"
    ),
    "style of a text": edit(
        TEXT, f"    style: spaced\n{TEXT}", "26:5", "style says how to write json, and there is none"
    ),
    "line ends of json": edit(
        JSON, f"    line_ends: crlf\n{JSON}", "16:5", "line_ends says how to write text"
    ),
    "line ends unknown": edit(
        TEXT, f"    line_ends: cr\n{TEXT}", "26:5", "line_ends is 'cr'; known are crlf"
    ),
    "encoding unknown": edit(
        TEXT, f"    encoding: utf8x\n{TEXT}", "27:5", "unknown encoding 'utf8x'; use utf-8", CONTENT
    ),
    "text not in its encoding": edit(
        TEXT,
        "    encoding: latin-1\n    text: 5 €",
        "27:5",
        "'€' cannot be written in latin-1; say 'encoding",
        CONTENT,
    ),
    "text a list": edit(
        TEXT, "    text: [hello]", "26:5", "text is a list; write 'text: |', and below it, indented"
    ),
    # What is said of them depends on the Python.
    "base64 with odd characters": edit(TEXT, "    base64: hello!", "26:5", "no base64: "),
    "base64 cut off": edit(
        TEXT, "    base64: aGVsbG8", "26:5", "no base64: Incorrect padding; correct it, or", CONTENT
    ),
    "two bodies": edit(
        TEXT, f"{TEXT}\n    base64: aGVsbG8=", "28:5", "a body as base64, and as text in line 26; keep one"
    ),
    "body file missing": edit(
        TEXT,
        f"    file: {STEM}.bodies/none.bin",
        "26:5",
        "cannot read the body file 'users.bodies/none.bin'",
        FILES,
    ),
    "body file a directory": edit(
        TEXT, f"    file: {STEM}.bodies/folder", "26:5", "is no file; put one there", FILES
    ),
    "body file outside": edit(
        TEXT, "    file: ../secret", "26:5", "not in the cassette's own folder; write users.bodies"
    ),
    "body file anywhere": edit(
        TEXT, "    file: /etc/passwd", "26:5", "is not in the cassette's own folder; write"
    ),
    "body file of another cassette": edit(
        TEXT,
        "    file: other.bodies/a.bin",
        "26:5",
        "cannot read the body file 'users.bodies/a.bin': No such file or directory; it belongs into",
        FILES,
    ),
}
