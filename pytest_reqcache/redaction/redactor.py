"""One test's redaction: what it learns, what it masks, and what is written in the place of secrets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import is_
from pathlib import Path
from urllib.parse import unquote

from ..body import is_there
from ..models import REDACTED, Interaction, RecordedRequest, RecordedResponse
from .binding import Bindings
from .edit import edit_request, edit_response, edit_text
from .editors import Cleaner, Collector, Comparer, Learner, Masker, PlaceNoter, Recaller, Writer
from .known import SEARCHED_LENGTH, Finder, Known, in_base64
from .model import PLACEHOLDER, LiveValue, Masked
from .registry import Registry, scope_of
from .rules import DEFAULT_RULES, Rules
from .spots import basic_text
from .writing import Placeholders, name_in


class Redactor:
    """Replaces secrets: in memory by ``REDACTED`` to compare, on disk by placeholders.

    ``fixture`` names a cassette for fixtures of wider scope.
    """

    def __init__(
        self,
        registry: Registry,
        path: Path | None = None,
        rules: Callable[[], Rules] = lambda: DEFAULT_RULES,
        fixture: str = "",
    ) -> None:
        self.bindings = Bindings(registry, path)
        self._registry = registry
        self._path = path
        self._fixture = fixture
        self._current_rules = rules
        self._known = Known()
        self._unwritten: list[tuple[str, str]] = []  # values and placeholders of what was redacted last
        #: By identity, which is theirs as long as they are kept here: neither changes.
        self._looked_through: dict[int, tuple[RecordedResponse, Rules, bool]] = {}
        #: The last request in which there was nothing to learn, and the rules of the moment.
        self._plain: tuple[RecordedRequest, Rules] | None = None

    @property
    def _rules(self) -> Rules:
        return self._current_rules()

    def observe(self, request: RecordedRequest, response: RecordedResponse | None) -> bool:
        """Learn the live secrets that stand at their own places; says whether one is in the response."""
        if not self._is_plain(request):
            edit_request(request, Learner(self._known, issued=False), self._rules)
        return response is not None and self._issues(response)

    def _issues(self, response: RecordedResponse) -> bool:
        """Whether there is a secret in a response, which is learned then. The same response is looked
        through once, when it is received: by the same rules nothing else is in it when it is written."""
        rules = self._rules
        known = self._looked_through.get(id(response))
        if known is None or known[1] is not rules:
            learner = Learner(self._known, issued=True)
            edit_response(response, learner, rules)
            known = self._looked_through[id(response)] = (response, rules, learner.found)
        return known[2]

    def observe_new(self, request: RecordedRequest, response: RecordedResponse) -> None:
        """As ``observe``, of the answer to a request that nothing recorded has answered: what that issues, as
        to a further user who logs in, goes with nothing that is recorded."""
        before = set(self._known.issued)
        self.observe(request, response)
        self.bindings.set_apart(self._known.issued - before)

    def hand_over(self, new: Interaction, old: Interaction) -> None:
        """Let what a new answer issues go with the placeholders of the one that it is to replace: what is
        recorded with those is then the same client's."""
        if self._issues(new.response):
            for value, placeholder in self._in_place_of(new, old):
                self.bindings.take_over(value, placeholder)

    def recall(self, recorded: Interaction) -> None:
        """Note what a replayed recording hands out in the place of secrets, made up by a user's function."""
        if self._rules.has_stand_ins:
            edit_response(recorded.response, Recaller(self._known), self._rules)

    def mask(self, request: RecordedRequest) -> Masked:
        """The request with every secret replaced by ``REDACTED``; a placeholder counts as a secret."""
        plain, finder = self._is_plain(request), self._finder()
        if plain and (finder is None or finder.pattern.search("\n".join(_texts(request))) is None):
            return Masked(request)
        editor = Masker(self._known.cookies, finder)
        masked = edit_request(request, editor, self._rules)
        return Masked(masked, tuple(editor.credentials))

    def is_plain_url(self, url: str) -> bool:
        """A quick look: there is nothing in a URL that could be a secret."""
        rules, finder = self._rules, self._finder()
        if not _has_plain_places(url, rules) or rules.has_match(url):
            return False
        return finder is None or finder.pattern.search(url) is None

    def redact(
        self,
        interactions: Sequence[Interaction],
        previous: Sequence[Interaction | None],
        taken: Iterable[str],
    ) -> list[Interaction]:
        """The interactions as they are written, with one placeholder for each value.

        ``previous[i]`` is what interaction ``i`` replaces: the placeholders that stood at the same
        places are taken over. ``taken`` stand in the cassette, for values of their own.
        """
        issuing = [self.observe(item.request, item.response) for item in interactions]
        scope = self._path or (scope_of(interactions[0]) if interactions else None)
        for value, placeholder in self._unwritten:
            self._registry.forget(scope, value, placeholder)
        placeholders = Placeholders(self._registry, scope, self._known, self.bindings, taken, self._fixture)
        self._unwritten = placeholders.new
        for item, old in zip(interactions, previous, strict=True):
            for value, placeholder in () if old is None else self._in_place_of(item, old):
                placeholders.take_over(value, placeholder)
        # What stands at its own place is numbered first.
        writer = Writer(self._known.cookies, None, placeholders)
        pairs = zip(interactions, issuing, strict=True)
        written = [self._written(item, writer, answers=issues) for item, issues in pairs]
        finder = self._finder()
        if finder is None:
            return written
        writer = Writer(self._known.cookies, finder, placeholders)
        return [self._written(item, writer, answers=True) for item in interactions]

    @property
    def has_new_names(self) -> bool:
        """Whether what was redacted last has placeholders that the process has not written there before."""
        return bool(self._unwritten)

    def keep(self) -> None:
        """What was redacted last has been written: its placeholders stay what they are."""
        self._unwritten = []

    def _written(self, item: Interaction, writer: Writer, *, answers: bool) -> Interaction:
        request = edit_request(item.request, writer, self._rules)
        response = edit_response(item.response, writer, self._rules) if answers else item.response
        return replace(item, request=request, response=response)

    def placeholders_in(self, request: RecordedRequest) -> list[tuple[str, str]]:
        """``(place, placeholder)`` for each in the URL, the body and the headers, cookies aside; also for
        what a user's function made up in the place of a secret."""
        parts, others = [("url", request.url)], []
        for name, value in request.headers:
            place = f"header:{name.lower()}"
            if self._rules.is_credential(name):
                parts += ((place, value), (place, basic_text(value.rpartition(" ")[2])))
            elif place != "header:cookie":
                others.append((place, value))
        parts.append(("body", (request.body or b"").decode("utf-8", "replace")))
        made_up = sorted(self._known.made_up)
        found = [(place, found) for place, text in parts for found in _placeholders(text, made_up)]
        # A short one may stand in any header by chance.
        long = [value for value in made_up if len(value) >= SEARCHED_LENGTH]
        found += [(place, found) for place, text in others for found in _placeholders(text, long)]
        return found or [(place, coded) for place, text in parts for coded in _CODED if coded in text]

    def signs(self, place: str, placeholder: str) -> bool:
        """Whether it stands for the signature of a presigned URL: one for all of them."""
        name = name_in(placeholder)
        return place == "url" and self._rules.is_signing(name) and not self._rules.is_named(name)

    def placeholder_places(self, item: Interaction) -> list[str]:
        """Where placeholders stand in an interaction, or what was made up in the place of secrets, as
        ``request header:authorization``, each as often as one does."""
        noter = PlaceNoter(self._known.made_up)
        noter.where = "request "
        edit_request(item.request, noter, self._rules)
        noter.where = "response "
        edit_response(item.response, noter, self._rules)
        return noter.places

    def cookie_placeholders_in(self, request: RecordedRequest) -> list[str]:
        """The placeholders in the ``Cookie`` header."""
        return PLACEHOLDER.findall(request.headers.get("Cookie") or "")

    def behind(self, recorded: RecordedResponse, received: RecordedResponse) -> dict[str, LiveValue]:
        """By placeholder, what stands in the place of each in a response that was received anew. Where there
        are more or fewer of one place, nobody knows which is which."""
        self._issues(received)
        stood, live = (self._compared(response) for response in (recorded, received))
        pairs = [
            pair
            for place, placeholders in stood.items()
            if len(values := live.get(place, ())) == len(placeholders)
            for pair in zip(placeholders, values, strict=True)
        ]
        found: dict[str, LiveValue] = {}
        for placeholder, value in pairs:
            if PLACEHOLDER.fullmatch(placeholder) and not PLACEHOLDER.search(value):
                found.setdefault(placeholder, LiveValue(value, value not in self._known.unsearched))
        return found

    def placeholders_of(self, response: RecordedResponse) -> set[str]:
        """Those whose place in a response is known."""
        return {value for values in self._compared(response).values() for value in values}

    def _compared(self, response: RecordedResponse) -> dict[str, list[str]]:
        comparer = Comparer(self._known.cookies)
        edit_response(response, comparer, self._rules)
        return comparer.values

    def learn_behind(self, placeholder: str, value: LiveValue) -> None:
        """From now on the value is known, and written as that placeholder."""
        name = name_in(placeholder)
        self._known.learn(value.text, name, issued=True, searched=value.is_searched)
        self._registry.note(
            self._path,
            value.text,
            placeholder,
            issued=True,
            is_wide=bool(self._fixture),
            is_searched=value.is_searched,
        )

    def without_placeholder_cookies(self, cookie_header: str) -> str:
        """The ``Cookie`` header without the cookies that hold a placeholder, or what was made up in the place
        of a secret; the header itself where there is none."""
        pairs = cookie_header.split(";")
        real = [pair for pair in pairs if not self._stands_for_a_secret(pair.partition("=")[2])]
        return cookie_header if len(real) == len(pairs) else "; ".join(filter(None, map(str.strip, real)))

    def _stands_for_a_secret(self, cookie: str) -> bool:
        value = unquote(cookie.strip().strip('"'))
        return value in self._known.made_up or PLACEHOLDER.search(value) is not None

    def clean_text(self, text: str) -> str:
        """A message with the known secrets replaced, and those that stand in a URL or match a pattern."""
        return edit_text(text, Cleaner(self._finder(), self._known, self._registry), self._rules)

    @property
    def searched(self) -> Finder | None:
        """What finds the known secrets wherever they stand: equal as long as no other is searched for."""
        return self._finder()

    @property
    def masks_by(self) -> tuple[object, ...]:
        """What masked requests depend on: equal as long as it changes nothing about any of them."""
        return (self.searched, len(self._known.cookies))

    @property
    def learned_so_far(self) -> int:
        """How many secrets are known: more may be found in a message than were before."""
        return len(self._known.names)

    @property
    def learned(self) -> Mapping[str, str]:
        """Secrets that are unlikely to be met by chance, and what each was called where it was seen."""
        return self._known.unmistakable

    @property
    def made_up(self) -> Collection[str]:
        """What stands in the place of secrets, made up by a user's functions."""
        return self._known.made_up

    def _finder(self) -> Finder | None:
        self._known.share(self._registry.shared)
        return self._known.finder

    def _is_plain(self, request: RecordedRequest) -> bool:
        """A quick look: there is no place in it where a secret stands by itself, and no match of a pattern.
        Each request is looked at twice in a row."""
        looked, known = (request, self._rules), self._plain
        if known is not None and all(map(is_, known, looked)):
            return True
        if not _is_plain(*looked):
            return False
        self._plain = looked
        return True

    def _in_place_of(self, item: Interaction, old: Interaction) -> Iterator[tuple[str, str]]:
        """The values that stand where placeholders stood, with these."""
        if not is_there(old.response.body):
            return
        live, stood = (self._collected(one) for one in (item, old))
        for place, values in live.items():
            for value, placeholder in zip(values, stood.get(place, ()), strict=False):
                if PLACEHOLDER.fullmatch(placeholder):
                    yield value, placeholder

    def _collected(self, item: Interaction) -> dict[str, list[str]]:
        collector = Collector(self._known.cookies)
        edit_request(item.request, collector, self._rules)
        collector.where = "response "
        edit_response(item.response, collector, self._rules)
        return collector.values


def _is_plain(request: RecordedRequest, rules: Rules) -> bool:
    if request.body or not _has_plain_places(request.url, rules):
        return False
    header = rules.of_requests.header
    for name, value in request.headers.items:
        if header(name) is not None or REDACTED in value:
            return False
    return not (rules.patterns and any(map(rules.has_match, _texts(request))))


def _texts(request: RecordedRequest) -> tuple[str, ...]:
    """A request's URL, and the values of its header fields."""
    return (request.url, *[value for _, value in request.headers.items])


def _has_plain_places(url: str, rules: Rules) -> bool:
    """Whether a URL has no place where a secret stands by itself."""
    if REDACTED in url or "@" in url or "#" in url or ";" in url:
        return False
    return "?" not in url or rules.of_requests.is_harmless(url.partition("?")[2])


def masked_url(url: str, rules: Rules = DEFAULT_RULES) -> str:
    """A URL as it may be printed: its userinfo and its secret parameters masked."""
    return Redactor(Registry(), rules=lambda: rules).mask(RecordedRequest("GET", url)).request.url


_CODED = tuple(sorted({coded.decode() for coded in in_base64(f"{REDACTED}-".encode())}))


def _placeholders(text: str, made_up: Sequence[str]) -> list[str]:
    found = [value for value in made_up if value in text]
    if REDACTED not in text:
        if "%" not in text:
            return found
        text = unquote(text)
    return found + PLACEHOLDER.findall(unquote(text))
