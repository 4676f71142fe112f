"""A private, correct HTTP cache for every test that talks HTTP through `requests`.

Importing this package imports neither `requests` nor `yaml`: pytest loads the plugin in every run,
and a run that does not use it is not to pay for them. The names below load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cassette import CassetteError as CassetteError
    from .cassette import DuplicateRecordingWarning as DuplicateRecordingWarning
    from .cassette import TornTailWarning as TornTailWarning
    from .conversion import CachedResponse as CachedResponse
    from .expiration import DO_NOT_CACHE as DO_NOT_CACHE
    from .expiration import EXPIRE_IMMEDIATELY as EXPIRE_IMMEDIATELY
    from .expiration import HTTP_ONLY as HTTP_ONLY
    from .expiration import NEVER_EXPIRE as NEVER_EXPIRE
    from .journal import CacheMissError as CacheMissError
    from .patching import clear as clear
    from .patching import delete as delete
    from .patching import disabled as disabled
    from .patching import enabled as enabled
    from .patching import get_cache as get_cache
    from .patching import install_cache as install_cache
    from .patching import is_installed as is_installed
    from .patching import uninstall_cache as uninstall_cache
    from .redaction import SecretFoundError as SecretFoundError
    from .redaction import SecretWarning as SecretWarning
    from .session import CachedSession as CachedSession
    from .session import CacheMixin as CacheMixin
    from .spared import PlaceholderError as PlaceholderError

__version__ = "0.1.0"

_HOMES = {
    "cassette": ("CassetteError", "DuplicateRecordingWarning", "TornTailWarning"),
    "conversion": ("CachedResponse",),
    "expiration": ("DO_NOT_CACHE", "EXPIRE_IMMEDIATELY", "HTTP_ONLY", "NEVER_EXPIRE"),
    "journal": ("CacheMissError",),
    "patching": (
        "clear",
        "delete",
        "disabled",
        "enabled",
        "get_cache",
        "install_cache",
        "is_installed",
        "uninstall_cache",
    ),
    "redaction": ("SecretFoundError", "SecretWarning"),
    "session": ("CacheMixin", "CachedSession"),
    "spared": ("PlaceholderError",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    *_HOME_OF,
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
