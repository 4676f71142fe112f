"""requests-mock in a test: mocks answer first, and what it lets through is the cassette's."""

from __future__ import annotations

import pytest

STARTED = {
    "fixture": """
        @pytest.mark.reqcache
        def test_it(requests_mock, reqcache):
            check(requests_mock, reqcache, requests)
    """,
    "Mocker": """
        @pytest.mark.reqcache
        def test_it(reqcache):
            with requests_mock.Mocker() as mock:
                check(mock, reqcache, requests)
    """,
    "decorator": """
        @pytest.mark.reqcache
        def test_it(reqcache):
            @requests_mock.Mocker()
            def decorated(mock):
                check(mock, reqcache, requests)
            decorated()
    """,
    "of one session": """
        @pytest.mark.reqcache
        def test_it(reqcache):
            session = requests.Session()
            with requests_mock.Mocker(session=session) as mock:
                check(mock, reqcache, session)
    """,
    "cached_session": """
        def test_it(requests_mock, reqcache, cached_session):
            check(requests_mock, reqcache, cached_session)
    """,
    "of one cached_session": """
        def test_it(reqcache, cached_session):
            with requests_mock.Mocker(session=cached_session) as mock:
                check(mock, reqcache, cached_session)
    """,
    "session fixture": """
        @pytest.fixture(scope="session", name="mock")
        def _mock():
            with requests_mock.Mocker() as mock:
                yield mock

        @pytest.mark.reqcache
        def test_it(mock, reqcache):
            check(mock, reqcache, requests)
    """,
    "imported in the test": """
        @pytest.mark.reqcache
        def test_it(reqcache):
            assert requests.get(URL + "/before").ok
            import requests_mock
            with requests_mock.Mocker() as mock:
                check(mock, reqcache, requests)
    """,
    "mounted": """
        class Mock(requests_mock.Adapter):
            def get(self, url, **how):
                self.register_uri("GET", url, **how)

        @pytest.mark.reqcache
        def test_it(reqcache):
            session, mock = requests.Session(), Mock()
            session.mount("http://service.invalid", mock)
            check(mock, reqcache, session)
    """,
}


@pytest.mark.parametrize("how", STARTED)
def test_mocks_answer_first_and_real_requests_go_to_the_cassette(suite, how):
    imported = "" if how == "imported in the test" else "import requests_mock"
    suite.test(f"""
        {imported}

        def check(mock, reqcache, client):
            before = reqcache.recorded + reqcache.replayed
            mock.get("http://service.invalid/a", text="mocked")
            if type(mock).__name__ != "Mock":
                mock.get(URL + "/real", real_http=True)
            for _ in range(2):
                assert client.get("http://service.invalid/a").text == "mocked"
            assert mock.call_count == 2
            assert reqcache.recorded + reqcache.replayed == before
            assert client.get(URL + "/real").json()["path"] == "/real"
            assert reqcache.recorded + reqcache.replayed == before + 1
            assert reqcache.requests == reqcache.recorded
            with pytest.raises(Exception, match="No mock address"):
                client.get("http://service.invalid/unknown")
            assert reqcache.missed == 0
{STARTED[how]}
    """)
    run = suite.subprocess if "import" in how else suite.run
    run("-p", "requests_mock").assert_outcomes(passed=1)
    assert suite.origin.count("/real") == 1
    assert "service.invalid" not in suite.cassette()
    suite.origin.stop()
    run("-p", "requests_mock", "--reqcache-offline").assert_outcomes(passed=1)


@pytest.mark.parametrize("client", ["requests", "cached_session"])
def test_mocker_with_real_http(suite, client):
    suite.test(f"""
        import requests_mock

        @pytest.mark.reqcache(stale_if_error=True)
        def test_it(cached_session, reqcache):
            with requests_mock.Mocker(real_http=True) as mock:
                mock.get("http://service.invalid/a", text="mocked")
                assert {client}.get("http://service.invalid/a").text == "mocked"
                assert {client}.get(URL + "/real").json()["path"] == "/real"
                assert reqcache.requests == reqcache.recorded
            assert requests.get(URL + "/real").from_cache
    """)
    suite.run().stdout.fnmatch_lines(["1 replayed, 1 recorded, 1 request made"])
    suite.origin.stop()
    suite.offline().stdout.fnmatch_lines(["2 replayed, 0 requests made"])


def test_miss_of_a_real_request_offline_is_a_504(suite):
    suite.test("""
        import requests_mock

        @pytest.mark.reqcache
        def test_it(cached_session):
            with requests_mock.Mocker(real_http=True) as mock:
                assert requests.get(URL + "/a").status_code == 504
                assert cached_session.get(URL + "/b").status_code == 504
    """)
    suite.offline().stdout.fnmatch_lines(["2 missed, 0 requests made"])
    assert suite.origin.count() == 0


def test_unmarked_test_offline(suite):
    suite.test("""
        import requests_mock

        def test_it():
            with requests_mock.Mocker(real_http=True) as mock:
                mock.get("http://service.invalid/a", text="mocked")
                assert requests.get("http://service.invalid/a").text == "mocked"
                assert requests.get("http://other.invalid/").status_code == 504
                assert requests.get(URL + "/a").ok
            session, adapter = requests.Session(), requests_mock.Adapter()
            adapter.register_uri("GET", "http://service.invalid/a", text="mounted")
            session.mount("http://", adapter)
            assert session.get("http://service.invalid/a").text == "mounted"
    """)
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("target", ["", "session=session"])
def test_session_that_was_mocked_before_the_first_test_is_reached(suite, target):
    """requests-mock leaves the `get_adapter` that it found on every session that it has seen."""
    suite.test(f"""
        import requests_mock
        session = requests.Session()

        def test_before():
            with requests_mock.Mocker({target}) as mock:
                mock.get("http://service.invalid/a", text="mocked")
                assert session.get("http://service.invalid/a").text == "mocked"

        @pytest.mark.reqcache
        def test_it(reqcache):
            assert session.get(URL + "/a").ok
            assert reqcache.recorded + reqcache.replayed == 1
    """)
    suite.subprocess().assert_outcomes(passed=2)
    suite.origin.stop()
    suite.subprocess("--reqcache-offline").assert_outcomes(passed=2)
