"""What users add: names, patterns, JSON paths, what is none, and what stands in a secret's place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_reqcache.models import Interaction
from pytest_reqcache.redaction import Redactor, Registry, parse_redaction_lines, parse_redactions

from .building import JSON, bearer, interaction, json_body, request, response


def with_entries(given: Any) -> Redactor:
    rules = parse_redactions(given, "redact").rules
    return Redactor(Registry(), rules=lambda: rules)


def written(item: Interaction, given: Any) -> Interaction:
    return with_entries(given).redact([item], [None], ())[0]


NESTED = (
    '{"user": {"mail": "a@b", "tags": ["x1", "x2"]}, "users": [{"mail": "c@d"}, {"mail": "e@f"}], "n": 7}'
)


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("$.user.mail", ["REDACTED-mail", "x1", "x2", "c@d", "e@f"]),
        ("$.users[*].mail", ["a@b", "x1", "x2", "REDACTED-mail", "REDACTED-mail-2"]),
        ("$.users[1].mail", ["a@b", "x1", "x2", "c@d", "REDACTED-mail"]),
        ("$['users'][0]['mail']", ["a@b", "x1", "x2", "REDACTED-mail", "e@f"]),
        ("$.user", ["REDACTED-user", "REDACTED-user-2", "REDACTED-user-3", "c@d", "e@f"]),
        ("$.*.mail", ["REDACTED-mail", "x1", "x2", "c@d", "e@f"]),
        ("mail", ["REDACTED-mail", "x1", "x2", "REDACTED-mail-2", "REDACTED-mail-3"]),
        ("re:x[0-9]", ["a@b", "REDACTED-secret", "REDACTED-secret-2", "c@d", "e@f"]),
        ("re:(?P<post>[a-d])@", ["REDACTED-post@b", "x1", "x2", "REDACTED-post-2@d", "e@f"]),
    ],
)
def test_entry_finds_in_json(entry: str, found: list[str]) -> None:
    body = json.loads(written(interaction(None, json_body(NESTED)), [entry]).response.body)
    assert [body["user"]["mail"], *body["user"]["tags"], *(one["mail"] for one in body["users"])] == found
    assert body["n"] == 7


def test_number_at_a_path_becomes_a_text() -> None:
    item = written(interaction(None, json_body('{"card": {"pin": 1234}}')), ["$.card.pin"])
    assert item.response.body == b'{"card": {"pin": "REDACTED-pin"}}'


@pytest.mark.parametrize("name", ["X-Trace-Me", "x_trace_me", "XTraceMe"])
def test_name_is_a_header_a_cookie_a_parameter_and_a_field(name: str) -> None:
    asked = request(
        "https://x/?x_trace_me=a1&n=1",
        ("X-Trace-Me", "b2"),
        ("Cookie", "x-trace-me=c3; n=1"),
        JSON,
        body=b'{"xTraceMe": "d4", "n": "1"}',
    )
    item = written(interaction(asked, response(("Set-Cookie", "x_trace_me=e5; Path=/"))), [name])
    text = repr(item)
    assert not any(secret in text for secret in ("a1", "b2", "c3", "d4", "e5"))
    assert "n=1" in text
    assert '"n": "1"' in text


def test_pattern_is_searched_in_every_part() -> None:
    asked = request("https://x/bot123:abc/me?q=bot123:abc", ("X-Any", "bot123:abc"), body=b"say bot123:abc")
    answered = response(("X-Any", "bot123:abc"), ("Content-Type", "text/plain"), body=b"bot123:abc")
    item = written(interaction(asked, answered), [r"re:bot(\d+:\w+)"])
    assert "123:abc" not in repr(item)
    assert item.request.url == "https://x/botREDACTED-secret/me?q=botREDACTED-secret"
    assert item.response.body == b"botREDACTED-secret"


def test_pattern_is_searched_in_the_names_of_members() -> None:
    item = written(interaction(None, json_body('{"order-12": {"a": 1}}')), ["re:order-[0-9]+"])
    assert item.response.body == b'{"REDACTED-secret": {"a": 1}}'


def test_pattern_in_a_path_still_matches_its_recording() -> None:
    redactor = with_entries([r"re:/bot([^/]+)"])
    live, recorded = request("https://x/bot123:abc/me"), request("https://x/botREDACTED-secret/me")
    assert redactor.mask(live).request == redactor.mask(recorded).request
    assert redactor.mask(live).places == redactor.mask(recorded).places == ("path",)


@pytest.mark.parametrize("behind", ["-eu", "_eu", "eu", "-eu/users", "?a=b", "%20x", ""])
def test_what_follows_a_match_directly_is_replaced_with_it(behind: str) -> None:
    live = request(f"https://x/tenant-42{behind}", JSON, body=f'{{"a": "tenant-42{behind}."}}'.encode())
    recorded = written(interaction(live), ["re:tenant-[0-9]+"]).request
    assert "tenant" not in repr(recorded)
    stored, asked = (with_entries(["re:tenant-[0-9]+"]).mask(one) for one in (recorded, live))
    assert (asked.request, asked.places) == (stored.request, stored.places)


@pytest.mark.parametrize(
    "asked",
    [
        request("https://x/?token=abc"),
        request("https://x/", ("X-Token", "abc")),
        request("https://x/", ("Cookie", "token=abc")),
        request("https://x/", JSON, body=b'{"token": "abc"}'),
    ],
    ids=["query", "header", "cookie", "json"],
)
def test_what_is_switched_off_is_written_as_it_is(asked: Any) -> None:
    assert written(interaction(asked), ["!token", "!X-Token"]).request == asked
    assert written(interaction(asked), {"token": False, "X-Token": False}).request == asked


def test_made_up_value_stands_wherever_the_secret_stood() -> None:
    items = [
        interaction(request("https://x/login"), json_body('{"id_token": "eyJ.real.one", "n": 1}')),
        interaction(bearer("eyJ.real.one", "https://x/u/eyJ.real.one")),
    ]
    redactor = with_entries({"id_token": lambda secret: f"eyJ.fake.{len(secret)}"})
    login, me = redactor.redact(items, [None, None], ())
    assert login.response.body == b'{"id_token": "eyJ.fake.12", "n": 1}'
    assert me.request.headers.get("Authorization") == "Bearer eyJ.fake.12"
    assert me.request.url == "https://x/u/eyJ.fake.12"


def test_none_of_a_function_is_the_usual_placeholder() -> None:
    item = written(interaction(bearer("abc")), {"Authorization": lambda secret: None})
    assert item.request.headers.get("Authorization") == "Bearer REDACTED-authorization"


@pytest.mark.parametrize("made", ["two words", "", 'a"b', "the-secret-itself", 7])
def test_made_up_value_that_cannot_stand_everywhere_is_an_error(made: Any) -> None:
    with pytest.raises(ValueError, match="stand in the place of 'token'"):
        written(interaction(None, json_body('{"token": "secret-itself"}')), {"token": lambda secret: made})


def test_made_up_values_are_bound_as_placeholders_are() -> None:
    """Recorded with a function, replayed with another token in the environment."""
    redactor = with_entries({"Authorization": lambda secret: "made-up"})
    recorded, other = interaction(bearer("made-up")), interaction(bearer("other-made-up"))
    candidates = [(item, redactor.mask(item.request)) for item in (recorded, other)]
    asked = redactor.mask(bearer("live"))
    assert redactor.bindings.choose(asked, candidates, offline=False) == [recorded]
    redactor.bindings.bind(asked, candidates[0][1])
    assert redactor.bindings.choose(redactor.mask(bearer("second")), candidates, offline=False) == [other]


def test_short_made_up_value_stands_in_other_headers_by_chance() -> None:
    redactor = with_entries({"id": "1"})
    redactor.recall(interaction(None, json_body('{"id": "1"}')))
    asked = request("https://x/", ("User-Agent", "python-requests/2.31"), ("Cookie", "a=21"))
    assert redactor.placeholders_in(asked) == []
    assert redactor.without_placeholder_cookies("a=21") == "a=21"


def test_replayed_cookie_that_is_made_up_is_not_to_be_sent() -> None:
    redactor = with_entries({"session": "made-up-session"})
    redactor.recall(interaction(None, response(("Set-Cookie", "session=made-up-session; HttpOnly"))))
    assert redactor.without_placeholder_cookies("a=b; session=made-up-session") == "a=b"


def test_replayed_made_up_value_is_not_to_be_sent() -> None:
    redactor = with_entries({"access_token": "made-up-token"})
    redactor.recall(interaction(None, json_body('{"access_token": "made-up-token"}')))
    assert redactor.placeholders_in(bearer("made-up-token")) == [("header:authorization", "made-up-token")]


def test_replayed_made_up_value_is_no_secret() -> None:
    redactor = with_entries({"access_token": "made-up-token"})
    redactor.recall(interaction(None, json_body('{"access_token": "made-up-token"}')))
    item = interaction(request("https://x/made-up-token?access_token=made-up-token"))
    assert redactor.redact([item], [None], ()) == [item]


def test_what_signs_is_never_made_up() -> None:
    redactor = with_entries({"signature": "made-up"})
    recorded = interaction(None, response(("Location", "https://x/?signature=by-hand")))
    redactor.recall(recorded)
    assert redactor.placeholders_in(request("https://x/?signature=by-hand")) == []


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("token", TypeError, "redact='token': a list of entries, or a mapping, is accepted"),
        ([7], TypeError, "redact: 7 is no entry; accepted are a name"),
        (["a b"], ValueError, "redact: 'a b' is no entry"),
        (["re:("], ValueError, r"redact: 're:\(' is no regular expression: missing \)"),
        (["re:a*"], ValueError, r"redact: 're:a\*' matches the empty text"),
        (["$.a[x]"], ValueError, r"redact: '\$\.a\[x\]' is no JSON path at '\[x\]'"),
        (
            ["$" + ".a" * 101],
            ValueError,
            r"redact: '\$(\.a)+\.'\.\.\. is a JSON path of 101 steps; at most 100",
        ),
        (
            {"a": "***"},
            ValueError,
            r"redact: 'a': '\*\*\*' cannot stand in a secret's place; a text of letters",
        ),
        ({"a": ""}, ValueError, "redact: 'a': '' cannot stand"),
        ({"a": 7}, TypeError, "redact: 'a': 7 is a int: a text, function, True or False is accepted"),
    ],
)
def test_wrong_entry(given: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        parse_redactions(given, "redact")


def test_lines_of_an_ini_file() -> None:
    redactions = parse_redaction_lines(["X-Trace", "!token", "$.a.b", "re:a=b = c = made-up"], "redact")
    rules = redactions.rules
    assert rules.names == {"X-Trace"}
    assert rules.off == {"token"}
    assert [path.name for path in rules.paths] == ["b"]
    (pattern,) = rules.patterns
    assert pattern.regex.pattern == "a=b = c"
    assert pattern.stand_in is not None
    assert pattern.stand_in("anything") == "made-up"


def test_entries_of_layers_add_up_and_the_closer_one_wins() -> None:
    wide, close = parse_redactions(["a", "b"], ""), parse_redactions(["!b", "c"], "")
    both = (wide | close).rules
    assert both.names == {"a", "c"}
    assert both.off == {"b"}
    for empty in (parse_redactions([], ""), parse_redactions(None, "")):
        assert (wide | empty).rules.names == (empty | wide).rules.names == {"a", "b"}


def test_entries_that_come_later_hold_for_what_was_received_before() -> None:
    given = parse_redactions([], "")
    redactor = Redactor(Registry(), rules=lambda: given.rules)
    item = interaction(None, json_body('{"user": "ada"}'))
    redactor.observe(item.request, item.response)
    given = parse_redactions(["user"], "")
    (made,) = redactor.redact([item], [None], ())
    assert made.response.body == b'{"user": "REDACTED-user"}'
