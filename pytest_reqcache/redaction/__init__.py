"""What never reaches the disk: secrets and ignored parameters.

A secret at its own place (a credential header, a cookie, a field with a telling name) is a *spot*
(``spots.py``, by the names of ``rules.py``). ``edit.py`` goes through a message, and an editor says
what becomes of each spot, and of each known secret that stands elsewhere: it is learned, masked to be
compared, or written as a placeholder. What a user adds comes from ``entries.py``; what has been missed, the
sentinel finds (``sentinel.py``) before it is written.
"""

from .binding import Bindings
from .entries import parse_redaction_lines, parse_redactions
from .filling import fill_request
from .ignored import has_ignored, redact_ignored, strip_ignored
from .model import PLACEHOLDER, Credential, LiveValue, Masked
from .redactor import Redactor, masked_url
from .registry import Registry
from .rules import DEFAULT_FIELDS, DEFAULT_RULES, Rules
from .sentinel import Leak, SecretFoundError, SecretWarning, Sentinel
from .writing import name_in

__all__ = [
    "DEFAULT_FIELDS",
    "DEFAULT_RULES",
    "PLACEHOLDER",
    "Bindings",
    "Credential",
    "Leak",
    "LiveValue",
    "Masked",
    "Redactor",
    "Registry",
    "Rules",
    "SecretFoundError",
    "SecretWarning",
    "Sentinel",
    "fill_request",
    "has_ignored",
    "masked_url",
    "name_in",
    "parse_redaction_lines",
    "parse_redactions",
    "redact_ignored",
    "strip_ignored",
]
