"""From recordings to interactions: bodies, times, answers, secrets."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from pytest_reqcache.cassette.nodes import NodeError
from pytest_reqcache.headers import Headers
from pytest_reqcache.importing.converting import Converted, Secrecy, convert
from pytest_reqcache.importing.foreign import ForeignCassette, Recording
from pytest_reqcache.models import RecordedRequest
from pytest_reqcache.redaction import parse_redaction_lines

FILE_TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
DATED = Headers((("Date", "Mon, 23 Nov 2026 19:10:00 GMT"),))


def recording(
    what: str = "GET /x",
    body: bytes = b"",
    status: int = 200,
    headers: Headers = DATED,
    sent: bytes | None = None,
) -> Recording:
    method, path = what.split()
    request = RecordedRequest(method, f"http://api.example{path}", body=sent)
    return Recording(7, request, status, "", headers, body)


def converted(*recordings: Recording, secrecy: Secrecy | None = None) -> Converted:
    return convert(ForeignCassette(recordings), FILE_TIME, secrecy or Secrecy())


def with_cookies(path: str, sent: str = "", told: str = "", *, host: str = "api.example") -> Recording:
    made = recording(f"GET {path}", body=f"{path} {sent}".encode())
    headers = Headers((("Cookie", sent),) if sent else ())
    answered = Headers((*DATED, ("Set-Cookie", told))) if told else DATED
    request = RecordedRequest("GET", f"http://{host}{path}", headers)
    return replace(made, request=request, headers=answered)


@pytest.mark.parametrize(
    ("first", "sent", "repeated"),
    [
        (
            with_cookies("/login", told="sid=Zm9vYmFyYmF6; Path=/"),
            ("sid=Zm9vYmFyYmF6", "sid=b2xkZXIxMjM0"),
            True,
        ),
        (
            with_cookies("/login", told="sid=Zm9vYmFyYmF6"),
            ("a=b; sid=Zm9vYmFyYmF6", "a=b; sid=b2xkZXIxMjM0"),
            True,
        ),
        (
            with_cookies("/login", told="sid=Zm9vYmFyYmF6; Domain=api.example", host="www.api.example"),
            ("sid=Zm9vYmFyYmF6", "sid=b2xkZXIxMjM0"),
            True,
        ),
        (
            with_cookies("/login", told="sid=Zm9vYmFyYmF6", host="other.example"),
            ("sid=Zm9vYmFyYmF6", "sid=b2xkZXIxMjM0"),
            False,
        ),
        (with_cookies("/login"), ("sid=Zm9vYmFyYmF6", "sid=b2xkZXIxMjM0"), False),
        (with_cookies("/login", told="other=Zm9vYmFyYmF6"), ("sid=Zm9vYmFyYmF6", "sid=b2xkZXIxMjM0"), False),
        (with_cookies("/login", told="sid=; Max-Age=0"), ("sid=Zm9vYmFyYmF6", "sid=b2xkZXIxMjM0"), False),
    ],
)
def test_cookie_that_no_answer_has_set_is_the_one_that_was_set(
    first: Recording, sent: tuple[str, str], repeated: bool
) -> None:
    """Else what it was asked with would be another user's, and no replay could ask for it."""
    reads = [with_cookies("/feed", cookie) for cookie in sent]
    result = converted(first, *reads)
    assert result.sequences == ((("GET http://api.example/feed", 2),) if repeated else ())
    cookies = [item.request.headers.get("Cookie") for item in result.interactions[1:]]
    assert (cookies[0] == cookies[1]) == repeated


SET = with_cookies("/login", told="sid=Zm9vYmFyYmF6; Path=/")
FORGED = with_cookies("/feed", "sid=b2xkZXIxMjM0")


@pytest.mark.parametrize(
    "recordings",
    [
        (SET, with_cookies("/feed", "sid=Zm9vYmFyYmF6"), replace(FORGED, status=401)),
        (SET, FORGED, with_cookies("/feed", "sid=Zm9vYmFyYmF6")),
        (with_cookies("/start", told="lang=en; Path=/"), with_cookies("/page", "lang=de")),
        (with_cookies("/login", told="sid=Zm9vYmFyYmF6; Path=/admin"), FORGED),
        (SET, with_cookies("/logout", told="sid=gone; Path=/; Max-Age=0"), FORGED),
    ],
    ids=["refused", "set value again", "no secret", "another path", "removed"],
)
def test_cookie_that_the_client_has_chosen_stays(recordings: tuple[Recording, ...]) -> None:
    values = [recording.request.headers.get("Cookie") for recording in recordings]
    result = converted(*recordings)
    others = [item.request.headers.get("Cookie") for item in result.interactions]
    assert len({*others}) == len({*values})
    assert not result.sequences


def test_cookies_of_what_is_no_url_stay() -> None:
    odd = with_cookies("/feed", "sid=b2xkZXIxMjM0", "sid=Zm9vYmFyYmF6", host="[odd")
    assert converted(odd, odd).interactions[0].request.url == "http://[odd/feed"


def test_cookie_of_another_user_whom_an_answer_has_let_in_stays_another() -> None:
    result = converted(
        with_cookies("/login?as=ada", told="sid=Zm9vYmFyYmF6"),
        with_cookies("/login?as=bob", told="sid=b2xkZXIxMjM0"),
        with_cookies("/feed", "sid=Zm9vYmFyYmF6"),
        with_cookies("/feed", "sid=b2xkZXIxMjM0"),
    )
    assert not result.sequences
    assert len({item.request.headers.get("Cookie") for item in result.interactions[2:]}) == 2


def coded(coding: str, body: bytes) -> Recording:
    return recording(body=body, headers=Headers((("Content-Encoding", coding),)))


def raw_deflate(body: bytes) -> bytes:
    compress = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compress.compress(body) + compress.flush()


@pytest.mark.parametrize(
    ("coding", "kept"),
    [
        ("gzip", gzip.compress(b"plain", mtime=0)),
        ("x-gzip", gzip.compress(b"plain", mtime=0)),
        ("GZIP", gzip.compress(b"plain", mtime=0)),
        ("deflate", zlib.compress(b"plain")),
        ("deflate", raw_deflate(b"plain")),
        ("deflate, gzip", gzip.compress(zlib.compress(b"plain"), mtime=0)),
        ("identity", b"plain"),
        ("gzip", b"plain"),
        ("deflate", b"plain"),
        ("br", b"plain"),
        ("UTF-8", b"plain"),
        ("aws-chunked", b"plain"),
        ("br", b""),
    ],
)
def test_bodies_are_decoded_unless_they_were_before(coding: str, kept: bytes) -> None:
    (item,) = converted(coded(coding, kept)).interactions
    assert item.response.body == (b"plain" if kept else b"")
    assert item.response.headers.get("Content-Encoding") == coding


def test_body_of_a_request_is_decoded_and_its_secrets_replaced() -> None:
    sent = gzip.compress(b'{"api_key": "livesecret-123456"}', mtime=0)
    headers = Headers((("Content-Encoding", "gzip"), ("Content-Type", "application/json")))
    asked = replace(recording("POST /x"), request=RecordedRequest("POST", "http://x/", headers, sent))
    (item,) = converted(asked).interactions
    assert item.request.body == b'{"api_key": "REDACTED-api_key"}'


def test_a_gzip_body_that_no_header_speaks_of_is_left_as_it_is() -> None:
    body = gzip.compress(b"an archive")
    assert converted(recording(body=body)).interactions[0].response.body == body


@pytest.mark.parametrize("text", [b"ok", b"[]", b"1", b"hello"])
def test_a_short_text_is_no_beginning_of_a_brotli_stream(text: bytes) -> None:
    assert converted(coded("br", text)).interactions[0].response.body == text


@pytest.mark.parametrize(
    "body", [b"\x1f\x8b\x08 and no more of it", gzip.compress(b"cut" * 99, mtime=0)[:-9]], ids=["odd", "cut"]
)
def test_a_body_that_cannot_be_decoded_is_an_error(body: bytes) -> None:
    with pytest.raises(NodeError, match="a body that is damaged: its gzip cannot be decoded") as caught:
        converted(coded("gzip", body))
    assert caught.value.line == 7


def test_a_coding_whose_package_is_missing_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib3 import HTTPResponse

    monkeypatch.setattr(HTTPResponse, "CONTENT_DECODERS", ["gzip", "deflate"])
    with pytest.raises(NodeError, match="install the package 'brotli'"):
        converted(coded("br", b"\x0b\x02\x80plain\x03"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("Date", "Mon, 23 Nov 2026 19:10:00 GMT"),), datetime(2026, 11, 23, 19, 10, tzinfo=timezone.utc)),
        (
            (("Date", "Mon, 23 Nov 2026 19:10:00 GMT"), ("Age", "60")),
            datetime(2026, 11, 23, 19, 11, tzinfo=timezone.utc),
        ),
        ((("Date", "yesterday"),), FILE_TIME),
        ((), FILE_TIME),
    ],
)
def test_a_response_was_received_at_its_date_else_at_that_of_the_file(
    headers: tuple[tuple[str, str], ...], expected: datetime
) -> None:
    result = converted(recording(headers=Headers(headers)))
    assert result.interactions[0].created_at == expected
    assert result.undated == (expected == FILE_TIME)


def test_a_time_that_the_tool_wrote_goes_first() -> None:
    received_at = datetime(2024, 5, 6, tzinfo=timezone.utc)
    result = converted(replace(recording(), received_at=received_at))
    assert result.interactions[0].created_at == received_at


BUSY, LIMITED = recording(status=503), recording(status=429)


@pytest.mark.parametrize(
    ("recordings", "retried"),
    [
        ([BUSY, LIMITED, recording()], (("GET http://api.example/x", 2),)),
        ([BUSY, recording("POST /x"), recording()], ()),
        ([recording(status=404), recording()], ()),
        ([recording(), BUSY], ()),
    ],
    ids=["errors", "a write between", "an answer", "errors last"],
)
def test_errors_that_the_same_request_follows_at_once_are_named(
    recordings: list[Recording], retried: tuple[tuple[str, int], ...]
) -> None:
    result = converted(*recordings)
    assert result.retried == retried
    assert len(result.interactions) == len(recordings)


SIGNED = Headers((("Authorization", "Bearer abc-12345678"),))


@pytest.mark.parametrize(
    ("statuses", "headers", "refused"),
    [
        ((401, 200), Headers(), (("GET http://api.example/x", 1),)),
        ((200, 403), Headers(), (("GET http://api.example/x", 1),)),
        ((401, 200), SIGNED, ()),
        ((401, 401), Headers(), ()),
        ((404, 200), Headers(), ()),
    ],
    ids=["first", "last", "told apart", "refused alone", "another error"],
)
def test_refusals_of_what_was_answered_without_a_credential_are_named(
    statuses: tuple[int, int], headers: Headers, refused: tuple[tuple[str, int], ...]
) -> None:
    first, second = (recording(status=status) for status in statuses)
    second = replace(second, request=replace(second.request, headers=headers))
    assert converted(first, second).refused == refused


READ_A, READ_B = recording(body=b"a"), recording(body=b"b")
WRITE = recording("POST /x", b"ok", sent=b"1")
LOST = recording(body=b"lost", status=404)
LATER = recording(
    body=b"a", headers=Headers((("Date", "Mon, 23 Nov 2026 19:10:09 GMT"), ("X-Request-Id", "2")))
)

ANSWERS = {
    "one": ([READ_A], ["a1"], 0, 0),
    "the same twice": ([READ_A, READ_A], ["a1"], 1, 0),
    "the same but for volatile headers": ([READ_A, LATER], ["a1"], 1, 0),
    "another one after a write": ([READ_A, WRITE, READ_B, READ_B], ["a1", "ok1", "b2"], 1, 0),
    "the same after a write": ([READ_A, WRITE, READ_A], ["a1", "ok1", "a2"], 0, 0),
    "writes": ([WRITE, WRITE], ["ok1", "ok2"], 0, 0),
    "writes with other bodies": ([WRITE, recording("POST /x", b"ok", sent=b"2")], ["ok1", "ok1"], 0, 0),
    "after an error": ([LOST, LOST, READ_A, READ_A], ["lost1", "lost2", "a3"], 1, 0),
    "different ones in a row": ([READ_A, READ_A, READ_B], ["a1", "a2", "b3"], 0, 3),
    "different ones, and a repeat": (
        [recording("GET /y", b"y"), recording("GET /y", b"y"), READ_A, READ_B],
        ["y1", "y2", "a1", "b2"],
        0,
        2,
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_repeated_requests_become_the_answers_that_a_test_asks_for(case: str) -> None:
    given, expected, shared, sequence = ANSWERS[case]
    result = converted(*given)
    assert [f"{item.response.body.decode()}{item.answer}" for item in result.interactions] == expected
    assert result.shared == shared
    assert result.sequences == ((("GET http://api.example/x", sequence),) if sequence else ())


def test_answers_of_which_one_alone_varies_need_a_sequence() -> None:
    varying = Headers((*DATED, ("Vary", "Origin")))
    result = converted(recording(body=b"a", status=202), recording(body=b"b", headers=varying))
    assert result.sequences == (("GET http://api.example/x", 2),)


def test_a_chain_of_redirects_that_leads_back_needs_no_sequence() -> None:
    def to(path: str) -> Headers:
        return Headers((*DATED, ("Location", path)))

    chain = (
        recording("GET /a", status=302, headers=to("/b")),
        recording("GET /b", status=302, headers=to("/a")),
    )
    result = converted(*chain, recording("GET /a", body=b"in"))
    assert [item.answer for item in result.interactions] == [1, 1, 2]
    assert result.sequences == ()
    assert converted(*chain[:1], recording("GET /a", body=b"in")).sequences


def test_a_redirect_to_no_url_is_imported() -> None:
    odd = recording(status=302, headers=Headers((*DATED, ("Location", "http://[x"))))
    assert len(converted(odd, recording("GET /y")).interactions) == 2


def test_variants_of_one_url_are_counted_by_themselves() -> None:
    def in_language(language: str) -> Recording:
        headers = Headers((*DATED, ("Vary", "Accept-Language")))
        found = recording(body=language.encode(), headers=headers)
        request = replace(found.request, headers=Headers((("Accept-Language", language),)))
        return replace(found, request=request)

    result = converted(in_language("fr"), in_language("de"), in_language("fr"))
    assert [(item.response.body, item.answer) for item in result.interactions] == [(b"fr", 1), (b"de", 1)]
    assert not result.sequences


def test_secrets_become_placeholders_and_their_places_are_counted() -> None:
    login = recording(
        "POST /login?api_key=k3y-of-mine",
        b'{"access_token": "t0ken-of-ada"}',
        headers=Headers((*DATED, ("Content-Type", "application/json"), ("Set-Cookie", "sid=s3cret-cookie"))),
    )
    use = recording("GET /by/t0ken-of-ada/x")
    bearer = Headers((("Authorization", "Bearer t0ken-of-ada"), ("User-Agent", "python-requests/2.32")))
    use = replace(use, request=replace(use.request, headers=bearer))
    result = converted(login, use)
    text = repr(result)
    assert not any(secret in text for secret in ("k3y-of-mine", "t0ken-of-ada", "s3cret-cookie"))
    assert result.redacted == {
        "request query:api_key": 1,
        "response cookie:sid": 1,
        "response body:access_token": 1,
        "request path": 1,
        "request header:authorization": 1,
    }
    assert result.interactions[1].request == RecordedRequest(
        "GET",
        "http://api.example/by/REDACTED-access_token/x",
        Headers((("Authorization", "Bearer REDACTED-access_token"),)),
    )


@pytest.mark.parametrize("stand_in", ["k3y", "a-key-of-nobody"], ids=["short", "long"])
def test_what_a_text_of_the_users_own_stands_for_is_counted_by_its_place(stand_in: str) -> None:
    rules = parse_redaction_lines([f"api_key = {stand_in}"], "--redact").rules
    result = converted(recording("GET /x?api_key=k3y-of-mine"), secrecy=Secrecy(rules=rules))
    assert result.interactions[0].request.url == f"http://api.example/x?api_key={stand_in}"
    assert result.redacted == {"request query:api_key": 1}


def test_a_placeholder_that_stood_in_the_file_is_not_counted_as_redacted() -> None:
    result = converted(recording("GET /x?api_key=REDACTED-api_key"))
    assert result.redacted == {}


def test_what_is_lost_is_counted_by_its_name() -> None:
    one = replace(recording(), lost=("response.protocol",))
    result = convert(ForeignCassette((one, one), ("metadata",)), FILE_TIME, Secrecy())
    assert result.lost == {"metadata": 1, "response.protocol": 2}
