"""What servers send: bodies, headers, codings. The hard cases are drawn often, and none is left out."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import brotli
from hypothesis import strategies as st

from pytest_reqcache.cassette import bodies

from .wire import Reply

try:
    from compression import zstd
except ImportError:
    from backports import zstd

# --- text, and the bytes of it

#: What text formats and YAML treat as something special.
SPECIAL = (
    *("\n", "\r", "\r\n", "\t", " ", "\x85", "\u2028", "\u2029", "\ufeff", "\x00", "\x07", "\x1b", "\x7f"),
    *("---", "...", "- request:\n", "  created_at: 2026-01-01T00:00:00Z\n", "interactions:\n", "%YAML 1.2\n"),
    *("#", ": ", "- ", "'", '"', "|", ">", "&a", "*a", "!!x", "{", "[", "\\", "\\n", "\ue000", "\ufffe"),
    *(
        "REDACTED-x",
        "\u00e9",
        "\u65e5\u672c",
        "\U0001f600",
        "<p class='x'>",
        " \n",
        "\t\n",
        "\n\n",
        "null",
        "~",
    ),
)
TEXT = st.lists(st.sampled_from(SPECIAL) | st.text(max_size=4), max_size=8).map("".join)

ENCODINGS = (
    *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-7"),
    *("latin-1", "windows-1252", "cp1251", "koi8-r", "iso-8859-15", "shift_jis", "euc-jp", "iso-2022-jp"),
    *("gb18030", "big5", "euc-kr", "cp037", "ascii", "unicode_escape", "raw_unicode_escape"),
)

LETTERS = st.text(st.sampled_from("abcé日本ñ€я\n\t ©"), max_size=40)
ENCODED = st.builds(
    lambda text, name: text.encode(name, "ignore"), LETTERS | TEXT, st.sampled_from(ENCODINGS)
)

LINES = st.builds(
    lambda lines, end, last: end.join(lines) + end * last,
    st.lists(
        st.sampled_from(["a,b", '"quoted"', "trailing ", "\ttab", "  indented", "", "é", "#", "- x: y"])
    ),
    st.sampled_from(["\n", "\r\n", "\r", "\x85", "\u2028", " \n"]),
    st.integers(0, 3),
).map(str.encode)

# --- JSON: every spelling of it, by a grammar rather than by ``json.dumps``

SPACE = st.sampled_from(["", " ", "\n", "\t", "\r\n", "  "])
NUMBERS = st.sampled_from(
    ["0", "-0", "1.10", "1E400", "-1e-400", "1e5", "1E+2", "0.1", "NaN", "Infinity", "-Infinity", "9" * 30]
) | st.integers().map(str)
STRINGS = st.lists(
    st.sampled_from(
        ["\\/", "\\u00e9", "\\u00E9", "\\ud800", "\\ud83d\\ude00", "\\n", "\\u2028", "\\\\", '\\"', "/", "é"]
    )
    | st.text(max_size=3).map(lambda text: json.dumps(text, ensure_ascii=False)[1:-1]),
    max_size=3,
).map(lambda parts: f'"{"".join(parts)}"')


@st.composite
def _containers(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    members = draw(st.lists(values, max_size=4))
    space = lambda: draw(SPACE)  # noqa: E731
    if draw(st.booleans()):
        return "[" + ",".join(space() + member + space() for member in members) + "]"
    names = [draw(st.sampled_from(['"a"', '"b"', '""']) | STRINGS) for _ in members]
    pairs = zip(names, members, strict=True)
    return (
        "{" + ",".join(f"{space()}{name}{space()}:{space()}{value}{space()}" for name, value in pairs) + "}"
    )


WILD_JSON = st.builds(
    lambda before, text, after: before + text + after,
    SPACE,
    st.recursive(NUMBERS | STRINGS | st.sampled_from(["true", "null"]), _containers, max_leaves=10),
    SPACE,
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
DUMPED_JSON = st.builds(
    lambda tree, style, end: json.dumps(tree, **style) + end,
    TREES,
    st.fixed_dictionaries(
        {
            "ensure_ascii": st.booleans(),
            "indent": st.sampled_from([None, 0, 1, 2, 3, 4, 8, "\t"]),
            "separators": st.sampled_from([None, (",", ":"), (", ", ": "), (",", ": "), (" , ", " : ")]),
        }
    ),
    st.sampled_from(["", "\n", "\r\n", "\n\n", " "]),
)
JSON = st.builds(
    lambda text, line_end, encoding: text.replace("\n", line_end).encode(encoding, "surrogatepass"),
    WILD_JSON | DUMPED_JSON,
    st.sampled_from(["\n", "\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32-le"]),
)

# --- sizes

LIMITS = (bodies.LARGEST_BASE64, bodies.LARGEST_TEXT, bodies.LARGEST_IN_MEMORY)
LARGE = st.builds(
    lambda unit, limit, more: (unit * (limit // len(unit) + 2))[: limit + more],
    st.sampled_from([b"a", b"line\n", b"crlf\r\n", b"\x00\xff", "é日".encode(), b'{"a": [1.10]}, ', b" \n"]),
    st.sampled_from(LIMITS),
    st.integers(-1, 2),
)

SMALL_BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=80),
    TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")),
    ENCODED,
    LINES,
    JSON,
)
BODIES = st.integers(0, 7).flatmap(lambda drawn: LARGE if drawn == 7 else SMALL_BODIES)

KINDS = st.sampled_from(
    [
        "application/json",
        "application/problem+json",
        "text/plain",
        "text/html",
        "text/csv",
        "image/png",
        "x",
        "",
    ]
)
CONTENT_TYPES = st.builds(
    lambda kind, charset: f"{kind}; charset={charset}" if charset else kind,
    KINDS,
    st.sampled_from([*[""] * 12, *ENCODINGS, "nonsense", '"Shift_JIS"', "rot13", "idna", "'utf-8'"]),
)

# --- header fields, as bytes

#: What may stand in a field's value: visible ASCII, blanks, obs-text (RFC 9110 section 5.5).
VALUES = st.one_of(
    st.binary(max_size=12).map(
        lambda data: bytes(byte for byte in data if byte in b"\t" or 32 <= byte < 127 or byte >= 128).strip()
    ),
    st.sampled_from(
        [
            b"",
            b"null",
            b"on",
            b"1.0",
            b"a: b",
            b"# x",
            b"a, b",
            b'"q"',
            b"caf\xc3\xa9",
            b"caf\xe9",
            b"\x85",
            b"\xa0x\xa0",
            b"a\r\n folded",
            b"- x",
            b"2026-01-01",
            b"0x1F",
            b"x" * 300,
            b"\xff" * 9,
            b"{}",
            b"!",
        ]
    ),
)
NAMES = st.sampled_from(
    [
        b"X-One",
        b"x-one",
        b"X-ONE",
        b"X-Two",
        b"Link",
        b"link",
        b"ETag",
        b"Vary",
        b"X_Under",
        b"X.Dot",
        b"!#$%&'*+",
        b"on",
        b"null",
        b"1",
        b"-",
        b"Warning",
        b"Age",
        b"Date",
        b"Last-Modified",
        b"Allow",
        b"Server",
        b"<<",
        b"=",
    ]
)
#: Those of cookies that can be no secret: short, and with harmless names (documented).
COOKIES = st.sampled_from(
    [
        b"theme=light; Path=/",
        b"theme=dark; path=/a",
        b"lang=de; Max-Age=60",
        b"seen=1; Max-Age=0",
        b"a",
        b"b=; Path=/",
        b"lang=en; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
        b'q="x y"; Version=1',
        b"\xe9=\xe9",
        b"",
        b"x=1; Domain=x",
    ]
)
FIELDS = st.lists(
    st.tuples(NAMES, VALUES) | st.tuples(st.sampled_from([b"Set-Cookie", b"set-cookie"]), COOKIES), max_size=6
).map(tuple)

#: A status line after its version: any code, any reason that ``http.client`` reads.
STATUSES = st.builds(
    lambda code, reason: b"%d%s" % (code, reason),
    st.one_of(
        st.sampled_from(
            [200, 200, 200, 201, 203, 204, 206, 300, 304, 400, 401, 404, 410, 418, 429, 500, 503]
        ),
        st.integers(101, 999),
    ),
    st.sampled_from(
        [b"", b" ", b" OK", b" Not  Found", b" caf\xe9", b" \xe2\x98\x83", b" a: b", b" # x", b" 200 OK"]
    )
    | VALUES.map(lambda value: b" " + value.replace(b"\r\n", b"")),
)

# --- content codings

CODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"": lambda data: data,
    b"identity": lambda data: data,
    b"unknown": lambda data: data,
    b"gzip": lambda data: gzip.compress(data, mtime=0),
    b"x-gzip": lambda data: gzip.compress(data, mtime=0),
    b"GZip": lambda data: gzip.compress(data[:10], mtime=0) + gzip.compress(data[10:], mtime=0),
    b"deflate": zlib.compress,
    b"Deflate": lambda data: zlib.compress(data)[2:-4],
    b"br": brotli.compress,
    b"zstd": zstd.compress,
    b"gzip, br": lambda data: brotli.compress(gzip.compress(data, mtime=0)),
    b"deflate, gzip": lambda data: gzip.compress(zlib.compress(data), mtime=0),
}
DECODED = frozenset(CODINGS) - {b"", b"identity", b"unknown"}

FRAMINGS = st.one_of(
    st.sampled_from(["length", "length", "close"]),
    st.lists(st.sampled_from([1, 2, 5, 100, 5000]), min_size=1, max_size=3).map(
        lambda sizes: (*sizes, max(sizes[-1], 2000))
    ),
)


@st.composite
def replies(draw: st.DrawFn, bodies_of: st.SearchStrategy[bytes] = BODIES, status: Any = STATUSES) -> Reply:
    coding = draw(st.sampled_from([b""] * 8 + list(CODINGS)))
    fields = list(draw(FIELDS))
    kind = draw(CONTENT_TYPES)
    if kind:
        fields.insert(draw(st.integers(0, len(fields))), (b"Content-Type", kind.encode()))
    if coding:
        fields.insert(draw(st.integers(0, len(fields))), (b"Content-Encoding", coding))
    return Reply(
        status=draw(status),
        headers=tuple(fields),
        body=CODINGS[coding](draw(bodies_of)),
        framing=draw(FRAMINGS),
        interim=tuple(draw(st.sampled_from([[], [], [b"100 Continue"], [b"100 Continue", b"100"]]))),
        version=draw(st.sampled_from([b"HTTP/1.1"] * 4 + [b"HTTP/1.0"])),
    )
