"""What a miss is explained with: the cassette, the others of the suite, and the run."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

from ..cassette import CassetteError
from ..conversion import as_prepared
from ..exchange import exchange_under_way
from ..fields import compared_fields
from ..flow import Flow, RunMemory, open_flow
from ..identity import made_key
from ..journal import Miss
from ..models import RecordedRequest
from ..policy import Reason, conditional_fields, request_directives
from ..redaction import Redactor
from ..settings import Settings, SettingsView
from .elsewhere import elsewhere_of
from .misses import explain, online_command, record_command
from .state import Run

_MOST_COMPARED: Final = 1000  # recorded requests that a miss is compared with


def explanation(
    run: Run, miss: Miss, request: RecordedRequest, flow: Flow, view: SettingsView, command: str
) -> str:
    """What a test is told of a request that its flow had no answer to; ``command`` is what records it."""
    identity, path = flow.identity, flow.cassette.path
    masked, holder = identity.mask(request).request, None
    if miss.reason is Reason.NEVER_RECORDED:
        holder = elsewhere_of(run).holder(masked.url, path, lambda other: _holds(other, request, view))
    recorded = [
        (identity.mask(item.request).request, compared_fields(request, item, view.current))
        for item in islice(flow.interactions(), _MOST_COMPARED)
    ]
    return explain(miss, masked, recorded, cassette=path, command=command, elsewhere=holder)


def _holds(path: Path, request: RecordedRequest, view: SettingsView) -> bool:
    """Whether another cassette would answer a request, if it were the test's: nothing is learnt from that."""
    memory = RunMemory()
    redactor = Redactor(memory.registry, path, lambda: view.current.redact.rules)
    flow = open_flow(path, redactor, memory, view, lambda: "", shared=True)
    try:
        asked = flow.ask(request, made_key(as_prepared(request), view.current))
        return bool(flow.find(asked).candidates)
    except CassetteError:
        return False


def command_for(
    run: Run, nodeid: str, miss: Miss, request: RecordedRequest, settings: Settings, *, refuses: bool
) -> str:
    """The command that records what was missed. Online only who asks not to make a request misses."""
    options = run.options
    is_offline = options.offline or options.ini.get("only_if_cached")
    refuses = refuses or not is_offline or _says_only_if_cached(request, settings)
    wants_part = settings.cache_control and bool(conditional_fields(request))
    return record_command(
        nodeid, options.variables, options.arguments, miss=miss, refuses=refuses, wants_part=wants_part
    )


def _says_only_if_cached(request: RecordedRequest, settings: Settings) -> bool:
    """Whether a request, or the call that it is made by, says so itself."""
    exchange = exchange_under_way()
    if exchange is not None and exchange.options.only_if_cached:
        return True
    return request_directives(request, settings).has("only-if-cached")


def command_anew(run: Run, nodeid: str) -> str:
    """The command that records anew what is recorded already, too."""
    arguments = [*run.options.arguments, "--reqcache-force-refresh"]
    return online_command(nodeid, run.options.variables, arguments)
