"""What vcrpy recorded is imported, and replayed offline by a run of pytest: every byte is there."""

from __future__ import annotations

import gzip
import json
import textwrap
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from origin import Answer, Origin, Received
from plugin.conftest import Suite
from pytest_reqcache.cassette import Cassette

from .conftest import Command

DATE = {"Date": "Mon, 23 Nov 2026 19:10:00 GMT"}
JSON = b'{ "name": "Ad\xc3\xa1", "n": 1.10 }'
PIXEL = b"\x89PNG\r\n\x1a\n\x00\xff\xfe" * 40
LATIN = "Zo\xeb, caf\xe9\n".encode("latin-1")

#: Code that requests something; ``responses`` is what it got.
REQUESTS = {
    "get": "responses = [requests.get(URL + '/json')]",
    "query": "responses = [requests.get(URL + '/echo', params={'b': 'x y', 'a': ['1', '2']})]",
    "post_json": "responses = [requests.post(URL + '/echo', json={'b': 1, 'a': [None, True]})]",
    "form": "responses = [requests.post(URL + '/echo', data={'b': 'x y', 'a': 'ä'})]",
    "text": "responses = [requests.post(URL + '/echo', data='plain ☃', headers={'Content-Type': 'a/b'})]",
    "bytes": "responses = [requests.put(URL + '/echo', data=bytes(range(256)))]",
    "multipart": "responses = [requests.post(URL + '/echo', files={'f': ('a.bin', b'\\x00\\xff')})]",
    "file": "import io; responses = [requests.post(URL + '/echo', data=io.BytesIO(b'sent \\xff'))]",
    "parts": "responses = [requests.post(URL + '/echo', data=iter([b'one', b'\\xfftwo']))]",
    "binary": "responses = [requests.get(URL + '/pixel')]",
    "latin": "responses = [requests.get(URL + '/latin')]",
    "gzip": "responses = [requests.get(URL + '/gzip')]",
    "deflate": "responses = [requests.get(URL + '/deflate')]",
    "archive": "responses = [requests.get(URL + '/archive.gz')]",
    "head": "responses = [requests.head(URL + '/gzip')]",
    "empty": "responses = [requests.delete(URL + '/gone')]",
    "redirect": "r = requests.get(URL + '/from'); responses = [*r.history, r]",
    "cookies": "s = requests.Session(); responses = [s.get(URL + '/cookie'), s.get(URL + '/echo')]",
    "reason": "responses = [requests.get(URL + '/teapot')]",
    "error": "responses = [requests.get(URL + '/down')]",
    "chunked": "responses = [requests.get(URL + '/chunks')]",
    "auth": "responses = [requests.get(URL + '/me', auth=('ada', 'pa55word-of-ada'))]",
    "basic_url": "responses = [requests.get(URL.replace('//', '//ada:pa55word@') + '/me')]",
    "twice": "responses = [requests.get(URL + '/json') for _ in range(2)]",
    "writes": "responses = [requests.post(URL + '/count', data=b'x') for _ in range(3)]",
    "flow": """
        responses = [requests.get(URL + '/item'), requests.put(URL + '/item', data=b'new'),
                     requests.get(URL + '/item'), requests.get(URL + '/item')]
    """,
}

#: Bodies that JSON cannot hold: vcrpy refuses to write them so.
YAML_ONLY = {"bytes", "multipart", "file", "parts", "binary", "latin", "gzip", "deflate", "archive"}

SEEN = """
def seen(response):
    return {
        "status": response.status_code,
        "reason": response.reason,
        "headers": sorted(map(list, response.headers.items())),
        "body": response.content.hex(),
        "encoding": response.encoding,
        "url": response.url,
        "cookies": sorted(map(list, response.cookies.items())),
    }
"""


def scripted(origin: Origin) -> None:
    """Answers that are the same whenever they are asked for anew."""

    def echo(received: Received) -> Answer:
        shown = received.body if b"boundary" not in str(received.headers).encode() else b""
        return Answer({"path": received.path, "body": shown.hex()}, headers=DATE)

    origin["/echo"] = echo
    origin["/json"] = Answer(
        JSON, headers=[*DATE.items(), ("Content-Type", "application/json"), ("X-A", "1")]
    )
    origin["/pixel"] = Answer(PIXEL, headers={**DATE, "Content-Type": "image/png"})
    origin["/latin"] = Answer(LATIN, headers={**DATE, "Content-Type": "text/plain; charset=iso-8859-1"})
    origin["/gzip"] = Answer(gzip.compress(JSON * 9, mtime=0), headers={**DATE, "Content-Encoding": "gzip"})
    origin["/deflate"] = Answer(zlib.compress(JSON * 9), headers={**DATE, "Content-Encoding": "deflate"})
    origin["/archive.gz"] = Answer(gzip.compress(JSON, mtime=0), headers={**DATE, "Content-Type": "a/gzip"})
    origin["/gone"] = Answer(status=204, headers=DATE)
    origin["/from"] = Answer(status=302, headers={**DATE, "Location": "/json"})
    origin["/cookie"] = Answer("c", headers=[*DATE.items(), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    origin["/teapot"] = Answer("short", status=418, reason="I am; stout", headers=DATE)
    origin["/down"] = Answer("down", status=503, headers=DATE)
    origin["/chunks"] = Answer(chunks=[b"one", b"two"], headers=DATE)
    origin["/me"] = lambda received: Answer(str("authorization" in received.headers), headers=DATE)


def scripted_for_repeats(origin: Origin) -> None:
    scripted(origin)
    origin["/count"] = tuple(Answer(f"{number}", headers=DATE) for number in range(3))
    origin["GET /item"] = (Answer("old", headers=DATE), Answer("new", headers=DATE))
    origin["PUT /item"] = Answer("ok", headers=DATE)


def live(code: str, url: str) -> list[dict[str, Any]]:
    """What the code gets with no recorder at all."""
    names: dict[str, Any] = {"URL": url, "requests": requests}
    exec(textwrap.dedent(code), names)
    exec(SEEN, names)
    return [names["seen"](response) for response in names["responses"]]


def _indented(code: str) -> str:
    return textwrap.indent(textwrap.dedent(code).strip(), "    ") + "\n"


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_imported_cassettes_replay_what_was_received(
    serializer: str,
    origin: Origin,
    record: Callable[..., Path],
    command: Command,
    suite: Suite,
) -> None:
    chosen = {name: code for name, code in REQUESTS.items() if serializer == "yaml" or name not in YAML_ONLY}
    expected = {}
    for name, code in chosen.items():
        scripted_for_repeats(origin)
        expected[name] = live(code, origin.url)
    scripted_for_repeats(origin)
    theirs = record(
        **{f"{name}__{serializer}": (code, {"serializer": serializer}) for name, code in chosen.items()}
    )
    command(theirs, "--to", suite.path / "cassettes")
    origin.stop()
    asked = origin.count()
    tests = "".join(
        f"@pytest.mark.reqcache({name!r})\ndef test_{name}():\n"
        + _indented(code)
        + f"    assert [seen(response) for response in responses] == EXPECTED[{name!r}]\n\n"
        for name, code in chosen.items()
    )
    suite.test(f"import json\nEXPECTED = json.loads({json.dumps(expected)!r})\n{SEEN}{tests}")
    result = suite.offline("-p", "no:randomly")
    result.assert_outcomes(passed=len(chosen))
    # Online nothing is requested either; but a request that has its user in the URL is another one there.
    suite.run("-p", "no:randomly", "-k", "not basic_url").assert_outcomes(
        passed=len(chosen) - 1, deselected=1
    )
    assert origin.count() == asked


def test_bodies_that_vcrpy_decoded_are_taken_as_they_are(
    origin: Origin, record: Callable[..., Path], command: Command, tmp_path: Path
) -> None:
    scripted(origin)
    code = "requests.get(URL + '/gzip')"
    theirs = record(kept=code, decoded=(code, {"decode_compressed_response": True}))
    command(theirs, "--to", tmp_path / "ours")
    for name, coding in (("kept", "gzip"), ("decoded", None)):
        (item,) = Cassette(tmp_path / "ours" / f"{name}.yaml", str)
        assert item.response.body == JSON * 9
        assert item.response.headers.get("Content-Encoding") == coding


def test_credentials_that_vcrpy_left_out_are_ignored_offline_and_recorded_online(
    origin: Origin, record: Callable[..., Path], command: Command, suite: Suite
) -> None:
    scripted(origin)
    code = "requests.get(URL + '/me?api_key=k1', headers={'Authorization': 'Bearer t1'})"
    options = {"filter_headers": ["authorization"], "filter_query_parameters": ["api_key"]}
    theirs = record(me=(code, options))
    command(theirs, "--to", suite.path / "cassettes")
    suite.test(f"@pytest.mark.reqcache('me')\ndef test_me():\n    assert {code}.text == 'True'\n")
    asked = origin.count()
    suite.offline().stdout.fnmatch_lines(["1 replayed, 0 requests made"])
    assert origin.count() == asked
    suite.run().stdout.fnmatch_lines(["1 recorded, 1 request made"])


def test_different_answers_to_a_read_replay_as_a_sequence(
    origin: Origin, record: Callable[..., Path], command: Command, suite: Suite
) -> None:
    origin["/job"] = tuple(Answer(state) for state in ("queued", "queued", "done"))
    code = "[requests.get(URL + '/job').text for _ in range(3)]"
    printed = command(record(job=code), "--to", suite.path / "cassettes")
    assert f'needs repeats="sequence": GET {origin.url}/job has 3 answers with no write between' in printed
    suite.test(
        "@pytest.mark.reqcache('job', repeats='sequence')\n"
        f"def test_job():\n    assert {code} == ['queued', 'queued', 'done']\n"
    )
    suite.offline().assert_outcomes(passed=1)


def test_what_urllib3_may_have_retried_is_named_and_replays_once_it_is_taken_out(
    origin: Origin, record: Callable[..., Path], command: Command, suite: Suite
) -> None:
    origin["/busy"] = (Answer("busy", status=503), Answer("done"))
    code = """
        import requests
        from urllib3 import Retry

        with requests.Session() as session:
            retries = Retry(2, status_forcelist=[503], backoff_factor=0)
            session.mount(URL, requests.adapters.HTTPAdapter(max_retries=retries))
            assert session.get(URL + '/busy').text == 'done'
    """
    printed = command(record(busy=code), "--to", suite.path / "cassettes")
    assert f"perhaps retried by urllib3: GET {origin.url}/busy has 1 error before its answer" in printed
    assert "(2 interactions); 1 to be seen to: 'needs' or 'perhaps' above" in printed
    body = textwrap.indent(textwrap.dedent(code), "    ")
    suite.test(f"@pytest.mark.reqcache('busy')\ndef test_busy():\n{body}")
    suite.offline().assert_outcomes(failed=1)
    cassette = suite.path / "cassettes" / "busy.yaml"
    head, _, answer = cassette.read_text().split("- request:")
    cassette.write_text(f"{head}- request:{answer.replace('  answer: 2' + chr(10), '')}")
    suite.offline().assert_outcomes(passed=1)


def test_a_credential_that_was_filtered_out_is_written_in_by_hand(
    origin: Origin, record: Callable[..., Path], command: Command, suite: Suite
) -> None:
    origin["/me"] = lambda received: Answer("ada", status=200 if "authorization" in received.headers else 401)
    both = "({}, {'Authorization': 'Bearer t0ken-1'})"
    code = f"[requests.get(URL + '/me', headers=headers).status_code for headers in {both}]"
    theirs = record(me=(code, {"filter_headers": ["authorization"]}))
    printed = command(theirs, "--to", suite.path / "cassettes")
    assert f"perhaps without its credential: GET {origin.url}/me was refused, and answered" in printed
    suite.test(f"@pytest.mark.reqcache('me')\ndef test_me():\n    assert {code} == [401, 200]\n")
    suite.offline().assert_outcomes(failed=1)
    cassette = suite.path / "cassettes" / "me.yaml"
    head, first, second = cassette.read_text().split("- request:")
    url = f"    url: {origin.url}/me\n"
    written = f"{url}    headers:\n      Authorization: Bearer REDACTED-authorization\n"
    cassette.write_text(f"{head}- request:{first}- request:{second.replace(url, written)}")
    suite.offline().assert_outcomes(passed=1)
