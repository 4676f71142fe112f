"""Removing what is stored, and giving it a new expiry."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import requests

import pytest_reqcache
from origin import Answer
from pytest_reqcache import DO_NOT_CACHE, NEVER_EXPIRE, CassetteError
from pytest_reqcache.cassette.index import View

WITH_ETAG = Answer("v1", headers={"ETag": '"v1"'})


def stored_paths(session, origin):
    """The paths of everything stored, in order of recording."""
    return [response.url.removeprefix(origin.url) for response in session.cache.filter()]


def get_all(session, origin, *paths, **options):
    return [session.get(origin.url + path, **options) for path in paths]


def test_expired_response_is_kept_and_contained_until_it_is_requested(origin, session, clock):
    s = session(expire_after=60)
    key = s.get(f"{origin.url}/a").cache_key
    clock.move(3600)
    assert s.cache.contains(url=f"{origin.url}/a")
    assert s.cache.contains(key)
    assert s.cache.contains(request=requests.Request("GET", f"{origin.url}/a"))
    assert [response.is_expired for response in s.cache.filter()] == [True]
    assert s.get(f"{origin.url}/a").from_cache is False
    assert len(s.cache) == 1


def test_file_that_was_looked_at_is_still_to_be_sent(origin, session, tmp_path):
    (tmp_path / "body").write_bytes(b"one two")
    s = session(allowable_methods=["POST"])
    with (tmp_path / "body").open("rb") as file:
        file.seek(4)
        prepared = s.prepare_request(requests.Request("POST", f"{origin.url}/a", data=file))
        assert not s.cache.contains(request=prepared)
        s.send(prepared, timeout=5)
    assert origin.last.body == b"two"


def test_clear_removes_everything_and_caching_goes_on(origin, session):
    s = session()
    s.cache.clear()
    get_all(s, origin, "/a", "/b")
    s.cache.clear()
    assert len(s.cache) == 0
    assert list(s.cache) == s.cache.urls() == []
    fetched = get_all(s, origin, "/a", "/a")
    assert [response.from_cache for response in fetched] == [False, True]
    assert origin.count("/a") == 2


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ({}, ["/short", "/long", "/never"]),
        ({"expired": False}, ["/short", "/long", "/never"]),
        ({"urls": []}, ["/short", "/long", "/never"]),
        ({"expired": True}, ["/long", "/never"]),
    ],
    ids=repr,
)
def test_delete_expired_removes_exactly_the_expired_and_no_condition_nothing(
    origin, session, clock, conditions, left
):
    s = session()
    for path, expiry in (("/short", 10), ("/long", 1000), ("/never", NEVER_EXPIRE)):
        get_all(s, origin, path, expire_after=expiry)
    clock.move(10)
    s.cache.delete(**conditions)
    assert stored_paths(s, origin) == left


def test_conditions_of_delete_add_up(origin, session, clock):
    s = session()
    get_all(s, origin, "/expired", expire_after=10)
    get_all(s, origin, "/by-url", "/by-request", "/kept")
    key = s.get(f"{origin.url}/by-key").cache_key
    clock.move(10)
    s.cache.delete(
        key,
        expired=True,
        urls=[f"{origin.url}/by-url"],
        requests=[requests.Request("GET", f"{origin.url}/by-request")],
    )
    assert stored_paths(s, origin) == ["/kept"]


@pytest.mark.parametrize("unit", [lambda seconds: seconds, lambda seconds: timedelta(seconds=seconds)])
def test_delete_older_than_goes_by_creation_whatever_the_expiry(origin, session, clock, unit):
    s = session()
    get_all(s, origin, "/old-fresh", expire_after=10_000)
    get_all(s, origin, "/old-never")
    clock.move(100)
    get_all(s, origin, "/new-expired", expire_after=1)
    clock.move(10)
    s.cache.delete(older_than=unit(111))
    assert len(s.cache) == 3
    s.cache.delete(older_than=unit(60))
    assert stored_paths(s, origin) == ["/new-expired"]


@pytest.mark.parametrize("zero", [0, "0", "0s", timedelta(0)], ids=repr)
def test_delete_older_than_zero_removes_everything(origin, session, clock, zero):
    """0 is a condition as any other."""
    s = session()
    get_all(s, origin, "/a", "/b")
    s.cache.delete(older_than=zero)
    assert len(s.cache) == 0


def test_of_variants_the_one_that_answers_the_request_is_removed(origin, session):
    s = session()
    url = f"{origin.url}/a"
    origin["/a"] = lambda received: Answer(
        received.headers["accept-language"], headers={"Vary": "Accept-Language"}
    )
    german, english = (
        requests.Request("GET", url, headers={"Accept-Language": each}) for each in ("de", "en")
    )
    for request in (german, english):
        s.send(s.prepare_request(request))
    assert s.cache.contains(request=german)
    s.cache.delete(requests=[german])
    assert not s.cache.contains(request=german)
    assert [response.text for response in s.cache.filter()] == ["en"]


def test_a_mistake_is_told_before_anything_is_looked_at(session):
    s = session()
    with pytest.raises(ValueError, match="older_than: 'yesterday' is not a time"):
        s.cache.filter(older_than="yesterday")
    for mistaken in (s.cache.contains, s.cache.delete):
        with pytest.raises(ValueError, match=r"^'https://shop.example/a' is a URL, and keys are"):
            mistaken("https://shop.example/a")


def test_urls_go_by_the_key_that_a_function_makes(origin, session):
    s = session(key_fn=lambda request, **_: request.url.partition("?")[0])
    get_all(s, origin, "/a?n=1")
    assert s.cache.contains(url=f"{origin.url}/a?n=2")
    s.cache.delete(urls=[f"{origin.url}/a?n=3"])
    assert len(s.cache) == 0


def test_what_is_no_request_is_told(session):
    cache = session().cache
    for mistaken in (lambda: cache.contains(request="x"), lambda: cache.delete(requests=["x"])):
        with pytest.raises(TypeError, match="'x' is no request: a Request or"):
            mistaken()
    with pytest.raises(TypeError, match=r"requests=<Request .*: a list is accepted"):
        cache.delete(requests=requests.Request("GET", "http://x/"))
    with pytest.raises(TypeError):
        del cache.responses["x"]


def test_a_key_that_a_function_makes_may_be_a_url(origin, session):
    s = session(key_fn=lambda request, **_: request.url)
    get_all(s, origin, "/a")
    for own in (s, session()):  # also where the function is not given any more
        assert own.cache.contains(f"{origin.url}/a")
    assert s.cache.contains(url=f"{origin.url}/a")
    session().cache.delete(f"{origin.url}/a")
    assert not s.cache.contains(f"{origin.url}/a")


def test_delete_older_than_a_moment(origin, session, clock):
    s = session()
    get_all(s, origin, "/a")
    clock.move(60)
    moment = clock.now
    clock.move(60)
    get_all(s, origin, "/b")
    s.cache.delete(older_than=moment)
    assert stored_paths(s, origin) == ["/b"]


@pytest.mark.parametrize(
    "span", [float("inf"), 1e15, 10**400, timedelta.max], ids=["inf", "1e15", "huge", "max"]
)
def test_delete_older_than_longer_than_the_calendar_goes_back(origin, session, clock, span):
    s = session()
    get_all(s, origin, "/a")
    s.cache.delete(older_than=span)
    assert len(s.cache) == 1
    s.cache.delete(older_than=timedelta.min if span is timedelta.max else -span)
    assert len(s.cache) == 0


@pytest.mark.parametrize(("moment", "left"), [(datetime.min, 1), (datetime.max, 0)])
def test_delete_older_than_the_ends_of_the_calendar(origin, session, clock, moment, left):
    s = session()
    get_all(s, origin, "/a")
    s.cache.delete(older_than=moment)
    assert len(s.cache) == left


@pytest.mark.parametrize(("span", "left"), [("2m", 1), ("59s", 0)])
def test_delete_older_than_a_text(origin, session, clock, span, left):
    s = session()
    get_all(s, origin, "/a")
    clock.move(60)
    s.cache.delete(older_than=span)
    assert len(s.cache) == left


@pytest.mark.parametrize("wrong", ["never", True, [60]], ids=repr)
def test_delete_older_than_refuses_what_is_no_time(session, wrong):
    with pytest.raises(TypeError, match="older_than"):
        session().cache.delete(older_than=wrong)


def test_a_304_renews_the_creation_that_older_than_looks_at(origin, session, clock):
    origin["/a"] = WITH_ETAG
    s = session(expire_after=10)
    s.get(f"{origin.url}/a")
    clock.move(100)
    assert s.get(f"{origin.url}/a").revalidated
    clock.move(5)
    s.cache.delete(older_than=50)
    assert stored_paths(s, origin) == ["/a"]
    s.cache.delete(older_than=5)
    assert len(s.cache) == 0


AT_2030 = datetime(2030, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("value", "expires_in"),
    [
        (60, timedelta(seconds=60)),
        (timedelta(hours=2), timedelta(hours=2)),
        ("30d", timedelta(days=30)),
        (AT_2030, AT_2030),
        (0, timedelta(0)),
        (NEVER_EXPIRE, None),
        (None, None),
        (DO_NOT_CACHE, None),
    ],
    ids=repr,
)
def test_reset_expiration_holds_for_everything_from_now_on(origin, session, clock, value, expires_in):
    """With several entries, which one of the known caches never ends with."""
    s = session(expire_after=100)
    get_all(s, origin, "/a", "/b", "/c")
    get_all(s, origin, "/expired", expire_after=1)
    created = clock.now
    clock.move(50)
    s.cache.reset_expiration(value)
    expected = clock.now + expires_in if isinstance(expires_in, timedelta) else expires_in
    stored = list(s.cache.filter())
    assert [response.expires for response in stored] == [expected] * 4
    assert {response.created_at for response in stored} == {created}
    assert s.get(f"{origin.url}/expired").from_cache is (value != 0)


def test_reset_expiration_without_a_value_means_never(origin, session, clock):
    s = session(expire_after=1)
    get_all(s, origin, "/a", "/b")
    clock.move(10)
    s.cache.reset_expiration()
    clock.move(timedelta(days=5000))
    assert all(response.from_cache and not response.is_expired for response in get_all(s, origin, "/a", "/b"))


def test_urls_are_found_whatever_headers_they_were_asked_with(origin, session):
    s = session(match_headers=["X-Lang"])
    for path in ("/a", "/b"):
        s.get(origin.url + path, headers={"X-Lang": "de"})
    assert s.cache.contains(url=origin.url + "/a")
    assert not s.cache.contains(url=origin.url + "/c")
    s.cache.delete(urls=[origin.url + "/a"])
    assert stored_paths(s, origin) == ["/b"]


def test_delete_urls_removes_their_get_requests(origin, session):
    s = session(allowable_methods=["GET", "HEAD", "POST"])
    get_all(s, origin, "/q?b=2&a=1", "/q?a=1", "/other")
    s.head(f"{origin.url}/other")
    s.post(f"{origin.url}/other")
    s.cache.delete(urls=[f"{origin.url}/q?a=1&b=2", f"{origin.url}/other", f"{origin.url}/unknown"])
    left = [(response.request.method, response.url.removeprefix(origin.url)) for response in s.cache.filter()]
    assert left == [("GET", "/q?a=1"), ("HEAD", "/other"), ("POST", "/other")]


def test_delete_urls_refuses_a_single_text(session):
    with pytest.raises(TypeError, match="a list is accepted"):
        session().cache.delete(urls="http://example.com/")


@pytest.mark.parametrize("prepared", [False, True])
def test_delete_requests_matches_params_and_body(origin, session, prepared):
    s = session(allowable_methods=["GET", "POST"])
    for page in (1, 2):
        s.get(f"{origin.url}/list", params={"page": page, "size": 5})
        s.post(f"{origin.url}/form", data={"page": page})
        s.post(f"{origin.url}/json", json={"page": page})
    wanted = [
        requests.Request("GET", f"{origin.url}/list", params={"size": 5, "page": 1}),
        requests.Request("POST", f"{origin.url}/form", data={"page": 1}),
        requests.Request("POST", f"{origin.url}/json", json={"page": 1}),
    ]
    s.cache.delete(requests=[item.prepare() for item in wanted] if prepared else wanted)
    assert len(s.cache) == 3
    assert not any(s.cache.contains(request=item) for item in wanted)
    assert s.get(f"{origin.url}/list", params={"page": 2, "size": 5}).from_cache
    assert s.post(f"{origin.url}/form", data={"page": 2}).from_cache
    assert s.post(f"{origin.url}/json", json={"page": 2}).from_cache


def test_delete_requests_matches_headers_that_are_compared(origin, session):
    s = session(match_headers=["Accept-Language"])
    url = f"{origin.url}/a"
    for language in ("de", "fr"):
        s.get(url, headers={"Accept-Language": language})
    s.cache.delete(requests=[requests.Request("GET", url, headers={"accept-language": "de"})])
    assert s.get(url, headers={"Accept-Language": "fr"}).from_cache
    assert not s.get(url, headers={"Accept-Language": "de"}).from_cache


def test_delete_keys_passes_over_unknown_ones(origin, session):
    s = session()
    one, two, three = (response.cache_key for response in get_all(s, origin, "/1", "/2", "/3"))
    s.cache.delete(one, "unknown", three)
    assert list(s.cache) == [two]
    s.cache.delete("unknown")
    assert list(s.cache) == [two]


def test_clear_reads_nothing_of_what_goes(origin, session):
    origin["/large"] = Answer(bytes(range(256)) * 400)
    s = session()
    s.get(f"{origin.url}/large")
    s.get(f"{origin.url}/small")
    [body] = s.cache.path.with_suffix(".bodies").iterdir()
    body.unlink()
    with pytest.raises(CassetteError, match="cannot read the body file"):
        s.get(f"{origin.url}/large")
    s.cache.clear()
    assert (len(s.cache), s.get(f"{origin.url}/large").from_cache) == (0, False)


@pytest.mark.parametrize("remove", [lambda cache: cache.clear(), lambda cache: cache.delete(expired=True)])
def test_what_is_removed_is_gone_for_new_sessions_too(origin, session, clock, remove):
    first, beside = session(expire_after=10), session(expire_after=10)
    get_all(first, origin, "/a", "/a")
    assert beside.get(f"{origin.url}/a").from_cache
    clock.move(10)
    remove(first.cache)
    assert len(beside.cache) == 0
    first.close()
    later = session()
    assert len(later.cache) == 0
    assert later.get(f"{origin.url}/a").from_cache is False


def test_what_is_removed_stays_away_though_it_was_replaced_before(origin, session, clock):
    """An older recording of the same request must not come to light again."""
    s = session(expire_after=10)
    s.get(f"{origin.url}/a")
    clock.move(20)
    key = s.get(f"{origin.url}/a").cache_key
    s.cache.delete(key)
    assert len(session().cache) == 0


@pytest.mark.parametrize("cache_control", [True, False])
def test_a_head_is_found_by_the_stored_get_that_answers_it(origin, session, cache_control):
    s = session(cache_control=cache_control, expire_after=60)
    s.get(f"{origin.url}/a")
    head = requests.Request("HEAD", f"{origin.url}/a")
    assert s.cache.contains(request=head) is cache_control
    s.cache.delete(requests=[head])
    assert len(s.cache) == (0 if cache_control else 1)


@pytest.mark.parametrize("how", ["killed", "beside"])
def test_what_another_variant_has_replaced_answers_no_other_requests(origin, session, how):
    """The older response had no ``Vary``: it would answer all of them."""
    varying = {"Vary": "X-V"}
    origin["/a"] = Answer("old"), Answer("new", headers=varying), Answer("other", headers=varying)
    s = session()
    beside = session()
    for options in ({}, {"force_refresh": True}):
        s.get(f"{origin.url}/a", headers={"X-V": "1"}, **options)
    later = beside if how == "beside" else session()
    assert [response.text for response in later.cache.filter()] == ["new"]
    assert later.get(f"{origin.url}/a", headers={"X-V": "2"}).text == "other"
    assert later.get(f"{origin.url}/a", headers={"X-V": "1"}).text == "new"


def test_redirect_to_a_port_that_is_none_is_listed_and_removed(session):
    class Elsewhere(requests.adapters.BaseAdapter):
        def send(self, request, **kwargs):
            response = requests.Response()
            response.status_code, response.request, response.url = 200, request, request.url
            response._content = b"here"
            if request.url.endswith("/r"):
                response.status_code, response.headers["Location"] = 302, "http://api.invalid:99999/"
            return response

        def close(self):
            pass

    s = session()
    s.mount("http://", Elsewhere())
    assert s.get("http://api.invalid/r").text == "here"
    assert session().cache.urls() == ["http://api.invalid/r", "http://api.invalid:99999/"]
    s.cache.clear()
    assert len(session().cache) == 0


def test_module_delete_and_clear_work_on_the_installed_cache(origin, install, clock):
    install(expire_after=100)
    requests.get(f"{origin.url}/short", expire_after=10)
    for path in ("/url", "/kept", "/request"):
        requests.get(origin.url + path)
    cache = pytest_reqcache.get_cache()
    clock.move(10)
    pytest_reqcache.delete(expired=True)
    assert cache.urls() == [f"{origin.url}/kept", f"{origin.url}/request", f"{origin.url}/url"]
    pytest_reqcache.delete(urls=[f"{origin.url}/url"])
    pytest_reqcache.delete(requests=[requests.Request("GET", f"{origin.url}/request")])
    assert cache.urls() == [f"{origin.url}/kept"]
    clock.move(50)
    pytest_reqcache.delete(older_than=timedelta(seconds=60))
    assert len(cache) == 0
    requests.get(f"{origin.url}/kept")
    pytest_reqcache.clear()
    assert len(cache) == 0
    assert requests.get(f"{origin.url}/kept").from_cache is False


def test_module_delete_and_clear_do_nothing_without_an_installed_cache():
    assert pytest_reqcache.get_cache() is None
    pytest_reqcache.delete("key", expired=True, urls=["http://example.com/"])
    pytest_reqcache.clear()
    assert pytest_reqcache.is_installed() is False


def test_deleting_the_source_of_a_redirect_fetches_it_again(origin, session):
    origin["/from"] = Answer(status=302, headers={"Location": "/to"})
    s = session()
    s.get(f"{origin.url}/from")
    s.cache.delete(urls=[f"{origin.url}/from"])
    response = s.get(f"{origin.url}/from")
    assert (origin.count("/from"), origin.count("/to")) == (2, 1)
    assert response.history[0].from_cache is False


def test_deleting_a_whole_chain_leaves_nothing(origin, session):
    origin["/from"] = Answer(status=301, headers={"Location": "/via"})
    origin["/via"] = Answer(status=302, headers={"Location": "/to"})
    s = session()
    response = s.get(f"{origin.url}/from")
    s.cache.delete(urls=[hop.url for hop in [*response.history, response]])
    assert len(s.cache) == 0


def test_removing_expired_at_close_leaves_the_others(origin, session, clock):
    """``remove_expired`` of a session."""
    s = session(remove_expired=True)
    get_all(s, origin, "/short", expire_after=10)
    get_all(s, origin, "/kept")
    clock.move(10)
    s.close()
    assert stored_paths(session(), origin) == ["/kept"]


def test_read_only_sessions_remove_nothing_at_close(origin, session, clock):
    get_all(session(expire_after=1), origin, "/a")
    clock.move(10)
    session(remove_expired=True, read_only=True).close()
    assert len(session().cache) == 1


@pytest.mark.parametrize(
    "look",
    [
        lambda cache, url: cache.contains(url=url),
        lambda cache, url: cache.contains(request=requests.Request("GET", url)),
        lambda cache, url: cache.delete(urls=[url]),
        lambda cache, url: cache.delete(requests=[requests.Request("GET", url)]),
    ],
)
def test_one_url_is_looked_for_without_reading_all(origin, session, monkeypatch, look):
    s = session()
    for number in range(20):
        s.get(f"{origin.url}/{number}")
    s.close()
    read, interaction = set(), View.interaction

    def noted(self, number, *arguments):
        read.add(number)
        return interaction(self, number, *arguments)

    monkeypatch.setattr(View, "interaction", noted)
    look(session().cache, f"{origin.url}/7")
    assert read == {7}
