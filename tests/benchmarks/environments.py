"""One virtual environment for each set of requirements, made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from .peers import OURS, Subject

ROOT = Path(__file__).parents[2]
_COMMON = ("requests", "pytest", "PyYAML")

_SHOW_VERSIONS = """\
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"]: d.version for d in m.distributions()}))
"""


def python_of(subject: Subject, folder: Path) -> Path:
    """The Python of a subject's environment below a folder; it is made if it is not there."""
    requirements = [*_COMMON, *subject.requires]
    digest = hashlib.sha256(" ".join([sys.version, *requirements]).encode()).hexdigest()[:8]
    name = re.sub(r"\W+", "-", subject.requires[0].lower()) if subject.requires else "requests"
    home = folder / f"{name.strip('-')}-{digest}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = home / "complete"
    if not done.exists():
        sys.stderr.write(f"environment of {subject.title}: {' '.join(requirements)}\n")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        arguments = [argument for name in requirements for argument in _argument(name)]
        subprocess.run(
            [str(python), "-m", "pip", "install", "-qq", *arguments], check=True, stdout=sys.stderr
        )
        done.touch()
    return python


def _argument(requirement: str) -> tuple[str, ...]:
    return ("-e", str(ROOT)) if requirement == OURS else (requirement,)


def versions_of(python: Path) -> dict[str, str]:
    """The distributions of an environment."""
    shown = subprocess.run([str(python), "-c", _SHOW_VERSIONS], check=True, capture_output=True, text=True)
    versions: dict[str, str] = json.loads(shown.stdout)
    return versions
