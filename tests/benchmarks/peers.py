"""Who is measured: each subject's environment, and what it cannot do."""

from __future__ import annotations

from dataclasses import dataclass, field

OURS = "pytest-reqcache"  # stands for the working copy in a subject's requirements


@dataclass(frozen=True, slots=True)
class Subject:
    """One tool, as one line of the tables.

    ``module`` is the file in ``subjects/`` that knows how it is used, ``variant`` what that file is
    told. ``requires`` is what its environment holds besides `requests`, `pytest` and `PyYAML`.
    ``plugins`` are the pytest plugins of a suite that uses it, ``suite`` the arguments of that suite by
    mode; with ``shares_store`` all of its tests use one store. A store that is only to be there is
    filled in one step, or in pieces of ``piece`` requests. ``cannot`` says, by the name of a case, why
    it has no figure.
    """

    name: str
    title: str
    kind: str
    module: str
    variant: str = ""
    requires: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    suite: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shares_store: bool = False
    piece: int = 0
    cannot: dict[str, str] = field(default_factory=dict)


_NO_PLUGIN = "no pytest plugin is loaded for it"
_MATCHES_ONE_BY_ONE = "a round would take many minutes: see the row for 1,000"
_FLOOR_CANNOT = dict.fromkeys(("recording", "flat", "memory", "processes", "imports"), "keeps nothing")
_LIVE_CANNOT = dict.fromkeys(
    ("replay", "credential", "one_url", "memory", "processes", "suite", "idle", "imports"), "replays nothing"
)
_NO_POST = "stores no answer to POST"

SUBJECTS = (
    Subject("floor", "the floor", "floor", "floor", "floor", cannot=_FLOOR_CANNOT),
    Subject("floor-again", "the floor, again", "floor", "floor", "floor", cannot=_FLOOR_CANNOT),
    Subject("live", "the live request", "floor", "floor", "live", cannot=_LIVE_CANNOT),
    Subject("live-again", "the live request, again", "floor", "floor", "live", cannot=_LIVE_CANNOT),
    Subject(
        "ours",
        "pytest-reqcache, in a test",
        "ours",
        "ours_in_tests",
        "",
        (OURS,),
        ("pytest_reqcache.plugin",),
        {"record": (), "replay": ()},
        piece=100,
    ),
    Subject(
        "ours-again",
        "pytest-reqcache, in a test, again",
        "ours",
        "ours_in_tests",
        "",
        (OURS,),
        ("pytest_reqcache.plugin",),
        {"record": (), "replay": ()},
        piece=100,
    ),
    Subject(
        "session",
        "pytest-reqcache, CachedSession",
        "ours",
        "ours",
        "",
        (OURS,),
        cannot={"suite": "see: in a test", "idle": "see: in a test", "imports": "see: in a test"},
    ),
    Subject(
        "vcrpy",
        "vcrpy, pytest-recording",
        "recorder",
        "vcrpy",
        "",
        ("vcrpy", "pytest-recording"),
        ("pytest_recording.plugin",),
        {"record": ("--record-mode=once",), "replay": ("--record-mode=none",)},
        cannot={"flat": _MATCHES_ONE_BY_ONE},
    ),
    Subject(
        "cassetter",
        "cassetter",
        "recorder",
        "cassetter",
        "",
        ("cassetter",),
        ("cassetter.pytest_plugin",),
        {"record": ("--record-mode=once",), "replay": ("--record-mode=none",)},
    ),
    Subject(
        "betamax",
        "betamax",
        "recorder",
        "betamax",
        "",
        ("betamax",),
        ("betamax.fixtures.pytest",),
        cannot={"flat": _MATCHES_ONE_BY_ONE},
    ),
    Subject(
        "responses",
        "responses (recorder)",
        "recorder",
        "responses",
        "",
        ("responses",),
        cannot={
            "imports": _NO_PLUGIN,
            "idle": _NO_PLUGIN,
            "one_url": "its recorder keeps no body of a request",
            "memory": "a round would take many minutes: it reads and writes 50 MB with PyYAML's own loader",
        },
    ),
    Subject(
        "requests-cache-yaml",
        "requests-cache, YAML files",
        "cache",
        "requests_cache",
        "yaml",
        ("requests-cache[yaml]",),
        shares_store=True,
        cannot={"imports": _NO_PLUGIN, "idle": _NO_PLUGIN},
    ),
    Subject(
        "requests-cache-sqlite",
        "requests-cache, SQLite",
        "cache",
        "requests_cache",
        "sqlite",
        ("requests-cache[yaml]",),
        shares_store=True,
        cannot={"imports": _NO_PLUGIN, "idle": _NO_PLUGIN},
    ),
    Subject(
        "hishel",
        "hishel, SQLite",
        "cache",
        "hishel",
        "",
        ("hishel[requests]",),
        shares_store=True,
        cannot={"imports": _NO_PLUGIN, "idle": _NO_PLUGIN, "one_url": _NO_POST},
    ),
    Subject(
        "cachecontrol",
        "CacheControl, files",
        "cache",
        "cachecontrol",
        "",
        ("CacheControl[filecache]",),
        shares_store=True,
        cannot={"imports": _NO_PLUGIN, "idle": _NO_PLUGIN, "one_url": _NO_POST},
    ),
)

BY_NAME = {subject.name: subject for subject in SUBJECTS}


def chosen(names: str) -> list[Subject]:
    """The subjects of those names, separated by commas, and the floors that they are compared with.

    ``ours`` stands for all three of ours; no name, for everybody. Raises ValueError for an unknown name.
    """
    if not names:
        return list(SUBJECTS)
    wanted = {name.strip() for name in names.split(",")}
    if "ours" in wanted:
        wanted |= {"ours-again", "session"}
    unknown = wanted - set(BY_NAME)
    if unknown:
        raise ValueError(f"no such peer: {', '.join(sorted(unknown))}; known are {', '.join(BY_NAME)}")
    return [subject for subject in SUBJECTS if subject.name in wanted or subject.kind == "floor"]
