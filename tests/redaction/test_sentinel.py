"""What the sentinel takes for a secret, where it looks, and what it says."""

from __future__ import annotations

import base64
import os
import pickle
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_reqcache.models import BodyFile, Interaction
from pytest_reqcache.redaction import (
    Leak,
    Redactor,
    Registry,
    SecretFoundError,
    Sentinel,
    parse_redaction_lines,
)
from pytest_reqcache.redaction.sentinel import Kind

from .building import FORM, JSON, interaction, json_body, request, response

VALUE = "hunter2+Hunter/2"
VALUE_IN_URL = quote(VALUE, safe="")


def leak_of(item: Interaction, *allowed: str, **environment: str) -> Leak | None:
    sentinel = Sentinel()
    sentinel.watch(environment)
    return sentinel.leak(item, allowed)


def text(body: str | bytes) -> Interaction:
    content = body.encode() if isinstance(body, str) else body
    return interaction(None, response(("Content-Type", "text/plain"), body=content))


@pytest.mark.parametrize(
    "name",
    [
        *("TOKEN", "GITHUB_TOKEN", "TOKEN_2", "my_secret", "DB_PASSWORD", "PASSWD", "OPENAI_API_KEY"),
        *("AWS_SECRET_ACCESS_KEY", "SSH_PRIVATE_KEY_PEM", "CREDENTIALS"),
    ],
)
def test_variable_is_a_secret_by_its_name(name: str) -> None:
    found = leak_of(text(f"say {VALUE}!"), **{name: VALUE})
    assert found is not None
    assert found.names == (name,)
    assert f"the environment variable {name}, in the response body" in str(found)


@pytest.mark.parametrize("name", ["TOKENS", "TOKENIZERS_PARALLELISM", "MYTOKEN", "KEY", "PATH", "APIKEY"])
def test_variable_of_another_name_is_none(name: str) -> None:
    assert leak_of(text(VALUE), **{name: VALUE}) is None


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ("Short-7", False),
        ("Eight-88", True),
        ("password", False),
        ("PASSWORD", True),
        ("12345678", False),
        ("1234567.5", False),
        ("12345678a", True),
        ("/etc/secrets/token", False),
        ("./secrets/token.txt", False),
        ("C:\\secrets\\token", False),
        ("~/.config/token", False),
        ("/Ab3xY+z/Q9==", True),
        ("https://auth.example/token", False),
        ("https://ada:pw@auth.example/token", True),
    ],
)
def test_value_that_can_be_a_secret(value: str, is_secret: bool) -> None:
    assert (leak_of(text(f"<{value}>"), MY_TOKEN=value) is not None) is is_secret


def test_password_within_a_url_is_a_secret_by_itself() -> None:
    found = leak_of(text("pass-word-1"), MY_SECRET="redis://ada:pass-word-1@host/0")
    assert found is not None


@pytest.mark.parametrize(
    "spelled",
    [
        VALUE,
        quote(VALUE),
        quote(VALUE, safe="").replace("2B", "2b").replace("2F", "2f"),
        VALUE.replace("/", "\\/"),
        base64.b64encode(VALUE.encode()).decode(),
        base64.b64encode(f"a:{VALUE}".encode()).decode(),
        base64.urlsafe_b64encode(f"ab:{VALUE}:c".encode()).decode(),
    ],
)
def test_every_spelling_is_found(spelled: str) -> None:
    assert leak_of(text(f'{{"x": "{spelled}"}}'), MY_TOKEN=VALUE) is not None


def test_other_encodings_are_found() -> None:
    assert leak_of(text(f"<a>{VALUE}</a>".encode("utf-16")), MY_TOKEN=VALUE) is not None


ALNUM = "abcdefghij0123456789ABCDEFGHIJ0123456789"


@pytest.mark.parametrize(
    ("shape", "token"),
    [
        ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"),
        ("private-key", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
        ("private-key", "-----BEGIN PRIVATE KEY-----"),
        ("github-token", f"ghp_{ALNUM[:36]}"),
        ("github-token", f"github_pat_{ALNUM[:30]}"),
        ("gitlab-token", f"glpat-{ALNUM[:20]}"),
        ("sk-token", f"sk-proj-{ALNUM}"),
        ("stripe-key", f"sk_live_{ALNUM[:24]}"),
        ("aws-access-key", "AKIAIOSFODNN7EXAMPLE"),
        ("google-api-key", f"AIza{ALNUM[:35]}"),
        ("slack-token", "xoxb-1234567890-abcdef"),
        ("npm-token", f"npm_{ALNUM[:36]}"),
        ("pypi-token", f"pypi-{ALNUM}{ALNUM}"),
    ],
)
def test_shape_of_a_token(shape: str, token: str) -> None:
    found = leak_of(text(f"here: {token} ."))
    assert found is not None
    assert found.names == (shape,)
    assert leak_of(text(f"here: {token} ."), shape) is None


@pytest.mark.parametrize(
    ("shape", "spelled"),
    [
        ("private-key", r"-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMIIE"),
        ("private-key", "key=-----BEGIN+PRIVATE+KEY-----%0AMIIE"),
        ("private-key", "key=-----BEGIN%20EC%20PRIVATE%20KEY-----%0AMIIE"),
        ("github-token", rf"x\nghp_{ALNUM[:36]}"),
        ("github-token", rf"x\u003dgithub_pat_{ALNUM[:36]}"),
        ("aws-access-key", r"x\nAKIAIOSFODNN7EXAMPLE"),
        ("jwt", r"x\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"),
        ("jwt", "https%3A%2F%2Fx%3Fticket%3DeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"),
        (
            "jwt",
            "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gR.48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodet",
        ),
        ("jwt", "eyJhbGciOiJkaXIifQ..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT"),
    ],
)
def test_shape_of_a_token_behind_an_escape(shape: str, spelled: str) -> None:
    found = leak_of(text(f'{{"a": "{spelled}"}}'))
    assert found is not None
    assert found.names == (shape,)


@pytest.mark.parametrize(
    "harmless",
    [
        *("sk-loading-spinner-and-nothing-else", "risk-Averse-Behaviour-Of-9-Persons", "eyJhbGciOi.x.y"),
        *("AKIA", "MAKIAIOSFODNN7EXAMPLE", "-----BEGIN PUBLIC KEY-----", "ghp_short", "npm_config_registry"),
        "REDACTED-access_token",
    ],
)
def test_what_only_looks_a_little_like_a_token_is_none(harmless: str) -> None:
    assert leak_of(text(f"here: {harmless} .")) is None


@pytest.mark.parametrize(
    ("item", "part", "entry"),
    [
        (interaction(request(f"https://x/{VALUE}")), "URL", ""),
        (interaction(request("https://x/", ("X-Odd", VALUE))), "request header", "X-Odd"),
        (interaction(None, response(("X-Odd", VALUE))), "response header", "X-Odd"),
        (interaction(request("https://x/", body=VALUE.encode())), "request body", ""),
        (
            interaction(request("https://x/", JSON, body=b'{"a":"%s"}' % VALUE.encode())),
            "request body",
            "$.a",
        ),
        (interaction(None, json_body(f'{{"a": [1, {{"b": "{VALUE}"}}]}}')), "response body", "$.a[1].b"),
        (interaction(None, json_body(f'{{"a b": "{VALUE}"}}')), "response body", "$['a b']"),
        (interaction(None, json_body(f'{{"{VALUE}": 1}}')), "response body", ""),
        (replace(interaction(), key=VALUE), "key", ""),
        (replace(interaction(), response=replace(response(), reason=VALUE)), "reason", ""),
    ],
)
def test_place_of_a_secret(item: Interaction, part: str, entry: str) -> None:
    found = leak_of(item, MY_TOKEN=VALUE)
    assert found == Leak(Kind.VARIABLE, ("MY_TOKEN",), part, entry)


@pytest.mark.parametrize("before", [0, 1024 * 1024 - 5, 3 * 1024 * 1024])
def test_body_in_a_file_is_searched_to_its_end(tmp_path: Path, before: int) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"x" * before + b" " + VALUE.encode() + b" " + b"y" * 1000)
    item = replace(interaction(), response=replace(response(), body=BodyFile(path, path.stat().st_size)))
    assert leak_of(item, MY_TOKEN=VALUE) is not None
    assert leak_of(item) is None


@pytest.mark.parametrize("allowed", ["MY_TOKEN", "MY_*", "*"])
def test_allowed_secret(allowed: str) -> None:
    assert leak_of(text(VALUE), allowed, MY_TOKEN=VALUE) is None


def test_allowing_one_does_not_allow_another() -> None:
    item = text(f"{VALUE} and AKIAIOSFODNN7EXAMPLE")
    found = leak_of(item, "MY_TOKEN", MY_TOKEN=VALUE)
    assert found is not None
    assert found.names == ("aws-access-key",)
    assert "what looks like an aws-access-key, in" in str(found)


def test_variable_is_remembered_after_it_is_gone() -> None:
    sentinel = Sentinel()
    sentinel.watch({"MY_TOKEN": VALUE})
    sentinel.watch({})
    assert sentinel.leak(text(VALUE)) is not None


def test_text_that_is_printed_holds_no_variable() -> None:
    sentinel = Sentinel()
    sentinel.watch({"MY_TOKEN": VALUE, "OTHER_TOKEN": f"{VALUE}-2"})
    said = f"GET https://x/{quote(VALUE, safe='')}/{VALUE}-2 was not found"
    assert sentinel.cleaned(said) == "GET https://x/REDACTED/REDACTED was not found"
    assert sentinel.cleaned(said, ["MY_TOKEN", "OTHER_*"]) == said


def test_variable_that_is_no_utf_8_is_cleaned_from_what_is_printed() -> None:
    sentinel = Sentinel()
    sentinel.watch({"MY_TOKEN": os.fsdecode(b"\xa9abcdefgh1")})
    assert sentinel.cleaned("at éabcdefgh1, \udc80") == "at \ufffdREDACTED, \ufffd\ufffd\ufffd"
    assert sentinel.cleaned("\udc80") == "\udc80"


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (replace(interaction(), key=f"get {VALUE}"), "key"),
        (text(b"\xff\xfe\x00" + VALUE.encode()), "response body"),
        (text(VALUE), None),  # redaction has replaced it there, or has its reasons
    ],
)
def test_learned_secret_is_found_where_redaction_does_not_replace_it(item: Interaction, part: str) -> None:
    found = Sentinel().leak(item, learned={VALUE: "authorization"})
    assert (found and found.part) == part
    assert Sentinel().leak(item, ["authorization"], learned={VALUE: "authorization"}) is None


def test_made_up_token_is_no_secret() -> None:
    made = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    assert Sentinel().leak(text(made), made_up=[made]) is None


def test_error_says_what_where_and_what_to_write() -> None:
    item = interaction(request("https://x/me?page=2"), json_body(f'{{"link": "{VALUE}"}}'))
    found = leak_of(item, MY_TOKEN=VALUE)
    assert found is not None
    error = pickle.loads(pickle.dumps(SecretFoundError.of(item, found)))
    assert str(error) == (
        "nothing was recorded: the value of the environment variable MY_TOKEN, in the response body ($.link) "
        "of GET https://x/me?page=2\n"
        "  if it is a secret, have it replaced:  reqcache_redact = $.link\n"
        "  if it is none, allow it:              reqcache_allowed_secrets = MY_TOKEN"
    )


@pytest.mark.parametrize(
    ("item", "entry"),
    [
        (interaction(request(f"https://x/?page=2&mark={VALUE_IN_URL}")), "mark"),
        (interaction(request(f"https://x/{VALUE_IN_URL}/?page=2")), ""),
        (interaction(request("https://x/", ("Referer", f"https://y/?mark={VALUE_IN_URL}"))), "mark"),
        (interaction(request("https://x/", ("X-Odd", VALUE))), "X-Odd"),
        (interaction(request("https://x/", FORM, body=b"a=b&mark=" + VALUE_IN_URL.encode())), "mark"),
        (interaction(request("https://x/", FORM, body=b"mark=" + VALUE_IN_URL.encode())), "mark"),
        (interaction(request("https://x/", body=b"mark is " + VALUE.encode())), ""),
        *(
            (interaction(None, response((name, value % f"?page=2&mark={VALUE_IN_URL}&x=y"))), "mark")
            for name, value in (
                ("Location", "https://y/%s"),
                ("Location", "/%s"),
                ("Content-Location", "/%s"),
                ("Refresh", "5; url=/%s"),
                ("Link", '</%s>; rel="next"'),
            )
        ),
        (interaction(None, response(("Location", f"/{VALUE_IN_URL}/"))), ""),
        (interaction(None, json_body(f'{{"a": {{"b": "{VALUE}"}}}}')), "$.a.b"),
    ],
)
def test_what_the_error_would_have_replaced_is_replaced(item: Interaction, entry: str) -> None:
    found = leak_of(item, MY_TOKEN=VALUE)
    assert found is not None
    assert found.redaction == entry
    if entry:
        rules = parse_redaction_lines([entry], "redact").rules
        (written,) = Redactor(Registry(), rules=lambda: rules).redact([item], [None], ())
        assert leak_of(written, MY_TOKEN=VALUE) is None


def test_error_does_not_print_the_secret_of_a_url() -> None:
    item = interaction(request(f"https://x.example/{VALUE}"))
    found = leak_of(item, MY_TOKEN=VALUE)
    assert found is not None
    message = str(SecretFoundError.of(item, found))
    assert VALUE not in message
    assert "GET https://x.example:443/..." in message
