"""What never reaches the disk."""

from .ignored import redact_ignored, strip_ignored
from .redactor import Redactor
from .registry import Bindings, Credential, Masked, Registry

__all__ = [
    "Bindings",
    "Credential",
    "Masked",
    "Redactor",
    "Registry",
    "redact_ignored",
    "strip_ignored",
]
