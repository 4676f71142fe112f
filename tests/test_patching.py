"""``install_cache`` and its companions, and what mock libraries do beside a cache."""

from __future__ import annotations

import sys
import threading
from unittest import mock

import pytest
import requests
import requests_mock
import responses

import pytest_reqcache
from origin import Answer
from pytest_reqcache import (
    CachedSession,
    disabled,
    enabled,
    get_cache,
    install_cache,
    is_installed,
    patching,
    uninstall_cache,
)
from pytest_reqcache.engine import open_engine
from pytest_reqcache.patching import _patches

PLAIN_SESSION = requests.sessions.Session


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    yield
    uninstall_cache()
    assert requests.Session is requests.sessions.Session is PLAIN_SESSION


def is_cached(url, call=requests.get, **options):
    """Whether the second of two calls is answered from the cache."""
    call(url, **options)
    return getattr(call(url, **options), "from_cache", False)


def test_requests_are_cached_between_install_and_uninstall(origin, install):
    url = f"{origin.url}/a"
    assert is_cached(url) is False
    install()
    assert is_cached(url) is True
    uninstall_cache()
    assert not hasattr(requests.get(url), "from_cache")
    assert origin.count() == 4


def test_uninstall_without_install_does_nothing():
    uninstall_cache()
    uninstall_cache()
    assert is_installed() is False


@pytest.mark.parametrize(
    "call",
    [
        requests.get,
        lambda url: requests.request("GET", url),
        lambda url: requests.api.get(url),
        lambda url: requests.Session().get(url),
        lambda url: requests.session().get(url),
        lambda url: requests.sessions.Session().get(url),
        lambda url: requests.Session().send(requests.Request("GET", url).prepare()),
    ],
    ids=["get", "request", "api", "Session", "session", "sessions.Session", "send"],
)
def test_every_way_to_request_is_reached(origin, install, call):
    install()
    assert is_cached(f"{origin.url}/a", call) is True
    assert origin.count() == 1


def test_sessions_made_before_are_reached_and_set_free(origin, install):
    with requests.Session() as before:
        install()
        assert is_cached(f"{origin.url}/a", before.get) is True
        uninstall_cache()
        assert not hasattr(before.get(f"{origin.url}/a"), "from_cache")
    assert origin.count() == 2


def test_subclasses_are_reached(origin, install):
    class Mine(requests.Session):
        def get(self, path, **kwargs):
            return super().get(origin.url + path, **kwargs)

    install()
    with Mine() as mine:
        assert type(mine).__mro__[1] is PLAIN_SESSION
        assert is_cached("/a", mine.get) is True
    assert origin.count() == 1


def test_subclass_made_while_installed_is_reached(origin, install):
    install()

    class Mine(requests.Session):
        pass

    assert is_cached(f"{origin.url}/a", Mine().get) is True


def test_session_made_while_installed_works_after_uninstall(origin, install):
    install()
    s = requests.Session()
    s.get(f"{origin.url}/a")
    uninstall_cache()
    assert s.get(f"{origin.url}/b").status_code == 200


def test_settings_and_options_hold(origin, install, clock):
    """``requests.get(url, expire_after=60)``"""
    install(expire_after=100, stale_if_error=True)
    url = f"{origin.url}/a"
    assert requests.get(url, expire_after=60).expires.timestamp() == clock.now.timestamp() + 60
    assert requests.get(url, only_if_cached=True).from_cache is True
    assert requests.get(url, refresh=True).from_cache is False
    assert requests.Session().post(url, expire_after=5).from_cache is False
    clock.move(200)
    origin["/a"] = Answer(status=500)
    stale = requests.get(url)
    assert (stale.from_cache, stale.is_expired) == (True, True)


def test_wrong_settings_are_refused_and_change_nothing(install, tmp_path):
    with pytest.raises(TypeError, match="did you mean 'expire_after'"):
        install(expire_afer=5)
    with pytest.raises(ValueError, match="expire_after"):
        install(expire_after="tomorrow")
    assert is_installed() is False
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "context", [install_cache, lambda *args, **kwargs: enabled(*args, **kwargs).__enter__()]
)
@pytest.mark.parametrize("factory", [5, requests.Session, CachedSession.wrap], ids=str)
def test_what_makes_no_cached_sessions_is_refused(tmp_path, context, factory):
    with pytest.raises(TypeError, match=r"session_factory=.*CachedSession is accepted"):
        context(tmp_path / "cache", session_factory=factory)
    assert is_installed() is False


def test_is_installed_and_get_cache(origin, install, tmp_path):
    assert (is_installed(), get_cache()) == (False, None)
    install()
    assert is_installed() is True
    requests.get(f"{origin.url}/a")
    assert get_cache().path == tmp_path / "installed.yaml"
    assert get_cache().urls() == [f"{origin.url}/a"]
    assert get_cache().contains(url=f"{origin.url}/a")
    uninstall_cache()
    assert (is_installed(), get_cache()) == (False, None)


def test_clear_and_delete(origin, install, clock):
    install()
    requests.get(f"{origin.url}/a", expire_after=1)
    requests.get(f"{origin.url}/b")
    clock.move(1)
    pytest_reqcache.delete(expired=True)
    assert get_cache().urls() == [f"{origin.url}/b"]
    pytest_reqcache.clear()
    assert get_cache().urls() == []


def test_installing_again_replaces_the_cache(origin, tmp_path):
    url = f"{origin.url}/a"
    install_cache(tmp_path / "one")
    requests.get(url)
    install_cache(tmp_path / "two")
    assert requests.get(url).from_cache is False
    install_cache(tmp_path / "one")
    assert requests.get(url).from_cache is True


def test_disabled_takes_the_cache_away_for_a_while(origin, install):
    install()
    url = f"{origin.url}/a"
    s = requests.Session()
    assert is_cached(url) is True
    with disabled():
        assert is_installed() is False
        assert not hasattr(requests.get(url), "from_cache")
        with disabled():
            assert is_installed() is False
        assert not hasattr(requests.Session().get(url), "from_cache")
    assert is_installed() is True
    assert requests.get(url).from_cache is True
    assert s.get(url).from_cache is True
    assert origin.count() == 3


def test_sessions_made_while_installed_use_what_is_installed_now(origin, install, tmp_path):
    install(expire_after=60)
    s, url = requests.Session(), f"{origin.url}/a"
    assert is_cached(url, s.get) is True
    with disabled():
        assert is_cached(url, s.get) is False
        with s.cache_disabled():
            pass
    assert s.get(url).from_cache is True
    install(tmp_path / "second", expire_after=5)
    assert s.get(url).from_cache is False
    assert (s.cache.path, s.expire_after) == (tmp_path / "second.yaml", 5)
    uninstall_cache()
    assert is_cached(url, s.get) is False
    assert s.cache.path == tmp_path / "installed.yaml"  # its own


def test_a_session_whose_cache_is_disabled_stays_without_whatever_is_installed(origin, install, tmp_path):
    install()
    s, url = requests.Session(), f"{origin.url}/a"
    with s.cache_disabled():
        with enabled(tmp_path / "other"):
            assert is_cached(url, s.get) is False
            assert is_cached(url) is True
        uninstall_cache()
        install(tmp_path / "second")
        assert is_cached(url, s.get) is False
    assert is_cached(url, s.get) is True


def test_disabled_without_a_cache_does_nothing(origin):
    with disabled():
        requests.get(f"{origin.url}/a")
    assert is_installed() is False
    assert origin.count() == 1


def test_enabled_caches_within(origin, tmp_path):
    url = f"{origin.url}/a"
    with enabled(tmp_path / "e", expire_after=60):
        assert is_installed() is True
        assert is_cached(url) is True
    assert is_installed() is False
    assert not hasattr(requests.get(url), "from_cache")


@pytest.mark.parametrize("context", [disabled, lambda: enabled(":memory:")], ids=["disabled", "enabled"])
def test_a_cache_installed_within_is_closed_behind(origin, install, tmp_path, clock, context):
    install()
    with context():
        install_cache(tmp_path / "within", expire_after=60, remove_expired=True)
        requests.get(f"{origin.url}/a")
        clock.move(61)
    assert get_cache().path == tmp_path / "installed.yaml"
    assert "/a" not in (tmp_path / "within.yaml").read_text()


def test_enabled_within_an_installed_cache_restores_it(origin, tmp_path, install):
    install()
    url = f"{origin.url}/a"
    requests.get(url)
    with enabled(tmp_path / "inner"):
        assert requests.get(url).from_cache is False
        with enabled(tmp_path / "innermost"):
            assert requests.get(url).from_cache is False
            with disabled():
                assert not hasattr(requests.get(url), "from_cache")
        assert requests.get(url).from_cache is True
        assert get_cache().path == tmp_path / "inner.yaml"
    assert get_cache().path == tmp_path / "installed.yaml"
    assert requests.get(url).from_cache is True
    assert origin.count() == 4


@pytest.mark.parametrize("context", [disabled, lambda: enabled(":memory:")])
def test_error_within_restores_what_was_there(install, tmp_path, context):
    install()
    with pytest.raises(ZeroDivisionError), context():
        _ = 1 / 0
    assert get_cache().path == tmp_path / "installed.yaml"


def test_adapter_that_a_session_gives_is_the_one_that_is_mounted(origin, install):
    """Code looks at it, sets something on it, and patches it."""
    install()
    before = PLAIN_SESSION()
    adapter = before.get_adapter(origin.url)
    assert adapter is before.adapters["http://"]
    unreachable = mock.patch.object(adapter, "send", side_effect=requests.ConnectionError)
    with unreachable, pytest.raises(requests.ConnectionError):
        before.get(f"{origin.url}/a")
    assert is_cached(f"{origin.url}/a", before.get) is True


def test_send_that_was_saved_before_ours_came_is_cached(origin, install):
    saved = _patches.originals.get("send", PLAIN_SESSION.send)
    install()
    before, request = PLAIN_SESSION(), requests.Request("GET", f"{origin.url}/a").prepare()
    assert [saved(before, request).from_cache for _ in range(2)] == [False, True]
    uninstall_cache()
    assert not hasattr(saved(before, request), "from_cache")


def test_cached_session_keeps_its_own_cache(origin, session, install, tmp_path):
    """Decision 1: not cached twice."""
    s = session()
    install()
    assert is_cached(f"{origin.url}/a", s.get) is True
    assert len(get_cache()) == 0
    assert requests.get(f"{origin.url}/a").from_cache is False
    assert origin.count() == 2


def test_redirects_hooks_and_streams_are_as_with_a_cached_session(origin, install):
    origin["/from"] = Answer(status=302, headers={"Location": "/to", "Set-Cookie": "a=1; Path=/"})
    seen = []
    with requests.Session() as before:
        before.hooks["response"].append(lambda response, **_: seen.append(response.from_cache))
        install()
        for from_cache in (False, True):
            before.cookies.clear()
            response = before.get(f"{origin.url}/from", stream=True)
            assert response.json()["path"] == "/to"
            assert [hop.from_cache for hop in (*response.history, response)] == [from_cache] * 2
            assert before.cookies.get_dict() == {"a": "1"}
    assert seen == [False, False, True, True]
    assert origin.count() == 2


def test_failed_chain_of_a_patched_session_leaves_nothing(origin, install):
    origin["/from"] = Answer(status=302, headers={"Location": "/to"})
    origin["/to"] = Answer(drop=True)
    install()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{origin.url}/from")
    assert len(get_cache()) == 0


def test_session_factory_makes_the_sessions(origin, tmp_path):
    class Mine(CachedSession):
        def request(self, method, url, **kwargs):
            kwargs.setdefault("headers", {})["X-Mine"] = "1"
            return super().request(method, url, **kwargs)

    install_cache(tmp_path / "c", session_factory=Mine)
    assert is_cached(f"{origin.url}/a") is True
    assert origin.last.headers["x-mine"] == "1"
    assert isinstance(requests.Session(), Mine)


def test_threads_share_the_installed_cache(origin, install):
    origin["/slow"] = Answer("x", delay=0.05)
    install()
    threads = [threading.Thread(target=requests.get, args=(f"{origin.url}/slow",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert origin.count() == 1


def test_what_is_stored_outlives_the_installation(origin, tmp_path):
    with enabled(tmp_path / "c"):
        requests.get(f"{origin.url}/a")
    with enabled(tmp_path / "c"):
        assert requests.get(f"{origin.url}/a").from_cache is True


# --- mock libraries


def test_responses_below_a_cached_session_is_the_origin(session):
    """Section 7 of the design."""
    s = session(expire_after=60)
    with responses.RequestsMock() as mock:
        mock.get("http://example.com/a", json={"n": 1}, headers={"ETag": '"1"'})
        for from_cache in (False, True):
            response = s.get("http://example.com/a")
            assert (response.json(), response.from_cache) == ({"n": 1}, from_cache)
        mock.assert_call_count("http://example.com/a", 1)
        assert s.get("http://example.com/a", refresh=True).from_cache is False
        assert mock.calls[1].request.headers["If-None-Match"] == '"1"'
    assert s.get("http://example.com/a").from_cache is True


def test_responses_that_a_mock_raises_are_errors_of_the_origin(session, clock):
    s = session(expire_after=10, stale_if_error=True)
    with responses.RequestsMock() as mock:
        mock.get("http://example.com/a", body="old")
        mock.get("http://example.com/a", body=requests.ConnectionError("gone"))
        s.get("http://example.com/a")
        clock.move(10)
        stale = s.get("http://example.com/a")
        assert (stale.text, stale.is_expired) == ("old", True)
        with pytest.raises(requests.ConnectionError):
            s.get("http://example.com/unknown")


def test_stream_of_a_mock_is_recorded(session):
    s = session()
    with responses.RequestsMock() as mock:
        mock.get("http://example.com/a", body="one\ntwo\n")
        for from_cache in (False, True):
            response = s.get("http://example.com/a", stream=True)
            assert list(response.iter_lines()) == [b"one", b"two"]
            assert response.from_cache is from_cache
        mock.assert_call_count("http://example.com/a", 1)


def test_responses_beside_an_installed_cache(origin, install):
    install()
    with responses.RequestsMock() as mock:
        mock.get("http://example.com/a", body="mocked")
        mock.add_passthru(origin.url)
        assert [requests.get("http://example.com/a").from_cache for _ in range(2)] == [False, True]
        assert [requests.get(f"{origin.url}/a").from_cache for _ in range(2)] == [False, True]
    assert requests.get(f"{origin.url}/a").from_cache is True
    assert origin.count() == 1


def test_requests_mock_on_a_session_answers_first_and_leaves_the_cache_in_place(origin, session):
    """It leaves instance attributes ``get_adapter`` and ``send``, which must not hide the cache."""
    s = session()
    with requests_mock.Mocker(session=s) as mock:
        mock.get("http://example.com/a", text="mocked")
        assert s.get("http://example.com/a").text == "mocked"
        assert mock.call_count == 1
    assert "get_adapter" not in vars(s)
    assert is_cached(f"{origin.url}/real", s.get) is True
    assert origin.count() == 1


def test_adapter_that_a_mock_puts_on_the_instance_is_the_origin(session):
    s = session()
    adapter = requests_mock.Adapter()
    adapter.register_uri("GET", "http://example.com/a", text="mocked")
    s.get_adapter = lambda url: adapter
    assert [s.get("http://example.com/a").from_cache for _ in range(2)] == [False, True]
    assert adapter.call_count == 1
    del s.get_adapter
    assert isinstance(s.get_adapter("http://example.com/"), requests.adapters.HTTPAdapter)


def test_requests_mock_for_every_session(session):
    s = session()
    with requests_mock.Mocker() as mock:
        mock.get("http://example.com/a", text="mocked")
        assert [s.get("http://example.com/a").from_cache for _ in range(2)] == [False, True]
        assert mock.call_count == 1


def test_requests_mock_that_spans_install_and_uninstall_leaves_nothing(origin, install):
    with requests_mock.Mocker(real_http=True):
        install()
        requests.get(f"{origin.url}/a")
        uninstall_cache()
    assert not hasattr(requests.get(f"{origin.url}/a"), "from_cache")
    install()
    assert is_cached(f"{origin.url}/b") is True


def test_mounted_mock_adapter_is_the_origin(session):
    s = session()
    adapter = requests_mock.Adapter()
    adapter.register_uri("GET", "mock://x/a", text="mocked")
    s.mount("mock://", adapter)
    assert [s.get("mock://x/a").from_cache for _ in range(2)] == [False, True]
    assert adapter.call_count == 1


def test_other_threads_may_send_while_engines_come_and_go():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    engine, ended, errors = open_engine(":memory:", {}), threading.Event(), []

    def look():
        while not ended.is_set():
            try:
                assert patching._patches.engine in (None, engine)
            except Exception as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=look) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(2000):
            with patching.patched(engine):
                patching.put_on(patching.take_off(object()))
    finally:
        ended.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()
    assert errors == []
