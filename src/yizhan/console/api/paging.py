"""Long lists come in pages: each that is full says in a ``Link`` header (RFC 8288) where the next one is."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response

from yizhan.console.api.bodies import RowId

V = TypeVar("V")

# The first page is asked for without it.
Before = Annotated[
    RowId | None, Query(description="The id of the last one of the page above: the page below it, as Link says.")
]


class Onward:
    """Says where a list goes on."""

    def __init__(self, request: Request, response: Response) -> None:
        self._url = request.url
        self.headers = response.headers

    def at(self, **cursor: int | str) -> None:
        """There: the same question, but for this."""
        url = self._url.include_query_params(**cursor)
        self.headers["link"] = f'<{url.path}?{url.query}>; rel="next"'

    def behind(self, views: Sequence[V], limit: int, cursor: str = "before", key: str = "id") -> Sequence[V]:
        """Behind the last of ``views``, if they are as many as were wanted."""
        if len(views) == limit:
            self.at(**{cursor: getattr(views[-1], key)})
        return views


Next = Annotated[Onward, Depends(Onward)]
