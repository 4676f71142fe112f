"""The same request has different answers: after a write, after an error, in a sequence."""

from __future__ import annotations

import re
import threading

import pytest

from origin import Answer, Received


def record_and_replay(suite, code, **expected):
    """The same test passes live and offline; gives the cassette."""
    suite.test(code)
    suite.run().assert_outcomes(passed=1)
    recorded = suite.cassette()
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)
    assert suite.cassette() == recorded
    return recorded


def printed(result):
    """What the one test, which passed, has read."""
    result.assert_outcomes(passed=1)
    return re.findall(r"READ (\w+)", result.stdout.str())


def test_read_after_write_is_another_answer(suite):
    suite.origin["GET /item"] = Answer({"name": "old"}), Answer({"name": "new"})
    cassette = record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it(cached_session):
            get = lambda: cached_session.get(URL + "/item").json()["name"]
            assert (get(), get()) == ("old", "old")
            cached_session.put(URL + "/item", json={"name": "new"})
            assert (get(), get()) == ("new", "new")
        """,
    )
    assert suite.origin.count("/item", "GET") == 2
    assert cassette.count("  answer: 2") == 1


def test_delete_changes_the_list_of_the_same_origin(suite):
    suite.origin["/items"] = Answer([1, 2]), Answer([1])
    record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/items").json() == [1, 2]
            assert requests.delete(URL + "/items/2").ok
            assert requests.get(URL + "/items").json() == [1]
        """,
    )


def test_unsafe_requests_each_take_the_next_answer(suite):
    suite.origin["/jobs"] = Answer({"id": 1}, 201), Answer({"id": 2}, 201)
    record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it():
            assert [requests.post(URL + "/jobs", json={}).json()["id"] for _ in range(2)] == [1, 2]
        """,
    )


def test_error_is_good_for_one_use(suite):
    suite.origin["/ready"] = Answer("no", 404), Answer("no", 404), Answer("yes")
    record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it():
            assert [requests.get(URL + "/ready").text for _ in range(5)] == ["no", "no", "yes", "yes", "yes"]
        """,
    )
    assert suite.origin.count("/ready") == 3


def test_failed_write_changes_nothing(suite):
    suite.origin["PUT /item"] = Answer("no", 409)
    record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/item")
            requests.put(URL + "/item")
            requests.get(URL + "/item")
        """,
    )
    assert suite.origin.count("/item", "GET") == 1


def test_used_up_answers_are_a_miss_offline_and_recorded_online(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.post(URL + "/jobs")
    """)
    suite.run().assert_outcomes(passed=1)
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            requests.post(URL + "/jobs").raise_for_status()
            requests.post(URL + "/jobs").raise_for_status()
    """)
    result = suite.offline()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*reason:    answers used up"])
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)
    assert suite.origin.count("/jobs") == 2


def test_sequence_records_every_answer_and_holds_the_last(suite):
    suite.origin["/job"] = Answer("queued"), Answer("running"), Answer("done")
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            while (state := requests.get(URL + "/job").text) != "done":
                print("STATE", state)
    """)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    suite.offline("-s").stdout.fnmatch_lines(
        ["*STATE queued*", "STATE running*", "3 replayed, 0 requests made"]
    )
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence")
        @pytest.mark.parametrize("polls", [2, 5])
        def test_it(polls):
            states = [requests.get(URL + "/job").text for _ in range(polls)]
            assert states == ["queued", "running", "done", "done", "done"][:polls]
    """)
    for polls in (2, 5):
        path = suite.path / "cassettes" / "test_it"
        (path / f"test_it[{polls}].yaml").write_bytes((path / "test_it.yaml").read_bytes())
    suite.offline().assert_outcomes(passed=2)


def test_expired_sequence_is_recorded_anew_as_a_whole(suite, clock):
    suite.origin["/job"] = Answer("a"), Answer("b"), Answer("c"), Answer("x"), Answer("y")
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence", expire_after="1h")
        def test_it():
            while requests.get(URL + "/job").text not in "cy":
                pass
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(3600)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/job") == 5
    cassette = suite.cassette()
    assert cassette.count("- request:") == 2
    assert [text in cassette for text in ("text: |-\n      x", "text: |-\n      y")] == [True, True]


@pytest.mark.parametrize(
    ("age", "flags", "seen", "counts"),
    [
        (10, (), "a 200 fresh, b 200 fresh, c 200 fresh", "3 replayed, 0 requests made"),
        (100, (), "Not Cached 504, Not Cached 504, Not Cached 504", "3 missed, 0 requests made"),
        (
            100,
            ("--reqcache-stale-if-error",),
            "a 200 expired, b 200 expired, c 200 expired",
            "3 stale (oldest 1 minute), 0 requests made",
        ),
    ],
)
def test_each_answer_of_a_sequence_says_whether_it_is_expired(suite, clock, age, flags, seen, counts):
    suite.origin["/job"] = Answer("a"), Answer("b"), Answer("c")
    suite.test("""
        def told(response):
            if response.status_code != 200:
                return f"{response.reason} {response.status_code}"
            assert response.expires is not None
            return f"{response.text} 200 {'expired' if response.is_expired else 'fresh'}"

        @pytest.mark.reqcache(repeats="sequence", expire_after="1m")
        def test_it():
            print("GOT", ", ".join(told(requests.get(URL + "/job")) for _ in range(3)))
    """)
    suite.run().assert_outcomes(passed=1)
    clock.move(age)
    suite.run("--reqcache-offline", "-s", *flags).stdout.fnmatch_lines([f"*GOT {seen}*", counts])


def test_a_sequence_is_judged_by_its_first_answer_offline_too(suite):
    suite.origin["/job"] = tuple(
        Answer(text, headers={"Cache-Control": value})
        for text, value in (("a", "max-age=3600"), ("b", "no-cache"))
    )
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence", cache_control=True)
        def test_it():
            assert [requests.get(URL + "/job").text for _ in range(2)] == ["a", "b"]
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_flow_with_writes_is_fetched_anew_as_a_whole(suite, clock):
    suite.origin["GET /item"] = Answer("1"), Answer("2"), Answer("3"), Answer("4")
    suite.test("""
        @pytest.mark.reqcache(urls_expire_after={"*/item": "1h"})
        def test_it():
            first = requests.get(URL + "/item").text
            assert requests.put(URL + "/other").ok
            second = requests.get(URL + "/item").text
            print("GOT", first, second)
    """)
    suite.run("-s").stdout.fnmatch_lines(["*GOT 1 2*"])
    clock.move(3600)
    suite.run("-s").stdout.fnmatch_lines(["*GOT 3 4*"])
    assert suite.origin.count("/other", "PUT") == 2
    assert suite.cassette().count("- request:") == 3


def record_orders(suite, marker="", end="pass", passed=1):
    """Two recordings under names that last, and two under names that the origin makes up."""
    numbers = iter(range(100))
    suite.origin["POST /orders"] = lambda received: Answer({"order": f"/orders/{next(numbers)}"})
    suite.test(f"""
        @pytest.mark.reqcache({marker})
        def test_it():
            requests.get(URL + "/orders")
            order = URL + requests.post(URL + "/orders").json()["order"]
            for _ in range(2):
                requests.get(order)
            requests.delete(order)
            {end}
    """)
    suite.run().assert_outcomes(passed=passed)


@pytest.mark.parametrize(("marker", "size"), [("", 4), ('repeats="sequence"', 5)], ids=["share", "sequence"])
def test_what_a_flow_that_is_recorded_anew_asks_for_no_more_goes(suite, marker, size):
    record_orders(suite, marker)
    for number in (1, 2):
        told = f"  test_it.py::test_it: {size - 2} older recordings removed: it asks for them no more"
        suite.run("--reqcache-refresh").stdout.fnmatch_lines([told])
        assert suite.cassette().count("- request:") == size
        assert suite.cassette().count(f"/orders/{number}\n") == size - 2
        suite.offline().stdout.fnmatch_lines(["5 replayed, 0 requests made"])


def record_order_of_a_fixture(suite):
    """Two recordings under names that the origin makes up; another one where it does not take the payment."""
    numbers = iter(range(100))
    suite.origin["POST /orders"] = lambda received: Answer({"order": f"/orders/{next(numbers)}"})
    suite.test("""
        @pytest.fixture(scope="session")
        def order(cached_session_factory):
            return cached_session_factory("order").post(URL + "/orders").json()["order"]

        @pytest.mark.reqcache
        def test_it(order):
            try:
                requests.post(URL + "/pay", json={"order": order}).raise_for_status()
            except requests.RequestException:
                requests.get(URL + "/status")
            else:
                requests.get(URL + order)
    """)
    suite.run().assert_outcomes(passed=1)


def test_a_flow_all_of_whose_names_are_made_up_by_a_fixture_does_not_grow(suite):
    """Nothing of it replaces a recording: another order is another URL, and another body."""
    record_order_of_a_fixture(suite)
    for number in (1, 2):
        told = "  test_it.py::test_it: 2 older recordings removed: it asks for them no more"
        suite.run("--reqcache-refresh").stdout.fnmatch_lines([told])
        assert suite.cassette().count("- request:") == 2
        assert suite.cassette().count(f"/orders/{number}\n") == 1
        suite.offline().stdout.fnmatch_lines(["3 replayed, 0 requests made"])


@pytest.mark.parametrize("outage", [Answer(status=503), Answer(drop=True)], ids=["503", "no answer"])
def test_a_flow_that_went_another_way_for_an_error_removes_nothing(suite, outage):
    record_order_of_a_fixture(suite)
    suite.origin["/pay"] = outage
    result = suite.run("--reqcache-refresh")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*removed*")
    assert suite.cassette().count("- request:") == 3


def test_what_is_new_beside_a_flow_removes_nothing_of_it_without_a_refresh(suite, monkeypatch):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            path = os.environ.get("ITEM", "/a")
            requests.post(URL + path).raise_for_status()
            requests.get(URL + path).raise_for_status()
    """)
    suite.run().assert_outcomes(passed=1)
    monkeypatch.setenv("ITEM", "/b")
    suite.run().assert_outcomes(passed=1)
    assert suite.cassette().count("- request:") == 4


@pytest.mark.parametrize(
    ("marker", "end"),
    [
        ("'shop'", "pass"),
        ("", "os.environ.get('AGAIN') and pytest.xfail()"),
        ("", "requests.get(URL + '/me')"),
    ],
    ids=["a shared cassette", "not run to its end", "not all anew"],
)
def test_what_may_still_be_asked_for_stays(suite, monkeypatch, marker, end):
    suite.origin["/me"] = Answer("in"), Answer("out", 403)
    record_orders(suite, marker, end)
    monkeypatch.setenv("AGAIN", "1")
    assert "removed" not in suite.run("--reqcache-refresh").stdout.str()
    (cassette,) = (suite.path / "cassettes").rglob("*.yaml")
    assert cassette.read_text().count("/orders/0\n") == 2


def test_what_another_test_asks_for_in_the_cassette_of_a_test_stays(suite):
    named = """pass

        @pytest.mark.reqcache("test_it/test_it")
        def test_other():
            requests.get(URL + "/other").raise_for_status()
            requests.post(URL + "/other").raise_for_status()
    """
    suite.origin["/other"] = Answer("here")
    record_orders(suite, end=named, passed=2)
    suite.run("-k", "test_it and not other", "--reqcache-refresh").assert_outcomes(passed=1, deselected=1)
    suite.offline("-k", "other").assert_outcomes(passed=1, deselected=1)


def test_what_is_kept_stays_where_a_flow_is_recorded_anew(suite):
    record_orders(suite)
    path = suite.path / "cassettes" / "test_it" / "test_it.yaml"
    *others, deleted, end = path.read_text().split("  created_at:")
    path.write_text("  created_at:".join([*others, deleted + "  keep: true\n", end]))
    told = "  test_it.py::test_it: 1 older recording removed: it asks for it no more"
    suite.run("--reqcache-refresh").stdout.fnmatch_lines([told])
    assert suite.cassette().count("/orders/0\n") == 1


@pytest.mark.parametrize("order", [("test_a", "test_b"), ("test_b", "test_a")])
def test_positions_start_at_one_in_each_test_of_a_shared_cassette(suite, order):
    suite.origin["GET /item"] = Answer("old"), Answer("new"), Answer("old"), Answer("new")
    suite.test("""
        pytestmark = pytest.mark.reqcache("shared")

        def flow():
            first = requests.get(URL + "/item").text
            requests.put(URL + "/item", data="x")
            assert (first, requests.get(URL + "/item").text) == ("old", "new")

        def test_a(): flow()
        def test_b(): flow()
    """)
    suite.run().assert_outcomes(passed=2)
    suite.origin.stop()
    suite.offline(*(f"test_it.py::{name}" for name in order)).assert_outcomes(passed=2)
    assert suite.cassette("shared").count("- request:") == 3


def test_head_and_options_share_as_get_does(suite):
    record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it():
            for method in ("HEAD", "OPTIONS", "GET"):
                assert requests.request(method, URL + "/a").ok
                assert requests.request(method, URL + "/a").ok
        """,
    )
    assert suite.origin.count("/a") == 3


def test_in_a_sequence_a_get_answers_no_head_and_the_cache_says_so(suite):
    suite.origin["/health"] = Answer("fine", headers={"Cache-Control": "max-age=60"})
    suite.test(
        """
        @pytest.mark.reqcache(repeats="sequence", cache_control=True)
        def test_it(cached_session):
            head = requests.Request("HEAD", URL + "/health")
            cached_session.get(URL + "/health")
            assert not cached_session.cache.contains(request=head)
            cached_session.head(URL + "/health")
            assert cached_session.cache.contains(request=head)
        """
    )
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/health", "HEAD") == 1


def test_digest_authentication(suite):
    suite.ask_for_digest("/a")
    cassette = record_and_replay(
        suite,
        """
        from requests.auth import HTTPDigestAuth
        @pytest.mark.reqcache
        def test_it():
            response = requests.get(URL + "/a", auth=HTTPDigestAuth("user", "passw0rd"))
            assert response.text == "in"
            assert [hop.status_code for hop in response.history] == [401]
        """,
    )
    assert "Authorization: Digest REDACTED-authorization" in cassette


@pytest.mark.parametrize("taken", ["told", "' '.join(told.split())"])
def test_a_token_that_is_told_with_its_scheme(suite, taken):
    suite.origin["/login"] = Answer({"token": "Bearer aB3dE6gH9jK2mN5pQ8rS"})
    suite.origin["/me"] = lambda seen: Answer(
        {"in": seen.headers["authorization"] == "Bearer aB3dE6gH9jK2mN5pQ8rS"}
    )
    suite.test(
        f"""
        @pytest.mark.reqcache
        def test_it():
            told = requests.get(URL + "/login").json()["token"]
            assert requests.get(URL + "/me", headers={{"Authorization": {taken}}}).json() == {{"in": True}}
        """
    )
    for _ in range(2):
        suite.run().assert_outcomes(passed=1)
        assert (suite.origin.count(), suite.cassette().count("Bearer REDACTED-token")) == (2, 2)


def test_refused_token_is_refreshed_and_the_request_made_again(suite):
    suite.origin["/token"] = Answer({"access_token": "second-token-123"})
    suite.origin["/me"] = lambda seen: (
        Answer("in") if seen.headers["authorization"] == "Bearer second-token-123" else Answer("out", 401)
    )
    cassette = record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it():
            token = os.environ.get("OLD", "first-token-456")
            get = lambda: requests.get(URL + "/me", headers={"Authorization": "Bearer " + token})
            assert get().status_code == 401
            token = requests.post(URL + "/token").json()["access_token"]
            assert [get().text, get().text] == ["in", "in"]
        """,
    )
    assert "token-" not in cassette


def test_added_read_before_a_write_still_replays(suite):
    suite.origin["GET /item"] = Answer("old"), Answer("new")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            for _ in range(int(os.environ.get("READS", "1"))):
                assert requests.get(URL + "/item").text == "old"
            requests.put(URL + "/item")
            assert requests.get(URL + "/item").text == "new"
    """)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("READS", "3")
        suite.offline().assert_outcomes(passed=1)


def test_added_write_misses_that_write_alone(suite):
    suite.origin["GET /item"] = Answer("1"), Answer("2")
    suite.test("""
        @pytest.mark.reqcache
        def test_it(reqcache):
            if os.environ.get("MORE"):
                requests.post(URL + "/other")
            first = requests.get(URL + "/item").text
            requests.put(URL + "/item")
            assert (first, requests.get(URL + "/item").text) == ("1", "2")
            assert reqcache.missed == (1 if os.environ.get("MORE") else 0)
    """)
    suite.run().assert_outcomes(passed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MORE", "1")
        suite.offline().assert_outcomes(passed=1)


FLOW = """
    @pytest.mark.reqcache
    def test_it():
        requests.get(URL + "/list")
        requests.post(URL + "/list", data={item!r})
        for _ in range(2):
            assert requests.get(URL + "/list").text == {text!r}
"""


def run_with_a_changed_write(suite, text):
    """The run of a recorded flow whose write is another one now, and which then expects that text."""
    suite.origin["GET /list"] = tuple(map(Answer, ("", "a", "", "b")))
    suite.test(FLOW.format(item="a", text="a"))
    suite.run().assert_outcomes(passed=1)
    suite.test(FLOW.format(item="b", text=text))
    return suite.run()


def test_a_failing_test_is_told_that_what_follows_its_changed_write_is_of_before(suite):
    result = run_with_a_changed_write(suite, text="b")
    result.assert_outcomes(failed=1)
    told = "POST */list is new, and GET */list after it was replayed as it was recorded before; record the "
    result.stdout.fnmatch_lines(
        [f"{told}whole test anew: pytest test_it.py::test_it --reqcache-force-refresh"]
    )
    suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_a_changed_write_whose_recorded_reads_were_replayed_is_told_where_the_test_passes_too(suite):
    result = run_with_a_changed_write(suite, text="a")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "recordings and refreshes:",
            "  test_it.py::test_it: POST */list is new, and GET */list after it was *",
        ]
    )
    suite.run("--reqcache-force-refresh").assert_outcomes(failed=1)


def test_a_failing_test_is_told_that_the_service_may_not_know_what_a_replayed_write_made(suite, clock):
    made: list[str] = []

    def make(received):
        made.append(str(len(made) + 100))
        return Answer({"id": made[-1]})

    suite.origin["POST /orders"] = make
    suite.origin["GET /orders/100"] = Answer("packing"), Answer("no such order", 404)
    suite.origin["GET /orders/101"] = Answer("packing")
    suite.test("""
        @pytest.mark.reqcache(urls_expire_after={"*/orders/*": 60})
        def test_it():
            order = requests.post(URL + "/orders").json()["id"]
            assert requests.get(URL + "/orders/" + order).text == "packing"
    """)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    clock.move(61)
    result = suite.run()
    result.assert_outcomes(failed=1)
    told = (
        "GET */orders/100 answered 404, and POST */orders before it was replayed: the service may not know *"
    )
    result.stdout.fnmatch_lines(
        [
            f"{told}; record the whole test anew: pytest test_it.py::test_it --reqcache-force-refresh",
            "  GET */orders/100 answered 404: the recording is kept, as nothing was written",
        ]
    )
    assert suite.cassette() == before
    suite.run("--reqcache-force-refresh").assert_outcomes(passed=1)
    suite.offline().assert_outcomes(passed=1)


def test_a_replayed_write_is_not_blamed_for_an_error_that_was_one_before(suite):
    suite.origin["/gone"] = Answer("gone", 404)
    suite.test("""
        @pytest.mark.reqcache(urls_expire_after={"*/gone": 0})
        def test_it():
            requests.post(URL + "/login")
            requests.get(URL + "/gone")
            assert os.environ.get("GOOD")
    """)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOOD", "1")
        suite.run().assert_outcomes(passed=1)
    result = suite.run()
    result.assert_outcomes(failed=1)
    assert suite.origin.count("/gone") == 2
    assert "before it was replayed" not in result.stdout.str()


def test_a_new_write_is_no_news_where_other_tests_have_recorded_the_reads(suite):
    suite.test("""
        @pytest.mark.reqcache("shared")
        def test_read(): assert requests.get(URL + "/books").ok
    """)
    suite.run().assert_outcomes(passed=1)
    suite.test("""
        @pytest.mark.reqcache("shared")
        def test_login():
            requests.post(URL + "/login")
            assert requests.get(URL + "/books").ok
    """)
    result = suite.run()
    result.stdout.fnmatch_lines(["1 replayed, 1 recorded, 1 request made"])
    assert "is new" not in result.stdout.str()


def test_a_failing_test_is_told_of_a_write_that_redirects_to_what_is_recorded(suite):
    suite.origin["/add"] = Answer(status=303, headers={"Location": "/list"})
    suite.origin["/list"] = tuple(map(Answer, ("", "a", "", "b")))
    flow = """
        @pytest.mark.reqcache
        def test_it():
            requests.get(URL + "/list")
            assert requests.post(URL + "/add", data={0!r}).text == {0!r}
    """
    suite.test(flow.format("a"))
    suite.run().assert_outcomes(passed=1)
    suite.test(flow.format("b"))
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["POST */add is new, and GET */list after it was replayed *"])


def test_a_failing_test_is_told_nothing_of_a_write_that_failed(suite):
    suite.origin["POST /list"] = Answer("", 422)
    suite.origin["GET /list"] = Answer("a")
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            if os.environ.get("MORE"):
                assert requests.post(URL + "/list").status_code == 422
            assert requests.get(URL + "/list").text == "a"
            assert not os.environ.get("MORE")
    """)
    suite.run().assert_outcomes(passed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MORE", "1")
        result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*is new*")


def test_a_failing_test_whose_flow_is_of_one_time_is_told_nothing_of_the_kind(suite):
    """What it reads again is its own new recording."""
    suite.test(FLOW.format(item="a", text="text") + "        pytest.fail('later on')")
    suite.origin["GET /list"] = Answer("text")
    for _ in range(2):
        result = suite.run("--reqcache-keep-failed")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*later on*", "*=== reqcache ===*"])
        result.stdout.no_fnmatch_line("*is new*")


STEPS = """
    def read():
        print("READ", requests.get(URL + "/item").text)

    def write(name):
        assert requests.put(URL + "/" + name).ok

    @pytest.mark.reqcache{marker}
    def test_it():
        {steps}
"""


def steps(suite, *steps, marker=""):
    suite.test(STEPS.format(marker=marker, steps="; ".join(steps)))


R, W1, W2 = "read()", "write('a')", "write('b')"


@pytest.mark.parametrize(
    ("later", "read"),
    [
        ((W1, R), "2"),
        ((W1, R, W2, R), "23"),
        ((W1, W2, R), "3"),
        ((R, W1, W2, R), "13"),
        ((R, W2, R), "13"),
        ((R, R, W1, R, R, W2, R), "11223"),
    ],
)
def test_a_read_after_a_write_gets_what_was_recorded_after_it(suite, later, read):
    suite.origin["GET /item"] = tuple(map(Answer, "123"))
    steps(suite, R, W1, R, W2, R)
    suite.run().assert_outcomes(passed=1)
    suite.origin.stop()
    steps(suite, *later)
    for mode in ("--reqcache-offline", "--reqcache-stale-if-error"):
        assert printed(suite.run("-s", mode)) == list(read)


@pytest.mark.parametrize(
    ("first", "later", "read"),
    [
        ((R, W1, R), (W2, R, W1, R), "12"),
        ((W1, R), (W2, R, W1, R), "11"),
        ((W1, R), (R, W1, R), "11"),
    ],
)
def test_what_an_added_step_is_answered_by_is_the_same_in_later_runs(suite, first, later, read):
    suite.origin["GET /item"] = tuple(map(Answer, "1234"))
    steps(suite, *first)
    suite.run().assert_outcomes(passed=1)
    steps(suite, *later)
    for mode in ((), (), ("--reqcache-offline",)):
        assert printed(suite.run("-s", *mode)) == list(read)


def test_a_flow_that_was_edited_and_refreshed_replays_as_it_was_recorded(suite):
    suite.origin["GET /item"] = tuple(map(Answer, "12345"))
    steps(suite, W1, R)
    suite.run().assert_outcomes(passed=1)
    steps(suite, W2, R, W1, R)
    assert printed(suite.run("-s", "--reqcache-refresh")) == ["2", "3"]
    assert printed(suite.offline("-s")) == ["2", "3"]
    steps(suite, R, W1, R)
    assert printed(suite.run("-s", "--reqcache-refresh")) == ["4", "5"]
    assert printed(suite.offline("-s")) == ["4", "5"]


def test_in_a_named_cassette_answers_are_counted_whatever_other_tests_have_written(suite):
    suite.origin["GET /item"] = tuple(map(Answer, "123"))
    for later in ((R, W1, R), (W1, R)):
        steps(suite, *later, marker="('shared')")
        result = suite.run("-s")
    assert printed(result) == ["1"]


def test_threads_that_miss_the_same_request_ask_once_and_writes_each_for_themselves(suite):
    suite.origin["/slow"] = Answer("slow", delay=0.05)
    suite.test("""
        from concurrent.futures import ThreadPoolExecutor
        @pytest.mark.reqcache
        def test_it():
            with ThreadPoolExecutor(8) as pool:
                reads = list(pool.map(lambda _: requests.get(URL + "/slow").text, range(16)))
                writes = list(pool.map(lambda _: requests.post(URL + "/slow").text, range(4)))
            assert set(reads + writes) == {"slow"}
    """)
    suite.run().assert_outcomes(passed=1)
    assert suite.origin.count("/slow", "GET") == 1
    assert suite.origin.count("/slow", "POST") == 4
    assert suite.cassette().count("- request:") == 5
    suite.origin.stop()
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("method", "marker"), [("post", ""), ("get", '(repeats="sequence")')], ids=["writes", "sequence"]
)
def test_requests_with_an_answer_each_do_not_wait_for_one_another(suite, method, marker):
    both_there = threading.Barrier(2)

    def answer(received: Received) -> Answer:
        try:
            both_there.wait(5)
        except threading.BrokenBarrierError:
            return Answer("alone", 500)
        return Answer("together")

    suite.origin["/a"] = answer
    suite.test(f"""
        from concurrent.futures import ThreadPoolExecutor

        @pytest.mark.reqcache{marker}
        def test_it():
            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(lambda _: requests.{method}(URL + "/a").text, range(2)))
            assert answers == ["together", "together"]
    """)
    suite.run().assert_outcomes(passed=1)


def test_key_fn_says_what_is_the_same(suite):
    cassette = record_and_replay(
        suite,
        """
        @pytest.fixture
        def reqcache_config():
            return {"key_fn": lambda request, **settings: request.path_url.rpartition("/")[2]}

        @pytest.mark.reqcache
        def test_it():
            answers = [requests.get(URL + path).json()["path"] for path in ("/a/x", "/b/x", "/b/y")]
            assert answers == ["/a/x", "/a/x", "/b/y"]
        """,
    )
    assert cassette.count("- request:") == 2


@pytest.mark.parametrize("method", ["post", "get"])
def test_redirects_after_writes_replay_as_they_were_recorded(suite, method):
    suite.origin["/go"] = Answer(status=302, headers={"Location": "/target"})
    suite.origin["/target"] = Answer("1"), Answer("2"), Answer("3")
    record_and_replay(
        suite,
        f"""
        @pytest.mark.reqcache
        def test_it():
            texts = [requests.{method}(URL + "/go").text for _ in range(3)]
            assert texts == {["1", "2", "3"] if method == "post" else ["1", "1", "1"]}
        """,
    )


def test_streamed_writes_replay_as_they_were_recorded(suite):
    suite.origin["GET /item"] = Answer("1"), Answer("2")
    record_and_replay(
        suite,
        """
        @pytest.mark.reqcache
        def test_it():
            first = requests.get(URL + "/item").text
            written = requests.put(URL + "/item", stream=True)
            second = requests.get(URL + "/item").text
            assert written.content
            assert (first, second) == ("1", "2")
        """,
    )


def test_a_sequence_of_which_an_answer_is_filtered_out_is_a_miss(suite):
    suite.origin["/job"] = Answer("a"), Answer("b")
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            print([requests.get(URL + "/job").status_code for _ in range(2)])
    """)
    suite.run().assert_outcomes(passed=1)
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture
        def reqcache_config():
            return {"filter_fn": lambda response: response.text != "b"}
        """,
    )
    suite.offline("-s").stdout.fnmatch_lines(["*[[]200, 504[]]*"])


@pytest.mark.parametrize(
    ("method", "body", "hooks"),
    [("HEAD", "", "[]"), ("GET", "", "[]"), ("GET", "in", "[read]")],
    ids=["HEAD", "no body", "read by a hook"],
)
def test_streamed_redirect_to_itself_replays_in_its_order(suite, method, body, hooks):
    suite.origin["/a"] = Answer(status=302, headers={"Location": "/a"}), Answer(body)
    record_and_replay(
        suite,
        f"""
        def read(response, **_):
            assert response.content is not None

        @pytest.mark.reqcache
        def test_it():
            how = dict(stream=True, allow_redirects=True, hooks=dict(response={hooks}))
            response = requests.request({method!r}, URL + "/a", **how)
            assert (response.status_code, response.text) == (200, {body!r})
            assert [hop.status_code for hop in response.history] == [302]
        """,
    )


REFUSING_ALL = """
import pytest

@pytest.fixture
def reqcache_config():
    return {"filter_fn": lambda response: False}
"""


def test_a_recording_that_the_filter_refuses_is_the_reason_of_a_miss(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(): assert requests.get(URL + "/a").ok
    """)
    suite.run().assert_outcomes(passed=1)
    suite.write("conftest.py", REFUSING_ALL)
    suite.offline().stdout.fnmatch_lines(["  reason: *refused by filter_fn"])


def test_a_recording_that_the_filter_refuses_is_removed_online_alone(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it(): requests.get(URL + "/a")
    """)
    suite.run().assert_outcomes(passed=1)
    before = suite.cassette()
    suite.write("conftest.py", REFUSING_ALL)
    suite.offline().assert_outcomes(passed=1)
    assert suite.cassette() == before
    suite.run().assert_outcomes(passed=1)
    assert "/a" not in suite.cassette()


def test_a_redirect_loop_under_stale_if_error_is_no_miss(suite):
    suite.origin["/loop"] = Answer(status=302, headers=[("Location", "/loop")])
    suite.test("""
        @pytest.mark.reqcache(stale_if_error=True)
        def test_it(reqcache):
            with pytest.raises(requests.TooManyRedirects):
                requests.get(URL + "/loop")
            assert reqcache.missed == 0
    """)
    result = suite.run()
    result.assert_outcomes(passed=1)
    assert "missed" not in result.stdout.str().replace("reqcache.missed", "")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer tok-5f0c9f6e3d0a4e0e9d5e"}])
def test_a_refreshed_sequence_takes_the_place_of_the_old_one(suite, headers):
    suite.origin["/job"] = tuple(map(Answer, ("a", "b", "c", "x", "y", "z")))
    suite.test(f"""
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            print([requests.get(URL + "/job", headers={headers}).text for _ in range(3)])
    """)
    suite.run().assert_outcomes(passed=1)
    suite.subprocess("--reqcache-refresh", "-s").stdout.fnmatch_lines(["*[[]'x', 'y', 'z'[]]*"])
    assert suite.cassette().count("- request:") == 3
    suite.offline("-s").stdout.fnmatch_lines(["*[[]'x', 'y', 'z'[]]*"])


def test_a_refreshed_flow_with_a_credential_has_the_answers_that_it_had(suite):
    suite.origin["/a"] = tuple(map(Answer, ("old 1", "posted", "old 2", "new 1", "posted", "new 2")))
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            session = requests.Session()
            session.headers["Authorization"] = "Bearer tok-5f0c9f6e3d0a4e0e9d5e"
            before = session.get(URL + "/a").text
            session.post(URL + "/a")
            print([before, session.get(URL + "/a").text])
    """)
    suite.run().assert_outcomes(passed=1)
    suite.subprocess("--reqcache-refresh", "-s").stdout.fnmatch_lines(["*[[]'new 1', 'new 2'[]]*"])
    assert suite.cassette().count("- request:") == 3
    suite.offline("-s").stdout.fnmatch_lines(["*[[]'new 1', 'new 2'[]]*"])


def by_language(seen):
    """A page in the language that is asked for, or that a cookie names."""
    named = seen.headers.get("cookie") or seen.headers.get("accept-language", "")
    headers = [("Vary", "Accept-Language, Cookie")]
    if seen.method == "PUT":
        headers.append(("Set-Cookie", "lang=de; Path=/"))
    return Answer(f"{seen.method} {named}", headers=headers)


@pytest.mark.parametrize(
    ("repeats", "requested", "texts"),
    [
        ("share", "GET, PUT, GET", ["GET", "PUT", "GET lang=de"]),
        ("share", "GET en, POST en, GET de, GET en", ["GET en", "POST en", "GET de", "GET en"]),
        ("share", "POST en, POST de, POST en", ["POST en", "POST de", "POST en"]),
        ("sequence", "GET en, GET de, GET de, GET en", ["GET en", "GET de", "GET de", "GET en"]),
    ],
    ids=["cookie of a write", "read after a write", "writes", "sequence"],
)
def test_each_variant_has_answers_of_its_own(suite, repeats, requested, texts):
    suite.origin["/page"] = by_language
    cassette = record_and_replay(
        suite,
        f"""
        @pytest.mark.reqcache(repeats={repeats!r})
        def test_it(cached_session):
            def text(method, language=""):
                headers = {{"Accept-Language": language or None}}
                return cached_session.request(method, URL + "/page", headers=headers).text.strip()

            assert [text(*each.split()) for each in {requested!r}.split(", ")] == {texts}
        """,
    )
    assert suite.origin.count() == cassette.count("- request:") == len(texts)


def test_a_new_variant_of_a_sequence_leaves_the_others_as_they_are(suite):
    suite.origin["/job"] = lambda seen: Answer(seen.headers["accept"], headers={"Vary": "Accept"})
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            for accept in os.environ["ACCEPT"].split():
                assert requests.get(URL + "/job", headers={"Accept": accept}).text == accept
    """)
    with pytest.MonkeyPatch.context() as patch:
        for accept in ("text/html text/html", "text/html text/csv text/csv"):
            patch.setenv("ACCEPT", accept)
            suite.run().assert_outcomes(passed=1)
        patch.setenv("ACCEPT", "text/html text/csv text/html text/csv")
        suite.offline().assert_outcomes(passed=1)
    assert suite.cassette().count("- request:") == suite.origin.count() == 4


def test_writes_with_a_secret_that_vary_names_are_counted_on(suite):
    suite.origin["/jobs"] = lambda seen: Answer({"n": suite.origin.count()}, headers={"Vary": "Cookie"})
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            cookies = {"sessionid": "5f0c9f6e3d0a4e0e9d5e"}
            posted = [requests.post(URL + "/jobs", cookies=cookies) for _ in os.environ["JOBS"]]
            assert [response.json()["n"] for response in posted] == [*range(1, len(posted) + 1)]
    """)
    with pytest.MonkeyPatch.context() as patch:
        for jobs in ("a", "ab"):
            patch.setenv("JOBS", jobs)
            suite.run().assert_outcomes(passed=1)
        suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize("header", ["Authorization", "Accept-Language"])
def test_sequences_of_two_users_or_variants_stay_apart(suite, header):
    letters = ("abc", "ABC", "xyz", "XY")
    suite.origin["/job"] = tuple(
        Answer(letter, headers={"Vary": "Accept-Language"}) for letter in "".join(letters)
    )
    suite.test(f"""
        @pytest.mark.parametrize("who", ["first-5f0c9f6e3d0a", "second-4e0e9d5e7b1c"])
        @pytest.mark.reqcache("jobs", repeats="sequence")
        def test_it(who):
            polls = 3 if who.startswith("first") else int(os.environ.get("POLLS", "3"))
            get = lambda: requests.get(URL + "/job", headers={{{header!r}: who}}).text
            print("GOT", *[get() for _ in range(polls)])
    """)
    suite.run().assert_outcomes(passed=2)
    suite.offline("-s").stdout.fnmatch_lines(["*GOT a b c", "*GOT A B C"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLLS", "2")
        suite.run("--reqcache-refresh").assert_outcomes(passed=2)
    suite.offline("-s").stdout.fnmatch_lines(["*GOT x y z", "*GOT X Y Y"])
    assert suite.cassette("jobs").count("- request:") == 5


def test_a_sequence_that_is_replayed_stays_beside_that_of_another_user(suite):
    suite.origin["/job"] = tuple(map(Answer, "abcABC"))
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            for who in os.environ.get("WHO", "first-5f0c9f6e3d0a").split():
                headers = {"Authorization": f"Bearer {who}"}
                print("GOT", *[requests.get(URL + "/job", headers=headers).text for _ in range(3)])
    """)
    suite.run().assert_outcomes(passed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHO", "first-5f0c9f6e3d0a second-4e0e9d5e7b1c")
        suite.run().assert_outcomes(passed=1)
        suite.offline("-s").stdout.fnmatch_lines(["*GOT a b c", "*GOT A B C"])
    assert suite.cassette().count("- request:") == 6


@pytest.mark.parametrize("marker", ['ignored_parameters=["If-Match"]', 'redact=["If-Match"]'])
def test_writes_whose_conditions_are_not_stored_are_counted_on(suite, marker):
    suite.origin["/a"] = Answer("", 412), Answer("", 412), Answer("ok", 200)
    cassette = record_and_replay(
        suite,
        f"""
        @pytest.mark.reqcache({marker})
        def test_it():
            for number, status in enumerate((412, 412, 200)):
                response = requests.put(URL + "/a", data="x", headers={{"If-Match": str(number)}})
                assert response.status_code == status
        """,
    )
    assert [line.strip() for line in cassette.splitlines() if "answer:" in line] == ["answer: 2", "answer: 3"]


def test_a_304_whose_condition_is_not_stored_is_refreshed_once_in_a_run(suite):
    suite.origin["/a"] = Answer("", 304, conditional=False)
    suite.test(
        "".join(
            f'''
@pytest.mark.reqcache("shop", ignored_parameters=["If-None-Match"])
def test_{name}():
    assert requests.get(URL + "/a", headers={{"If-None-Match": '"{name}"'}}).status_code == 304
'''
            for name in ("one", "two", "three")
        )
    )
    suite.run().assert_outcomes(passed=3)
    suite.run("--reqcache-refresh").assert_outcomes(passed=3)
    assert suite.origin.count("/a") == 2
