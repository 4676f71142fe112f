"""Which names say that what they name is a secret, and what users add to them.

Field names are compared *folded*: lower case without ``-`` and ``_``, so that ``accessToken``,
``access-token`` and ``access_token`` are one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache, cached_property, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from .model import PLACEHOLDER
from .spans import decoded

#: Gives what is written in the place of a secret; None for the usual placeholder.
StandIn = Callable[[str], "str | None"]

_TOKENS: Final = (
    *("access_token", "refresh_token", "id_token", "token", "auth_token", "session_token", "api_token"),
    *("bearer_token", "csrf_token", "xsrf_token", "csrfmiddlewaretoken", "authenticity_token"),
    *("device_token", "personal_access_token", "private_token", "security_token", "jwt", "subject_token"),
    *("secret_token", "oauth_token", "x_amz_security_token", "saml_response", "jws", "tokens"),
)
_KEYS: Final = (
    *("api_key", "secret_key", "secret_access_key", "private_key", "access_key_secret", "session_key"),
    *("subscription_key", "rapidapi_key", "hapikey", "account_key", "auth_key", "encryption_key"),
    *("signing_key", "master_key", "client_key", "application_key"),
)
_SECRETS: Final = (
    *("secret", "secrets", "api_secret", "api_secret_key", "app_secret", "consumer_secret", "client_secret"),
    *("shared_secret", "webhook_secret", "oauth_token_secret", "oauth_verifier", "code_verifier"),
    *("client_assertion", "assertion", "authorization", "credential", "credentials", "session_id"),
    *("recovery_code", "recovery_codes", "otp", "totp", "otp_code", "mfa_code", "verification_code"),
    *("auth_code", "device_code", "passcode", "csrf"),
)
_PASSWORDS: Final = (
    *("password", "passwd", "passwort", "passphrase", "pwd", "new_password", "old_password"),
    *("current_password", "password_confirmation", "user_password", "passwords"),
    *("contraseña", "contrasena", "senha", "mot_de_passe", "wachtwoord", "kennwort", "lösenord"),
    *("hasło", "haslo", "parola", "şifre", "пароль", "密码", "密碼", "パスワード", "비밀번호"),
)

#: Query parameters, form fields and JSON members, in requests and responses.
DEFAULT_FIELDS: Final = frozenset((*_TOKENS, *_KEYS, *_SECRETS, *_PASSWORDS))

# Folded names that end so are fields, too (``github_token``, ``userPassword``): but for tokens that page.
_FIELD_ENDS: Final = (
    *("token", "secret", "password", "passwd", "passphrase"),
    *("apikey", "accesskey", "privatekey", "secretkey"),
)
_ASKS: Final = re.compile(r"^forgot|^(?:has|is)(?=pass|token|secret)")
# Whole words tell that a token pages: `preview_token` and `X-Nextcloud-Token` page through nothing.
_PAGING_WORD: Final = re.compile(
    r"(?:new|start|last|list)*"
    r"(?:pages?|paging|paginat(?:ed|ion|or)|next|prev|previous|continue|continuation|sync|synchronization"
    r"|cursor|cancel|cancellation|cancelation|delta|resume|resumption|resumable|scroll)+(?:tokens?)?"
)
_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-_. ]")
_SURE_ENDS: Final = ("authtoken", "accesstoken", "sessiontoken", "refreshtoken", "bearertoken")

#: Such as are secrets in requests alone: a response counts what did pass, and shows pins on a map.
REQUEST_FIELDS: Final = frozenset({"pass", "pin"})

# What people choose: of words, where it is a good one.
_CHOSEN: Final = (*_PASSWORDS, "secret", "secrets", "passcode", *REQUEST_FIELDS)

#: Parameters, form fields and JSON members that are secrets where their value looks random.
LIKELY_FIELDS: Final = frozenset(
    {"key", "code", "sid", "auth", "session", "pass", "jsessionid", "phpsessid", "appid"}
)
_TOKEN_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,}")
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9]{16,}")
_HEX: Final = "[0-9A-Fa-f]"
_UUID: Final = re.compile(rf"(?<!{_HEX}){_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}(?!{_HEX})")
# Base64url (RFC 4648 section 5): its "-" and "_" may leave no long run. Words have no digit within them.
_BASE64URL_RUN: Final = re.compile(r"[A-Za-z0-9_-]{20,}")
_MIXED: Final = re.compile(r"[A-Za-z][0-9][A-Za-z]")
_BOTH_CASES: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
# Base64 (section 4): its "/" stands in paths, too, most of which have another sign or few changes.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{20,}={0,2}")
# From one kind of character to another within a word, as a capital after a small letter.
_CHANGE: Final = re.compile(r"(?<=[a-z])[A-Z]|(?<=[A-Z]{2})[a-z]|(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")
_FEWEST_CHANGES: Final = 5
_THERE_AND_BACK: Final = re.compile(r"[A-Za-z][0-9]+[A-Za-z]|[0-9][A-Za-z]+[0-9]")
_SHORTEST_EQUAL_GROUP: Final = 4
_SHORTEST_GROUP: Final = 5


def looks_random(text: str) -> bool:
    """Whether a text has in it what no words and numbers in a row have, as ``HTTP_404_NOT_FOUND`` and
    ``photos/2024-05``: a run of 16 letters and digits or more, of both; a UUID; base64 of 20 characters or
    more, in which letters of both cases and digits alternate; or groups as those of a licence key."""
    if any(not (run.isalpha() or run.isdigit()) for run in _LONG_RUN.findall(text)):
        return True
    if _UUID.search(text):
        return True
    runs = _BASE64URL_RUN.findall(text)
    if any(_MIXED.search(run) and _BOTH_CASES.search(run) for run in runs):
        return True
    if _BASE64.fullmatch(text):
        runs.append(text)
    return any(map(_alternates, runs)) or _is_grouped(text)


def _alternates(run: str) -> bool:
    """Whether a run changes from one kind of character to another more often than words in a row do."""
    if not any(map(str.isdigit, run)):
        return False
    return len(_CHANGE.findall(run)) >= max(_FEWEST_CHANGES, len(run) // 4)


def _is_grouped(text: str) -> bool:
    """Whether it is three groups or more, of which two or more mix letters and digits: groups of one length,
    or else such as go from the one to the other and back."""
    groups = text.split("-")
    mixed = [group for group in groups if group.isalnum() and not (group.isalpha() or group.isdigit())]
    if len(groups) < 3 or len(mixed) < 2:
        return False
    if len(set(map(len, groups))) == 1 and len(groups[0]) >= _SHORTEST_EQUAL_GROUP:
        return True
    odd = [group for group in mixed if len(group) >= _SHORTEST_GROUP and _THERE_AND_BACK.search(group)]
    return len(odd) > 1


#: Query parameters and form fields with which a request is signed: they differ from request to request.
SIGNING_FIELDS: Final = frozenset(
    {
        *("sig", "signature", "x_amz_signature", "x_amz_credential", "x_amz_date", "aws_access_key_id"),
        *("x_goog_signature", "x_goog_credential", "x_goog_date"),
        *("oauth_signature", "oauth_nonce", "oauth_timestamp"),
    }
)

#: Headers of requests and responses whose whole value is a credential, in lower case.
DEFAULT_HEADERS: Final = frozenset(
    {
        *("authorization", "proxy-authorization", "x-api-key", "api-key", "apikey", "x-apikey"),
        *("x-auth-token", "x-access-token", "x-csrf-token", "x-xsrf-token", "x-csrftoken", "x-auth-key"),
        *("x-amz-security-token", "private-token", "x-gitlab-token", "x-vault-token", "x-goog-api-key"),
        *("ocp-apim-subscription-key", "authentication-info", "proxy-authentication-info"),
        *("x-rapidapi-key", "token", "x-functions-key", "dpop", "dd-application-key", "x-parse-master-key"),
        *("aeg-sas-key", "x-jfrog-art-api", "x-honeycomb-team", "authentication", "x-authentication"),
    }
)

_HEADER_ENDS: Final = (
    *("-token", "-secret", "-password", "-api-key", "-apikey", "-access-key", "-auth-key", "-auth"),
    *("-session", "-session-id", "-jwt", "-authorization", "-assertion", "-secret-key", "-csrf"),
)
# Of requests alone: a client may check that of a response. `Signature-Input` is none (RFC 9421).
_SIGNATURE_HEADER: Final = re.compile(
    r"signature|(?!accept-).*-(?:signature|hmac)(?:-(?:[0-9]+|sha-?[0-9]+))?"
)
_SECRET_COOKIE: Final = re.compile(
    r"sess|sid$|^sid|auth|csrf|xsrf|token|jwt|secret|passw|login|remember", re.IGNORECASE
)
_COOKIE_LENGTH: Final = 8
_LONGEST_COUNT: Final = 7  # digits of a number that counts something

_REMEMBERED_NAMES: Final = 4096


class HeaderKind(Enum):
    """What of a header can be a secret."""

    CREDENTIAL = "its value, but for the scheme"
    COOKIE = "the values of the request's cookies"
    SET_COOKIE = "the value of the response's cookie"
    URL = "what is secret in a URL"


_KINDS: Final = {
    "cookie": HeaderKind.COOKIE,
    "set-cookie": HeaderKind.SET_COOKIE,
    "location": HeaderKind.URL,
    "content-location": HeaderKind.URL,
    "referer": HeaderKind.URL,
    "link": HeaderKind.URL,
    "refresh": HeaderKind.URL,
}


_SEPARATORS: Final = re.compile(r"[-_. \]]")


@lru_cache(_REMEMBERED_NAMES)
def fold(name: str) -> str:
    """The name without case and separators; of ``user[password][]`` the last that stands in brackets, and
    of ``password1`` without the number."""
    return _SEPARATORS.sub("", _innermost(name).lower()).rstrip("0123456789")


def _innermost(name: str) -> str:
    if "[" not in name:
        return name
    return next((part for part in reversed(re.split(r"[\[\]]", name)) if part), name)


def _is_excepted(name: str, folded: str) -> bool:
    """Whether a name that ends as a field's is none: a token that pages, but not that of ``next-auth``."""
    return _ASKS.search(folded) is not None or (folded.endswith("token") and _pages(name, folded))


def _pages(name: str, folded: str) -> bool:
    if folded.endswith(_SURE_ENDS):
        return False
    return any(_PAGING_WORD.fullmatch(word.lower()) for word in _WORD_BREAK.split(_innermost(name)))


def _ends_as_credential(name: str, folded: str) -> bool:
    """Whether a header that is called so holds a credential."""
    return name.lower().endswith(_HEADER_ENDS) and not (folded.endswith("token") and _pages(name, folded))


_CHOSEN_ENDS: Final = tuple(fold(name) for name in _CHOSEN)
_PASSWORD_ENDS: Final = tuple(fold(name) for name in _PASSWORDS)


def _any_of(texts: Iterable[str]) -> str:
    """An expression for any of these texts, none of which begins as another ends: what several begin with
    is looked for once."""
    branches = []
    for first, group in groupby(sorted(texts), key=itemgetter(0)):
        rests = [text[1:] for text in group]
        rest = re.escape(rests[0]) if len(rests) == 1 else f"(?:{_any_of(rests)})"
        branches.append(re.escape(first) + rest)
    return "|".join(branches)


def _escaped(name: str) -> Iterable[str]:
    """A name that is not ASCII as JSON may escape it (RFC 8259 section 7), in lower case."""
    if name.isascii():
        return ()
    return {json.dumps(spelt)[1:-1].lower() for spelt in (name.lower(), name.capitalize(), name.upper())}


_FOLDED_FIELDS: Final = frozenset(map(fold, DEFAULT_FIELDS))
_PREFIXES_OF_MEMBERS: Final = ("xamzsignature", "xamzcredential", "xgoogsignature", "xgoogcredential")
_FOLDED_SIGNING_FIELDS: Final = frozenset(map(fold, SIGNING_FIELDS))


@cache
def _hint(*, is_request: bool) -> re.Pattern[str]:
    """Stands in every text in which one of our names does, in lower case, escapes aside."""
    spellings = {f"{name}=" for name in LIKELY_FIELDS} | {f'{name}"' for name in LIKELY_FIELDS}
    if is_request:
        spellings.update(REQUEST_FIELDS)
    for name in (*DEFAULT_FIELDS, *SIGNING_FIELDS, "access_key"):
        spellings.update(name.lower().replace("_", separator) for separator in ("_", "-", ""))
        spellings.update(_escaped(name))
    kept: list[str] = []
    for spelling in sorted(spellings, key=lambda one: (len(one), one)):
        if not any(hint in spelling for hint in kept):
            kept.append(spelling)
    return re.compile(_any_of(kept))


class Pattern(NamedTuple):
    """A regular expression whose every match, or its first group, is a secret called ``name``."""

    regex: re.Pattern[str]
    name: str
    stand_in: StandIn | None = None


class JsonPath(NamedTuple):
    """A place in JSON: names, indices, and None for any of them. All that is below it is secret."""

    steps: tuple[str | int | None, ...]
    name: str
    stand_in: StandIn | None = None

    def leads_to(self, path: tuple[str | int, ...]) -> bool:
        """Whether a value at ``path`` is at this place, or below it."""
        return len(path) >= len(self.steps) and all(
            step is None or step == at for step, at in zip(self.steps, path, strict=False)
        )


@dataclass(frozen=True)
class Rules:
    """Which fields and headers hold secrets; cookies are judged by name, length and ``HttpOnly``.

    ``names`` are secrets wherever they name something: headers, cookies, parameters, members. What is
    called as one of ``off`` is none. ``stand_ins`` go by folded name. ``is_request`` says that they are
    for a request, of which some things are known that do not hold for responses.
    """

    names: Collection[str] = frozenset()
    off: Collection[str] = frozenset()
    patterns: tuple[Pattern, ...] = ()
    paths: tuple[JsonPath, ...] = ()
    stand_ins: Mapping[str, StandIn] = field(default_factory=dict)
    is_request: bool = False

    @cached_property
    def of_requests(self) -> Rules:
        """The same rules for requests."""
        return self if self.is_request else replace(self, is_request=True)

    @cached_property
    def _fields(self) -> frozenset[str]:
        found = _FOLDED_FIELDS | self._names
        return found | REQUEST_FIELDS if self.is_request else found

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(fold(name) for name in self.names)

    @cached_property
    def _off(self) -> frozenset[str]:
        return frozenset(fold(name) for name in self.off)

    def may_hold(self, text: str) -> bool:
        """Whether a field's name, a URL's userinfo or what a user added may stand in it: a quick look."""
        if "%" in text or "\\u00" in text or self.paths:
            return True
        if "@" in text and ("://" in text or r":\/\/" in text):
            return True
        if self.has_match(text):
            return True
        lowered = text.lower()
        if _hint(is_request=self.is_request).search(lowered):
            return True
        if not self._names:
            return False
        if self._has_odd_names and "\\u" in text:
            return True
        folded = _SEPARATORS.sub("", lowered)
        return any(name in folded for name in self._names)

    @cached_property
    def _has_odd_names(self) -> bool:
        return not all(map(str.isascii, self._names))

    def has_match(self, text: str) -> bool:
        """Whether one of the patterns matches somewhere in the text."""
        return any(pattern.regex.search(text) for pattern in self.patterns)

    @cached_property
    def is_field(self) -> Callable[[str], bool]:
        """Whether what is called so is a secret: a parameter, a form field, a JSON member."""
        return lru_cache(_REMEMBERED_NAMES)(self._is_field)

    def _is_field(self, name: str) -> bool:
        folded = fold(name)
        if folded in self._off:
            return False
        if folded in self._fields:
            return True
        return folded.endswith(_FIELD_ENDS) and not _is_excepted(name, folded)

    def is_parameter(self, name: str, value: str) -> bool:
        """Whether a parameter, form field or JSON member of that value is a secret."""
        if self.is_field(name):
            return True
        if not self._is_likely_name(name):
            return False
        if PLACEHOLDER.fullmatch(value):  # what was random when it was recorded
            return True
        return _TOKEN_CHARACTERS.fullmatch(value) is not None and looks_random(value)

    def is_chosen(self, name: str) -> bool:
        """Whether what is called so is mostly chosen by a person, as a password is."""
        return fold(name).endswith(_CHOSEN_ENDS)

    def is_password(self, name: str) -> bool:
        return fold(name).endswith(_PASSWORD_ENDS)

    def is_count(self, name: str, number: str) -> bool:
        """Whether a number that is called so counts something, as a response counts the tokens of a text:
        what a request sends so is a code that somebody has typed in."""
        if self.is_request or sum(map(str.isdigit, number)) > _LONGEST_COUNT:
            return False
        folded = fold(name)
        return folded.endswith(("token", "tokens", "passwords")) and folded not in self._names

    def _is_likely_name(self, name: str) -> bool:
        folded = fold(name)
        return folded in LIKELY_FIELDS and folded not in self._off

    def is_named(self, name: str) -> bool:
        """Whether a user has named it."""
        return fold(name) in self._names

    def is_signing(self, name: str) -> bool:
        folded = fold(name)
        return folded in _FOLDED_SIGNING_FIELDS and folded not in self._off

    def is_signing_member(self, name: str) -> bool:
        """Whether a member of JSON, or a part of a form, is a signature: of those of a presigned POST the
        name tells; "signature" alone stands before many things."""
        return fold(name).startswith(_PREFIXES_OF_MEMBERS) and self.is_signing(name)

    @cached_property
    def has_stand_ins(self) -> bool:
        """Whether what is written in the place of some secrets is made up by a user's function."""
        made = [*(pattern.stand_in for pattern in self.patterns), *(path.stand_in for path in self.paths)]
        return bool(self.stand_ins) or any(made)

    def stand_in(self, name: str) -> StandIn | None:
        """What is to make the value that stands in the place of one of that name."""
        return self.stand_ins.get(fold(name)) if self.stand_ins else None

    def is_harmless(self, query: str) -> bool:
        """Whether no parameter of a query is a secret, nor holds one behind its escapes: a quick look."""
        plain = decoded(query)
        if "?" in query or (plain != query and self.may_hold(plain)):
            return False
        return all(map(self._is_harmless_name, [pair.partition("=")[0] for pair in query.split("&")]))

    @cached_property
    def _is_harmless_name(self) -> Callable[[str], bool]:
        def is_harmless(name: str) -> bool:
            if "%" in name or "+" in name:
                return False
            return not (self.is_field(name) or self.is_signing(name) or self._is_likely_name(name))

        return lru_cache(_REMEMBERED_NAMES)(is_harmless)

    @cached_property
    def header(self) -> Callable[[str], HeaderKind | None]:
        """What of the header of that name can be a secret; None for nothing."""
        return lru_cache(_REMEMBERED_NAMES)(self._kind)

    def is_credential(self, name: str) -> bool:
        return self.header(name) is HeaderKind.CREDENTIAL

    def _kind(self, name: str) -> HeaderKind | None:
        lowered, folded = name.lower(), fold(name)
        if lowered in _KINDS:
            return _KINDS[lowered]
        if folded in self._off:
            return None
        is_named = lowered in DEFAULT_HEADERS or self._is_field(name) or self.is_signature(lowered)
        return HeaderKind.CREDENTIAL if is_named or _ends_as_credential(name, folded) else None

    def is_signature(self, header: str) -> bool:
        """Whether a header, in lower case, signs the request that it stands in; what a user has named is a
        secret as others are."""
        if not self.is_request or _SIGNATURE_HEADER.fullmatch(header) is None:
            return False
        return not self.is_named(header)

    def is_cookie(self, name: str, value: str, *, http_only: bool) -> bool:
        """Whether the cookie can be a secret, as far as its name, its length and ``HttpOnly`` tell."""
        if fold(name) in self._off:
            return False
        return http_only or len(value) >= _COOKIE_LENGTH or self.is_named_cookie(name)

    def is_named_cookie(self, name: str) -> bool:
        return fold(name) in self._names or _SECRET_COOKIE.search(name) is not None


DEFAULT_RULES: Final = Rules()
