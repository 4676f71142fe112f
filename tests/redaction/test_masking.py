"""Masking: a live request and the stored one become the same."""

from __future__ import annotations

import base64

import pytest

from pytest_reqcache.redaction import Credential, Redactor, Registry, parse_redactions

from .building import FORM, JSON, bearer, interaction, json_body, redacted, request, response

TOKEN = "tok/en+12345678=="


def masked(asked):  # type: ignore[no-untyped-def]
    return Redactor(Registry()).mask(asked)


@pytest.mark.parametrize(
    ("asked", "credentials"),
    [
        (request("https://x/?page=2", ("Accept", "*/*")), []),
        (bearer("abc"), [("header:authorization", "abc")]),
        (bearer("REDACTED-access_token"), [("header:authorization", "REDACTED-access_token")]),
        (request("https://x/", ("X-Api-Key", "abc")), [("header:x-api-key", "abc")]),
        (request("https://x/", ("Cookie", "a=b; Session=c")), [("cookie:Session", "c")]),
        (request("https://u:p@x/"), [("userinfo", "u:p")]),
        (request("https://x/?Token=a%20b&q=1"), [("query:token", "a b")]),
        (request("https://x/?key=AIza0123456789abcdef"), [("query:key", "AIza0123456789abcdef")]),
        (request("https://x/?key=REDACTED-key"), [("query:key", "REDACTED-key")]),
        (request("https://x/?key=title"), []),
        (request("https://x/a#token=abc"), [("query:token", "abc")]),
        (request("https://x/a;token=abc/b"), [("path:token", "abc")]),
        (request("https://x/", JSON, body=b'{"Pwd": "a", "n": 1}'), [("body:pwd", "a")]),
        (request("https://x/", FORM, body=b"pwd=a+b"), [("body:pwd", "a b")]),
        (request("https://x/REDACTED-access_token/me"), [("path", "REDACTED-access_token")]),
        (request("https://x/?q=REDACTED-sid-2"), [("query", "REDACTED-sid-2")]),
        (request("https://x/", ("X-Id", "REDACTED-sid")), [("header:x-id", "REDACTED-sid")]),
        (request("https://x/", JSON, body=b'{"id": "REDACTED-sid"}'), [("body", "REDACTED-sid")]),
        (request("https://x/", ("Authorization", "Digest a=b")), [("header:authorization", "digest")]),
        (
            request("https://x/", ("Authorization", "Digest REDACTED-authorization")),
            [("header:authorization", "digest")],
        ),
        (request("https://x/?Signature=abc"), [("query:signature", "signature")]),
    ],
)
def test_credentials(asked, credentials) -> None:  # type: ignore[no-untyped-def]
    found = masked(asked)
    assert found.credentials == tuple(Credential(*pair) for pair in credentials)
    assert found.places == tuple(sorted({place for place, _ in credentials}))


def test_a_request_without_secrets_is_itself() -> None:
    asked = request("https://x/a?b=c", ("Accept", "*/*"), JSON, body=b'{"a":1}')
    assert masked(asked).request is asked


def test_live_and_stored_values_become_one_token() -> None:
    live, stored = masked(bearer("abc")), masked(bearer("REDACTED-access_token"))
    assert live.request == stored.request == bearer("REDACTED")


@pytest.mark.parametrize(
    "url",
    [
        "https://x/{}/me",
        "https://x/a-{}-b",
        "https://x/a?q={}&p=1",
        "https://x/a?{}",
        "https://x/{}_suffix",
        "https://{}.example/",
    ],
)
def test_a_token_seen_in_a_login_is_known_in_a_url(url: str) -> None:
    redactor = Redactor(Registry())
    login = interaction(request("https://x/login"), json_body('{"access_token": "abcdefgh1"}'))
    use = interaction(request(url.format("abcdefgh1")))
    for item in (login, use):
        redactor.observe(item.request, item.response)
    live = redactor.mask(use.request)
    stored = redacted(login, use, redactor=redactor)[1].request
    assert "abcdefgh1" not in stored.url
    assert "REDACTED-access_token" in stored.url
    elsewhere = Redactor(Registry()).mask(stored)
    assert (live.request, live.places) == (elsewhere.request, elsewhere.places)


@pytest.mark.parametrize(
    "spelled", [TOKEN, "tok%2Fen%2B12345678%3D%3D", "tok%2fen%2b12345678%3d%3d", "tok/en%2B12345678%3D%3D"]
)
def test_every_spelling_of_a_url_is_known(spelled: str) -> None:
    redactor = Redactor(Registry())
    redactor.observe(request(), json_body(f'{{"token": "{TOKEN}"}}'))
    assert redactor.mask(request(f"https://x/a/{spelled}/b")).request.url == "https://x/a/REDACTED/b"


@pytest.mark.parametrize("text", ["xabcdefgh1", "abcdefgh12", "abcdefgh"])
def test_only_whole_tokens_are_known_elsewhere(text: str) -> None:
    redactor = Redactor(Registry())
    redactor.observe(bearer("abcdefgh1"), None)
    assert redactor.mask(request(f"https://x/{text}")).credentials == ()


def test_a_known_token_that_a_member_is_called_after_is_masked_and_written() -> None:
    body = rb'{"a": {"id \"abcdefgh1\"": 1, "abcdefgh1": ":", "b": "c"}}'
    login, use = interaction(bearer("abcdefgh1")), interaction(request("https://x/", JSON, body=body))
    redactor = Redactor(Registry())
    stored = redacted(login, use, redactor=redactor)[1].request
    assert b"abcdefgh1" not in (stored.body or b"")
    live, read = redactor.mask(use.request), masked(stored)
    assert (live.request, live.places) == (read.request, read.places)


def test_short_secrets_are_not_known_elsewhere() -> None:
    redactor = Redactor(Registry())
    redactor.observe(request("https://x/", JSON, body=b'{"password": "a"}'), None)
    assert redactor.mask(request("https://x/a/1234567?q=a")).credentials == ()


def test_a_short_cookie_that_was_http_only_is_a_credential() -> None:
    redactor = Redactor(Registry())
    redactor.observe(request(), response(("Set-Cookie", "s=abc; HttpOnly")))
    assert redactor.mask(request("https://x/", ("Cookie", "s=abc; t=abc"))).places == ("cookie:s",)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (bearer("abc"), []),
        (bearer("REDACTED-a"), [("header:authorization", "REDACTED-a")]),
        (
            request(
                "https://x/",
                ("Authorization", "Basic " + base64.b64encode(b"ada:REDACTED-password").decode()),
            ),
            [("header:authorization", "REDACTED-password")],
        ),
        (
            request("https://x/", ("X-Auth", "Basic " + base64.b64encode(b"REDACTED-user:pw").decode())),
            [("header:x-auth", "REDACTED-user")],
        ),
        (request("https://x/REDACTED-a/?b=REDACTED%2Dc"), [("url", "REDACTED-a"), ("url", "REDACTED-c")]),
        (request("https://x/?b=%52EDACTED-c"), [("url", "REDACTED-c")]),
        (request("https://REDACTED-a@x/"), [("url", "REDACTED-a")]),
        (request("https://x/", JSON, body=b'{"a": "x REDACTED-a y"}'), [("body", "REDACTED-a")]),
        (request("https://x/", FORM, body=b"a=REDACTED%2Da"), [("body", "REDACTED-a")]),
        (request("https://x/", ("Cookie", "a=REDACTED-a")), []),
        (request("https://x/", ("If-None-Match", '"REDACTED-a"')), [("header:if-none-match", "REDACTED-a")]),
        (request("https://x/", ("X-Meta", "t=REDACTED-a")), [("header:x-meta", "REDACTED-a")]),
        (request("https://x/?b=REDACTED"), []),
        (request("https://x/?b=UkVEQUNURUQtYWNjZXNzX3Rva2Vu"), [("url", "UkVEQUNURUQt")]),
        (request("https://x/", JSON, body=b'{"a": "YWRhOlJFREFDVEVELWFiYw=="}'), [("body", "JFREFDVEVEL")]),
    ],
)
def test_placeholders_about_to_be_sent(asked, found) -> None:  # type: ignore[no-untyped-def]
    assert Redactor(Registry()).placeholders_in(asked) == found


@pytest.mark.parametrize(
    ("cookies", "left"),
    [
        ("a=b; session=REDACTED-session; c=d", "a=b; c=d"),
        ('session="REDACTED-session-2"', ""),
        ("session=REDACTED%2Dsession;a=b", "a=b"),
        ("s=REDACTED-session.REDACTED-sig;a=b", "a=b"),
        ("a=b; c", "a=b; c"),
    ],
)
def test_cookies_that_are_placeholders_are_left_out(cookies: str, left: str) -> None:
    assert Redactor(Registry()).without_placeholder_cookies(cookies) == left


def test_messages_hold_no_secret() -> None:
    redactor = Redactor(Registry())
    redactor.observe(bearer("abcdefgh1"), json_body('{"refresh_token": "12345678-9"}'))
    text = "GET https://u:pw@x/abcdefgh1?token=abc was sent with 12345678-9, and REDACTED-token"
    assert redactor.clean_text(text) == (
        "GET https://REDACTED-userinfo@x/REDACTED-authorization?token=REDACTED-token "
        "was sent with REDACTED-refresh_token, and REDACTED-token"
    )


def test_what_a_pattern_matches_in_a_message_is_a_secret() -> None:
    rules = parse_redactions(["re:acct-[0-9]+"], "redact").rules
    redactor = Redactor(Registry(), rules=lambda: rules)
    assert "acct-12" not in redactor.clean_text("GET https://x/acct-12 failed: no acct-12")


def test_urls_in_a_message_are_told_apart() -> None:
    redactor = Redactor(Registry())
    redactor.observe(request("https://x/?api_key=abc"), None)
    text = "GET https://x/?api_key=abc, GET https://x/?token=REDACTED, GET https://x/"
    assert redactor.clean_text(text) == (
        "GET https://x/?api_key=REDACTED-api_key, GET https://x/?token=REDACTED-token, GET https://x/"
    )
