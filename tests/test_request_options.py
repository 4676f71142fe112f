"""What one call adds: ``expire_after``, ``refresh``, ``force_refresh``, ``only_if_cached`` (section H)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import requests

from origin import Answer
from pytest_reqcache import DO_NOT_CACHE, EXPIRE_IMMEDIATELY, NEVER_EXPIRE, CachedSession, CacheMixin

MODIFIED = "Fri, 01 May 2026 10:00:00 GMT"
VALIDATORS = {"ETag": '"v1"', "Last-Modified": MODIFIED}
VERBS = ("get", "options", "head", "post", "put", "patch", "delete")


def get(session, url, **options):
    return session.get(url, **options)


def request(session, url, **options):
    return session.request("GET", url, **options)


def send(session, url, **options):
    return session.send(session.prepare_request(requests.Request("GET", url)), **options)


WAYS = pytest.mark.parametrize("call", [get, request, send])


@pytest.fixture
def tagged(origin):
    """The URL of a resource that changes with each full answer, and has validators."""
    origin["/tagged"] = (
        Answer("v1", headers=VALIDATORS),
        Answer("v2", headers=VALIDATORS),
        Answer("v3", headers=VALIDATORS),
    )
    return f"{origin.url}/tagged"


@pytest.fixture
def unchanging(origin):
    """The URL of a resource that answers 304 to its validators."""
    origin["/unchanging"] = Answer("v1", headers=VALIDATORS, headers_304={"X-Seen": "again"})
    return f"{origin.url}/unchanging"


def conditions(received):
    return {name: received.headers.get(name) for name in ("if-none-match", "if-modified-since")}


BOTH = {"if-none-match": '"v1"', "if-modified-since": MODIFIED}
NONE = {"if-none-match": None, "if-modified-since": None}


@WAYS
def test_options_are_accepted_by_every_way_to_call(origin, session, clock, call):
    s = session()
    url = f"{origin.url}/a"
    assert call(s, url, only_if_cached=True).status_code == 504
    assert call(s, url, expire_after=60).expires == clock.now + timedelta(seconds=60)
    assert call(s, url, refresh=True).from_cache is False
    assert call(s, url, force_refresh=True).from_cache is False
    assert call(s, url, stale_if_error=True, stale_while_revalidate=60).from_cache is True
    assert origin.count("/a") == 3


@pytest.mark.parametrize("verb", VERBS)
def test_options_are_accepted_by_every_verb(origin, session, clock, verb):
    s = session(allowable_methods=[name.upper() for name in VERBS])
    call = getattr(s, verb)
    url = f"{origin.url}/a"
    assert call(url, only_if_cached=True).status_code == 504
    assert call(url, expire_after=60).expires == clock.now + timedelta(seconds=60)
    assert call(url, only_if_cached=True).from_cache is True
    assert call(url, refresh=True).from_cache is False
    assert call(url, force_refresh=True).from_cache is False
    assert origin.count("/a", verb.upper()) == 3


@pytest.mark.parametrize(
    ("option", "wrong", "error"),
    [
        ("expire_after", "tomorrow", ValueError),
        ("expire_after", [60], TypeError),
        ("expire_after", True, TypeError),
        ("refresh", "yes", TypeError),
        ("force_refresh", 1, TypeError),
        ("only_if_cached", "no", TypeError),
        ("stale_if_error", "tomorrow", ValueError),
    ],
    ids=repr,
)
@WAYS
def test_wrong_option_is_refused_before_anything_is_sent(origin, session, call, option, wrong, error):
    with pytest.raises(error, match=option):
        call(session(), f"{origin.url}/a", **{option: wrong})
    assert origin.log == []


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("expires_after", "'expires_after' is no setting; did you mean 'expire_after'?"),
        ("stale_if_eror", "'stale_if_eror' is no setting; did you mean 'stale_if_error'?"),
        (
            "cache_control",
            "'cache_control' is no setting of this place, but of sessions .*; accepted are expire",
        ),
        ("time_out", r"Session.request\(\) got an unexpected keyword argument 'time_out'"),
    ],
)
@pytest.mark.parametrize("call", [get, request])
def test_misspelt_option_names_what_is_meant(origin, session, call, option, told):
    with pytest.raises(TypeError, match=f"^{told}"):
        call(session(), f"{origin.url}/a", **{option: True})
    assert origin.log == []


def test_argument_of_another_class_is_left_to_it(tmp_path):
    class Theirs(requests.Session):
        def request(self, method, url, *, refreshed, **kwargs):
            raise TypeError(f"{refreshed} is of no type of mine")

    class Mine(CacheMixin, Theirs):
        pass

    with Mine(tmp_path / "cache.yaml") as mine, pytest.raises(TypeError, match=r"^5 is of no type of mine"):
        mine.get("http://any.test/", refreshed=5)


class Retrying(CachedSession):
    """Sends a call again that has ended in an error, as code around `requests` often does."""

    def send(self, request, **kwargs):
        response = super().send(request, **kwargs)
        has_failed = response.status_code >= 500 and kwargs["allow_redirects"]
        return super().send(request, **kwargs) if has_failed else response


def test_what_a_session_sends_again_has_the_options_and_a_chain_of_its_own(origin, tmp_path):
    """The redirects of the second attempt are stored, as are those of the first."""
    origin["/a"] = Answer(status=302, headers={"Location": "/b"})
    origin["/b"] = Answer("failed", 503), Answer("text")
    with Retrying(tmp_path / "cache.yaml") as retrying:
        url = f"{origin.url}/a"
        assert retrying.get(url, expire_after=60).text == "text"
        assert sorted(retrying.cache.urls()) == [url, f"{origin.url}/b"]
        again = retrying.get(url)
    assert (again.from_cache, len(again.history)) == (True, 1)
    assert again.expires is not None


def test_options_are_not_those_of_what_an_auth_object_sends_with_the_session(origin, session):
    s, url = session(), f"{origin.url}/a"

    def with_token(request):
        token = s.send(s.prepare_request(requests.Request("GET", f"{origin.url}/token")))
        request.headers["X-Token-From"] = token.url
        return request

    s.get(url, auth=with_token)
    s.get(url, auth=with_token, force_refresh=True)
    assert (origin.count("/a"), origin.count("/token")) == (2, 1)


def test_options_are_not_those_of_another_session_that_an_auth_handler_asks(origin, session):
    other = session(":memory:")
    token = requests.Request("GET", f"{origin.url}/token").prepare()
    other.send(token)

    def authorized(prepared):
        assert other.send(token).from_cache is True
        return prepared

    s = session()
    s.get(f"{origin.url}/a")
    assert s.get(f"{origin.url}/a", auth=authorized, force_refresh=True).from_cache is False
    assert (origin.count("/token"), origin.count("/a")) == (1, 2)


@pytest.mark.parametrize("seconds", [10, 1000])
def test_expire_after_of_a_call_beats_the_session_and_changes_nothing_on_a_hit(
    origin, session, clock, seconds
):
    s = session(expire_after=100)
    url = f"{origin.url}/a"
    expires = s.get(url, expire_after=seconds).expires
    assert expires == clock.now + timedelta(seconds=seconds)
    hit = s.get(url, expire_after=5)
    assert (hit.from_cache, hit.expires) == (True, expires)
    assert s.get(url, expire_after=NEVER_EXPIRE).expires == expires
    clock.move(seconds - 1)
    assert s.get(url).from_cache
    clock.move(1)
    assert s.get(url).expires == clock.now + timedelta(seconds=100)
    assert origin.count("/a") == 2


def test_refresh_revalidates_what_has_a_validator(origin, session, unchanging):
    s = session()
    s.get(unchanging)
    response = s.get(unchanging, refresh=True)
    assert conditions(origin.last) == BOTH
    assert (response.from_cache, response.revalidated, response.status_code) == (True, True, 200)
    assert response.text == "v1"
    plain = s.get(unchanging)
    assert (plain.from_cache, plain.revalidated) == (True, False)
    assert origin.count("/unchanging") == 2


def test_refresh_stores_the_new_response_where_the_origin_has_one(origin, session):
    origin["/a"] = Answer("old", headers={"ETag": '"1"'}), Answer("new", headers={"ETag": '"2"'})
    s = session()
    s.get(f"{origin.url}/a")
    response = s.get(f"{origin.url}/a", refresh=True)
    assert origin.last.headers["if-none-match"] == '"1"'
    assert (response.text, response.from_cache, response.revalidated) == ("new", False, False)
    assert s.get(f"{origin.url}/a").text == "new"
    assert len(s.cache) == 1


def test_refresh_without_a_validator_fetches_anew(origin, session):
    s = session()
    url = f"{origin.url}/a"
    s.get(url)
    response = s.get(url, refresh=True)
    assert (response.from_cache, response.json()["n"]) == (False, 2)
    assert conditions(origin.last) == NONE
    assert s.get(url).json()["n"] == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
def test_refresh_of_another_method_than_get_and_head_fetches_anew(origin, session, unchanging, method):
    s = session(allowable_methods=[method])
    s.request(method, unchanging)
    response = s.request(method, unchanging, refresh=True)
    assert (response.from_cache, response.status_code, response.text) == (False, 200, "v1")
    assert conditions(origin.last) == NONE


@pytest.mark.parametrize("option", ["refresh", "force_refresh"])
def test_refresh_of_what_is_not_stored_is_a_normal_request(origin, session, option):
    s = session()
    assert s.get(f"{origin.url}/a", **{option: True}).from_cache is False
    assert s.get(f"{origin.url}/a").from_cache is True
    assert origin.count("/a") == 1


@pytest.mark.parametrize("options", [{"refresh": True}, {"force_refresh": True}], ids=str)
@pytest.mark.parametrize(("given", "seconds"), [({}, 100), ({"expire_after": 7}, 7)], ids=str)
@pytest.mark.parametrize("path", ["/unchanging", "/plain"])
def test_refreshed_response_gets_a_new_expiry(
    origin, session, clock, unchanging, path, options, given, seconds
):
    s = session(expire_after=100)
    s.get(origin.url + path)
    clock.move(50)
    response = s.get(origin.url + path, **options, **given)
    expected = clock.now + timedelta(seconds=seconds)
    assert (response.expires, response.created_at) == (expected, clock.now)
    later = session().get(origin.url + path)
    assert (later.from_cache, later.expires, later.created_at) == (True, expected, clock.now)


def test_headers_of_a_304_are_merged(origin, session, unchanging):
    s = session()
    assert "X-Seen" not in s.get(unchanging).headers
    response = s.get(unchanging, refresh=True)
    assert response.headers["X-Seen"] == "again"
    assert response.headers["Content-Length"] == "2"
    assert session().get(unchanging).headers["X-Seen"] == "again"


@pytest.mark.parametrize("options", [{}, {"refresh": True}], ids=str)
def test_force_refresh_sends_no_validators_and_wins_over_refresh(origin, session, unchanging, options):
    s = session()
    s.get(unchanging)
    response = s.get(unchanging, force_refresh=True, **options)
    assert conditions(origin.last) == NONE
    assert (response.status_code, response.from_cache, response.revalidated) == (200, False, False)
    assert s.get(unchanging).from_cache is True


@pytest.mark.parametrize("failure", [Answer("no", status=500), Answer(drop=True)], ids=["500", "dropped"])
def test_failed_force_refresh_leaves_the_old_response(origin, session, failure):
    origin["/a"] = Answer("old", headers=VALIDATORS), failure
    s = session()
    url = f"{origin.url}/a"
    s.get(url)
    if failure.drop:
        with pytest.raises(requests.ConnectionError):
            s.get(url, force_refresh=True)
    else:
        assert s.get(url, force_refresh=True).status_code == 500
    assert (s.get(url).text, s.get(url).from_cache) == ("old", True)


def test_false_options_are_the_default(origin, session):
    s = session()
    url = f"{origin.url}/a"
    off = {"refresh": False, "force_refresh": False, "only_if_cached": False, "expire_after": None}
    assert s.get(url, **off).from_cache is False
    assert s.get(url, **off).from_cache is True


OPTION_SETS = [
    {"expire_after": 60},
    {"expire_after": DO_NOT_CACHE},
    {"expire_after": EXPIRE_IMMEDIATELY},
    {"expire_after": NEVER_EXPIRE},
    {"refresh": True},
    {"force_refresh": True},
    {"stale_if_error": True},
]


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_options_are_neither_sent_nor_stored(origin, session, options):
    """The origin sees what a plain session would send."""
    url = f"{origin.url}/a"
    with requests.Session() as plain:
        plain.get(url)
    s = session()
    response = s.get(url, **options)
    assert origin.last.headers == origin.log[0].headers
    assert "Cache-Control" not in response.request.headers
    assert all("Cache-Control" not in stored.request.headers for stored in s.cache.filter())
    if s.cache.path.exists():
        assert "cache-control" not in s.cache.path.read_text().lower()


@pytest.mark.parametrize("stated", [{"Age": "300"}, {"Date": "Mon, 01 Jun 2026 11:55:00 GMT"}])
@pytest.mark.parametrize(("settings", "counts"), [({}, False), ({"cache_control": True}, True)])
def test_own_max_age_counts_from_when_the_answer_came(origin, session, clock, stated, settings, counts):
    origin["/a"] = Answer(headers={"Cache-Control": "max-age=3600", **stated})
    s = session(expire_after=3600, **settings)
    s.get(f"{origin.url}/a")
    asked = {"Cache-Control": "max-age=60"}
    assert s.get(f"{origin.url}/a", headers=asked).from_cache is not counts
    clock.move(61)
    assert s.get(f"{origin.url}/a", headers=asked).from_cache is False


def test_own_cache_control_header_is_obeyed_and_sent(origin, session, clock):
    s = session()
    response = s.get(f"{origin.url}/a", headers={"Cache-Control": "max-age=60"})
    assert origin.last.headers["cache-control"] == "max-age=60"
    assert response.expires == clock.now + timedelta(seconds=60)
    assert response.request.headers["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize("options", [*OPTION_SETS, {"only_if_cached": True}], ids=str)
def test_prepared_request_of_the_user_is_left_as_it_was(origin, session, unchanging, options):
    s = session()
    s.get(unchanging)
    prepared = s.prepare_request(requests.Request("GET", unchanging))
    before = dict(prepared.headers)
    response = s.send(prepared, **options)
    assert prepared.headers == before
    assert response.request is prepared
    s.cache.clear()
    again = s.send(prepared)
    assert (again.status_code, again.text, again.from_cache) == (200, "v1", False)
    assert s.send(prepared).from_cache is True


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({}, NONE),
        ({"ETag": '"v1"'}, {**NONE, "if-none-match": '"v1"'}),
        ({"Last-Modified": MODIFIED}, {**NONE, "if-modified-since": MODIFIED}),
        (VALIDATORS, BOTH),
    ],
    ids=["none", "ETag", "Last-Modified", "both"],
)
def test_expired_response_is_revalidated_with_the_validators_it_has(origin, session, clock, headers, sent):
    origin["/a"] = Answer("v1", headers=headers)
    s = session(expire_after=10)
    s.get(f"{origin.url}/a")
    clock.move(10)
    response = s.get(f"{origin.url}/a")
    assert conditions(origin.last) == sent
    assert response.text == "v1"
    assert response.from_cache is response.revalidated is bool(headers)
    assert response.expires == clock.now + timedelta(seconds=10)


@pytest.mark.parametrize("stored_before", [False, True])
def test_own_conditional_request_gets_its_304(origin, session, unchanging, stored_before):
    s = session()
    if stored_before:
        s.get(unchanging)
    response = s.get(unchanging, headers={"If-None-Match": '"v1"'})
    assert (response.status_code, response.content, response.from_cache) == (304, b"", False)
    plain = s.get(unchanging)
    assert (plain.status_code, plain.text) == (200, "v1")


def test_always_revalidate_asks_before_each_use_of_what_has_a_validator(origin, session, clock, unchanging):
    s = session(always_revalidate=True, expire_after=100)
    s.get(unchanging)
    clock.move(50)
    response = s.get(unchanging)
    assert (response.from_cache, response.revalidated) == (True, True)
    assert response.expires == clock.now + timedelta(seconds=100)
    assert conditions(origin.last) == BOTH
    s.get(f"{origin.url}/plain")
    assert s.get(f"{origin.url}/plain").from_cache is True
    assert (origin.count("/unchanging"), origin.count("/plain")) == (2, 1)


def test_always_revalidate_can_be_switched(origin, session, unchanging):
    s = session()
    s.get(unchanging)
    assert s.get(unchanging).revalidated is False
    s.settings.always_revalidate = True
    assert s.get(unchanging).revalidated is True
    s.settings.always_revalidate = False
    assert s.get(unchanging).revalidated is False
    assert origin.count("/unchanging") == 2


@WAYS
def test_only_if_cached_miss_is_a_complete_504(origin, session, call):
    s = session()
    url = f"{origin.url}/a?b=1"
    response = call(s, url, only_if_cached=True)
    assert (response.status_code, response.reason, response.url) == (504, "Not Cached", url)
    with pytest.raises(requests.HTTPError) as raised:
        response.raise_for_status()
    assert str(raised.value) == f"504 Server Error: Not Cached for url: {url}"
    assert raised.value.response is response
    assert not response.ok
    assert isinstance(response.content, bytes)
    assert response.text == response.content.decode()
    assert list(response.iter_lines(decode_unicode=True)) == response.text.splitlines()
    assert b"".join(response.iter_content(7)) == response.content
    assert response.history == []
    assert response.request.url == url
    assert response.elapsed is not None
    assert (response.from_cache, response.is_expired, response.expires, response.cache_key) == (
        False,
        False,
        None,
        None,
    )
    response.close()
    assert len(s.cache) == 0
    assert origin.log == []


def test_only_if_cached_miss_can_be_streamed(origin, session):
    with session().get(f"{origin.url}/a", only_if_cached=True, stream=True) as response:
        assert b"".join(response.iter_content(None)) == response.content
        assert response.raw.read() == response.content


def test_only_if_cached_hit_is_as_usual(origin, session):
    s = session()
    s.get(f"{origin.url}/a")
    response = s.get(f"{origin.url}/a", only_if_cached=True)
    assert (response.status_code, response.from_cache, response.json()["n"]) == (200, True, 1)
    assert origin.count() == 1


@pytest.mark.parametrize("path", ["/unchanging", "/plain"])
def test_only_if_cached_refuses_what_has_expired_and_keeps_it(origin, session, clock, unchanging, path):
    s = session(expire_after=10)
    url = origin.url + path
    s.get(url)
    clock.move(10)
    assert s.get(url, only_if_cached=True).status_code == 504
    assert s.cache.contains(url=url)
    assert origin.count() == 1


@pytest.mark.parametrize(
    ("limit", "status"), [(True, 200), (timedelta(seconds=30), 200), (29, 504), (False, 504)], ids=repr
)
def test_only_if_cached_with_stale_if_error_uses_the_expired_one_within_its_limit(
    origin, session, clock, limit, status
):
    s = session(expire_after=10, stale_if_error=limit)
    s.get(f"{origin.url}/a")
    clock.move(40)
    response = s.get(f"{origin.url}/a", only_if_cached=True)
    stale = status == 200
    assert (response.status_code, response.from_cache, response.is_expired) == (status, stale, stale)
    assert s.get(f"{origin.url}/unknown", only_if_cached=True).status_code == 504
    assert origin.count() == 1


@pytest.mark.parametrize(
    ("settings", "call"),
    [
        ({}, {"refresh": True}),
        ({}, {"force_refresh": True}),
        ({"always_revalidate": True}, {}),
        ({}, {"headers": {"Cache-Control": "no-cache"}}),
        ({"cache_control": True}, {"headers": {"Pragma": "no-cache"}}),
        ({"expire_after": 0}, {}),
        ({"stale_if_error": True}, {"refresh": True}),
        ({"stale_while_revalidate": True, "expire_after": 1}, {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/unchanging", "/plain"])
def test_only_if_cached_never_sends_whatever_else_is_asked(
    origin, session, clock, unchanging, path, settings, call
):
    s = session(**settings)
    s.get(origin.url + path)
    clock.move(5)
    s.get(origin.url + path, only_if_cached=True, **call)
    s.close()
    assert origin.count() == 1


@pytest.mark.parametrize(
    "options", [{"expire_after": DO_NOT_CACHE}, {"headers": {"Cache-Control": "no-store"}}]
)
def test_only_if_cached_with_do_not_cache_is_a_504(origin, session, options):
    s = session()
    s.get(f"{origin.url}/a")
    assert s.get(f"{origin.url}/a", only_if_cached=True, **options).status_code == 504
    assert origin.count() == 1


def test_only_if_cached_answers_a_method_that_is_not_cached_with_504(origin, session):
    assert session().post(f"{origin.url}/a", only_if_cached=True).status_code == 504
    assert origin.log == []


@pytest.mark.parametrize("cache_control", [False, True])
@pytest.mark.parametrize("vary", ["Accept-Language", "*"])
def test_only_if_cached_sends_nothing_where_vary_does_not_match(origin, session, vary, cache_control):
    origin["/a"] = Answer("hallo", headers={"Vary": vary})
    s = session(cache_control=cache_control)
    s.get(f"{origin.url}/a", headers={"Accept-Language": "de"})
    response = s.get(f"{origin.url}/a", headers={"Accept-Language": "fr"}, only_if_cached=True)
    assert response.status_code == 504
    assert origin.count() == 1


def test_only_if_cached_follows_a_stored_redirect_to_a_504(origin, session):
    origin["/from"] = Answer(status=302, headers={"Location": "/to"})
    s = session()
    s.get(f"{origin.url}/from", allow_redirects=False)
    response = s.get(f"{origin.url}/from", only_if_cached=True)
    assert (response.status_code, response.url) == (504, f"{origin.url}/to")
    assert [hop.status_code for hop in response.history] == [302]
    assert origin.count() == 1


def test_passthrough_urls_are_no_part_of_the_cache_that_is_only_asked(origin, session):
    s = session(only_if_cached=True, passthrough=[f"{origin.netloc}/live"])
    assert s.get(f"{origin.url}/live").status_code == 200
    assert s.get(f"{origin.url}/other").status_code == 504
    assert len(s.cache) == 0
    assert [seen.path for seen in origin.log] == ["/live"]


@WAYS
def test_only_if_cached_as_a_setting(origin, session, call):
    s = session(only_if_cached=True)
    url = f"{origin.url}/a"
    assert call(s, url).status_code == 504
    s.settings.only_if_cached = False
    assert call(s, url).status_code == 200
    s.settings.only_if_cached = True
    assert call(s, url).from_cache is True
    assert call(s, f"{url}/unknown").status_code == 504
    assert origin.count() == 1


@pytest.mark.parametrize(
    "options", [{"expire_after": DO_NOT_CACHE}, {"headers": {"Cache-Control": "no-store"}}], ids=str
)
def test_do_not_cache_of_a_call_neither_reads_nor_writes(origin, session, options):
    s = session()
    url = f"{origin.url}/a"
    first = s.get(url, **options)
    assert (first.from_cache, first.cache_key, first.expires) == (False, None, None)
    assert len(s.cache) == 0
    assert s.get(url).json()["n"] == 2
    assert s.get(url, **options).json()["n"] == 3
    hit = s.get(url)
    assert (hit.from_cache, hit.json()["n"]) == (True, 2)


def test_options_of_one_call_do_not_reach_calls_made_within_it(origin, session):
    """A hook that makes a request of its own."""
    s = session(expire_after=100)
    inner = []

    def hook(response, *args, **kwargs):
        if response.url.endswith("/outer"):
            inner.append(s.get(f"{origin.url}/inner"))

    s.get(f"{origin.url}/inner")
    s.get(f"{origin.url}/outer", hooks={"response": hook}, force_refresh=True)
    assert inner[0].from_cache is True


def test_options_hold_for_every_hop_of_a_redirect(origin, session, clock):
    origin["/from"] = Answer(status=302, headers={"Location": "/to"})
    response = session().get(f"{origin.url}/from", expire_after=60)
    expected = clock.now + timedelta(seconds=60)
    assert [hop.expires for hop in (*response.history, response)] == [expected, expected]


def test_options_reach_neither_hooks_nor_adapters(origin, session):
    """Decision 2: not as keyword arguments."""
    seen = []

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
            return super().send(request, stream, timeout, verify, cert, proxies)

    s = session()
    s.mount("http://", Adapter())
    s.get(
        f"{origin.url}/a",
        expire_after=60,
        refresh=True,
        hooks={"response": lambda response, **kwargs: seen.append(sorted(kwargs))},
    )
    assert seen == [["cert", "proxies", "stream", "timeout", "verify"]]


def test_options_of_one_thread_are_not_those_of_another(origin, session):
    s = session(expire_after=100)
    barrier = threading.Barrier(2)
    found = {}

    def answer(received):
        barrier.wait(10)
        return Answer("x")

    origin["/a"] = origin["/b"] = answer

    def work(path, **options):
        found[path] = s.get(origin.url + path, **options).expires

    threads = [
        threading.Thread(target=work, args=("/a",), kwargs={"expire_after": NEVER_EXPIRE}),
        threading.Thread(target=work, args=("/b",)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found["/a"] is None
    assert found["/b"] is not None


def test_a_request_for_something_younger_goes_first_offline_too(origin, session, clock):
    s = session(expire_after=3600, stale_while_revalidate=True)
    s.get(f"{origin.url}/a")
    clock.move(100)
    asked = {"Cache-Control": "max-age=5"}
    assert s.get(f"{origin.url}/a", only_if_cached=True, headers=asked).status_code == 504
    assert s.get(f"{origin.url}/a", only_if_cached=True).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_missed_head_is_answered_without_a_body(origin, session, stream):
    response = session().head(f"{origin.url}/a", only_if_cached=True, stream=stream)
    assert (response.status_code, response.raw.read(), response.content) == (504, b"", b"")
    assert session().get(f"{origin.url}/a", only_if_cached=True, stream=stream).content != b""
