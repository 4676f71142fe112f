"""`responses` in a test: mocks answer first, and what they pass through is the cassette's."""

from __future__ import annotations

import pytest

from origin import Answer

MOCKED = """
    import responses

    @pytest.mark.reqcache
    def test_it(reqcache):
        with responses.RequestsMock() as mock:
            mock.get("http://service.invalid/a", json={"n": 1})
            mock.add_passthru(URL)
            assert requests.get("http://service.invalid/a").json() == {"n": 1}
            assert (reqcache.recorded, reqcache.replayed, reqcache.missed, reqcache.requests) == (0, 0, 0, 0)
            assert requests.get(URL + "/real").json()["path"] == "/real"
            with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
                requests.get("http://service.invalid/unknown")
            mock.assert_call_count("http://service.invalid/a", 1)
"""


def test_mock_answers_first_and_is_neither_recorded_nor_counted(suite):
    suite.test(MOCKED)
    suite.run().stdout.fnmatch_lines(["1 recorded, 1 request made"])
    assert suite.cassette().count("- request:") == 1
    assert "service.invalid" not in suite.cassette()
    suite.run().stdout.fnmatch_lines(["1 replayed, 0 requests made"])
    suite.origin.stop()
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 replayed, 0 requests made"])
    assert "refused" not in result.stdout.str()


def test_mock_answers_a_url_that_is_recorded_as_well(suite):
    """Adding a mock later changes the test at once, and leaves the recording."""
    suite.origin["/a"] = Answer("recorded")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").text == "recorded"
    """)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    suite.test("""
        import responses

        @pytest.mark.reqcache
        @responses.activate
        def test_it():
            responses.get(URL + "/a", body="mocked")
            assert requests.get(URL + "/a").text == "mocked"
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)
    assert suite.cassette() == before


@pytest.mark.parametrize("how", ["prefix", "pattern", "response"])
def test_call_counts_are_right_online_and_on_replay(suite, how):
    passing = {
        "prefix": "mock.add_passthru(URL)",
        "pattern": "import re; mock.add_passthru(re.compile(re.escape(URL) + '/.*'))",
        "response": "mock.add(responses.Response('GET', URL + '/real', passthrough=True))",
    }[how]
    counted = 2 if how == "response" else 0  # `responses` does not count what a prefix lets through
    suite.test(f"""
        import responses

        @pytest.mark.reqcache
        def test_it():
            with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
                mock.get("http://service.invalid/a", body="mocked")
                {passing}
                requests.get("http://service.invalid/a")
                for _ in range(2):
                    assert requests.get(URL + "/real").status_code == 200
                mock.assert_call_count(URL + "/real", {counted})
                assert len(mock.calls) == {counted} + 1
                for call in mock.calls:
                    assert call.response.status_code == 200
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/real") == 1
    suite.origin.stop()
    suite.run().stdout.fnmatch_lines(["2 replayed, 0 requests made"])
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("how", ["add_passthru(URL)", "add(responses.GET, URL + '/real', passthrough=True)"])
def test_passed_through_miss_offline_is_a_504(suite, how):
    suite.test(f"""
        import responses

        @pytest.mark.reqcache
        @responses.activate
        def test_it(reqcache):
            responses.{how}
            assert requests.get(URL + "/real").status_code == 504
            assert reqcache.missed == 1
    """)
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["passed although they missed:"])
    assert suite.origin.count() == 0


STARTED = {
    "decorator": """
        import responses

        @pytest.mark.reqcache
        @responses.activate(assert_all_requests_are_fired=True)
        def test_it():
            check(responses)
    """,
    "context manager": """
        import responses

        @pytest.mark.reqcache
        def test_it():
            with responses.RequestsMock() as mock:
                check(mock)
    """,
    "imported in the test": """
        @pytest.mark.reqcache
        def test_it():
            import sys
            assert "responses" not in sys.modules
            requests.get(URL + "/before")
            import responses
            with responses.RequestsMock() as mock:
                check(mock)
            requests.get(URL + "/after")
    """,
    "fixture": """
        import responses

        @pytest.fixture
        def mock():
            with responses.RequestsMock() as mock:
                yield mock

        @pytest.mark.reqcache
        def test_it(mock):
            check(mock)
    """,
    "session fixture": """
        import responses

        @pytest.fixture(scope="session", autouse=True)
        def mock():
            with responses.RequestsMock() as mock:
                yield mock

        @pytest.mark.reqcache
        def test_it(mock):
            check(mock)
    """,
    "started and stopped by hand": """
        import responses
        mock = responses.RequestsMock()
        mock.start()

        @pytest.mark.reqcache
        def test_it():
            check(mock)
            mock.stop()
    """,
}


@pytest.mark.parametrize("how", STARTED)
def test_however_it_is_started(suite, how):
    suite.test(f"""
        def check(mock):
            mock.add("GET", "http://service.invalid/a", body="mocked")
            mock.add_passthru(URL)
            assert requests.get("http://service.invalid/a").text == "mocked"
            assert requests.get(URL + "/real").status_code == 200
{STARTED[how]}
    """)
    run = suite.subprocess if "import" in how else suite.run
    run().assert_outcomes(passed=1)
    assert suite.origin.count("/real") == 1
    assert "service.invalid" not in suite.cassette()
    suite.origin.stop()
    run("--reqcache-offline").assert_outcomes(passed=1)


def test_cached_session_asks_mocks_first_too(suite):
    suite.test("""
        import responses

        @responses.activate
        def test_it(cached_session, reqcache):
            responses.get("http://service.invalid/a", body="mocked")
            responses.add_passthru(URL)
            for _ in range(2):
                assert cached_session.get("http://service.invalid/a").text == "mocked"
            responses.assert_call_count("http://service.invalid/a", 2)
            assert cached_session.get(URL + "/real", expire_after=60).ok
            assert reqcache.replayed + reqcache.recorded == 1
    """)
    suite.run().assert_outcomes(passed=1)
    assert "service.invalid" not in suite.cassette()
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


ERRORS = """
    import responses
    from pytest_reqcache import CacheMissError

    @pytest.mark.reqcache{marker}
    @responses.activate
    def test_it():
        responses.add_passthru(URL)
        with pytest.raises(Exception) as caught:
            {call}
        assert type(caught.value) is {error}
"""


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("requests.get(URL + '/slow', timeout=0.05)", "requests.ReadTimeout"),
        ("requests.get(URL + '/dropped')", "requests.ConnectionError"),
        ("requests.get(URL + '/cut')", "requests.exceptions.ChunkedEncodingError"),
        ("requests.get(URL + '/loop')", "requests.TooManyRedirects"),
    ],
    ids=lambda value: value.rpartition(".")[2],
)
def test_error_of_the_real_send_keeps_its_type(suite, call, error):
    suite.origin["/slow"] = Answer(delay=0.5)
    suite.origin["/dropped"] = Answer(drop=True)
    suite.origin["/cut"] = Answer(chunks=[b"one"], cut=1)
    suite.origin["/loop"] = Answer(status=302, headers={"Location": "/loop"})
    suite.test(ERRORS.format(marker="", call=call, error=error))
    suite.run().assert_outcomes(passed=1)
    assert suite.cassettes() == []


def test_miss_that_raises_keeps_its_type(suite):
    call = "requests.get(URL + '/a')"
    suite.test(ERRORS.format(marker="(on_miss='raise')", call=call, error="CacheMissError"))
    suite.offline().assert_outcomes(passed=1)


def test_refused_connection_keeps_its_type(suite):
    suite.origin.stop()
    suite.test(ERRORS.format(marker="", call="requests.get(URL + '/a')", error="requests.ConnectionError"))
    suite.run().assert_outcomes(passed=1)


def test_stale_answer_where_the_origin_of_what_is_passed_through_is_down(suite, clock):
    suite.test("""
        import responses

        @pytest.mark.reqcache(expire_after="1h", stale_if_error=True)
        @responses.activate
        def test_it():
            responses.add_passthru(URL)
            assert requests.get(URL + "/a").json()["path"] == "/a"
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(7200)
    suite.origin.stop()
    suite.run().stdout.fnmatch_lines(["*1 stale*"])


def test_revalidation_of_what_is_passed_through(suite, clock):
    suite.origin["/a"] = Answer("body", headers={"ETag": '"1"'})
    suite.test("""
        import responses

        @pytest.mark.reqcache(expire_after="1h")
        @responses.activate
        def test_it():
            responses.add(responses.GET, URL + "/a", passthrough=True)
            response = requests.get(URL + "/a")
            assert (response.status_code, response.text) == (200, "body")
            assert "If-None-Match" not in response.request.headers
            responses.assert_call_count(URL + "/a", 1)
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(7200)
    suite.run().stdout.fnmatch_lines(["1 revalidated, 1 request made"])
    assert suite.origin.last.headers["if-none-match"] == '"1"'


def test_unmarked_test_offline(suite):
    """The guard stands below the mocks, and behind what they pass through."""
    suite.test("""
        import responses

        @responses.activate
        def test_it():
            responses.get("http://service.invalid/a", body="mocked")
            responses.add(responses.GET, "http://other.invalid/", passthrough=True)
            responses.add_passthru("http://third.invalid")
            responses.add_passthru(URL)
            assert requests.get("http://service.invalid/a").text == "mocked"
            for url in ("http://other.invalid/", "http://third.invalid/"):
                refused = requests.get(url)
                assert refused.status_code == 504 and "offline" in refused.text
            assert requests.get(URL + "/real").ok
            with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
                requests.get("http://service.invalid/unknown")
            responses.assert_call_count("http://other.invalid/", 1)
            responses.assert_call_count("http://service.invalid/a", 1)
    """)
    result = suite.offline()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "refused outside of tests that use the cache (cached_session_factory *):",
            "  GET http://other.invalid/",
            "  GET http://third.invalid/",
        ]
    )
    assert suite.origin.count("/real") == 1


def test_passthrough_setting_and_passed_through_go_straight_to_the_network(suite):
    suite.test("""
        import responses

        @pytest.mark.reqcache(passthrough=[URL])
        @responses.activate
        def test_it(reqcache):
            responses.get("http://service.invalid/a", body="mocked")
            responses.add(responses.GET, URL + "/real", passthrough=True)
            assert requests.get("http://service.invalid/a").text == "mocked"
            assert requests.get(URL + "/real").ok
            responses.assert_call_count(URL + "/real", 1)
            assert reqcache.requests == 0
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)
    assert suite.origin.count("/real") == 2
    assert suite.cassettes() == []


def test_adapter_of_the_users_own(suite):
    """What it adds to a request on its way is sent, as without us."""
    suite.test("""
        import responses
        from requests.adapters import HTTPAdapter

        class Adapter(HTTPAdapter):
            def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
                timeout = timeout or 20
                request.headers["X-Sent-By"] = "adapter"
                return super().send(request, stream, timeout, False, cert, proxies)

            def add_headers(self, request, **kwargs):
                request.headers["X-Timeout"] = str(kwargs["timeout"])

            def cert_verify(self, conn, url, verify, cert):
                assert verify is False
                super().cert_verify(conn, url, verify, cert)

        @pytest.mark.reqcache
        @responses.activate
        def test_it():
            responses.get("http://service.invalid/a", body="mocked")
            responses.add_passthru(URL)
            session = requests.Session()
            session.mount("http://", Adapter())
            assert session.get("http://service.invalid/a").text == "mocked"
            assert session.get(URL + "/real").json()["path"] == "/real"
            assert "X-Sent-By" in responses.calls[0].request.headers
    """)
    suite.run().assert_outcomes(passed=1)
    sent = suite.origin.last.headers
    assert (sent["x-sent-by"], sent["x-timeout"]) == ("adapter", "20")
    assert suite.origin.count() == 1
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_adapter_that_is_not_an_http_adapter_is_not_the_mocks(suite):
    suite.test("""
        import responses
        from requests.adapters import BaseAdapter

        class Adapter(BaseAdapter):
            def send(self, request, **kwargs):
                response = requests.Response()
                response.status_code, response._content = 200, b"own"
                response.url, response.request, response.raw = request.url, request, None
                return response
            def close(self): pass

        @pytest.mark.reqcache
        @responses.activate
        def test_it():
            session = requests.Session()
            session.mount("own://", Adapter())
            assert session.get("own://a").content == b"own"
    """)
    suite.run().stdout.fnmatch_lines(["1 recorded, 1 request made"])
    suite.offline().stdout.fnmatch_lines(["1 replayed, 0 requests made"])


RETRIES = """
    import responses
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    @pytest.mark.reqcache
    @responses.activate
    def test_it():
        {passing}
        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=Retry(3, status_forcelist=[503], backoff_factor=0)))
        {check}
"""


@pytest.mark.parametrize("how", ["add_passthru(URL)", "add(responses.GET, URL + '/a', passthrough=True)"])
def test_mounted_retries_are_those_of_the_real_send(suite, how):
    suite.origin["/a"] = Answer(status=503), Answer(status=503), Answer("good")
    check = "assert session.get(URL + '/a').text == 'good'"
    suite.test(RETRIES.format(passing=f"responses.{how}", check=check))
    suite.run().stdout.fnmatch_lines(["1 recorded, 1 request made"])
    assert suite.origin.count("/a") == 3
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_retries_that_are_used_up_keep_their_error(suite):
    suite.origin["/a"] = Answer(status=503)
    check = "with pytest.raises(requests.exceptions.RetryError): session.get(URL + '/a')"
    suite.test(RETRIES.format(passing="responses.add_passthru(URL)", check=check))
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/a") == 4
    assert suite.cassettes() == []


def test_retries_of_a_mocked_url_are_the_mocks(suite):
    passing = 'for s in (503, 503, 200): responses.get("http://service.invalid/a", status=s)'
    check = """assert session.get("http://service.invalid/a").status_code == 200
        responses.assert_call_count("http://service.invalid/a", 3)"""
    suite.test(RETRIES.format(passing=passing, check=check))
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("how", ["add_passthru(URL)", "add(responses.GET, URL + '/big', passthrough=True)"])
def test_stream_of_what_is_passed_through(suite, how):
    suite.origin["/big"] = Answer(chunks=[b"one\n", b"two\n", b"three"])
    suite.test(f"""
        import responses

        @pytest.mark.reqcache
        @responses.activate
        def test_it():
            responses.{how}
            with requests.get(URL + "/big", stream=True) as response:
                assert list(response.iter_lines()) == [b"one", b"two", b"three"]
    """)
    suite.run().stdout.fnmatch_lines(["1 recorded, 1 request made"])
    suite.origin.stop()
    suite.offline().stdout.fnmatch_lines(["1 replayed, 0 requests made"])


@pytest.mark.parametrize("body", ["b'data'", "(part for part in (b'da', b'ta'))", "io.BytesIO(b'data')"])
def test_body_that_is_sent_reaches_the_origin_and_the_cassette(suite, body):
    suite.origin["/a"] = lambda seen: Answer(seen.body)
    suite.test(f"""
        import io, responses

        @pytest.mark.reqcache
        @responses.activate
        def test_it():
            responses.add_passthru(URL)
            assert requests.post(URL + "/a", data={body}).text == "data"
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.last.body == b"data"
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


def test_redirects_cookies_and_hooks_of_what_is_passed_through(suite):
    headers = {"Location": "/new", "Set-Cookie": "theme=light; Path=/"}
    suite.origin["/old"] = Answer(status=302, headers=headers)
    suite.origin["/new"] = lambda seen: Answer(seen.headers.get("cookie", "none"))
    suite.test("""
        import responses

        @pytest.mark.reqcache
        @responses.activate
        def test_it():
            responses.add_passthru(URL)
            seen = []
            session = requests.Session()
            session.hooks["response"].append(lambda response, **kwargs: seen.append(response.status_code))
            response = session.get(URL + "/old")
            assert (response.text, seen) == ("theme=light", [302, 200])
            assert [hop.status_code for hop in response.history] == [302]
            assert response.raw is not None and response.history[0].is_redirect
    """)
    suite.run().stdout.fnmatch_lines(["2 recorded, 2 requests made"])
    suite.origin.stop()
    suite.offline().stdout.fnmatch_lines(["2 replayed, 0 requests made"])


def test_redirect_from_a_mock_into_the_cassette(suite):
    suite.test("""
        import responses

        @pytest.mark.reqcache
        @responses.activate
        def test_it():
            responses.get("http://service.invalid/a", status=302, headers={"Location": URL + "/real"})
            responses.add_passthru(URL)
            assert requests.get("http://service.invalid/a").json()["path"] == "/real"
    """)
    suite.run().stdout.fnmatch_lines(["1 recorded, 1 request made"])
    suite.origin.stop()
    suite.offline().stdout.fnmatch_lines(["1 replayed, 0 requests made"])


def test_wider_fixture_with_mocks_asks_them_first(suite):
    suite.test("""
        import responses

        @pytest.fixture(scope="module")
        def wide():
            with responses.RequestsMock() as mock:
                mock.get("http://service.invalid/a", body="mocked")
                yield requests.get("http://service.invalid/a").text
                mock.delete("http://service.invalid/a", body="gone")
                assert requests.delete("http://service.invalid/a").text == "gone"

        @pytest.mark.reqcache
        def test_it(wide):
            assert wide == "mocked"
    """)
    for result in (suite.run(), suite.offline()):
        result.assert_outcomes(passed=1)
        assert "fixtures of wider scope" not in result.stdout.str()
        assert "refused" not in result.stdout.str()
