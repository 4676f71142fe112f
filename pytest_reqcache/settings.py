"""Settings and options: what holds for a session or a test, and what one call adds.

One table, :data:`PARSERS`, says how each setting is checked, wherever it comes from: a keyword
argument, an assignment to ``session.settings``, a marker, a flag, an ini file. No I/O.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal

from .expiration import (
    NO_STALENESS,
    Expiry,
    Special,
    Staleness,
    UrlPattern,
    UrlRules,
    parse_expiry,
    parse_expiry_text,
    parse_staleness,
    parse_url_patterns,
    parse_url_rule_lines,
    parse_url_rules,
)
from .headers import is_token
from .redaction.entries import Redactions, parse_redaction_lines, parse_redactions

Layer = Mapping[str, Any]
"""Parsed settings from one source: only those that it gives."""

#: What other adapters than those of HTTP answer from this machine.
_NO_NETWORK: Final = ("file:", "data:")
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

#: Parameters whose values are neither matched nor stored, unless a session says otherwise.
DEFAULT_IGNORED: Final = (
    "Authorization",
    "Proxy-Authorization",
    "X-API-Key",
    "X-Auth-Token",
    "access_token",
    "api_key",
    "client_secret",
    "refresh_token",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides what is stored, matched and served; all values parsed.

    The defaults are those of a session made by hand. :data:`TEST_SETTINGS` are those of a test.
    ``allowable_codes`` and ``allowable_methods`` of None stand for a test's defaults: every status
    but 5xx and 429, every method.
    """

    expire_after: Expiry = Special.NEVER
    urls_expire_after: UrlRules = field(default_factory=UrlRules)
    cache_control: bool = False
    stale_if_error: Staleness = NO_STALENESS
    stale_while_revalidate: Staleness = NO_STALENESS
    always_revalidate: bool = False
    only_if_cached: bool = False
    refresh: bool = False
    force_refresh: bool = False
    allowable_codes: frozenset[int] | None = frozenset({200})
    allowable_methods: frozenset[str] | None = frozenset({"GET", "HEAD"})
    ignored_parameters: frozenset[str] = frozenset(name.lower() for name in DEFAULT_IGNORED)
    match_headers: bool | tuple[str, ...] = False
    volatile_headers: frozenset[str] = frozenset()
    redact: Redactions = field(default_factory=Redactions)
    allowed_secrets: tuple[str, ...] = ()
    filter_fn: Callable[[Any], bool] | None = None
    key_fn: Callable[..., str] | None = None
    read_only: bool = False
    passthrough: tuple[UrlPattern, ...] = ()
    remove_expired: bool = False
    repeats: Literal["share", "sequence"] = "share"
    on_miss: Literal["504", "raise"] = "504"
    in_test: bool = False

    def allows_method(self, method: str) -> bool:
        return self.allowable_methods is None or method.upper() in self.allowable_methods

    def allows_status(self, status: int) -> bool:
        """Whether a response may be stored; a redirect may under every ``allowable_codes``."""
        if self.allowable_codes is None:
            return status < 500 and status != 429
        return status in self.allowable_codes or status in REDIRECTS

    @property
    def heads_by_get(self) -> bool:
        """Whether what is stored of GET may answer HEAD, too (RFC 9110 section 9.3.2), where HTTP is obeyed:
        not under a key of the user's, nor where each request has an answer of its own."""
        return self.cache_control and self.key_fn is None and self.repeats != "sequence"

    def passes_through(self, url: str) -> bool:
        if url.startswith(_NO_NETWORK):
            return True
        return bool(self.passthrough) and any(pattern.matches(url) for pattern in self.passthrough)

    def default_expiry(self, url: str) -> Expiry:
        """What the first matching URL pattern says, else the session or the test."""
        found = self.urls_expire_after.match(url) if self.urls_expire_after else None
        return self.expire_after if found is None else found


TEST_SETTINGS: Final = Settings(
    allowable_codes=None, allowable_methods=None, ignored_parameters=frozenset(), in_test=True
)


@dataclass(frozen=True, slots=True)
class Options:
    """What one call adds to the settings."""

    expire_after: Expiry | None = None
    refresh: bool = False
    force_refresh: bool = False
    only_if_cached: bool = False
    stale_if_error: Staleness | None = None
    stale_while_revalidate: Staleness | None = None

    def applied_to(self, settings: Settings) -> Settings:
        """The settings that hold for this call; ``expire_after`` stays with the options."""
        changes: dict[str, Any] = {}
        if self.only_if_cached:
            changes["only_if_cached"] = True
        if self.stale_if_error is not None:
            changes["stale_if_error"] = self.stale_if_error
        if self.stale_while_revalidate is not None:
            changes["stale_while_revalidate"] = self.stale_while_revalidate
        return replace(settings, **changes) if changes else settings


NO_OPTIONS: Final = Options()
OPTION_NAMES: Final = frozenset(Options.__dataclass_fields__)


# --- one parser for each setting: parser(value, where) -> the value that Settings holds


def _flag(value: object, where: str) -> bool:
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    raise TypeError(f"{where}={value!r} is a {type(value).__name__}: True or False is accepted")


def _names(value: object, where: str) -> frozenset[str]:
    return frozenset(name.lower() for name in _strings(value, where))


def _strings(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        listed = re.split(r"[\s,]+", value.strip())
        raise TypeError(f"{where}={value!r} is one text: a list of names is accepted, as {listed}")
    if isinstance(value, Iterable):
        names = tuple(value)
        if all(isinstance(name, str) for name in names):
            return names
    raise TypeError(f"{where}={value!r}: a list of names is accepted")


def _tokens(value: object, where: str) -> frozenset[str]:
    """Names of methods or headers (RFC 9110 sections 5.1 and 9.1), in lower case."""
    names = _names(value, where)
    if wrong := sorted(name for name in names if not is_token(name)):
        raise ValueError(f"{where}: {wrong[0]!r} is no name in HTTP; a list of names is accepted, one each")
    return names


def _codes(value: object, where: str) -> frozenset[int] | None:
    if value is None:
        return None
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        codes = list(value)
        if all(isinstance(code, int) and not isinstance(code, bool) for code in codes):
            wrong = [code for code in codes if not 100 <= code <= 999]
            if wrong:
                raise ValueError(f"{where}: {wrong[0]} is no HTTP status; 100 to 999 are accepted")
            return frozenset(codes)
    raise TypeError(f"{where}={value!r}: a list of HTTP statuses is accepted, as [200, 404]")


def _methods(value: object, where: str) -> frozenset[str] | None:
    return None if value is None else frozenset(map(str.upper, _tokens(value, where)))


def _match_headers(value: object, where: str) -> bool | tuple[str, ...]:
    if value is None or isinstance(value, bool):
        return bool(value)
    return tuple(sorted(_tokens(value, where)))


def _function(value: object, where: str) -> Callable[..., Any] | None:
    if value is None or callable(value):
        return value
    raise TypeError(f"{where}={value!r} is a {type(value).__name__}: a function is accepted")


def _choice(*accepted: str) -> Callable[[object, str], str]:
    def parse(value: object, where: str) -> str:
        if value in accepted:
            return str(value)
        raise ValueError(f"{where}={value!r}: accepted are {' and '.join(map(repr, accepted))}")

    return parse


def _expire_after(value: object, where: str) -> Expiry:
    return parse_expiry(value, where) or Special.NEVER


def _checked_expire_after(value: object, where: str) -> Expiry:
    return parse_expiry_text(value, where) or Special.NEVER


def _checked_url_rules(value: object, where: str) -> UrlRules:
    return parse_url_rules(value, where, parse=parse_expiry_text)


Parser = Callable[[Any, str], Any]

PARSERS: Final[Mapping[str, Parser]] = {
    "expire_after": _expire_after,
    "urls_expire_after": parse_url_rules,
    "cache_control": _flag,
    "stale_if_error": parse_staleness,
    "stale_while_revalidate": parse_staleness,
    "always_revalidate": _flag,
    "only_if_cached": _flag,
    "refresh": _flag,
    "force_refresh": _flag,
    "allowable_codes": _codes,
    "allowable_methods": _methods,
    "ignored_parameters": _names,
    "match_headers": _match_headers,
    "volatile_headers": _tokens,
    "redact": parse_redactions,
    "allowed_secrets": _strings,
    "filter_fn": _function,
    "key_fn": _function,
    "read_only": _flag,
    "passthrough": parse_url_patterns,
    "remove_expired": _flag,
    "repeats": _choice("share", "sequence"),
    "on_miss": _choice("504", "raise"),
}

#: Settings that only a test knows, or only a session made by hand.
TEST_ONLY: Final = frozenset({"repeats", "on_miss", "refresh", "force_refresh", "volatile_headers", "redact"})
CODE_ONLY: Final = frozenset({"filter_fn", "key_fn"})
SESSION_ONLY: Final = frozenset({"remove_expired", "read_only"})

SESSION_SETTINGS: Final = frozenset(PARSERS) - TEST_ONLY
MARKER_SETTINGS: Final = frozenset(PARSERS) - CODE_ONLY - SESSION_ONLY
CONFIG_SETTINGS: Final = frozenset(PARSERS) - SESSION_ONLY

# In a test's configuration a negative expiry is refused: there it can only be a mistake.
_CHECKED: Final[Mapping[str, Parser]] = {
    **PARSERS,
    "expire_after": _checked_expire_after,
    "urls_expire_after": _checked_url_rules,
}


# What people bring along from vcrpy and requests-cache; a similar name of ours may be another thing.
_OF_OTHER_TOOLS: Final = frozenset(
    {
        *("allow_playback_repeats", "allowed_hosts", "before_record", "before_record_request"),
        *("before_record_response", "cassette_library_dir", "decode_compressed_response"),
        *("filter_headers", "filter_post_data_parameters", "filter_query_parameters"),
        *("filter_sensitive_data", "ignore_hosts", "ignore_localhost", "match_on"),
        *("record_mode", "record_on_exception"),
        *("autoclose", "backend", "content_root_key", "serializer", "use_cache_dir", "use_temp"),
    }
)


def parse_settings(
    given: Mapping[str, object], accepted: Collection[str], *, where: str = "", checked: bool = False
) -> dict[str, Any]:
    """The given settings, each checked by its parser: one layer for :func:`merge`.

    Raises:
        TypeError: a name is unknown (the nearest known one is named), or a value of a wrong type.
        ValueError: a value is of the right type but not accepted.
    """
    parsers = _CHECKED if checked else PARSERS
    layer = {}
    for name, value in given.items():
        if name not in accepted:
            raise TypeError(unknown_setting(str(name), accepted, where))
        if checked and name == "expire_after" and value is None:
            continue  # not given: the next wider level decides
        layer[name] = parsers[name](value, f"{where}{name}")
    return layer


def parse_options(**given: object) -> Options:
    """The options of one call, checked; None is one that is not given.

    Raises:
        TypeError, ValueError: a value is not of an accepted form.
    """
    # Of `expire_after` a setting's None is never, and that of a call the session's.
    return Options(**{name: PARSERS[name](value, name) for name, value in given.items() if value is not None})


def unknown_setting(name: str, accepted: Collection[str], where: str = "") -> str:
    """The sentence that names an unknown setting, or one of another place, and the nearest known one."""
    if name in PARSERS:
        others = "tests" if name in TEST_ONLY else "sessions and of reqcache_config"
        others = "sessions made by hand" if name in SESSION_ONLY else others
        told = f"{where}{name!r} is no setting of this place, but of {others}"
        return f"{told}; accepted are {', '.join(sorted(accepted))}"
    if name in _OF_OTHER_TOOLS:
        return f"{where}{name!r} is no setting here; docs/moving says what takes its place"
    near = difflib.get_close_matches(name, sorted(accepted), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"accepted are {', '.join(sorted(accepted))}"
    return f"{where}{name!r} is no setting; {hint}"


def refused_option(error: TypeError, names: Iterable[str]) -> str | None:
    """What to say where `requests` has refused an argument of a call that is meant for us: an option that is
    spelt in another way, or a setting of sessions; None where it was another one."""
    for name in names:
        is_meant = name in PARSERS or difflib.get_close_matches(name, OPTION_NAMES, 1)
        if is_meant and str(error).endswith(f"unexpected keyword argument {name!r}"):
            return unknown_setting(name, OPTION_NAMES)
    return None


# --- settings as text, in ini files and on the command line


def _flag_text(value: object, where: str) -> bool:
    lowered = str(value).strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(f"{where} = {value!r}: true or false is accepted")


def _separated(parse: Parser) -> Parser:
    """The parser of a setting whose words are separated by blanks."""

    def parse_words(value: list[object], where: str) -> Any:
        for word in value:
            if isinstance(word, str) and "," in word:
                raise ValueError(f"{where}: {word!r}: names are separated by blanks, without commas")
        return parse(value, where)

    return parse_words


def _match_headers_text(value: list[str], where: str) -> bool | tuple[str, ...]:
    if len(value) == 1 and value[0].lower() in ("true", "false", "yes", "no", "on", "off", "1", "0"):
        return _flag_text(value[0], where)
    return _match_headers(value, where)


_STATUS: Final = re.compile("[1-9][0-9]{2}")


def _codes_text(value: list[str], where: str) -> frozenset[int] | None:
    codes: set[int] = set()
    for word in value:
        first, dash, last = str(word).partition("-")
        if not _STATUS.fullmatch(first) or (dash and not _STATUS.fullmatch(last)):
            raise ValueError(
                f"{where}: {word!r} is no HTTP status; "
                "accepted are statuses and ranges, such as 200 or 400-499"
            )
        span = range(int(first), int(last or first) + 1)
        if not span:
            raise ValueError(f"{where}: {word!r} is no range; the lower status stands first")
        codes.update(span)
    return _codes(codes, where)


#: How each setting that can be written in an ini file is read from its text.
TEXT_PARSERS: Final[Mapping[str, Parser]] = {
    **{name: parser for name, parser in PARSERS.items() if name in MARKER_SETTINGS},
    **{name: _flag_text for name in MARKER_SETTINGS if PARSERS[name] is _flag},
    **{
        name: _separated(PARSERS[name])
        for name in ("allowable_methods", "allowed_secrets", "ignored_parameters", "volatile_headers")
    },
    "expire_after": _checked_expire_after,
    "urls_expire_after": parse_url_rule_lines,
    "match_headers": _separated(_match_headers_text),
    "allowable_codes": _codes_text,
    "redact": parse_redaction_lines,
}


# --- merging


def merge(base: Settings, *layers: Layer) -> Settings:
    """The settings that come of layers, from the widest to the closest; a closer value wins.

    ``expire_after`` and ``urls_expire_after`` are one setting here: a layer that gives
    ``expire_after`` without patterns sets wider patterns aside. The entries of ``redact`` add up: what
    one layer calls a secret no other forgets by chance.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        if "expire_after" in layer and "urls_expire_after" not in layer:
            merged["urls_expire_after"] = UrlRules()
        redact = merged.get("redact", base.redact)
        merged.update(layer)
        if "redact" in layer:
            merged["redact"] = redact | layer["redact"]
    return replace(base, **merged) if merged else base


class SettingsView:
    """``session.settings``: read any setting; assign one, and it holds from the next request on.

    An assigned value is checked at once, and reads back as it was given; what is read is a copy. In a test
    an assignment is the closest layer for :func:`merge`, but that it leaves URL patterns as they are: entries
    of ``redact`` add up with the configured ones, and ``expire_after`` of None is the configured one.
    """

    __slots__ = ("_accepted", "_configured", "_given", "current")

    #: The settings, parsed.
    current: Settings
    _accepted: Collection[str]
    _configured: Settings
    _given: dict[str, object]

    def __init__(self, current: Settings, given: Mapping[str, object], accepted: Collection[str]) -> None:
        object.__setattr__(self, "_configured", current)
        object.__setattr__(self, "current", current)
        object.__setattr__(self, "_given", {name: _copied(value) for name, value in given.items()})
        object.__setattr__(self, "_accepted", accepted)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in PARSERS:
            raise AttributeError(unknown_setting(name, self._accepted))
        return _copied(self._given.get(name, getattr(self.current, name)))

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._accepted:
            raise AttributeError(unknown_setting(name, self._accepted))
        parsed = self._parsed(name, value)
        object.__setattr__(self, "current", replace(self.current, **{name: parsed}))
        self._given[name] = _copied(value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"settings.{name} cannot be deleted; assign what is to hold")

    def _parsed(self, name: str, value: object) -> Any:
        where, configured = f"settings.{name}", self._configured
        if not configured.in_test:
            return PARSERS[name](value, where)
        if name == "expire_after" and value is None:
            return configured.expire_after
        parsed = _CHECKED[name](value, where)
        return configured.redact | parsed if name == "redact" else parsed

    def as_dict(self) -> dict[str, Any]:
        """Every setting, as given or as its default."""
        return {item.name: getattr(self, item.name) for item in fields(Settings) if item.name in PARSERS}

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._given.items())
        return f"<settings: {given or 'the defaults'}>"


def _copied(value: object) -> object:
    """What a change in place does not reach: it would have no effect, and yet be read back."""
    return copy(value) if isinstance(value, (dict, list, set)) else value
