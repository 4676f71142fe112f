"""What is fuzzed, and what each target may raise: anything else is a defect, and so is taking long."""

from __future__ import annotations

import tempfile
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pytest_reqcache import expiration, headers, settings
from pytest_reqcache.cassette import Cassette, CassetteError, bodies
from pytest_reqcache.cassette.nodes import NodeError
from pytest_reqcache.headers import Headers
from pytest_reqcache.importing import vcrpy
from pytest_reqcache.importing.converting import Secrecy, convert
from pytest_reqcache.importing.foreign import ForeignCassette
from pytest_reqcache.matching import canonical_body, normalize_url
from pytest_reqcache.models import Interaction, RecordedRequest, RecordedResponse
from pytest_reqcache.names import check_name
from pytest_reqcache.nearest import nearest
from pytest_reqcache.redaction import Redactor, Registry, SecretFoundError, Sentinel
from pytest_reqcache.shapes import differences, shape_of

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
CORPUS = Path(__file__).parent / "corpus"
KINDS = (
    *("", "application/json", "text/html", "text/plain; charset=utf-16", "text/x; charset=unicode_escape"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "application/xml"),
)
#: No input that is tried is large enough to take so many seconds, on a slow machine either.
SLOWEST = 5.0


@dataclass(frozen=True)
class Target:
    """``run`` is given bytes that come of the corpus' files, or of nothing."""

    run: Callable[[bytes], object]
    corpus: str = "text"
    raises: tuple[type[Exception], ...] = ()

    def seeds(self) -> list[bytes]:
        files = [path.read_bytes() for path in sorted((CORPUS / self.corpus).iterdir())]
        return [line for file in files for line in file.splitlines()] if self.corpus == "text" else files

    def attempt(self, data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", module="re|sre_parse", category=FutureWarning)
            warnings.filterwarnings("ignore", ".*(global flags|cut off|twice)")
            try:
                self.run(data)
            except self.raises:
                return


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _kind(data: bytes) -> str:
    """One of KINDS, by the data alone: of a target that takes long for each, so that more data is tried."""
    return KINDS[zlib.crc32(data) % len(KINDS)]


def cassette(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "users.yaml"
        path.write_bytes(data)
        list(Cassette(path, str))


def importer(data: bytes) -> None:
    found = vcrpy.read(data)
    if isinstance(found, ForeignCassette):
        convert(found, NOW, Secrecy())


def header_fields(data: bytes) -> None:
    text = _text(data)
    for line in (text, f'"{text}', f"a={text}", f"bytes={text}", f'W/"{text}"'):
        control = headers.parse_cache_control([line, text])
        for name, _ in control.directives:
            assert 0 <= (control.seconds(name) or 0) <= headers.MAX_DELTA_SECONDS
            control.fields(name)
        headers.parse_http_date(line, now=NOW)
        headers.parse_age([line])
        headers.parse_etag(line)
        headers.parse_etag_list(line)
        headers.vary_names([line])
        headers.parse_range(line)
        headers.connection_named(Headers((("Connection", line),)))


def _each(
    parsers: dict[str, Callable[[str], object]], text: str, raises: tuple[type[Exception], ...]
) -> None:
    for name, parse in parsers.items():
        try:
            parse(text)
        except raises as error:
            assert name in str(error), f"{name}: the message does not say where: {error}"


def setting_texts(data: bytes) -> None:
    text = _text(data)
    lists = {
        "urls_expire_after",
        "redact",
        "passthrough",
        "allowable_codes",
        "allowable_methods",
        "match_headers",
    }
    for name in settings.TEXT_PARSERS:
        given: Any = [text] if name in lists else text
        _each({name: lambda value: settings.TEXT_PARSERS[name](given, name)}, text, (TypeError, ValueError))
    _each(
        {
            "marker": lambda value: expiration.parse_expiry(value, where="marker"),
            "stale": lambda value: expiration.parse_staleness(value, where="stale"),
        },
        text,
        (TypeError, ValueError),
    )


def cassette_names(data: bytes) -> None:
    check_name(_text(data))


def url_patterns(data: bytes) -> None:
    pattern = expiration.parse_url_pattern(_text(data).removeprefix("re:"), where="x")
    pattern.matches("https://api.example.com/a/b?c=d")


def redaction(data: bytes) -> None:
    """What is masked and written of any body of any kind; nothing is lost where nothing is secret."""
    fields = Headers.of([("Content-Type", _kind(data)), ("X-Api-Key", "abcdefgh"), ("Link", _text(data))])
    asked = RecordedRequest("POST", "https://x/?" + normalize_url(_text(data)), fields, data)
    item = Interaction(asked, RecordedResponse(200, "OK", fields, data), NOW)
    redactor = Redactor(Registry())
    redactor.observe(item.request, item.response)
    redactor.mask(item.request)
    [written] = redactor.redact([item], [None], ())
    if b"REDACTED" not in written.request.body and b"REDACTED" not in data:
        assert written.request.body == data
        assert written.response.body == data
    Sentinel().leak(written, learned=redactor.learned)


def body_forms(data: bytes) -> None:
    """The form that a body takes stands for its very bytes."""
    for kind in KINDS:
        fields = Headers.of([("Content-Type", kind)])
        form = bodies.present(data, fields, Path("c.bodies"))
        if isinstance(form, bodies.InlineBody):
            assert bodies.restore(form, fields) == data


def comparing(data: bytes) -> None:
    """How requests and answers are compared, and how differences are told."""
    half = len(data) // 2
    fields = Headers.of([("Content-Type", _kind(data))])
    one, other = (RecordedRequest("POST", _text(part), fields, part) for part in (data[:half], data[half:]))
    canonical_body(one)
    nearest(one, [(other, ("content-type",))])
    shapes = [shape_of(part) for part in (data[:half], data[half:], data)]
    known = [shape for shape in shapes if shape is not None]
    for shape in known:
        list(differences(known[0], shape))


TARGETS = {
    "cassette": Target(cassette, "cassette", (CassetteError,)),
    "importer": Target(importer, "vcrpy", (NodeError, SecretFoundError)),
    "header fields": Target(header_fields),
    "setting texts": Target(setting_texts),
    "cassette names": Target(cassette_names, raises=(ValueError,)),
    "URL patterns": Target(url_patterns, raises=(ValueError,)),
    "redaction": Target(redaction),
    "body forms": Target(body_forms),
    "comparing": Target(comparing),
}
