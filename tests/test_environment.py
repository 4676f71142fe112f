from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from origin import Origin
from pytest_reqcache import CachedSession, CacheMixin, install_cache, uninstall_cache
from pytest_reqcache.environment import Proxies


@pytest.fixture(params=["session", "installed"])
def get(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """What makes a request through a cache: a session's ``get``, and that of a patched ``requests``."""
    if request.param == "session":
        with CachedSession(tmp_path / "c") as made:
            yield made.get
        return
    install_cache(tmp_path / "c")
    yield lambda url, **options: requests.Session().get(url, **options)
    uninstall_cache()


def test_what_is_sent_goes_to_the_proxy_of_the_environment(
    origin: Origin, get: Callable[..., requests.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", origin.url)
    assert get("http://elsewhere.example/a").status_code == 200
    assert get("http://elsewhere.example/a").status_code == 200
    assert len(origin.log) == 1


def test_no_proxy_of_the_environment_is_obeyed(
    origin: Origin, get: Callable[..., requests.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert get(f"{origin.url}/a").status_code == 200


def test_the_callers_proxy_comes_before_that_of_the_environment(
    origin: Origin, get: Callable[..., requests.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    given = {"http": origin.url}
    assert get("http://elsewhere.example/a", proxies=given).status_code == 200
    assert given == {"http": origin.url}


def test_hooks_see_what_they_would_see_without_a_cache(
    origin: Origin, get: Callable[..., requests.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", origin.url)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/some/bundle.pem")
    seen: list[dict[str, Any]] = []

    def hook(response: requests.Response, **options: Any) -> None:
        seen.append(options)

    for _ in range(2):
        get("http://elsewhere.example/a", hooks={"response": hook}, timeout=5)
    with requests.Session() as plain:
        expected = plain.merge_environment_settings("http://elsewhere.example/a", {}, None, None, None)
    for options in seen:
        assert options.pop("timeout") == 5
        assert {**options, "proxies": dict(options["proxies"])} == {
            **expected,
            "proxies": dict(expected["proxies"]),
        }
    assert len(seen) == 2


@pytest.mark.parametrize("installed", [False, True])
def test_another_class_may_choose_by_the_url(origin: Origin, tmp_path: Path, installed: bool) -> None:
    asked = []

    class Theirs(requests.Session):
        def merge_environment_settings(self, url: Any, *args: Any) -> Any:
            asked.append(url)
            return super().merge_environment_settings(url, *args)

    class Mine(CacheMixin, Theirs):
        pass

    if installed:
        install_cache(tmp_path / "installed")
    with Mine(tmp_path / "c") as session:
        session.get(f"{origin.url}/a")
    uninstall_cache()
    assert asked == [f"{origin.url}/a"]


def test_nothing_is_looked_up_for_what_is_not_sent(
    origin: Origin, get: Callable[..., requests.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    get(f"{origin.url}/a")
    monkeypatch.setattr("urllib.request.getproxies", pytest.fail)
    monkeypatch.setattr("requests.utils.getproxies", pytest.fail)
    assert get(f"{origin.url}/a").status_code == 200


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made)), dict]
)
def test_a_copy_is_a_plain_dictionary(copied: Callable[[Proxies], object]) -> None:
    made = Proxies(lambda: {"http": "http://p"})
    assert copied(made) == {"http": "http://p"}
    assert type(copied(made)) is dict
    assert made.copy() == {"http": "http://p"}
    assert "p" in repr(made)
