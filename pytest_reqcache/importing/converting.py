"""From another tool's recordings to the interactions that a recording run of ours would have written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from ..answers import Answers
from ..cassette.nodes import NodeError
from ..conversion import without_coding
from ..fields import without_noise
from ..headers import parse_age, parse_http_date
from ..identity import Asked, TestIdentity, variant
from ..matching import normalize_url, resolved
from ..models import Interaction, RecordedResponse
from ..policy import REFUSALS, varies_as
from ..redaction import DEFAULT_RULES, Redactor, Registry, Rules, Sentinel
from ..settings import REDIRECTS, TEST_SETTINGS
from ..volatile import says_the_same
from .decoding import decoded
from .foreign import ForeignCassette, Recording
from .jar import with_cookies_of_replay


@dataclass(frozen=True, slots=True)
class Converted:
    """What becomes of one file.

    ``shared`` counts recordings left out because the one before them says the same. ``sequences`` names
    reads that got different answers with no write in between, and how many: they need
    ``repeats="sequence"``. ``retried`` names requests that were made again at once after an error, and how
    often: nothing says whether the test did that or urllib3. ``refused`` names requests that were answered by
    a refusal, and by more, though no credential is in either: one had it taken out. ``redacted`` counts the
    secrets that were replaced, by their places, and ``lost`` what has no place in a cassette, by its name.
    ``undated`` counts interactions whose time is the file's.
    """

    interactions: tuple[Interaction, ...]
    shared: int
    sequences: tuple[tuple[str, int], ...]
    retried: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, int], ...]
    redacted: Mapping[str, int]
    lost: Mapping[str, int]
    undated: int


@dataclass(frozen=True, slots=True)
class Secrecy:
    """What is redacted, and what the sentinel lets pass."""

    rules: Rules = DEFAULT_RULES
    allowed: tuple[str, ...] = ()
    sentinel: Sentinel = field(default_factory=Sentinel)


def convert(cassette: ForeignCassette, file_time: datetime, secrecy: Secrecy) -> Converted:
    """The interactions of a cassette; ``file_time`` (aware) is for those that nothing dates.

    Raises NodeError for a recording that cannot be converted, SecretFoundError for one with a secret that
    is not recognised as one.
    """
    recordings = cassette.recordings
    dates = [_received_at(recording) for recording in recordings]
    received = zip(recordings, dates, strict=True)
    live = [_interaction(recording, date or file_time) for recording, date in received]
    live = with_cookies_of_replay(live, secrecy.rules)
    redactor = Redactor(Registry(), rules=lambda: secrecy.rules)
    for item in live:
        redactor.observe(item.request, item.response)
    identity = TestIdentity(lambda: TEST_SETTINGS, redactor)
    asked = [identity.ask(item.request) for item in live]
    repeats = _repeats(live, asked)
    kept = [number for number in range(len(live)) if repeats.differing or number not in repeats.same]
    keys = [asked[number].key for number in kept]
    numbered = _numbered([live[number] for number in kept], keys)
    written = as_written(numbered, redactor, secrecy)
    return Converted(
        tuple(written),
        shared=len(live) - len(kept),
        sequences=_named([number for number, key in enumerate(keys) if key in repeats.differing], written),
        retried=_named(_made_again(written, keys), written),
        refused=_named(_once_refused(written, [asked[number] for number in kept]), written),
        redacted=_redacted_places(numbered, written, redactor),
        lost=Counter((*cassette.lost, *(name for recording in recordings for name in recording.lost))),
        undated=sum(1 for date in dates if date is None),
    )


def as_written(items: Sequence[Interaction], redactor: Redactor, secrecy: Secrecy) -> list[Interaction]:
    """The interactions as they are written to disk: every one that is imported comes through here.

    Raises SecretFoundError.
    """
    written = redactor.redact([without_noise(item, ()) for item in items], [None] * len(items), ())
    secrecy.sentinel.watch()
    for item in written:
        secrecy.sentinel.check(item, secrecy.allowed, made_up=redactor.made_up, learned=redactor.learned)
    return written


def _interaction(recording: Recording, received_at: datetime) -> Interaction:
    try:
        body = decoded(recording.body, recording.headers)
    except ValueError as error:
        raise NodeError(recording.line, str(error)) from None
    response = RecordedResponse(recording.status, recording.reason, recording.headers, body)
    asked = recording.request
    request = replace(asked, body=without_coding(asked.body, asked.headers))
    return Interaction(request, response, received_at)


def _received_at(recording: Recording) -> datetime | None:
    """When it was received, as far as it is known: ``Date``, and the ``Age`` that it had by then
    (RFC 9110 section 6.6.1, RFC 9111 section 5.1)."""
    if recording.received_at is not None:
        return recording.received_at
    dates = recording.headers.get_all("Date")
    date = parse_http_date(dates[0]) if dates else None
    if date is None:
        return None
    age = parse_age(recording.headers.get_all("Age")) or 0
    return date + timedelta(seconds=age)


# --- Repeated requests


@dataclass(frozen=True, slots=True)
class _Repeats:
    """Which recordings are answered by one before them that says the ``same``, and the keys of reads
    that got ``differing`` answers although no write was in between."""

    same: frozenset[int]
    differing: frozenset[str]


def _repeats(items: Sequence[Interaction], asked: Sequence[Asked]) -> _Repeats:
    """Play the recordings as a test of ours would request them."""
    answers = Answers(lambda: TEST_SETTINGS)
    recorded: dict[object, list[Interaction]] = {}
    same: set[int] = set()
    differing: set[str] = set()
    chain: set[object] = set()
    for number, (item, own) in enumerate(zip(items, asked, strict=True)):
        name = (own.key, own.masked.credentials)
        of_name = recorded.setdefault(name, [])
        known = [earlier for earlier in of_name if varies_as(earlier, item.request, TEST_SETTINGS)]
        if not (number and _leads_to(items[number - 1], item.request.url)):
            chain = set()
        turn = answers.turn(name, item.request, sequence=False, again=name in chain)
        chain.add(name)
        position = min(turn.position, len(known))
        if position < len(known):
            earlier = known[position]
            if says_the_same(earlier.response, item.response):
                same.add(number)
            else:
                differing.add(own.key)
        else:
            of_name.append(item)
        answers.answered(
            name,
            item.request,
            item.response.status,
            item,
            position=position,
            size=len(known),
            live=False,
            sequence=False,
        )
    return _Repeats(frozenset(same), frozenset(differing))


def _leads_to(item: Interaction, url: str) -> bool:
    """Whether the answer is a redirect to that URL (RFC 9110 section 10.2.2)."""
    location = item.response.headers.get("Location")
    if location is None or item.response.status not in REDIRECTS:
        return False
    return normalize_url(resolved(item.request.url, location)) == normalize_url(url)


def _numbered(items: Sequence[Interaction], keys: Sequence[str]) -> list[Interaction]:
    """Which answer each is to the same request."""
    count: Counter[object] = Counter()
    numbered = []
    for item, key in zip(items, keys, strict=True):
        recording = (key, variant(item, TEST_SETTINGS))
        count[recording] += 1
        numbered.append(replace(item, answer=count[recording]))
    return numbered


def _made_again(items: Sequence[Interaction], keys: Sequence[str]) -> Iterator[int]:
    """Which of them are errors that the same request follows at once."""
    for number, (key, following) in enumerate(pairwise(keys)):
        if key == following and not TEST_SETTINGS.allows_status(items[number].response.status):
            yield number


def _once_refused(items: Sequence[Interaction], asked: Sequence[Asked]) -> Iterator[int]:
    """Which of them are refusals of requests that were also answered otherwise, without a credential."""
    bare = [number for number, own in enumerate(asked) if not own.masked.credentials]
    answered = {asked[number].key for number in bare if items[number].response.status not in REFUSALS}
    for number in bare:
        if items[number].response.status in REFUSALS and asked[number].key in answered:
            yield number


def _named(numbers: Iterable[int], written: Sequence[Interaction]) -> tuple[tuple[str, int], ...]:
    """Their requests, each with how often it is among them."""
    requests = [written[number].request for number in numbers]
    return tuple(Counter(f"{request.method} {request.url}" for request in requests).items())


# --- Redaction


def _redacted_places(
    live: Sequence[Interaction], written: Sequence[Interaction], redactor: Redactor
) -> Counter[str]:
    places: Counter[str] = Counter()
    for before, after in zip(live, written, strict=True):
        places += Counter(redactor.placeholder_places(after))
        places -= Counter(redactor.placeholder_places(before))
    return places
