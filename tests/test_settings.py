"""Settings from every source: how each is checked, and which of several counts."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_reqcache.expiration import ANY_STALENESS, NO_STALENESS, Special, Staleness
from pytest_reqcache.redaction import parse_redactions
from pytest_reqcache.settings import (
    _OF_OTHER_TOOLS,
    CONFIG_SETTINGS,
    MARKER_SETTINGS,
    NO_OPTIONS,
    PARSERS,
    SESSION_SETTINGS,
    TEST_SETTINGS,
    TEXT_PARSERS,
    Options,
    Settings,
    SettingsView,
    merge,
    parse_options,
    parse_settings,
)


def truth(response: Any) -> bool:
    return True


ACCEPTED = [
    ("expire_after", 60, timedelta(seconds=60)),
    ("expire_after", None, Special.NEVER),
    ("expire_after", 0, Special.IMMEDIATELY),
    ("stale_if_error", True, ANY_STALENESS),
    ("stale_if_error", "90s", Staleness(timedelta(seconds=90))),
    ("stale_while_revalidate", None, NO_STALENESS),
    *((name, value, bool(value)) for name in ("cache_control", "read_only") for value in (True, False, None)),
    ("allowable_codes", [200, 404], frozenset({200, 404})),
    ("allowable_codes", range(200, 203), frozenset({200, 201, 202})),
    ("allowable_codes", (), frozenset()),
    ("allowable_methods", ["get", "Post"], frozenset({"GET", "POST"})),
    ("allowable_methods", None, None),
    ("allowable_codes", None, None),
    ("ignored_parameters", ["Token", "key"], frozenset({"token", "key"})),
    ("match_headers", True, True),
    ("match_headers", None, False),
    ("match_headers", {"X-B", "x-a"}, ("x-a", "x-b")),
    ("volatile_headers", ["X-Id"], frozenset({"x-id"})),
    ("filter_fn", truth, truth),
    ("key_fn", None, None),
    ("passthrough", None, ()),
    ("repeats", "sequence", "sequence"),
    ("on_miss", "raise", "raise"),
]


@pytest.mark.parametrize(("name", "value", "parsed"), ACCEPTED)
def test_setting_is_parsed(name: str, value: Any, parsed: Any) -> None:
    assert parse_settings({name: value}, PARSERS) == {name: parsed}


@pytest.mark.parametrize("defaults", [Settings(), TEST_SETTINGS], ids=["session", "test"])
@pytest.mark.parametrize("name", sorted(PARSERS))
def test_what_a_setting_reads_as_can_be_assigned_again(name: str, defaults: Settings) -> None:
    view = SettingsView(defaults, {}, PARSERS)
    setattr(view, name, getattr(view, name))
    assert view.current == defaults


REFUSED = [
    ("expire_after", "tomorrow", ValueError),
    ("expire_after", True, TypeError),
    ("urls_expire_after", ["a"], TypeError),
    ("stale_if_error", -5, ValueError),
    ("stale_while_revalidate", object, TypeError),
    ("cache_control", 1, TypeError),
    ("read_only", "true", TypeError),
    ("allowable_codes", 200, TypeError),
    ("allowable_codes", "200", TypeError),
    ("allowable_codes", ["200"], TypeError),
    ("allowable_codes", [True], TypeError),
    ("allowable_codes", [200, 99], ValueError),
    ("allowable_codes", [1000], ValueError),
    ("allowable_methods", "GET", TypeError),
    ("allowable_methods", [1], TypeError),
    ("allowable_methods", ["GET,POST"], ValueError),
    ("volatile_headers", ["X-Request-Id, X-Trace"], ValueError),
    ("match_headers", ["Accept:"], ValueError),
    ("ignored_parameters", "token", TypeError),
    ("ignored_parameters", 5, TypeError),
    ("match_headers", "Accept", TypeError),
    ("filter_fn", "f", TypeError),
    ("key_fn", 5, TypeError),
    ("passthrough", "localhost", TypeError),
    ("passthrough", 5, TypeError),
    ("passthrough", re.compile("a"), TypeError),
    ("repeats", "often", ValueError),
    ("on_miss", 504, ValueError),
]


def test_a_wrong_pattern_is_told_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"^pytest\.ini: reqcache_passthrough: 're:\(' is not"):
        TEXT_PARSERS["passthrough"](["re:("], "pytest.ini: reqcache_passthrough")


@pytest.mark.parametrize(("name", "value", "error"), REFUSED)
def test_wrong_setting_is_refused_and_named(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=re.escape(f"here: {name}")):
        parse_settings({name: value}, PARSERS, where="here: ")


def test_every_setting_has_a_parser_and_a_home() -> None:
    assert set(PARSERS) == set(Settings.__dataclass_fields__) - {"in_test"}
    assert set(PARSERS) == SESSION_SETTINGS | CONFIG_SETTINGS
    assert MARKER_SETTINGS <= CONFIG_SETTINGS
    assert set(TEXT_PARSERS) >= MARKER_SETTINGS


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("expire_afer", "did you mean 'expire_after'?"),
        ("xyzzy", "accepted are allowable_codes, "),
    ],
)
def test_unknown_setting_is_refused(name: str, hint: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"mark: {name!r} is no setting; {hint}")):
        parse_settings({name: 1}, SESSION_SETTINGS, where="mark: ")


@pytest.mark.parametrize("name", sorted(_OF_OTHER_TOOLS))
def test_a_setting_of_another_tool_leads_to_the_page_that_has_it(name: str) -> None:
    with pytest.raises(TypeError, match=f"mark: '{name}' is no setting here; docs/moving says"):
        parse_settings({name: 1}, SESSION_SETTINGS, where="mark: ")
    assert f"`{name}`" in (Path(__file__).parents[1] / "docs" / "moving.md").read_text()


def test_setting_of_another_place_is_refused() -> None:
    with pytest.raises(
        TypeError, match="mark: 'repeats' is no setting of this place, but of tests; accepted are allowable_"
    ):
        parse_settings({"repeats": "share"}, SESSION_SETTINGS, where="mark: ")


@pytest.mark.parametrize("value", [-5, "-5", {"a.com": -5}], ids=str)
def test_negative_expiry_is_refused_in_a_test_alone(value: Any) -> None:
    name = "urls_expire_after" if isinstance(value, dict) else "expire_after"
    assert parse_settings({name: value}, SESSION_SETTINGS)
    with pytest.raises(ValueError, match=rf"{name}.*is negative"):
        parse_settings({name: value}, MARKER_SETTINGS, checked=True)


# --- text


@pytest.mark.parametrize(
    ("name", "text", "parsed"),
    [
        ("expire_after", "30d", timedelta(days=30)),
        ("expire_after", 3600, timedelta(hours=1)),
        ("expire_after", "never", Special.NEVER),
        *(("cache_control", text, True) for text in ("1", "true", " YES ", "on", True)),
        *(("cache_control", text, False) for text in ("0", "false", "No", "off", "", False)),
        ("match_headers", ["true"], True),
        ("match_headers", ["off"], False),
        ("match_headers", ["Accept"], ("accept",)),
        ("match_headers", ["X-B", "X-A"], ("x-a", "x-b")),
        ("allowable_codes", ["200", "404-406"], frozenset({200, 404, 405, 406})),
        ("allowable_codes", [200, 404], frozenset({200, 404})),
        ("stale_if_error", "true", ANY_STALENESS),
        ("stale_if_error", "90s", Staleness(timedelta(seconds=90))),
        ("allowable_methods", ["get"], frozenset({"GET"})),
        ("repeats", "sequence", "sequence"),
    ],
)
def test_text_is_parsed(name: str, text: Any, parsed: Any) -> None:
    assert TEXT_PARSERS[name](text, "ini") == parsed


def test_lines_of_url_patterns_are_parsed() -> None:
    rules = TEXT_PARSERS["urls_expire_after"]([r"re:/\?q = 1 = 90s", "", "re:b$ = never"], "ini")
    matched = [rules.match(url) for url in ("http://a.com/?q = 1", "http://x/b", "http://c")]
    assert matched == [timedelta(seconds=90), Special.NEVER, None]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("expire_after", "-5"),
        ("expire_after", "tomorrow"),
        ("cache_control", "perhaps"),
        ("match_headers", ["true", 5]),
        ("allowable_codes", ["ok"]),
        ("allowable_codes", ["400-"]),
        ("allowable_codes", ["-400"]),
        ("allowable_codes", ["499-400"]),
        ("allowable_codes", ["20"]),
        ("urls_expire_after", ["a.com: 5"]),
        ("repeats", "often"),
        ("on_miss", ""),
    ],
)
def test_wrong_text_is_refused(name: str, text: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^ini"):
        TEXT_PARSERS[name](text, "ini")


# --- merging

URL = "http://a.com/"
PATTERNS = {"urls_expire_after": {"a.com": 5}}


@pytest.mark.parametrize(
    ("layers", "expiry"),
    [
        ([], Special.NEVER),
        ([{"expire_after": 60}], timedelta(seconds=60)),
        ([PATTERNS], timedelta(seconds=5)),
        ([PATTERNS, {"cache_control": True}], timedelta(seconds=5)),
        ([{"expire_after": 60}, PATTERNS], timedelta(seconds=5)),
        ([PATTERNS, {"expire_after": 60}], timedelta(seconds=60)),
        ([{**PATTERNS, "expire_after": 60}], timedelta(seconds=5)),
        ([{"expire_after": 60}, {**PATTERNS, "expire_after": 70}], timedelta(seconds=5)),
        ([PATTERNS, {"expire_after": 60}, PATTERNS], timedelta(seconds=5)),
        ([PATTERNS, {"expire_after": 60}, {"expire_after": 70}], timedelta(seconds=70)),
        ([PATTERNS, {"urls_expire_after": {"b.com": 6}, "expire_after": 60}], timedelta(seconds=60)),
        ([PATTERNS, {"expire_after": None}], Special.NEVER),
    ],
)
def test_closer_expiry_sets_wider_patterns_aside(layers: list[dict[str, Any]], expiry: Any) -> None:
    parsed = [parse_settings(layer, MARKER_SETTINGS) for layer in layers]
    assert merge(Settings(), *parsed).default_expiry(URL) == expiry


def test_closer_layer_wins_setting_by_setting() -> None:
    layers = [
        {"cache_control": True, "stale_if_error": True, "match_headers": ["a"]},
        {"stale_if_error": False},
        {"match_headers": True},
    ]
    merged = merge(TEST_SETTINGS, *(parse_settings(layer, MARKER_SETTINGS) for layer in layers))
    assert (merged.cache_control, merged.stale_if_error, merged.match_headers) == (True, NO_STALENESS, True)
    assert merged.in_test
    assert merge(TEST_SETTINGS) == TEST_SETTINGS


# --- what settings mean


@pytest.mark.parametrize(
    ("settings", "status", "allowed"),
    [
        *((Settings(), status, status in (200, 301, 302, 303, 307, 308)) for status in (200, 201, 304, 404)),
        *((Settings(allowable_codes=frozenset({404})), status, status != 200) for status in (200, 302, 404)),
        *(
            (TEST_SETTINGS, status, status not in (429, 500, 503))
            for status in (200, 404, 429, 499, 500, 503)
        ),
    ],
)
def test_statuses_that_are_stored(settings: Settings, status: int, allowed: bool) -> None:
    assert settings.allows_status(status) is allowed


@pytest.mark.parametrize(("method", "in_session"), [("get", True), ("HEAD", True), ("POST", False)])
def test_methods_that_are_stored(method: str, in_session: bool) -> None:
    assert Settings().allows_method(method) is in_session
    assert TEST_SETTINGS.allows_method(method)


def test_passthrough_is_by_pattern() -> None:
    layer = parse_settings({"passthrough": ["localhost", re.compile("^https:")]}, SESSION_SETTINGS)
    settings = merge(Settings(), layer)
    passed = [settings.passes_through(url) for url in ("http://localhost:8080/", "https://a/", "http://a/")]
    assert passed == [True, True, False]
    assert not Settings().passes_through(URL)


# --- the options of one call


def test_options_of_a_call_change_the_settings_for_it_alone() -> None:
    options = parse_options(
        expire_after=60,
        refresh=True,
        force_refresh=None,
        only_if_cached=True,
        stale_if_error=5,
        stale_while_revalidate=False,
    )
    assert options == Options(
        timedelta(seconds=60), True, False, True, Staleness(timedelta(seconds=5)), NO_STALENESS
    )
    settings = Settings(stale_while_revalidate=ANY_STALENESS)
    applied = options.applied_to(settings)
    assert (applied.only_if_cached, applied.stale_if_error.limit) == (True, timedelta(seconds=5))
    assert applied.stale_while_revalidate is NO_STALENESS
    assert applied.expire_after is settings.expire_after
    assert not settings.only_if_cached
    assert parse_options() == NO_OPTIONS
    assert NO_OPTIONS.applied_to(settings) is settings


@pytest.mark.parametrize(
    "option", [{"expire_after": True}, {"refresh": 1}, {"only_if_cached": "yes"}], ids=str
)
def test_wrong_option_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(option))):
        parse_options(**option)


# --- session.settings


@pytest.fixture
def view() -> SettingsView:
    given = {"expire_after": "30d", "match_headers": ["X-A"]}
    return SettingsView(merge(Settings(), parse_settings(given, SESSION_SETTINGS)), given, SESSION_SETTINGS)


def test_settings_read_back_as_given_and_hold_at_once(view: SettingsView) -> None:
    assert (view.expire_after, view.match_headers, view.cache_control) == ("30d", ["X-A"], False)
    view.expire_after = 60
    view.cache_control = True
    assert (view.expire_after, view.current.expire_after) == (60, timedelta(seconds=60))
    assert view.current.cache_control
    assert view.as_dict()["expire_after"] == 60
    assert set(view.as_dict()) == set(PARSERS)
    assert repr(view) == "<settings: expire_after=60, match_headers=['X-A'], cache_control=True>"
    assert repr(SettingsView(Settings(), {}, SESSION_SETTINGS)) == "<settings: the defaults>"


def test_what_is_read_cannot_be_changed_in_place() -> None:
    given = {"urls_expire_after": {"*/a": 10}, "allowable_methods": ["GET"]}
    view = SettingsView(merge(Settings(), parse_settings(given, SESSION_SETTINGS)), given, SESSION_SETTINGS)
    view.urls_expire_after["*/b"] = 5
    view.allowable_methods.append("POST")
    given["allowable_methods"].append("POST")
    assert (view.urls_expire_after, view.allowable_methods) == ({"*/a": 10}, ["GET"])
    view.urls_expire_after = {**view.urls_expire_after, "*/b": 5}
    assert view.urls_expire_after == {"*/a": 10, "*/b": 5}


def test_what_a_test_assigns_is_checked_and_merged_as_a_layer_is() -> None:
    configured = {"expire_after": timedelta(days=30), "redact": parse_redactions(["author"], "")}
    view = SettingsView(merge(TEST_SETTINGS, configured), {}, CONFIG_SETTINGS)
    view.redact = {"other": True, "!isbn": True}
    assert view.current.redact.entries == {"author": True, "other": True, "isbn": False}
    view.redact = ["third"]
    assert view.current.redact.entries == {"author": True, "third": True}
    view.expire_after = "1h"
    view.expire_after = None
    assert view.current == merge(TEST_SETTINGS, configured, {"redact": parse_redactions(["third"], "")})
    with pytest.raises(ValueError, match=r"settings\.expire_after"):
        view.expire_after = -5


def test_settings_refuse_what_is_wrong_and_stay(view: SettingsView) -> None:
    before = view.current
    with pytest.raises(AttributeError, match="did you mean 'expire_after'"):
        view.expire_afer = 5
    with pytest.raises(AttributeError, match="did you mean 'stale_if_error'"):
        view.stale_if_eror  # noqa: B018
    with pytest.raises(ValueError, match=r"settings\.stale_if_error"):
        view.stale_if_error = "tomorrow"
    with pytest.raises(AttributeError, match="'repeats' is no setting"):
        view.repeats = "sequence"
    for name in "current", "expire_after":
        with pytest.raises(AttributeError, match=f"settings.{name} cannot be deleted"):
            delattr(view, name)
    assert view.current is before
    assert not hasattr(view, "__wrapped__")


def test_no_expiry_in_a_test_leaves_it_to_the_next_wider_level() -> None:
    layer = parse_settings({"expire_after": None}, MARKER_SETTINGS, checked=True)
    wider = parse_settings({"expire_after": "30d", "urls_expire_after": {"*": "1h"}}, MARKER_SETTINGS)
    assert merge(TEST_SETTINGS, wider, layer) == merge(TEST_SETTINGS, wider)
