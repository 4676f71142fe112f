"""What holds for every interaction: nothing known is written, and what is written matches."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.redaction import Redactor, Registry

from .building import FORM, JSON, interaction, request, response

settings.register_profile("redaction", max_examples=50, deadline=None, derandomize=True)
CHECKED = settings.get_profile("redaction")

# Long enough to be met by chance nowhere; with everything that has more than one spelling.
SECRETS = st.lists(
    st.builds(
        lambda edge, middle, last: f"s3cr3t{edge}{middle}{last}X9",
        st.sampled_from(["", "/", "+", "="]),
        st.text(st.sampled_from("abcXYZ019-_.~+/=%ü\"'\\ &<"), min_size=4, max_size=12),
        st.sampled_from(["", "==", "/"]),
    ),
    min_size=1,
    max_size=3,
    unique=True,
).filter(lambda found: not any(one in other for one in found for other in found if one is not other))

SPELLINGS = st.sampled_from([quote, quote_plus, lambda text: quote(text, safe="")])
GLUE = st.sampled_from(["", "/", "-", "_", ".", "-x-", "%20", "~"])


@st.composite
def headers(draw: st.DrawFn, secret: str) -> list[tuple[str, str]]:
    plain = secret.encode("latin-1", "replace").decode("latin-1")
    encoded = base64.b64encode(f"ada:{secret}".encode()).decode()
    cookie = quote(secret, safe="")
    made = [
        ("Authorization", f"Bearer {plain}"),
        ("authorization", f"Basic {encoded}"),
        ("Authorization", 'Digest nonce="abc"'),
        ("X-Api-Key", plain),
        ("Cookie", f"theme=light; sid={cookie}"),
        ("X-Note", f"about {plain}."),
        ("Accept", "*/*"),
    ]
    return draw(st.lists(st.sampled_from(made), max_size=3, unique_by=lambda item: item[0].lower()))


@st.composite
def requests(draw: st.DrawFn, secrets: list[str]) -> RecordedRequest:
    one = st.sampled_from(secrets)
    spelled = st.builds(lambda spell, secret: spell(secret), SPELLINGS, one)
    path = draw(st.one_of(st.just("users"), st.builds(lambda a, b, c: a + b + c, GLUE, spelled, GLUE)))
    query = draw(
        st.lists(
            st.builds(
                lambda name, value: f"{name}={quote(value, safe='')}",
                st.sampled_from(["access_token", "page", "api-key"]),
                st.one_of(one, st.just("2")),
            ),
            max_size=2,
        )
    )
    user = draw(st.one_of(st.just(""), one.map(lambda secret: f"u:{quote(secret, safe='')}@")))
    fields = draw(headers(draw(one)))
    kind, body = draw(st.one_of(st.just(((), None)), bodies(secrets)))
    url = f"https://{user}x.example/{path}{'?' if query else ''}{'&'.join(query)}"
    length = [("Content-Length", str(len(body)))] if body else []
    return request(url, *fields, *kind, *length, body=body, method="POST" if body else "GET")


@st.composite
def bodies(draw: st.DrawFn, secrets: list[str]) -> tuple[tuple[tuple[str, str], ...], bytes]:
    one = st.sampled_from(secrets)
    value = st.recursive(
        st.one_of(one, one.map("see {} there".format), st.integers(), st.none(), st.just("ü\n")),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(st.sampled_from(["password", "a", "Token", "b\n"]), inner, max_size=3),
        ),
        max_leaves=6,
    )
    if draw(st.booleans()):
        indent, ascii_only = draw(st.sampled_from([None, 2])), draw(st.booleans())
        return (JSON,), json.dumps(draw(value), indent=indent, ensure_ascii=ascii_only).encode()
    pairs = st.tuples(st.sampled_from(["password", "note", "client_secret"]), one)
    form = "&".join(
        f"{name}={quote_plus(found)}" for name, found in draw(st.lists(pairs, min_size=1, max_size=3))
    )
    return (FORM,), form.encode()


@st.composite
def responses(draw: st.DrawFn, secrets: list[str]) -> RecordedResponse:
    secret = draw(st.sampled_from(secrets))
    escaped = quote(secret, safe="")
    made = [
        ("Set-Cookie", f"sid={escaped}; Path=/"),
        ("Location", f"https://x.example/?token={escaped}"),
        ("X-Note", f"/{escaped}/"),
    ]
    kind, body = draw(bodies(secrets))
    return response(*draw(st.lists(st.sampled_from(made), max_size=2)), *kind, body=body)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[str], list[Interaction]]:
    secrets = draw(SECRETS)
    made = st.builds(interaction, requests(secrets), responses(secrets))
    items = draw(st.lists(made, min_size=1, max_size=3))
    stood = json.dumps({"password": secrets}).encode()  # each stood at a place of its own
    return secrets, [interaction(request(), response(JSON, body=stood)), *items]


@CHECKED
@given(recordings())
def test_the_stored_request_masked_is_the_live_one_masked(made: tuple[list[str], list[Interaction]]) -> None:
    _, items = made
    redactor = Redactor(Registry())
    for item in items:
        redactor.observe(item.request, item.response)
    live = [redactor.mask(item.request) for item in items]
    written = redactor.redact(items, [None] * len(items), ())
    for other in (redactor, Redactor(Registry())):  # in this test, and in a later run
        stored = [other.mask(item.request) for item in written]
        assert [one.request for one in stored] == [one.request for one in live]
        assert [one.places for one in stored] == [one.places for one in live]


@CHECKED
@given(recordings())
def test_no_secret_is_written(made: tuple[list[str], list[Interaction]]) -> None:
    secrets, items = made
    written = Redactor(Registry()).redact(items, [None] * len(items), ())
    for item in written:
        for text in _texts(item):
            for secret in secrets:
                assert secret not in text


def _texts(item: Interaction) -> list[str]:
    """Everything that can be read in an interaction, names of JSON objects aside."""
    found = [item.request.url]
    for name, value in (*item.request.headers, *item.response.headers):
        found.append(value)
        if name.lower() == "authorization" and value.startswith("Basic ") and "REDACTED" not in value:
            found.append(base64.b64decode(value[6:]).decode())
    for body in (item.request.body, item.response.body):
        assert body is None or isinstance(body, bytes)
        text = (body or b"").decode()
        found += (text, *_strings(text))
    return [spelled for text in found for spelled in (text, unquote(text), unquote_plus(text))]


def _strings(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError:
        return []
    flat, left = [], [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
        else:
            flat.append(str(one))
    return flat


@CHECKED
@given(recordings())
def test_redaction_is_the_same_every_time_and_its_result_stays(
    made: tuple[list[str], list[Interaction]],
) -> None:
    _, items = made
    nothing = [None] * len(items)
    written = Redactor(Registry()).redact(items, nothing, ())
    assert Redactor(Registry()).redact(items, nothing, ()) == written
    assert Redactor(Registry()).redact(written, nothing, ()) == written


@CHECKED
@given(recordings())
def test_json_stays_json_and_lengths_stay_right(made: tuple[list[str], list[Interaction]]) -> None:
    _, items = made
    for item in Redactor(Registry()).redact(items, [None] * len(items), ()):
        if ("Content-Type", "application/json") in item.request.headers.items:
            json.loads(item.request.body or b"")
        if item.request.body:
            assert item.request.headers.get("Content-Length") == str(len(item.request.body))


@CHECKED
@given(st.binary(max_size=60), st.sampled_from(["application/json", "text/html", "multipart/form-data", ""]))
def test_any_body_is_gone_through_without_an_error(body: bytes, kind: str) -> None:
    asked = request("https://x/", ("Content-Type", kind), ("X-Api-Key", "abcdefgh"), body=body)
    (item,) = Redactor(Registry()).redact(
        [interaction(asked, response(*asked.headers, body=body))], [None], ()
    )
    Redactor(Registry()).mask(item.request)
