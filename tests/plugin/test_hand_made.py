"""What people do to a cassette by hand: mistakes are named, duplicates are reported, their work stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cassette.mistakes import MISTAKES, ORDERS, STEM, URL
from origin import Answer
from pytest_reqcache import CachedSession
from pytest_reqcache.cassette import Cassette

PLUGINS = ("-p", "pytest_reqcache.plugin", "-p", "no:cacheprovider")
SHOWN = ("-W", "always")

CASSETTE = "cassettes/test_it/test_it.yaml"


@dataclass
class Run:
    """What pytest printed for each test of a suite in which each test's cassette has one mistake."""

    folder: Path
    printed: dict[str, str]

    def path(self, name: str) -> Path:
        return self.folder / "cassettes" / "test_shop" / f"{name}.yaml"


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("mistaken"), {})
    code = ["import pytest, requests"]
    for name, mistake in zip(NAMES.values(), MISTAKES.values(), strict=True):
        code += [
            "@pytest.mark.reqcache",
            f"def {name}():",
            f"    requests.post({ORDERS!r}, json={{'book': 1}}); requests.get({URL!r})",
        ]
        run.path(name).parent.mkdir(parents=True, exist_ok=True)
        run.path(name).write_text(mistake.at(name), encoding="utf-8")
    run.path(NAMES["body file a directory"]).with_suffix(".bodies").joinpath("folder").mkdir(parents=True)
    (run.folder / "test_shop.py").write_text("\n".join(code))
    (run.folder / "pytest.ini").write_text("[pytest]\n")
    unset = {"CI", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "REQCACHE_OFFLINE"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, "--junitxml=report.xml", "-q"],
        cwd=run.folder,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=False,
    )
    for case in ElementTree.parse(run.folder / "report.xml").iter("testcase"):
        failure = case.find("failure")
        run.printed[case.attrib["name"]] = "" if failure is None else failure.text or ""
    return run


NAMES = {mistake: "test_" + re.sub("[^a-z0-9]+", "_", mistake.lower()) for mistake in MISTAKES}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_fails_the_test_with_its_place_and_what_to_do(mistake, mistaken):
    name, made = NAMES[mistake], MISTAKES[mistake]
    [line] = [
        line for line in mistaken.printed[name].splitlines() if line.startswith("E ") and "Error: " in line
    ]
    assert f"CassetteError: {mistaken.folder}/cassettes/test_shop/{name}.yaml:{made.place}: " in line
    assert made.words.replace(f"{STEM}.bodies", f"{name}.bodies") in line
    assert mistaken.path(name).read_text(encoding="utf-8") == made.at(name)
    assert list(mistaken.path(name).parent.glob("*.torn")) == []


def test_lost_last_line_is_a_warning_that_says_so_and_nothing_is_lost(suite):
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.get(URL + "/a").status_code == 200
    """)
    suite.run().assert_outcomes(passed=1)
    path = suite.path / CASSETTE
    path.write_text(re.sub("  created_at: .*\n", "", path.read_text()))
    before = path.read_bytes()
    result = suite.offline(*SHOWN)
    result.assert_outcomes(failed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [f"*TornTailWarning: *{CASSETTE}:4: *no created_at line*add it again*It is ignored*"]
    )
    assert path.read_bytes() == before
    result = suite.run(*SHOWN)
    result.assert_outcomes(passed=1, warnings=1)
    assert (path.parent / "test_it.yaml.torn").read_bytes() in before


# --- duplicates

READS = """
    @pytest.mark.reqcache
    def test_it():
        for _ in range(3):
            print("GOT", requests.get(URL + "/a").status_code)

    @pytest.mark.reqcache("test_it/test_it")
    def test_other():
        print("GOT", requests.get(URL + "/a").status_code)
"""


def copied(suite, change, extra=""):
    """Append a copy of the cassette's interaction, changed; returns the file."""
    path = suite.path / CASSETTE
    head, _, items = path.read_text().partition("interactions:\n")
    copy = change(items).replace("  created_at:", f"{extra}  created_at:")
    path.write_text(f"{head}interactions:\n{items}\n# a copy\n{copy}")
    return path


def test_duplicate_is_reported_once_with_both_lines_and_stays(suite):
    suite.test(READS)
    suite.run().assert_outcomes(passed=2)
    path = copied(suite, lambda text: text.replace("200 OK", "203 Copied"))
    before = path.read_bytes()
    second = path.read_text().splitlines().index("# a copy") + 2
    result = suite.run("-s", *SHOWN)
    result.assert_outcomes(passed=2, warnings=1)
    said = (
        f"*DuplicateRecordingWarning: *{CASSETTE}:{second}: the same recording as in line 4: "
        f"GET {suite.origin.url}/a, answer 1; the later one counts. Write 'answer: 2' into it if *"
    )
    result.stdout.fnmatch_lines([said])
    assert result.stdout.str().count("GOT 203") == 4
    assert path.read_bytes() == before
    result = suite.run("-W", "error::pytest_reqcache.DuplicateRecordingWarning")
    result.assert_outcomes(failed=1, passed=1)


@pytest.mark.parametrize(
    ("marker", "method", "status", "is_told"),
    [
        ("", "get", 200, True),
        ("", "get", 404, False),
        ("", "post", 200, False),
        ('(repeats="sequence")', "get", 200, False),
    ],
)
def test_a_duplicate_of_a_read_says_when_its_next_answer_is_reached(suite, marker, method, status, is_told):
    suite.origin["/a"] = Answer("a", status)
    suite.test(f"""
        @pytest.mark.reqcache{marker}
        def test_it():
            requests.{method}(URL + "/a")
    """)
    suite.run().assert_outcomes(passed=1)
    copied(suite, str)
    reached = ' (a read gets it after a write, or with repeats="sequence")' if is_told else ""
    suite.run(*SHOWN).stdout.fnmatch_lines([f"*if it is the next answer{reached}, else remove one of them"])


def test_every_copy_is_named(suite):
    suite.test(READS)
    suite.run().assert_outcomes(passed=2)
    copied(suite, lambda text: text.replace("200 OK", "203 A") + text.replace("200 OK", "203 B"))
    result = suite.run(*SHOWN)
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines([f"*{CASSETTE}:32: the same recording as in line 4 and line 19: *"])


def test_refresh_replaces_the_later_one_and_keeps_the_other(suite):
    suite.origin["/a"] = Answer("one"), Answer("two")
    suite.test(READS)
    suite.run().assert_outcomes(passed=2)
    path = copied(suite, lambda text: text.replace("one", "copy"))
    first = path.read_text().partition("# a copy")[0]
    suite.run("--reqcache-refresh", *SHOWN).assert_outcomes(passed=2, warnings=1)
    assert path.read_text().startswith(first)
    assert "copy" not in path.read_text().partition("# a copy")[2]
    assert "two" in path.read_text().partition("# a copy")[2]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("  created_at:", "  answer: 2\n  created_at:"),
        lambda text: text.replace("Accept-Language: en", "Accept-Language: de"),
        lambda text: text.replace("REDACTED-authorization", "REDACTED-authorization-2"),
        lambda text: text.replace("/a\n", "/b\n"),
    ],
    ids=["another answer", "another variant", "another credential", "another URL"],
)
def test_what_is_no_duplicate_is_not_reported(suite, change):
    suite.origin["/a"] = Answer("x", headers={"Vary": "Accept-Language"})
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            headers = {"Accept-Language": "en", "Authorization": "Bearer abcdefgh12345678"}
            assert requests.get(URL + "/a", headers=headers).ok
    """)
    suite.run().assert_outcomes(passed=1)
    path = copied(suite, change)
    assert path.read_text().count("- request:") == 2
    suite.offline().assert_outcomes(passed=1)


# --- answers made by hand

RETRIES = """
    @pytest.mark.reqcache
    def test_it(cached_session):
        seen = []
        for _ in range(2):
            answer = requests.get(URL + "/a")
            seen.append((answer.status_code, answer.headers.get("Retry-After"), answer.json()))
        print("GOT", seen)
        requests.get(URL + "/last")
"""

BY_HAND = """\
# The service is busy at first.
- request:   # as recorded
    method: GET
    url: URL/a
  response:
    # the copy says 200
    status: 429 Too Many Requests
    headers:
      Content-Type: application/json
      Content-Length: '14'
      Retry-After: 7   # seconds
    json: |
      {
        "error": "slow down"
      }
  # a refresh leaves it alone
  keep: true
  created_at: 2026-11-23
  # and this belongs to it, too
"""


@pytest.fixture
def busy(suite, clock):
    """A suite whose cassette has a 429 made by hand, and the recorded answer after it."""
    suite.origin["/a"] = Answer({"v": 1}), Answer({"v": 2})
    suite.test(RETRIES)
    suite.run().assert_outcomes(passed=1)
    path = suite.path / CASSETTE
    text = path.read_text().replace("  created_at:", "  answer: 2\n  created_at:", 1)
    by_hand = BY_HAND.replace("URL", suite.origin.url)
    path.write_text(text.replace("interactions:\n", f"interactions:\n{by_hand}"))
    return suite


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--reqcache-offline"], 1),
        ([], 1),
        (["--reqcache-refresh"], 2),
        (["--reqcache-force-refresh"], 2),
        (["--reqcache-expire-after=1s"], 2),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_copy_with_another_status_answers_first_and_is_left_alone(busy, clock, arguments, value):
    clock.move(86400)
    result = busy.run("-s", *arguments)
    result.assert_outcomes(passed=1)
    expected = f"GOT [(429, '7', {{'error': 'slow down'}}), (200, None, {{'v': {value}}})]"
    assert expected in result.stdout.str()
    assert BY_HAND.replace("URL", busy.origin.url) in busy.cassette()
    assert f'{{"v": {value}}}' in busy.cassette()


@pytest.mark.parametrize(
    "change",
    [
        'requests.get(URL + "/new")',
        'assert cached_session.get(URL + "/a", refresh=True).status_code == 429',
        'assert cached_session.get(URL + "/a", force_refresh=True).status_code == 429',
        'cached_session.get(URL + "/last", refresh=True)',
        'cached_session.cache.delete(urls=[URL + "/last"])',
        'cached_session.cache.delete(requests=[requests.Request("GET", URL + "/last")])',
    ],
)
def test_hand_made_answer_keeps_its_bytes(busy, change):
    busy.test(f"""
        @pytest.mark.reqcache
        def test_it(cached_session):
            {change}
    """)
    before = busy.cassette()
    busy.run().assert_outcomes(passed=1)
    assert BY_HAND.replace("URL", busy.origin.url) in busy.cassette()
    assert (busy.cassette() == before) == ("429" in change)


def test_reset_of_expirations_changes_one_line_of_it(busy):
    busy.test("""
        @pytest.mark.reqcache
        def test_it(cached_session):
            cached_session.cache.reset_expiration("never")
    """)
    busy.run().assert_outcomes(passed=1)
    assert busy.cassette().count("  expires: never\n") == 3
    assert (
        BY_HAND.replace("URL", busy.origin.url).replace(
            "  created_at: 2026-11-23\n", "  expires: never\n  created_at: 2026-11-23T00:00:00Z\n"
        )
        in busy.cassette()
    )


@pytest.mark.parametrize("kept", range(3))
@pytest.mark.parametrize("flag", ["--reqcache-refresh", "--reqcache-force-refresh"])
def test_refreshed_sequence_goes_around_what_is_kept(suite, kept, flag):
    suite.origin["/job"] = tuple(Answer(text) for text in "abcABCD")
    suite.test("""
        @pytest.mark.reqcache(repeats="sequence")
        def test_it():
            print("GOT", [requests.get(URL + "/job").text for _ in range(3)])
    """)
    suite.run().assert_outcomes(passed=1)
    path = suite.path / CASSETTE
    items = path.read_text().split("  created_at:")
    items[kept] += "  keep: true\n"
    path.write_text("  created_at:".join(items))
    suite.run(flag).assert_outcomes(passed=1)
    expected = {0: ["a", "b", "c"], 1: ["A", "b", "B"], 2: ["A", "B", "c"]}[kept]
    assert f"GOT {expected}" in suite.offline("-s").stdout.str()
    assert suite.cassette().count("- request:") == 3


def test_refresh_behind_leaves_what_is_kept_alone(busy, clock):
    clock.move(86400)
    before = busy.cassette()
    busy.test("""
        @pytest.mark.reqcache(expire_after="1h", stale_while_revalidate=True)
        def test_it():
            assert requests.get(URL + "/a").status_code == 429
    """)
    busy.run().assert_outcomes(passed=1)
    assert busy.cassette() == before


def test_session_keeps_an_answer_made_by_hand(session, tmp_path, origin):
    url = origin.url + "/a"
    origin["/a"] = Answer("recorded", headers={"Cache-Control": "max-age=1", "ETag": '"1"'})
    session(cache_control=True).get(url)
    path = tmp_path / "cache.yaml"
    text = path.read_text().replace("recorded", "by hand")
    path.write_text(text.replace("  created_at: 20", "  keep: true\n  created_at: 19"))
    before = path.read_text()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again: CachedSession = session(cache_control=True)
        assert again.get(url).text == "by hand"
        assert again.get(url, force_refresh=True).text == "by hand"
        again.head(url, headers={"Cache-Control": "no-cache"})
        again.post(url)
        again.close()
    assert path.read_text().startswith(before)


@pytest.mark.parametrize(
    "comment", ["# yaml-language-server: $schema=../../docs/cassette.schema.json", "# vim: sw=2\n\n#"]
)
def test_comment_at_the_top_stays_and_costs_nothing(suite, comment):
    suite.test(RETRIES)
    suite.run().assert_outcomes(passed=1)
    path = suite.path / CASSETTE
    path.write_text(f"{comment}\n{path.read_text()}")
    before = path.read_text()
    suite.offline().assert_outcomes(passed=1)
    assert path.read_text() == before
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    suite.test("""
        @pytest.mark.reqcache
        def test_it(cached_session):
            requests.get(URL + "/new")
    """)
    suite.run().assert_outcomes(passed=1)
    assert path.read_text().startswith(f"{comment}\n# Recorded by")
    assert "/new" in path.read_text()
    cassette = Cassette(path, str)
    assert len(list(cassette)) == 3
    assert cassette._index.layout.scanned


ALIASED = """version: 1
interactions:
- request: &asked
    method: POST
    url: http://api.example/p
    text: one
  response: {status: 200 OK, text: first}
  created_at: 2026-11-23T19:10:00.000Z
- request: *asked
  response: {status: 201 Created, text: second}
  answer: 2
  created_at: 2026-11-23T19:10:01.000Z
- request: &asked
    method: POST
    url: http://api.example/p
    text: two
  response: {status: 200 OK, text: third}
  created_at: 2026-11-23T19:10:02.000Z
- request: *asked
  response: {status: 201 Created, text: second}
  answer: 2
  created_at: 2026-11-23T19:10:01.000Z
"""


def test_an_alias_stands_for_what_its_anchor_is_by_then(suite):
    """Two items of one text are two requests; so is one before and after an edit elsewhere."""
    path = suite.path / "cassettes/aliased.yaml"
    path.parent.mkdir()
    path.write_text(ALIASED)
    suite.test(
        f"""
        from pathlib import Path

        def ask(body):
            return requests.post("http://api.example/p", data=body).text

        @pytest.mark.reqcache("aliased")
        def test_it():
            assert [ask("one"), ask("one"), ask("two"), ask("two")] == ["first", "second", "third", "second"]

        @pytest.mark.reqcache("aliased")
        def test_edited():
            assert ask("one") == "first"
            file = Path({str(path)!r})
            file.write_text(file.read_text().replace("text: one", "text: uno"))
            assert [ask("uno"), ask("uno")] == ["first", "second"]
        """
    )
    suite.offline("-p", "no:randomly").assert_outcomes(passed=2)
