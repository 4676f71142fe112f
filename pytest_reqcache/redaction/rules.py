"""Which names say that what they name is a secret.

Field names are compared *folded*: lower case without ``-`` and ``_``, so that ``accessToken``,
``access-token`` and ``access_token`` are one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final

#: Query parameters, form fields and JSON members, in requests and responses.
DEFAULT_FIELDS: Final = frozenset(
    {
        *("access_token", "refresh_token", "id_token", "token", "auth_token", "session_token", "api_token"),
        *("bearer_token", "csrf_token", "xsrf_token", "csrfmiddlewaretoken", "authenticity_token"),
        *("device_token", "personal_access_token", "private_token", "security_token", "jwt", "subject_token"),
        *("api_key", "api_secret", "api_secret_key", "app_secret", "consumer_secret", "client_secret"),
        *("client_assertion", "assertion", "code_verifier", "secret", "secret_key", "secret_access_key"),
        *("secret_token", "shared_secret", "private_key", "access_key_secret", "oauth_token"),
        *("oauth_token_secret", "oauth_verifier", "password", "passwd", "passwort", "passphrase", "pwd"),
        *("new_password", "old_password", "current_password", "password_confirmation", "user_password"),
        *(
            "session_key",
            "session_id",
            "subscription_key",
            "rapidapi_key",
            "hapikey",
            "appid",
            "x_amz_security_token",
            "saml_response",
            "webhook_secret",
        ),
    }
)

#: Query parameters and form fields with which a request is signed: they differ from request to request.
SIGNING_FIELDS: Final = frozenset(
    {
        *("sig", "signature", "x_amz_signature", "x_amz_credential", "x_amz_date"),
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
        *("x-rapidapi-key", "token"),
    }
)

_HEADER_ENDS: Final = ("-token", "-secret", "-api-key", "-password")
_SECRET_COOKIE: Final = re.compile(
    r"sess|sid$|^sid|auth|csrf|xsrf|token|jwt|secret|passw|login|remember", re.IGNORECASE
)
_COOKIE_LENGTH: Final = 8

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


def fold(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


@dataclass(frozen=True)
class Rules:
    """Which fields and headers hold secrets; cookies are judged by name, length and ``HttpOnly``."""

    fields: Collection[str] = DEFAULT_FIELDS
    signing_fields: Collection[str] = SIGNING_FIELDS
    headers: Collection[str] = DEFAULT_HEADERS
    _harmless: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _kinds: dict[str, HeaderKind | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def _fields(self) -> frozenset[str]:
        return frozenset(fold(name) for name in self.fields)

    @cached_property
    def _signing(self) -> frozenset[str]:
        return frozenset(fold(name) for name in self.signing_fields)

    @cached_property
    def _hints(self) -> tuple[str, ...]:
        """One of these stands in every text in which one of the names does, escapes aside."""
        spellings = {
            name.lower().replace("_", separator)
            for name in (*self.fields, *self.signing_fields)
            for separator in ("_", "-", "")
        }
        kept: list[str] = []
        for spelling in sorted(spellings, key=lambda one: (len(one), one)):
            if not any(hint in spelling for hint in kept):
                kept.append(spelling)
        return tuple(kept)

    def may_hold(self, text: str) -> bool:
        """Whether a field's name or a URL's userinfo may stand in the text: a quick look."""
        if "%" in text or "\\u00" in text or ("@" in text and "://" in text):
            return True
        lowered = text.lower()
        return any(hint in lowered for hint in self._hints)

    def is_field(self, name: str) -> bool:
        return fold(name) in self._fields

    def is_signing(self, name: str) -> bool:
        return fold(name) in self._signing

    def is_harmless(self, query: str) -> bool:
        """Whether no parameter of a query is a secret: a quick look."""
        return "?" not in query and all(
            self._is_harmless_name(pair.partition("=")[0]) for pair in query.split("&")
        )

    def _is_harmless_name(self, name: str) -> bool:
        harmless = self._harmless.get(name)
        if harmless is None:
            harmless = not ("%" in name or "+" in name or self.is_field(name) or self.is_signing(name))
            if len(self._harmless) < _REMEMBERED_NAMES:
                self._harmless[name] = harmless
        return harmless

    def header(self, name: str) -> HeaderKind | None:
        """What of the header can be a secret; None for nothing."""
        try:
            return self._kinds[name]
        except KeyError:
            kind = self._kind(name.lower())
            if len(self._kinds) < _REMEMBERED_NAMES:
                self._kinds[name] = kind
            return kind

    def is_credential(self, name: str) -> bool:
        return self.header(name) is HeaderKind.CREDENTIAL

    def _kind(self, name: str) -> HeaderKind | None:
        if name in self.headers or name.endswith(_HEADER_ENDS):
            return HeaderKind.CREDENTIAL
        return _KINDS.get(name)

    def is_cookie(self, name: str, value: str) -> bool:
        """Whether the cookie can be a secret, as far as name and length tell."""
        return len(value) >= _COOKIE_LENGTH or self.is_named_cookie(name)

    @staticmethod
    def is_named_cookie(name: str) -> bool:
        return _SECRET_COOKIE.search(name) is not None


DEFAULT_RULES: Final = Rules()
