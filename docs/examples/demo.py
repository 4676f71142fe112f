"""Records the example suite against a real HTTP server, stops the server, and replays it offline."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from server import running_server

HERE = Path(__file__).resolve().parent
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def say(text: str) -> None:
    print(f"\n{BOLD}# {text}{PLAIN}\n", flush=True)


def run_pytest(suite: Path, url: str, *flags: str) -> None:
    """Runs the suite in a process of its own; ends this one with its status if it fails."""
    print(" ".join(["$ pytest", *flags]), flush=True)
    unwanted = {"CI", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "REQCACHE_OFFLINE"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment |= {"BOOKSHOP_URL": url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    environment["TMPDIR"] = str(suite.parent)  # locks go with the rest
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *flags]
    status = subprocess.run(command, cwd=suite, env=environment, check=False).returncode
    if status:
        sys.exit(status)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="reqcache-demo-") as folder:
        suite = Path(folder, "suite")
        shutil.copytree(HERE / "suite", suite, ignore=shutil.ignore_patterns("__pycache__", "cassettes"))

        with running_server() as url:
            say(f"A bookshop is open at {url}. The first run asks it, and records.")
            run_pytest(suite, url)

        cassettes = sorted(suite.glob("cassettes/**/*.yaml"))
        if not cassettes:
            sys.exit("no cassette was recorded")
        say(f"{len(cassettes)} cassettes, one for each test. This is what one looks like:")
        shown = next((path for path in cassettes if "login" in path.name), cassettes[0])
        print(f"$ cat {shown.relative_to(suite).as_posix()}")
        print(shown.read_text(encoding="utf-8"))

        say("The bookshop is closed. The second run is offline: every answer comes from a cassette.")
        run_pytest(suite, url, "--reqcache-offline")
        print()


if __name__ == "__main__":
    main()
