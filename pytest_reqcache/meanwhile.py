"""What another process has recorded of the same requests while a test ran: of the same users, or of others.

Two processes cannot compare their secrets, and each gives them names of its own. That two names stand for one
credential is told by the answers: what was asked with both was answered alike, and nothing otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from .headers import Headers
from .models import Interaction, RecordedResponse
from .redaction import PLACEHOLDER, Credential, name_in
from .volatile import says_the_same

# Fields that are made of the body, with the secrets in it.
_OF_THE_BODY: Final = frozenset(
    {"content-digest", "content-length", "content-md5", "digest", "etag", "repr-digest"}
)

Credentials = Callable[[Interaction], tuple[Credential, ...]]


def counterparts(
    news: Sequence[Interaction | None], there: Sequence[Sequence[Interaction]], credentials: Credentials
) -> list[Interaction | None]:
    """For each new recording, as it would be written, what is there of the same request and user, if it is
    known by another name; ``there`` is what is recorded of each request, whoever has made it."""
    told_apart = {
        pair
        for new, others in zip(news, there, strict=True)
        for other in others
        if new is not None and not _is_answered_alike(new.response, other.response)
        for pair in _names(new, other, credentials)
    }

    def counterpart(new: Interaction, others: Sequence[Interaction]) -> Interaction | None:
        for other in others:
            if told_apart.isdisjoint(_names(new, other, credentials)):
                if _is_answered_alike(new.response, other.response):
                    return other
        return None

    return [
        None if new is None else counterpart(new, others) for new, others in zip(news, there, strict=True)
    ]


def _names(new: Interaction, other: Interaction, credentials: Credentials) -> Iterator[tuple[str, str]]:
    """What a credential is called in the one and in the other, where that is not the same."""
    for one, two in zip(credentials(new), credentials(other), strict=False):
        if one.place == two.place and one.value != two.value:
            yield one.value, two.value


def _is_answered_alike(one: RecordedResponse, other: RecordedResponse) -> bool:
    """Whether two responses say the same, but for the numbers of the names in them."""
    return says_the_same(_without_numbers(one), _without_numbers(other), _OF_THE_BODY)


def _without_numbers(response: RecordedResponse) -> RecordedResponse:
    headers = Headers(tuple((name, _unnumbered(value)) for name, value in response.headers))
    body = response.body
    if isinstance(body, bytes):
        body = _unnumbered(body.decode("latin-1")).encode("latin-1")
    return replace(response, headers=headers, body=body)


def _unnumbered(text: str) -> str:
    return PLACEHOLDER.sub(lambda found: name_in(found[0]), text)
