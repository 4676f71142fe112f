"""Cassettes are no tests: pytest passes over a module's folder of them, and over nothing else."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("how", [(), ("--reqcache-cassette-dir=recorded",)], ids=["beside it", "elsewhere"])
def test_cassettes_are_no_tests_of_who_collects_yaml_files(suite, how):
    suite.write("conftest.py", COLLECTS_YAML)
    suite.write("cases/one.yaml", "1")
    suite.test(TEST, "unit/test_api.py")
    suite.run(*how).assert_outcomes(passed=2)
    assert len(list(suite.path.rglob("test_it.yaml"))) == 1
    suite.offline(*how).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "there",
    [
        pytest.param("cassettes/test_api/test_inner.py", id="among the cassettes"),
        pytest.param("cassettes/test_other/test_inner.py", id="in a folder of no module"),
        pytest.param("cassettes/test_inner.py", id="beside the folders"),
        pytest.param("tapes/test_api/test_inner.py", id="in a folder that is called otherwise"),
    ],
)
def test_what_may_be_a_test_is_collected(suite, there):
    suite.test(TEST, "test_api.py")
    suite.run().assert_outcomes(passed=1)
    suite.write(there, "def test_inner(): pass")
    suite.offline().assert_outcomes(passed=2)


def test_yaml_files_of_no_module_are_collected(suite):
    suite.write("conftest.py", COLLECTS_YAML)
    suite.write("cassettes/test_gone/one.yaml", "1")
    suite.test(TEST, "test_api.py")
    suite.run().assert_outcomes(passed=2)
