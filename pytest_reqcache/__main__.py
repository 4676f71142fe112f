"""``python -m pytest_reqcache COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit status."""
    from .importing import command

    parser = argparse.ArgumentParser(prog="python -m pytest_reqcache", description="Look after cassettes.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    importing = commands.add_parser(
        "import",
        help="import the cassettes of vcrpy and pytest-recording",
        description=command.DESCRIPTION,
        epilog=command.EPILOG,
    )
    command.add_arguments(importing)
    given, unknown = parser.parse_known_args(arguments)
    if unknown:  # its own usage is what helps
        importing.error(f"unrecognized arguments: {' '.join(unknown)}")
    return command.run(given, importing)


if __name__ == "__main__":
    sys.exit(main())
