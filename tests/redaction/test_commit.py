"""Which placeholder is written for which value."""

from __future__ import annotations

import base64

import pytest

from pytest_reqcache.redaction import Redactor, Registry

from .building import JSON, bearer, interaction, json_body, redacted, request, response

LOGIN = "https://x/login"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def authorizations(items) -> list[str | None]:  # type: ignore[no-untyped-def]
    return [item.request.headers.get("Authorization") for item in items]


def test_a_login_flow_is_consistent() -> None:
    items = redacted(
        interaction(request(LOGIN), json_body('{"access_token": "abc", "refresh_token": "def"}')),
        interaction(bearer("abc")),
        interaction(bearer("def"), json_body('{"access_token": "ghi"}')),
        interaction(bearer("ghi")),
    )
    assert items[0].response.body == (
        b'{"access_token": "REDACTED-access_token", "refresh_token": "REDACTED-refresh_token"}'
    )
    assert authorizations(items[1:]) == [
        "Bearer REDACTED-access_token",
        "Bearer REDACTED-refresh_token",
        "Bearer REDACTED-access_token-2",
    ]


def test_placeholders_are_numbered_after_those_in_the_cassette() -> None:
    items = redacted(
        interaction(bearer("a")),
        interaction(bearer("b")),
        interaction(bearer("a")),
        taken=("REDACTED-authorization", "REDACTED-authorization-3"),
    )
    assert authorizations(items) == [
        "Bearer REDACTED-authorization-2",
        "Bearer REDACTED-authorization-4",
        "Bearer REDACTED-authorization-2",
    ]


@pytest.mark.parametrize("scheme", ["Digest nonce=", "OAuth oauth_nonce="])
def test_what_signs_a_request_has_one_placeholder(scheme: str) -> None:
    signed = [interaction(request("https://x/", ("Authorization", f"{scheme}{one}"))) for one in "ab"]
    assert authorizations(redacted(*signed)) == [f"{scheme.split()[0]} REDACTED-authorization"] * 2


def test_a_value_is_replaced_wherever_it_stands_as_a_whole() -> None:
    (item,) = redacted(
        interaction(
            bearer("abcdefgh1", "https://x/abcdefgh1/abcdefgh12?a=abcdefgh1"),
            response(
                ("Content-Type", "application/json"),
                ("X-Trace", "for abcdefgh1"),
                body=rb'{"abcdefgh1": ["abcdefgh1", "xabcdefgh1", "a\nabcdefgh1"], "n": "abcdefgh1"}',
            ),
        )
    )
    stood = "REDACTED-authorization"
    assert item.request.url == f"https://x/{stood}/abcdefgh12?a={stood}"
    assert item.response.headers.get("X-Trace") == f"for {stood}"
    assert item.response.body == (
        rf'{{"{stood}": ["{stood}", "xabcdefgh1", "a\n{stood}"], "n": "{stood}"}}'.encode()
    )


@pytest.mark.parametrize(
    ("secret", "is_elsewhere_too"),
    [
        ("1234567890123456", True),
        ("12345678", False),
        ('"production"', False),
        ('"Switzerland"', False),
        ('"prod-uction1"', True),
        ('"abcdefghijklmnop"', True),
    ],
)
def test_what_is_met_by_chance_is_replaced_at_its_own_place_only(secret: str, is_elsewhere_too: bool) -> None:
    (item,) = redacted(interaction(request(), json_body(f'{{"password": {secret}, "a": [{secret}]}}')))
    elsewhere = '"REDACTED-password"' if is_elsewhere_too else secret
    assert item.response.body == f'{{"password": "REDACTED-password", "a": [{elsewhere}]}}'.encode()


def test_what_follows_a_secret_is_part_of_it() -> None:
    """Else nobody could tell where the placeholder ends."""
    (item,) = redacted(interaction(bearer("abcdefgh1", "https://x/a-abcdefgh1-b/abcdefgh1-c/abcdefgh1")))
    assert item.request.url == (
        "https://x/a-REDACTED-authorization-2/REDACTED-authorization-3/REDACTED-authorization"
    )


def test_short_values_are_replaced_at_their_own_places_only() -> None:
    (item,) = redacted(interaction(request("https://x/a?a=a"), json_body('{"password": "a", "b": "a a"}')))
    assert item.request.url == "https://x/a?a=a"
    assert item.response.body == b'{"password": "REDACTED-password", "b": "a a"}'


def test_the_password_within_basic_is_known_elsewhere() -> None:
    asked = request("https://x/", ("Authorization", f"Basic {coded('ada:correct-horse')}"))
    (item,) = redacted(interaction(asked, json_body('{"a": "correct-horse", "b": "ada"}')))
    assert item.response.body == b'{"a": "REDACTED-authorization-2", "b": "ada"}'


def test_the_user_of_basic_is_known_elsewhere_where_there_is_no_password() -> None:
    asked = request("https://x/", ("Authorization", f"Basic {coded('sk_live_1:')}"))
    (item,) = redacted(interaction(asked, json_body('{"a": "sk_live_1"}')))
    assert item.response.body == b'{"a": "REDACTED-authorization-2"}'


def test_the_password_within_basic_is_known_elsewhere_where_a_body_holds_it() -> None:
    told = json_body(f'{{"token": "Basic {coded("ada:correct-horse")}", "a": "correct-horse"}}')
    (item,) = redacted(interaction(request(), told))
    assert item.response.body == b'{"token": "Basic REDACTED-token", "a": "REDACTED-token-2"}'


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("application/json", '{"token": "Bearer %s"}'),
        ("application/json", '{"headers": {"authorization": "Bearer %s"}}'),
        ("text/html", "<script>login({token: 'Bearer %s'})</script>"),
        ("application/x-www-form-urlencoded", "user=ada&token=Bearer+%s"),
        ("application/x-www-form-urlencoded", "user=ada&token=Bearer%%20%s"),
        ("text/html", '<a href="/in?token=Bearer%%20%s">in</a>'),
    ],
)
def test_what_is_told_with_its_scheme_is_the_credential_that_is_sent(kind: str, text: str) -> None:
    token = "Vb7TokenQw7Er8Ty1abc9"
    asked = request("https://x/", ("Authorization", f"Bearer {token}"))
    (item,) = redacted(interaction(asked, response(("Content-Type", kind), body=(text % token).encode())))
    assert item.request.headers.get("Authorization") == "Bearer REDACTED-authorization"
    assert item.response.body == (text % "REDACTED-authorization").encode()


def test_a_cookie_that_is_told_with_its_scheme_is_the_credential_that_is_sent() -> None:
    token = "Vb7TokenQw7Er8Ty1abc9"
    asked = request("https://x/", ("Authorization", f"Bearer {token}"))
    (item,) = redacted(interaction(asked, response(("Set-Cookie", f'auth="Bearer {token}"; HttpOnly'))))
    assert item.response.headers.get("Set-Cookie") == 'auth="Bearer REDACTED-authorization"; HttpOnly'


@pytest.mark.parametrize("token", ["invalid_token", "expired-token", "bad_api_key", "Wrong-Password"])
def test_what_says_what_is_wrong_is_no_secret_elsewhere(token: str) -> None:
    """RFC 6750 section 3.1: a test sends what the service then says of it."""
    told = ("WWW-Authenticate", f'Bearer realm="r", error="{token}"')
    answered = response(JSON, told, body=b'{"error": "%b"}' % token.encode(), status=401)
    (item,) = redacted(interaction(bearer(token), answered))
    assert item.request.headers.get("Authorization") == "Bearer REDACTED-authorization"
    assert item.response == answered


@pytest.mark.parametrize(
    "secret", ["correct-horse", "weak-otter-purple-lamp", "no-more-secrets", "token-key"]
)
def test_words_that_do_not_say_what_is_wrong_are_a_secret_elsewhere(secret: str) -> None:
    (item,) = redacted(interaction(bearer(secret), json_body(f'{{"a": "{secret}"}}')))
    assert item.response.body == b'{"a": "REDACTED-authorization"}'


@pytest.mark.parametrize("query", ["token=Bearer+%20", "token=Bearer+"])
def test_a_scheme_with_nothing_behind_it_is_all_there_is(query: str) -> None:
    (item,) = redacted(interaction(request(f"https://x/?{query}")))
    assert item.request.url == "https://x/?token=REDACTED-token"


def test_the_signature_of_a_presigned_post_is_one() -> None:
    """As it is told in JSON, and as it is sent in a form (Amazon S3, POST policy)."""
    told = json_body(
        '{"fields": [{"name": "x-amz-signature", "value": "90303855c107"}, '
        '{"name": "signature", "value": "Ann"}], "X-Amz-Signature": "1b1b0b7f", '
        '"x-amz-credential": "AKIAX/2026", "x-amz-date": "20261123T191000Z"}'
    )
    boundary = ("Content-Type", "multipart/form-data; boundary=B")
    part = '--B\r\nContent-Disposition: form-data; name="x-amz-signature"\r\n\r\n%s\r\n--B--\r\n'
    sent = request("https://b.example/", boundary, body=(part % "90303855c107").encode(), method="POST")
    first, second = redacted(interaction(None, told), interaction(sent))
    assert first.response.body == (
        b'{"fields": [{"name": "x-amz-signature", "value": "REDACTED-x-amz-signature"}, '
        b'{"name": "signature", "value": "Ann"}], "X-Amz-Signature": "REDACTED-x-amz-signature", '
        b'"x-amz-credential": "REDACTED-x-amz-credential", "x-amz-date": "20261123T191000Z"}'
    )
    assert second.request.body == (part % "REDACTED-x-amz-signature").encode()


def test_a_password_may_begin_as_a_scheme_does() -> None:
    (item,) = redacted(interaction(request(), json_body('{"password": "basic instinct"}')))
    assert item.response.body == b'{"password": "REDACTED-password"}'


def test_a_placeholder_within_basic_is_no_secret() -> None:
    asked = request("https://x/", ("Authorization", f"Basic {coded('ada:REDACTED-password')}"))
    (item,) = redacted(interaction(asked, json_body('{"a": "REDACTED-password"}')))
    assert item.response.body == b'{"a": "REDACTED-password"}'


def test_a_plain_word_in_a_cookie_is_no_secret_elsewhere() -> None:
    answered = response(("Set-Cookie", "theme=solarized; Path=/"), body=b"solarized")
    (item,) = redacted(interaction(request(), answered))
    assert item.response.headers.get("Set-Cookie") == "theme=REDACTED-theme; Path=/"
    assert item.response.body == b"solarized"


def test_a_new_recording_takes_over_the_placeholders_of_the_old_one() -> None:
    old = interaction(bearer("REDACTED-access_token-4"), json_body('{"token": "REDACTED-token-2"}'))
    new = interaction(bearer("new"), json_body('{"token": "T", "secret": "S"}'))
    other = interaction(bearer("T"))
    taken = ("REDACTED-access_token-4", "REDACTED-token-2", "REDACTED-secret")
    first, second = Redactor(Registry()).redact([new, other], [old, None], taken)
    assert authorizations([first, second]) == ["Bearer REDACTED-access_token-4", "Bearer REDACTED-token-2"]
    assert first.response.body == b'{"token": "REDACTED-token-2", "secret": "REDACTED-secret-2"}'


def test_one_placeholder_is_not_taken_over_by_two_values() -> None:
    old = interaction(bearer("REDACTED-authorization"))
    items = Redactor(Registry()).redact(
        [interaction(bearer("a")), interaction(bearer("b"))], [old, old], ["REDACTED-authorization"]
    )
    assert authorizations(items) == ["Bearer REDACTED-authorization", "Bearer REDACTED-authorization-2"]


def test_what_signed_the_old_request_leaves_no_placeholder_to_a_secret() -> None:
    old = interaction(request("https://x/", ("Authorization", "Digest REDACTED-authorization")))
    items = Redactor(Registry()).redact([interaction(bearer("a"))], [old], ["REDACTED-authorization"])
    assert authorizations(items) == ["Bearer REDACTED-authorization-2"]


def test_placeholders_are_left_alone() -> None:
    item = interaction(
        request("https://x/REDACTED-a?token=REDACTED-b", ("Cookie", "sid=REDACTED-sid")),
        json_body('{"token": "REDACTED-c", "x": "REDACTED-d"}'),
    )
    assert redacted(item) == [item]


# --- What the process remembers


def test_a_value_keeps_its_placeholder_in_later_tests() -> None:
    registry = Registry()
    redacted(interaction(bearer("a")), interaction(bearer("b")), redactor=Redactor(registry))
    later = redacted(
        interaction(bearer("b")),
        redactor=Redactor(registry),
        taken=("REDACTED-authorization", "REDACTED-authorization-2"),
    )
    assert authorizations(later) == ["Bearer REDACTED-authorization-2"]


def test_each_cassette_numbers_its_own() -> None:
    registry = Registry()
    for cassette, token in (("one.yaml", "a"), ("two.yaml", "b")):
        items = redacted(interaction(bearer(token), cassette=cassette), redactor=Redactor(registry))
        assert authorizations(items) == ["Bearer REDACTED-authorization"]


def test_a_token_keeps_the_name_of_the_login_in_another_cassette() -> None:
    registry = Registry()
    login = interaction(request(LOGIN), json_body('{"access_token": "abc"}'), cassette="login.yaml")
    redacted(login, redactor=Redactor(registry))
    items = redacted(
        interaction(bearer("abc"), cassette="use.yaml"),
        redactor=Redactor(registry),
        taken=("REDACTED-access_token",),
    )
    assert authorizations(items) == ["Bearer REDACTED-access_token"]


@pytest.mark.parametrize(
    ("value", "name"), [("demo", "password"), ("a", "password"), ("demo-of-the-shop", "x-api-key")]
)
def test_a_short_secret_is_called_by_its_own_name_in_each_test(value: str, name: str) -> None:
    """Else what it is called would depend on which tests have run before."""
    registry = Registry()
    sent = interaction(request("https://x/", ("X-Api-Key", value)), cassette="one.yaml")
    redacted(sent, redactor=Redactor(registry))
    (item,) = redacted(
        interaction(request(f"https://x/?password={value}"), cassette="two.yaml"), redactor=Redactor(registry)
    )
    assert item.request.url == f"https://x/?password=REDACTED-{name}"


def test_the_name_of_the_login_is_not_taken_from_who_has_it_in_another_cassette() -> None:
    registry = Registry()
    for token, cassette in (("abc", "login.yaml"), ("def", "use.yaml")):
        login = interaction(request(LOGIN), json_body(f'{{"access_token": "{token}"}}'), cassette=cassette)
        redacted(login, redactor=Redactor(registry))
    items = redacted(
        interaction(bearer("abc"), cassette="use.yaml"),
        redactor=Redactor(registry),
        taken=("REDACTED-access_token",),
    )
    assert authorizations(items) == ["Bearer REDACTED-authorization"]


def test_a_placeholder_of_another_cassette_is_not_taken_from_its_owner() -> None:
    registry = Registry()
    redacted(interaction(bearer("a"), cassette="one.yaml"), redactor=Redactor(registry))
    items = redacted(
        interaction(bearer("a"), cassette="two.yaml"),
        redactor=Redactor(registry),
        taken=("REDACTED-authorization",),
    )
    assert authorizations(items) == ["Bearer REDACTED-authorization-2"]


def test_a_value_bound_in_this_test_keeps_its_placeholder() -> None:
    redactor = Redactor(Registry())
    live, stored = redactor.mask(bearer("a")), redactor.mask(bearer("REDACTED-authorization"))
    redactor.bindings.bind(live, stored)
    items = redacted(interaction(bearer("a")), redactor=redactor, taken=("REDACTED-authorization",))
    assert authorizations(items) == ["Bearer REDACTED-authorization"]


def test_long_secrets_of_other_tests_are_known() -> None:
    registry, token = Registry(), "a1" * 10
    redacted(interaction(bearer(token), cassette="one.yaml"), redactor=Redactor(registry))
    items = redacted(
        interaction(request(f"https://x/{token}"), cassette="two.yaml"), redactor=Redactor(registry)
    )
    assert items[0].request.url == "https://x/REDACTED-authorization"


@pytest.mark.parametrize(
    ("cookie", "in_this_test", "in_others"),
    [
        ("timezone=Europe/Berlin", False, False),
        ("region=eu-west-1", False, False),
        ("visitor=0123456789abcdef0", True, True),
        ("region=eu-west-1; HttpOnly", True, False),
        ("session=eu-west-1", True, False),
        ("session=eu-west-1-with-more", True, True),
    ],
)
def test_a_cookie_that_only_its_length_makes_a_secret_is_searched_for_where_it_looks_random(
    cookie: str, in_this_test: bool, in_others: bool
) -> None:
    registry = Registry()
    value = cookie.partition("=")[2].partition(";")[0]
    asked = interaction(request(), json_body(f'{{"a": "{value}"}}'), cassette="two.yaml")
    given = interaction(request(), response(("Set-Cookie", cookie)), cassette="one.yaml")
    first, here = redacted(given, asked, redactor=Redactor(registry))
    assert value not in str(first.response.headers)
    elsewhere = redacted(asked, redactor=Redactor(registry))[0]
    assert (value not in str(here.response.body)) is in_this_test
    assert (value not in str(elsewhere.response.body)) is in_others


def test_a_value_of_letters_and_signs_alone_is_not_known_in_other_tests() -> None:
    registry = Registry()
    redacted(interaction(bearer("Europe/Berlin"), cassette="one.yaml"), redactor=Redactor(registry))
    (item,) = redacted(interaction(request("https://x/Europe/Berlin")), redactor=Redactor(registry))
    assert item.request.url == "https://x/Europe/Berlin"
