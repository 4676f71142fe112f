"""Cassettes are no tests: pytest passes over a module's folder of them, and over nothing else."""

from __future__ import annotations

import os

import pytest

from pytest_reqcache.cassette.finding import is_cassette
from pytest_reqcache.plugin.folders import holds_cassettes_alone

# As the documentation of pytest shows it: every YAML file is a test.
COLLECTS_YAML = """
    class YamlFile(pytest.File):
        def collect(self):
            yield YamlItem.from_parent(self, name="yaml")

    class YamlItem(pytest.Item):
        def runtest(self):
            assert "interactions" not in self.path.read_text()

    def pytest_collect_file(parent, file_path):
        if file_path.suffix == ".yaml":
            return YamlFile.from_parent(parent, path=file_path)
"""
TEST = """
    @pytest.mark.reqcache
    def test_it():
        assert requests.get(URL + "/a").ok
"""


@pytest.mark.parametrize(
    "how",
    [
        pytest.param((), id="beside the module"),
        pytest.param(("--reqcache-cassette-dir=recorded",), id="below a folder"),
        pytest.param(("--reqcache-cassette-dir=unit/../recorded",), id="below a folder with dots"),
        pytest.param(("--reqcache-cassette-dir=link",), id="below a link"),
    ],
)
def test_cassettes_are_no_tests_of_who_collects_yaml_files(suite, how):
    suite.write("conftest.py", COLLECTS_YAML)
    suite.write("cases/one.yaml", "1")
    suite.test(
        f"""{TEST}
    @pytest.mark.reqcache("shop/catalogue")
    def test_shared():
        assert requests.get(URL + "/b").ok
    """,
        "unit/test_api.py",
    )
    (suite.path / "recorded").mkdir()
    (suite.path / "link").symlink_to(suite.path / "recorded")
    suite.run(*how).assert_outcomes(passed=3)
    written = [path for name in ("test_it", "catalogue") for path in suite.path.rglob(f"{name}.yaml")]
    assert len({path.resolve() for path in written}) == 2
    suite.offline(*how).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "there",
    [".DS_Store", ".test_it.yaml.7.tmp", "test_it.yaml~", "test_it.yaml.torn", "test_it.bodies/a.json"],
)
def test_what_may_lie_beside_cassettes_makes_them_no_tests(suite, there):
    suite.write("conftest.py", COLLECTS_YAML)
    suite.test(TEST)
    suite.run().assert_outcomes(passed=1)
    suite.write(f"cassettes/test_it/{there}", "anything")
    suite.offline().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("there", "text"),
    [
        pytest.param("cassettes/test_it/test_inner.py", "def test_inner(): pass", id="among the cassettes"),
        pytest.param("cassettes/test_it/v1.yaml/test_inner.py", "def test_inner(): pass", id="in a folder"),
        pytest.param("cassettes/test_inner.py", "def test_inner(): pass", id="beside the folders"),
        pytest.param("cassettes/other/smoke.yaml", "1", id="another YAML file"),
        pytest.param("cassettes/test_it/compose.yaml", "version: 3\nservices: {}", id="of another version"),
        pytest.param("cassettes/test_it/cases.yaml", "version: 1\ncases: []", id="of another kind"),
    ],
)
def test_what_may_be_a_test_is_collected(suite, there, text):
    suite.write("conftest.py", COLLECTS_YAML)
    suite.test(TEST)
    suite.run().assert_outcomes(passed=1)
    suite.write(there, text)
    result = suite.offline("--ignore-glob=*/test_it.yaml")
    result.assert_outcomes(passed=2)


def test_cassette_is_collected_where_it_is_asked_for(suite):
    suite.write("conftest.py", COLLECTS_YAML)
    suite.test(TEST)
    suite.run().assert_outcomes(passed=1)
    suite.offline("cassettes/test_it/test_it.yaml").assert_outcomes(failed=1)
    suite.offline("cassettes").assert_outcomes(failed=1)


def test_folder_that_may_not_be_read_is_left_to_pytest(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError

    monkeypatch.setattr("os.scandir", denied)
    assert not holds_cassettes_alone(tmp_path)


def test_long_head_of_another_file_is_told_at_once(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"# Licensed under the terms of ...\r\n" * 100 + b"name: x\r\n")
    assert not holds_cassettes_alone(tmp_path)
    assert not is_cassette(tmp_path / "config.yaml")


def test_tests_in_a_folder_that_is_linked_to_are_collected(suite):
    suite.test(TEST)
    suite.run().assert_outcomes(passed=1)
    suite.write("elsewhere/test_inner.py", "def test_inner(): pass")
    (suite.path / "cassettes" / "test_it" / "inner").symlink_to(suite.path / "elsewhere")
    suite.offline("--ignore=elsewhere").assert_outcomes(passed=2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_nothing_but_files_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    assert not holds_cassettes_alone(tmp_path)


def test_head_and_get_of_one_key_are_no_duplicates(suite):
    suite.write(
        "conftest.py",
        """
        @pytest.fixture
        def reqcache_config():
            return {"key_fn": lambda request, **settings: request.url}
        """,
    )
    suite.test("""
        @pytest.mark.reqcache
        def test_it():
            assert requests.head(URL + "/a").content == b""
            assert requests.get(URL + "/a").content
    """)
    suite.run().assert_outcomes(passed=1)
    suite.offline("-W", "error").assert_outcomes(passed=1)
    suite.run("--reqcache-refresh").assert_outcomes(passed=1)
    assert suite.cassette().count("- request:") == 2
