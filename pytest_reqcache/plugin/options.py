"""Marker, flags and ini options: their names, their help, and the settings that flags and ini give.

Only the standard library and pytest are imported here; the parsers are, once a value is given.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

MARKER: Final = "reqcache"
_VALUES = "seconds, 90s, 12h, 30d, 2w, a date, never, immediately, do-not-cache or http"

# Native TOML values come as numbers and booleans; pytest takes a union of types since 9.2.
_SCALAR: Any = str | bool | int | float if pytest.version_tuple >= (9, 2) else "string"

#: The settings that an ini file can give, as ``reqcache_<name>``: pytest's type, and the help.
INI_SETTINGS: Final[dict[str, tuple[Any, str]]] = {
    "expire_after": (_SCALAR, f"how long a recording is good for: {_VALUES}"),
    "urls_expire_after": (
        "linelist",
        "lines of PATTERN = VALUE: the first pattern that matches a URL sets its expiry",
    ),
    "cache_control": (_SCALAR, "obey the caching headers of responses: true or false"),
    "stale_if_error": (
        _SCALAR,
        "use an expired recording where it cannot be refreshed, offline too: true, or for how long",
    ),
    "stale_while_revalidate": (
        _SCALAR,
        "answer with an expired recording and refresh it behind: true, or for how long",
    ),
    "always_revalidate": (_SCALAR, "revalidate before each use what has a validator: true or false"),
    "only_if_cached": (_SCALAR, "make no request in tests that use the cache: true or false"),
    "refresh": (_SCALAR, "revalidate or fetch anew each recording, once in a test: true or false"),
    "force_refresh": (_SCALAR, "fetch anew each recording, once in a test: true or false"),
    "allowable_codes": ("args", "statuses that are recorded, as: 200 400-499"),
    "allowable_methods": ("args", "methods that are recorded, as: GET POST"),
    "ignored_parameters": (
        "args",
        "query and body parameters and headers that are neither matched nor recorded",
    ),
    "match_headers": ("args", "request headers that must match: names, or true for all"),
    "volatile_headers": ("args", "further response headers whose change alone is no change of a recording"),
    "redact": ("linelist", "further secrets, a line each: a name, re:REGEX, $.json.path; !name is none"),
    "allowed_secrets": (
        "args",
        "names of environment variables and of token shapes that may stand in a recording",
    ),
    "passthrough": ("linelist", "URL patterns that are no part of the recording: straight to the network"),
    "repeats": (_SCALAR, "share: identical reads share an answer; sequence: each has its own, for polling"),
    "on_miss": (_SCALAR, "504 or raise: how a request is answered that nothing may answer"),
}

MARKER_HELP: Final = (
    f"reqcache(cassette=None, *, {', '.join(INI_SETTINGS)}): replay what the test requests through "
    "`requests` from its cassette, and record what is not there yet."
)

_OWN_INI: Final[dict[str, tuple[Any, str]]] = {
    "offline": (_SCALAR, "as --reqcache-offline: true or false"),
    "cassette_dir": (_SCALAR, "as --reqcache-cassette-dir: relative to the rootdir"),
    "keep_failed": (_SCALAR, "as --reqcache-keep-failed: true or false"),
    "unused": ("string", "as --reqcache-unused: ignore, report or fail"),
    "report": ("string", "as --reqcache-report: relative to the rootdir"),
    "autouse": (_SCALAR, "every test behaves as if it had the bare marker: true or false"),
}

_OFFLINE_FLAG: Final = "--reqcache-offline"
_OFFLINE_INI: Final = ("reqcache_offline", "reqcache_only_if_cached")
_OFFLINE_VARIABLE: Final = "REQCACHE_OFFLINE"
_UNUSED: Final = ("ignore", "report", "fail")

# pytest's parser, and the names of the options that it and its plugins have; conftest files may define more.
_BEFORE_CONFTESTS: Final = pytest.StashKey[tuple[pytest.Parser, frozenset[str]]]()


def add_options(parser: pytest.Parser) -> None:
    """Register every flag and ini option."""
    group = parser.getgroup("reqcache", "HTTP cache for requests (pytest-reqcache)")

    def flag(name: str, text: str, **how: Any) -> None:
        group.addoption(
            f"--reqcache-{name}", dest=f"reqcache_{name.replace('-', '_')}", default=None, help=text, **how
        )

    flag(
        "offline",
        "make no request: answer from the cassettes alone, 504 for what they lack",
        action="store_true",
    )
    flag("refresh", "revalidate or fetch anew each recording, once in a test", action="store_true")
    flag("force-refresh", "fetch anew each recording, once in a test", action="store_true")
    flag("expire-after", f"how long a recording is good for, in every test: {_VALUES}", metavar="VALUE")
    flag(
        "stale-if-error",
        "use an expired recording, of any age, where it cannot be refreshed",
        action="store_true",
    )
    flag("cassette-dir", "keep the cassettes below this folder, not beside the tests", metavar="DIR")
    flag("keep-failed", "keep the new recordings of tests that fail", action="store_true")
    flag(
        "unused",
        "name recordings that no test asked for, when the whole suite has run: ignore, report or fail",
        metavar="MODE",
    )
    flag("report", "write what the run did with the cache to this file, as JSON", metavar="FILE.json")
    flag("disable", "neither replay nor record anything", action="store_true")
    for name, (kind, text) in {**INI_SETTINGS, **_OWN_INI}.items():
        parser.addini(f"reqcache_{name}", text, type=kind, default=None)


def note_known(config: pytest.Config, parser: pytest.Parser) -> None:
    """Take note of the options that there are before any conftest file is read."""
    config.stash[_BEFORE_CONFTESTS] = parser, frozenset(vars(config.known_args_namespace))


class RunOptions:
    """What holds for the whole run. ``offline`` is the name of what asked for it, or empty.

    ``ini`` and ``command_line`` are the layers of settings that they give, ``shown`` what the header says.

    Raises:
        pytest.UsageError: a value is not accepted; the message says where it stands and what is.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.offline = offline_source(config)
        self.disabled = bool(_given(config, "disable"))
        if self.offline and self.disabled:
            raise pytest.UsageError(
                f"{self.offline} and --reqcache-disable were both given: without its recordings a run cannot "
                "be offline; leave one of them out"
            )
        self.autouse = _ini_flag(config, "autouse")
        self.keep_failed = bool(_given(config, "keep_failed")) or _ini_flag(config, "keep_failed")
        self.cassette_dir = _path(config, "cassette_dir")
        self.report = _path(config, "report")
        self.ini, ini_shown = _ini_layer(config)
        self.command_line, flags_shown = _flag_layer(config)
        self.unused, unused_shown = _unused(config)
        self.shown = (*ini_shown, *flags_shown, *unused_shown)
        self._config = config
        if self.offline:
            self.command_line["only_if_cached"] = True

    @cached_property
    def _around_command(self) -> tuple[list[str], list[str]]:
        """Looked for where a miss is to be explained, not in every run."""
        variables, arguments = _ways_online(self._config)
        if self.ini.get("only_if_cached"):
            arguments += ["-o", "reqcache_only_if_cached=false"]
        return variables, [*_kept_arguments(self._config), *arguments]

    @property
    def variables(self) -> list[str]:
        """What stands before `pytest` in a command that makes requests, with the same cassettes."""
        return self._around_command[0]

    @property
    def arguments(self) -> list[str]:
        """What stands behind it."""
        return self._around_command[1]

    @property
    def header(self) -> str:
        """The line about this run in the report's header."""
        if self.disabled:
            return "reqcache: disabled"
        state = f"offline ({self.offline})" if self.offline else "online"
        return ", ".join([f"reqcache: {state}", *self.shown])

    @property
    def refreshes(self) -> bool:
        """Whether the run is one that renews what is recorded."""
        given = {**self.ini, **self.command_line}
        return bool(given.get("refresh") or given.get("force_refresh"))

    @property
    def follows_tests(self) -> bool:
        """Whether somebody wants to know of each single test."""
        return self.report is not None or self.judges_unused

    @property
    def judges_unused(self) -> bool:
        return self.unused != "ignore"


def offline_source(config: pytest.Config) -> str:
    """What asks for an offline run: the flag, the variable or the ini option; empty where none does. A
    variable that is set to false sets the ini option aside."""
    if _given(config, "offline"):
        return _OFFLINE_FLAG
    if value := os.environ.get(_OFFLINE_VARIABLE, "").strip():
        return f"{_OFFLINE_VARIABLE}={value}" if _truth(value, _OFFLINE_VARIABLE) else ""
    return "reqcache_offline" if _ini_flag(config, "offline") else ""


def _ways_online(config: pytest.Config) -> tuple[list[str], list[str]]:
    """What takes back each request for an offline run that the next command would inherit.

    pytest puts ``addopts`` and ``PYTEST_ADDOPTS`` before the arguments of every command; ``-o addopts=...``
    replaces the former, and nothing but the variable itself the latter.
    """
    variables, arguments = [], []
    if _truth(os.environ.get(_OFFLINE_VARIABLE, ""), _OFFLINE_VARIABLE):
        variables.append(f"{_OFFLINE_VARIABLE}=0")
    added = _added()
    if _OFFLINE_FLAG in added:
        variables.append(f"PYTEST_ADDOPTS={shlex.quote(_without_flag(added)) if len(added) > 1 else ''}")
    added = config.getini("addopts")
    if _OFFLINE_FLAG in added:
        arguments += ["-o", f"addopts={_without_flag(added)}"]
    if _ini_flag(config, "offline"):
        arguments += ["-o", "reqcache_offline=false"]
    return variables, arguments


def _kept_arguments(config: pytest.Config) -> list[str]:
    """What this very command says of where cassettes are, and of what holds for them, of which tests it
    takes against ``addopts``, and by options of the suite's own; what ``addopts`` and ``PYTEST_ADDOPTS`` say,
    the next one inherits."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-c", "--config-file", dest="file")
    parser.add_argument("-o", "--override-ini", dest="ini", action="append", default=[])
    parser.add_argument("--rootdir")
    parser.add_argument("--reqcache-cassette-dir", dest="folder")
    parser.add_argument("--reqcache-expire-after", dest="expiry")
    parser.add_argument("-m", dest="marks")
    parser.add_argument("-k", dest="keywords")
    arguments = list(map(str, config.invocation_params.args))
    given, _ = parser.parse_known_args(arguments)
    inherited, _ = parser.parse_known_args([*_added(), *config.getini("addopts")])
    ways = ["-c", given.file] if given.file else []
    for ini in given.ini:
        name = ini.partition("=")[0]
        if (name.startswith("reqcache_") and name not in _OFFLINE_INI) or _is_online_addopts(ini):
            ways += ["-o", ini]
    ways += [f"--rootdir={given.rootdir}"] if given.rootdir else []
    ways += [f"--reqcache-cassette-dir={given.folder}"] if given.folder else []
    ways += [f"--reqcache-expire-after={given.expiry}"] if given.expiry else []
    for flag, own, other in (
        ("-m", given.marks, inherited.marks),
        ("-k", given.keywords, inherited.keywords),
    ):
        ways += [flag, own] if own is not None and other is not None else []
    return [*ways, *_of_own_options(config, arguments)]


def _of_own_options(config: pytest.Config, arguments: list[str]) -> Iterator[str]:
    """Of the arguments what goes to options that conftest files have defined: another server, perhaps. What
    belongs to one of them pytest's own parser knows."""
    if (before := config.stash.get(_BEFORE_CONFTESTS, None)) is None:
        return
    parser, known = before

    def meant(given: list[str]) -> dict[str, Any] | None:
        """What the suite's own options come to with these arguments alone; None where one lacks its value."""
        try:
            found = vars(parser.parse_known_args(given))
        except (pytest.UsageError, SystemExit):
            return None
        return {name: value for name, value in found.items() if name not in known}

    nothing = meant([])
    flags = [number for number, argument in enumerate(arguments) if argument.startswith("-")]
    for start, end in pairwise([*flags, len(arguments)]):
        group = arguments[start:end]
        whole = meant(group)
        if whole is not None and whole != nothing:  # what stands behind it may be a path
            sizes = range(1, len(group))
            yield from group[: next((size for size in sizes if meant(group[:size]) == whole), len(group))]


def _is_online_addopts(ini: str) -> bool:
    """Whether an override of ``addopts`` does not make the run offline, as those of the file may."""
    name, _, value = ini.partition("=")
    return name == "addopts" and _OFFLINE_FLAG not in shlex.split(value)


def _added() -> list[str]:
    return shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))


def _without_flag(arguments: list[str]) -> str:
    return shlex.join(argument for argument in arguments if argument != _OFFLINE_FLAG)


def _given(config: pytest.Config, name: str) -> Any:
    early = getattr(config.known_args_namespace, f"reqcache_{name}", None)
    return getattr(config.option, f"reqcache_{name}", None) if early is None else early


def _truth(text: str, where: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("", "0", "false", "no", "off"):
        return False
    raise pytest.UsageError(f"{where}={text!r}: true or false is accepted")


def _ini_flag(config: pytest.Config, name: str) -> bool:
    value = config.getini(f"reqcache_{name}")
    return False if value is None else _truth(str(value), _where(config, f"reqcache_{name}"))


def _where(config: pytest.Config, name: str) -> str:
    """Where the value of an ini option stands: `-o` goes before the file."""
    overridden = (given.partition("=")[0] for given in config.known_args_namespace.override_ini or ())
    file = "-o" if name in overridden or not config.inipath else config.inipath.name
    return f"{file}: {name}"


def _ini_layer(config: pytest.Config) -> tuple[dict[str, Any], list[str]]:
    layer, shown = {}, []
    for name in INI_SETTINGS:
        value = config.getini(f"reqcache_{name}")
        if value is None:
            continue
        layer[name] = _parsed(name, value, _where(config, f"reqcache_{name}"))
        if name in ("expire_after", "only_if_cached", "stale_if_error", "refresh", "force_refresh"):
            shown.append(f"{name} {value}")
    return layer, shown


def _flag_layer(config: pytest.Config) -> tuple[dict[str, Any], list[str]]:
    layer, shown = {}, []
    for name in ("refresh", "force_refresh", "stale_if_error", "expire_after"):
        value = _given(config, name)
        if value is None:
            continue
        flag = f"--reqcache-{name.replace('_', '-')}"
        layer[name] = _parsed(name, value, flag)
        shown.append(flag if value is True else f"{flag}={value}")
    return layer, shown


def _parsed(name: str, value: object, where: str) -> Any:
    from ..settings import TEXT_PARSERS

    try:
        return TEXT_PARSERS[name](value, where)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None


def _unused(config: pytest.Config) -> tuple[str, list[str]]:
    """What to do about unused recordings, and how the header says it."""
    flag, ini = _given(config, "unused"), config.getini("reqcache_unused")
    given = (ini or "ignore") if flag is None else flag
    value = str(given).strip().lower()
    if value not in _UNUSED:
        where = _where(config, "reqcache_unused") if flag is None else "--reqcache-unused"
        raise pytest.UsageError(f"{where}={str(given)!r}: ignore, report or fail is accepted")
    if flag is not None:
        return value, [f"--reqcache-unused={value}"]
    return value, [f"unused {value}"] if ini else []


def _path(config: pytest.Config, name: str) -> Path | None:
    """A path: of a flag from the current directory, of an ini option from the rootdir."""
    flag = _given(config, name)
    if flag == "":
        raise pytest.UsageError(f"--reqcache-{name.replace('_', '-')}={flag!r}: a path is accepted")
    value = flag or config.getini(f"reqcache_{name}")
    if not value:
        return None
    path = Path(str(value)).expanduser()
    return path if path.is_absolute() else (Path.cwd() if flag else config.rootpath) / path
