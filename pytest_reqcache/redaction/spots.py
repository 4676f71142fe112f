"""Spots: the parts of a text that are secrets because of where they stand."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from .known import WRONG, is_common
from .reading import Part
from .rules import Pattern, Rules, StandIn
from .spans import JsonValue, decoded, json_string, json_values


class Spot(NamedTuple):
    """A secret at its own place: ``text[start:end]``, which means ``value``.

    ``name`` is what the field, cookie or header is called. ``signs`` is not empty where the value
    signs one request: it says what all of the kind have in common. A ``bare`` one is a JSON number,
    and becomes a string. A ``weak`` one is a cookie that only its length makes a secret. ``inner``
    are secrets within it that may stand elsewhere by themselves, each with what it is called. ``stand_in``,
    where there is one, makes what is written in its place.
    """

    start: int
    end: int
    place: str
    name: str
    value: str
    signs: str = ""
    bare: bool = False
    weak: bool = False
    inner: tuple[tuple[str, str], ...] = ()
    stand_in: StandIn | None = None

    def __repr__(self) -> str:
        """Without the secret: a traceback shows the arguments of a function."""
        return f"<Spot {self.place} {self.start}:{self.end}>"


# --- Credential headers

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9._-]*) +(?=\S)")
_SCHEME_IN_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)(?:\+|%20| )+(?=.)")
_SIGNING_SCHEME = re.compile(
    r"aws[0-9]*(-.*)?|.*hmac.*|digest|hawk|signature|ntlm|negotiate|kerberos|sharedkey(lite)?|mac|scram-.*",
    re.IGNORECASE,
)
_LONE_SCHEME = re.compile(r"bearer|basic|digest|ntlm|negotiate|token", re.IGNORECASE)
_KEPT_SCHEME = re.compile(r"bearer|basic|token|apikey|api-key", re.IGNORECASE)


def of_credential(name: str, value: str, rules: Rules) -> Spot | None:
    """The credential of a header, without its scheme; None where there is none."""
    name = name.lower()
    text = value.strip(" \t")
    offset = len(value) - len(value.lstrip(" \t"))
    if not text or _LONE_SCHEME.fullmatch(text):
        return None
    scheme, start, signs = (name, 0, True) if rules.is_signature(name) else _scheme_of(name, text)
    secret = text[start:]
    inner = _of_basic(name, secret) if scheme == "basic" else ()
    end = offset + len(text)
    return Spot(
        offset + start,
        end,
        f"header:{name}",
        name,
        secret,
        scheme if signs else "",
        inner=inner,
        stand_in=rules.stand_in(name),
    )


def _scheme_of(name: str, text: str) -> tuple[str, int, bool]:
    """Scheme in lower case, where the credential starts, and whether it signs the one request."""
    found = _SCHEME.match(text)
    if found is None:
        return "", 0, False
    scheme = found[1].lower()
    if name not in ("authorization", "proxy-authorization"):
        return (scheme, found.end(), False) if _KEPT_SCHEME.fullmatch(scheme) else ("", 0, False)
    signs = _SIGNING_SCHEME.fullmatch(scheme) is not None
    return scheme, found.end(), signs or (scheme == "oauth" and "oauth_" in text)


def _of_basic(name: str, encoded: str) -> tuple[tuple[str, str], ...]:
    """The password; the user, where there is no password."""
    user, _, password = basic_text(encoded).partition(":")
    return ((name, password or user),) if password or user else ()


def _behind_scheme(spot: Spot, raw: str, rules: Rules, scheme: re.Pattern[str] = _SCHEME) -> Spot:
    """Of a value such as ``Bearer ...``, in a parameter or a body, what the scheme stands before, as of a
    header: clients take it apart, or send it as it is. A password may begin with any word."""
    found = scheme.match(raw)
    if found is None or _KEPT_SCHEME.fullmatch(found[1]) is None or rules.is_chosen(spot.name):
        return spot
    credential = spot.value[len(found[1]) :].lstrip(" ")
    if not credential:
        return spot
    inner = _of_basic(spot.name, credential) if found[1].lower() == "basic" else ()
    return spot._replace(start=spot.start + found.end(), value=credential, inner=inner)


def basic_text(encoded: str) -> str:
    """``user:password`` of Basic (RFC 7617 section 2); empty where it is none."""
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


# --- Cookies


def in_cookies(text: str, rules: Rules, known: Collection[str]) -> Iterator[Spot]:
    """The secret cookies of a ``Cookie`` header; ``known`` names some that were set as ``HttpOnly``."""
    position = 0
    for pair in text.split(";"):
        yield from _in_cookie(pair, position, rules, known)
        position += len(pair) + 1


def in_set_cookie(text: str, rules: Rules) -> Iterator[Spot]:
    """The cookie's value, where it can be a secret."""
    pair, _, attributes = text.partition(";")
    http_only = any(part.strip().lower() == "httponly" for part in attributes.split(";"))
    yield from _in_cookie(pair, 0, rules, (pair.partition("=")[0].strip(),) if http_only else ())


def _in_cookie(pair: str, position: int, rules: Rules, known: Collection[str]) -> Iterator[Spot]:
    raw_name, equals, raw = pair.partition("=")
    name, value = raw_name.strip(), raw.strip()
    start = position + len(raw_name) + len(equals) + len(raw) - len(raw.lstrip())
    if len(value) > 1 and value[0] == value[-1] == '"':
        value, start = value[1:-1], start + 1
    if not value or not equals:
        return
    if rules.is_cookie(name, value, http_only=name in known):
        weak = name not in known and not rules.is_named_cookie(name)
        end, stand_in = start + len(value), rules.stand_in(name)
        spot = Spot(start, end, f"cookie:{name}", name, value, weak=weak, stand_in=stand_in)
        yield _behind_scheme(spot, value, rules)


# --- Queries and forms, and URLs within a text

# A name is tried from its beginning alone, lest a long text without "=" be gone through from every place.
_PAIR = re.compile(r"(?<![^=&?#;])([^=&?#;]+)=([^&#;]+(?:;(?![^&#;=]+=)[^&#;]*)*)")
_INNERMOST_PAIR = re.compile(r"(?<![^=&?#;])([^=&?#;]+)=([^&?#;]+)")
_DEEPEST_URL = 16
_MATRIX = re.compile(r";([^=;/]+)=([^;/]+)")  # parameters in a path, RFC 3986 section 3.3
_QUOTE = r"""(?:\\{0,7}["'`]|&quot;|&\#34;)"""  # escaped as often as texts are nested
_EMBEDDED = re.compile(
    r""":(?://|\\/\\/)(?P<user>[^/?#\s"'<>@\\]+)@"""
    r"""|(?:[?&\#;]|&amp;|\\u0026|%3F|%26)(?P<name>[A-Za-z][\w.\[\]-]{0,63})(?:=|%3D)"""
    r"""(?P<value>(?:(?!%26)[^&\#;\s"'<>\\])+)"""
    # In XML and HTML:
    r"""|<(?:\w{1,63}:)?(?P<element>[A-Za-z][\w.-]{0,63})(?:\s[^<>]*)?>(?:\s*<!\[CDATA\[)?"""
    r"""\s*(?P<content>[^<>\s\]](?:[^<>\]\r\n]*[^<>\s\]])?)\s*(?:\]\]>\s*)?</"""
    r"""|<(?P<tag>(?:input|meta|param)\s[^<>]{1,2048})>"""
    r"""|\b(?:name|key|id)=["'](?P<labelled>[A-Za-z][\w.-]{0,63})["'][^<>"']{0,64}\b(?:value|content)=["'](?P<labelvalue>[^"'<>\s]+)"""
    # In scripts, GraphQL, JSON within JSON:
    rf"""|\b(?P<member>[A-Za-z][\w.-]{{0,63}}){_QUOTE}?\]?\s*(?:=>|[:=])\s*"""
    rf"""(?P<quote>\"\"\"|{_QUOTE})(?P<quoted>(?:(?!&quot;|&\#34;)[^"'`\r\n<>\\]|\\.)+?)(?P=quote)"""
    r"""|\((?P<mark>["'`])(?P<argument>[A-Za-z][\w.-]{0,63})(?P=mark)\s*,\s*"""
    r"""(?P<edge>["'`])(?P<argued>[^"'`\r\n<>\\]+)(?P=edge)"""
    # In configuration, a line each, in what a shell is told, and in running text:
    r"""|(?:(?P<begun>^[ \t]*(?:export[ \t]+)?)|(?<=[\s;,])|(?<=-H ["'])|(?<=header ["']))"""
    r"""(?P<variable>[A-Za-z][\w.-]{0,63})\s?[:=]\s?"""
    # The whole line, but where it names others, refers to something or calls it.
    r"""(?:(?(begun)|(?!))(?P<line>(?!//|[\[({]|\$[\w{(]|[\w.]*\()(?!\S*[;,&][\w.-]+[:=])"""
    r"""[^\s"'`<>\\]{3,}[^\s"'`<>\\;,])(?=[;,]?[ \t]*\r?$)"""
    r"""|(?:(?:[Bb]earer|[Bb]asic|[Tt]oken) +)?(?P<plain>(?!//)[^\s"'`<>,;&\\{}\[\]()$]{4,}))"""
    r"""|\b(?:[Bb]earer|[Bb]asic|[Tt]oken) (?P<bearer>[A-Za-z0-9._~+/-]{16,}=*)""",
    re.MULTILINE,
)
_BEGINS_INSIDE = ("quoted", "argued", "content", "line", "plain", "labelvalue", "tag")
_ATTRIBUTE = re.compile(r"""([A-Za-z-]{1,63})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


def in_pairs(text: str, kind: str, rules: Rules) -> Iterator[Spot]:
    """Of ``name=value`` between ``&``; the place is ``kind`` and the name.

    A value may be a URL with a query of its own, whose last value may be one, too; where that goes on for
    too long a ``?`` ends a value.
    """
    start = depth = 0
    while pair := (_PAIR if depth < _DEEPEST_URL else _INNERMOST_PAIR).search(text, start):
        spot = _of_pair(pair.start(2), decoded(pair[1]), pair[2], kind, rules)
        if spot is None and "?" in pair[2]:  # a URL within the URL
            start, depth = pair.start(2) + pair[2].index("?"), depth + 1
            continue
        if spot is not None:
            yield spot
        start = pair.end()
        if text[start : start + 1] != "?":
            depth = 0


def _within(text: str, rules: Rules) -> list[Spot]:
    """The secrets in a value without its escapes, such as JSON or a URL: with one, all of it is one."""
    if not rules.may_hold(text):
        return []
    if text[:1] in ("{", "["):
        return [spot for _, spot in in_json(text, rules) if spot is not None]
    return list(in_text(text, "", rules))


def in_path(path: str, rules: Rules) -> Iterator[Spot]:
    """Of the parameters of a path's segments: ``/cart;jsessionid=...``."""
    if ";" in path:
        for pair in _MATRIX.finditer(path):
            spot = _of_pair(pair.start(2), decoded(pair[1]), pair[2], "path", rules)
            if spot is not None:
                yield spot


def _of_pair(start: int, name: str, raw: str, kind: str, rules: Rules) -> Spot | None:
    signs, value, lowered = rules.is_signing(name), decoded(raw), name.lower()
    spot = Spot(start, start + len(raw), f"{kind}:{lowered}", lowered, value, lowered if signs else "")
    if signs or rules.is_parameter(name, value):
        return _behind_scheme(spot._replace(stand_in=rules.stand_in(name)), raw, rules, _SCHEME_IN_QUERY)
    within = _within(value, rules) if raw != value else []
    if not within:
        return None
    # Its name does not tell: its placeholder stands where any known secret's would.
    inner = [((each.name, each.value), *each.inner) for each in within if not each.signs]
    return spot._replace(place=kind, inner=tuple(chain.from_iterable(inner)))


def in_text(text: str, place: str, rules: Rules) -> Iterator[Spot]:
    """Of what stands in any text: URLs, ``name: "value"``, XML elements, lines of ``NAME=value``."""
    if not any(sign in text for sign in ("=", "@", ":", "</", " ", "(")):
        return
    position = 0
    while found := _EMBEDDED.search(text, position):
        spot = _of_embedded(found, place, rules)
        position = found.end()
        if spot is not None and found["tag"]:  # its other attributes may hold URLs
            begin, position = found.start("tag"), spot.end
            for other in in_text(text[begin : spot.start], place, rules):
                yield other._replace(start=begin + other.start, end=begin + other.end)
        if spot is not None:
            yield spot
        for group in _BEGINS_INSIDE:  # where a URL may stand
            if spot is None and found[group]:
                position = found.start(group)


def _of_embedded(found: re.Match[str], place: str, rules: Rules) -> Spot | None:
    if found["user"]:
        if found["user"] in _NOBODY:
            return None
        start, end = found.span("user")
        user = found["user"]
        return Spot(start, end, place, "userinfo", decoded(user), inner=_of_userinfo(user))
    if found["bearer"]:
        return Spot(*found.span("bearer"), place, "authorization", found["bearer"])
    if found["name"]:
        spot = _of_pair(found.start("value"), found["name"], found["value"], "body", rules)
        return spot and spot._replace(place=place)
    if found["tag"]:
        return _of_tag(found["tag"], found.start("tag"), place, rules)
    for name, group in (
        ("member", "quoted"),
        ("argument", "argued"),
        ("element", "content"),
        ("labelled", "labelvalue"),
        ("variable", "line"),
        ("variable", "plain"),
    ):
        if found[group]:
            return _of_named(found, found[name], group, place, rules)
    return None


def _of_tag(tag: str, start: int, place: str, rules: Rules) -> Spot | None:
    """Of an HTML field: its value, where its name tells, in whichever order the two stand."""
    spans = {found[1].lower(): found.span(found.lastindex or 0) for found in _ATTRIBUTE.finditer(tag)}
    texts = {name: tag[slice(*span)] for name, span in spans.items()}
    name = next((texts[key] for key in ("name", "id", "key") if key in texts), "")
    key = next((key for key in ("value", "content") if texts.get(key)), None)
    if key is None or not rules.is_field(name):
        return None
    begin, end = (start + at for at in spans[key])
    meant = html.unescape(texts[key])
    return Spot(begin, end, place, name.lower(), meant, stand_in=rules.stand_in(name))


def _of_named(found: re.Match[str], name: str, group: str, place: str, rules: Rules) -> Spot | None:
    value = found[group]
    if not rules.is_field(name) or value.lower() in ("true", "false", "null", "none"):
        return None
    if not rules.is_request and " " in value and not any(map(str.isdigit, value)):
        return None  # what people are told of the field
    if group in ("line", "plain") and (value in _TYPES or _is_prose(found, name, rules)):
        return None
    meant = _meant(found, group)
    spot = Spot(*found.span(group), place, name.lower(), meant, stand_in=rules.stand_in(name))
    return _behind_scheme(spot, value, rules)


_TYPES = frozenset({"String", "String!", "string"})  # what a schema says of the field
# With one of these begins what is said of a field, too: "password: must contain ...".
_SAID = WRONG | {"must", "should", "shouldn", "cannot", "needs"}
_LAST_WORD = re.compile(r"([A-Za-z]+)[ \t]+\Z")
_GOES_ON = re.compile(r"(?:['\u2019]\w+)?[ \t]+[^\W\d_]")


def _is_prose(found: re.Match[str], name: str, rules: Rules) -> bool:
    """Whether a response says what is wrong with a field, before or behind its name and a colon, as in
    ``Invalid token: expired``. Of what people choose it says more than one word."""
    text, start, end = found.string, *found.span("plain")
    if rules.is_request or start < 0 or ":" not in text[found.end("variable") : start]:
        return False
    word = text[start:end].rstrip(".!?:").replace("-", "")
    if not word.isalpha() or not is_common(word):
        return False
    if rules.is_chosen(name) and _GOES_ON.match(text, end) is None:
        return False
    before = _LAST_WORD.search(text, max(0, found.start() - 24), found.start())
    return word.lower() in _SAID or (before is not None and before[1].lower() in WRONG)


def _meant(found: re.Match[str], group: str) -> str:
    """The value without the escapes of the text that it stands in."""
    value = found[group]
    if group == "content":
        is_literal = "CDATA" in found.string[found.end("element") : found.start("content")]
        return value if is_literal else html.unescape(value)
    if group == "labelvalue" or (group == "quoted" and found["quote"].startswith("&")):
        return html.unescape(value)
    if "\\" in value and group == "quoted":
        # Its quotes are escaped as often as the text is a value of another.
        for _ in range(1 + found["quote"].count("\\").bit_length()):
            value = json_string(f'"{value}"')
    return value


_REST = re.compile("[A-Za-z0-9_-]*")


def in_patterns(text: str, place: str, rules: Rules) -> list[Spot]:
    """What the user's own patterns match: the match, or its first group."""
    spots = [
        _of_match(found, pattern, place)
        for pattern in rules.patterns
        for found in pattern.regex.finditer(text)
        if found[1 if pattern.regex.groups else 0]
    ]
    return sorted(spots, key=lambda spot: (spot.start, -spot.end))


def _of_match(found: re.Match[str], pattern: Pattern, place: str) -> Spot:
    """With what follows it, if that could not be told from the placeholder's own characters."""
    start, end = found.span(1 if pattern.regex.groups else 0)
    rest = _REST.match(found.string, end) if pattern.stand_in is None else None
    if rest is not None:
        end = rest.end()
    return Spot(start, end, place, pattern.name, found.string[start:end], stand_in=pattern.stand_in)


# Who reads what is public, and who is told by a key: alone, without a password.
_NOBODY = frozenset({"git", "hg", "svn", "anonymous"})


def in_userinfo(user: str) -> Iterator[Spot]:
    if user and user not in _NOBODY:
        yield Spot(0, len(user), "userinfo", "userinfo", decoded(user), inner=_of_userinfo(user))


def _of_userinfo(user: str) -> tuple[tuple[str, str], ...]:
    name, _, password = user.partition(":")
    return (("userinfo", decoded(password or name)),)


# --- Bodies


def in_multipart(text: str, parts: Iterable[Part], rules: Rules) -> Iterator[Spot]:
    """Of the parts: one with a telling name, and within the others what their text shows."""
    for name, _, start, end in parts:
        value = text[start:end]
        if not value:
            continue
        signs = name.lower() if rules.is_signing_member(name) else ""
        if signs or rules.is_parameter(name, value):
            spot = Spot(start, end, f"body:{name}", name, value, signs, stand_in=rules.stand_in(name))
            yield _behind_scheme(spot, value, rules)
            continue
        if value[:1] in ("{", "["):
            within = [spot for _, spot in in_json(value, rules) if spot is not None]
        else:
            within = list(in_text(value, "body", rules))
        for spot in sorted(within, key=lambda spot: spot.start):
            yield spot._replace(start=start + spot.start, end=start + spot.end)


_NO_SECRETS = frozenset({'""', "true", "false", "null", "NaN", "Infinity", "-Infinity"})


def in_json(text: str, rules: Rules) -> Iterator[tuple[JsonValue, Spot | None]]:
    """Every string and number, and whether it is a secret by its name: empty ones, true, false and
    null are not."""
    for item in json_values(text):
        if text[item.start] in "{[":
            continue
        yield item, _of_member(text, item, rules)


def _of_member(text: str, item: JsonValue, rules: Rules) -> Spot | None:
    token = text[item.start : item.end]
    if token in _NO_SECRETS:
        return None
    called = next((name for name in item.names if _is_member(item, name, token, rules)), None)
    if called is not None:
        name, stand_in = called.lower(), rules.stand_in(called)
    else:
        path = next((path for path in rules.paths if path.leads_to(item.path)), None)
        if path is None:
            return None
        name, stand_in = path.name, path.stand_in
    edge, bare = 1 if token[0] == '"' else 0, token[0] in "-0123456789"
    start, end, value = item.start + edge, item.end - edge, json_string(token)
    signs = name if rules.is_signing_member(name) else ""
    spot = Spot(start, end, f"body:{name}", name, value, signs, bare=bare, stand_in=stand_in)
    return _behind_scheme(spot, text[start:end], rules)


def _is_message(text: str, name: str, rules: Rules) -> bool:
    """Whether it is words: two or more without a digit, or of a password, as of no code, three or more."""
    if " " not in text:
        return False
    if not any(map(str.isdigit, text)):
        return True
    words = [word for word in text.split() if word.strip(_PUNCTUATION).isalpha()]
    return len(words) > 2 and rules.is_password(name)


_PUNCTUATION = ".,:;!?()\"'"


def _is_member(item: JsonValue, name: str, token: str, rules: Rules) -> bool:
    if isinstance(item.step, int) and not rules.is_request and _is_message(token, name, rules):
        return False  # what a validator has to say about the field
    if token[0] in "-0123456789" and rules.is_count(name, token):
        return False
    return rules.is_parameter(name, json_string(token)) or rules.is_signing_member(name)
