"""Live values: read where placeholders stand in a recording, and put in their place as it asks for."""

from __future__ import annotations

import base64

import pytest

from pytest_reqcache.models import RecordedResponse
from pytest_reqcache.redaction import Redactor, Registry, fill_request

from .building import FORM, JSON, json_body, redacted_response, request, response

VALUES = {"REDACTED-a": 'x/y+z="&<', "REDACTED-a-2": "plain"}


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("https://x/?t=REDACTED-a&n=1", "https://x/?t=x%2Fy%2Bz%3D%22%26%3C&n=1"),
        ("https://x/?t=REDACTED-a-2#REDACTED-a-2", "https://x/?t=plain#plain"),
        ("https://x/REDACTED-a/y", "https://x/x%2Fy%2Bz%3D%22%26%3C/y"),
        ("https://u:REDACTED-a-2@x/?a=%20", "https://u:plain@x/?a=%20"),
        ("https://x/?to=%2Fl%3Ft%3DREDACTED-a", "https://x/?to=%2Fl%3Ft%3Dx%252Fy%252Bz%253D%2522%2526%253C"),
        ("https://x/?j=%7B%22t%22%3A%22REDACTED-a-2%22%7D", "https://x/?j=%7B%22t%22%3A%22plain%22%7D"),
        ("https://x/?j=a+REDACTED-a-2", "https://x/?j=a%20plain"),
        ("https://x/?t=REDACTED-other", "https://x/?t=REDACTED-other"),
    ],
)
def test_in_a_url(url: str, filled: str) -> None:
    assert fill_request(request(url), VALUES).url == filled


def basic(user: str) -> str:
    return f"Basic {base64.b64encode(user.encode()).decode()}"


@pytest.mark.parametrize(
    ("name", "value", "filled"),
    [
        ("Authorization", "Bearer REDACTED-a", 'Bearer x/y+z="&<'),
        ("Authorization", basic("ada:REDACTED-a"), basic('ada:x/y+z="&<')),
        ("Authorization", basic("ada:lovelace"), basic("ada:lovelace")),
        ("Cookie", "a=b; s=REDACTED-a-2; t=REDACTED-c", "a=b; s=plain; t=REDACTED-c"),
        ("Referer", "https://x/?t=REDACTED-a", "https://x/?t=x%2Fy%2Bz%3D%22%26%3C"),
    ],
)
def test_in_a_header(name: str, value: str, filled: str) -> None:
    assert fill_request(request("https://x/", (name, value)), VALUES).headers.get(name) == filled


@pytest.mark.parametrize(
    ("kind", "body", "filled"),
    [
        (JSON, '{"t": "REDACTED-a", "n": 1.50}', '{"t": "x/y+z=\\"&<", "n": 1.50}'),
        (JSON, r'{"q": "{\"t\": \"REDACTED-a-2\"}"}', r'{"q": "{\"t\": \"plain\"}"}'),
        (JSON, '{"REDACTED-a-2": []}', '{"plain": []}'),
        (FORM, "t=REDACTED-a&n=%20", "t=x%2Fy%2Bz%3D%22%26%3C&n=%20"),
        (("Content-Type", "text/xml"), "<t>REDACTED-a</t>", "<t>x/y+z=&quot;&amp;&lt;</t>"),
        (("Content-Type", "text/plain"), "t: REDACTED-a", 't: x/y+z="&<'),
        (("Content-Type", "image/png"), "\udcff REDACTED-a-2", "\udcff plain"),
    ],
)
def test_in_a_body(kind: tuple[str, str], body: str, filled: str) -> None:
    asked = request("https://x/", kind, body=body.encode("utf-8", "surrogateescape"))
    found = fill_request(asked, VALUES).body
    assert found == filled.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("first", "second", "values"),
    [
        (json_body('{"token": "first-1"}'), json_body('{"token": "second-2"}'), {"token": "second-2"}),
        (json_body('{"otp": 123456789}'), json_body('{"otp": 987654321}'), {"otp": "987654321"}),
        (
            response(("Set-Cookie", "sid=first-1; HttpOnly"), ("Location", "/cb?access_token=a1")),
            response(("Location", "/cb?access_token=b%2F2"), ("Set-Cookie", "sid=second-2; HttpOnly")),
            {"sid": "second-2", "access_token": "b/2"},
        ),
        (
            response(FORM, body=b"oauth_token=first-1&page=1"),
            response(FORM, body=b"oauth_token=second-2&page=2"),
            {"oauth_token": "second-2"},
        ),
        (
            response(body=b'<input name="csrf_token" value="first-1">'),
            response(body=b'<p><input name="csrf_token" value="second-2">'),
            {"csrf_token": "second-2"},
        ),
        (
            json_body('{"access_token": "first-1", "id_token": "first-2"}'),
            json_body('{"access_token": "second-1"}'),
            {"access_token": "second-1"},
        ),
        (json_body('{"token": "first-1"}'), json_body('[{"token": "a-1"}, {"token": "b-2"}]'), {}),
        (json_body('{"token": "first-1"}'), json_body('{"token": "REDACTED-token"}'), {}),
        (json_body('{"token": "first-1"}'), response(), {}),
    ],
    ids=["json", "number", "headers", "form", "html", "one is gone", "two for one", "placeholder", "nothing"],
)
def test_live_value_is_read_where_the_placeholder_stands(
    first: RecordedResponse, second: RecordedResponse, values: dict[str, str]
) -> None:
    found = Redactor(Registry()).behind(redacted_response(first), second)
    assert {placeholder: value.text for placeholder, value in found.items()} == {
        f"REDACTED-{name}": value for name, value in values.items()
    }
