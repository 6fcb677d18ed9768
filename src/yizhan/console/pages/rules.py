"""What texts, numbers and callers are held against, and recharge cards."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from yizhan.console.api.bodies import AddressBlock, KeywordList, NewCards, NumberBlock, TextToTest
from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame, go
from yizhan.console.pages.mistake import Mistake, told
from yizhan.console.pages.paging import PAGE, cut
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.kit.clock import Clock
from yizhan.model.money import to_milli
from yizhan.model.views import KeywordHit

_WORDS = 200
_MOST_TYPED = 4_194_304  # bytes of a form of keywords
_MISTAKES = {
    "not a telephone number": "rul_bad_number",
    "no account": "rul_no_account",
    "does not appear to be": "rul_bad_network",
    "network: ": "rul_bad_network",
    "minutes: ": "rul_bad_minutes",
    "a keyword has": "rul_bad_keyword",
    "words: ": "rul_no_keyword",
    "words.": "rul_bad_keyword",
    "count: ": "rul_bad_count",
    "credit: ": "rul_bad_credit",
    "a card is worth": "rul_bad_credit",
}


class RuleRoom:
    """``/keywords``, ``/numbers``, ``/addresses`` and ``/cards``."""

    def __init__(self, frame: Frame, operate: Operate, ask: Ask, clock: Clock) -> None:
        self._frame = frame
        self._operate = operate
        self._ask = ask
        self._clock = clock

    def pages(self) -> list[Page]:
        """All of them."""
        add, remove, test = ("POST", "/keywords"), ("POST", "/keywords/remove"), ("POST", "/keywords/test")
        return [
            Page("/keywords", self._keywords, ("GET", "/keywords"), add, max_bytes=_MOST_TYPED),
            Page("/keywords/remove", self._remove_keywords, None, remove, max_bytes=_MOST_TYPED),
            Page("/keywords/test", self._test, None, test, max_bytes=_MOST_TYPED),
            Page("/numbers", self._numbers, ("GET", "/numbers"), ("POST", "/numbers")),
            Page("/numbers/remove", self._unblock_number, None, ("DELETE", "/numbers")),
            Page("/addresses", self._addresses, ("GET", "/addresses"), ("POST", "/addresses")),
            Page("/addresses/remove", self._unblock_address, None, ("DELETE", "/addresses")),
            Page("/cards", self._cards, ("GET", "/cards"), ("POST", "/cards")),
        ]

    async def _keywords(self, call: Call) -> Response:
        return await self._change_keywords(call, self._operate.add_keywords, "saved") or await self._words(call)

    async def _remove_keywords(self, call: Call) -> Response:
        return await self._change_keywords(call, self._operate.remove_keywords, "removed") or await self._words(call)

    async def _change_keywords(
        self, call: Call, change: Callable[[str, list[str]], Awaitable[int]], notice: str
    ) -> Response | None:
        """Words of the form, one a line, or that of the button which was pressed."""
        if not call.is_change:
            return None
        typed = call.raw("words")
        lines = [line.strip() for line in (call.raw("word") or typed).splitlines()]
        try:
            await change(call.actor, KeywordList(words=[line for line in lines if line]).words)
        except Mistake as error:
            return await self._words(call, typed=typed, **told(error, _MISTAKES))
        return go("/keywords", notice)

    async def _words(self, call: Call, typed: str = "", text: str = "", **more: Any) -> Response:
        part = call.asked("search") or ""
        found, last = cut(await self._ask.keywords(part, call.asked("after") or "", _WORDS + 1), _WORDS)
        return self._frame.show(
            call,
            "rules/keywords",
            "keywords",
            **{
                "count": await self._ask.count_keywords(),
                "words": found,
                "search": part,
                "further": None if last is None else {"search": part, "after": last},
                "typed": typed,
                "text": text,
                "pieces": None,
                "hits": [],
                **more,
            },
        )

    async def _test(self, call: Call) -> Response:
        """The hits in their places: for htmx the piece of the page alone."""
        text = TextToTest(text=call.raw("text")).text
        hits = await self._ask.test_keywords(text)
        values: dict[str, Any] = {"text": text, "pieces": _pieces(text, hits), "hits": hits}
        if call.request.headers.get("hx-request"):
            return self._frame.fragment(call, "rules/hits", **values)
        return await self._words(call, **values)

    async def _numbers(self, call: Call) -> Response:
        if not call.is_change:
            return await self._blocked(call)
        account = call.field("account")
        try:
            wish = NumberBlock(number=call.field("number"), account=account or None, reason=call.field("reason"))
            await self._operate.block_number(call.actor, wish.number, corp_id=wish.account, reason=wish.reason)
        except Mistake as error:
            return await self._blocked(call, **told(error, _MISTAKES))
        return go("/numbers", "saved")

    async def _blocked(self, call: Call, **more: Any) -> Response:
        part, of, everybodys = call.asked("search") or "", call.asked("of"), call.asked("everybodys") is not None
        after = call.asked("after")
        behind = after and (call.asked("after_of"), after)
        found, last = cut(
            await self._ask.numbers(of, everybodys=everybodys, part=part, after=behind or None, limit=PAGE + 1)
        )
        asked = {"search": part, "of": of or "", **({"everybodys": "1"} if everybodys else {})}
        return self._frame.show(
            call,
            "rules/numbers",
            "numbers",
            numbers=found,
            asked=asked,
            further=None if last is None else {**asked, "after": last.number, "after_of": last.account or ""},
            typed={name: call.field(name) for name in ("number", "account", "reason")},
            **more,
        )

    async def _unblock_number(self, call: Call) -> Response:
        await self._operate.unblock_number(call.actor, call.field("number"), corp_id=call.field("account") or None)
        return go("/numbers", "removed")

    async def _addresses(self, call: Call) -> Response:
        if not call.is_change:
            return await self._list_addresses(call)
        wish = {"network": call.field("network"), "reason": call.field("reason")}
        try:
            block = AddressBlock.model_validate({**wish, "minutes": call.field("minutes") or None})
            until_ms = None if block.minutes is None else self._clock.now_ms() + int(block.minutes * 60_000)
            await self._operate.block_address(call.actor, block.network, reason=block.reason, until_ms=until_ms)
        except Mistake as error:
            return await self._list_addresses(call, **told(error, _MISTAKES))
        return go("/addresses", "saved")

    async def _list_addresses(self, call: Call, **more: Any) -> Response:
        part, after = call.asked("search") or "", call.asked("after") or ""
        all_of_them = [one for one in await self._ask.addresses() if part in one.network and one.network > after]
        found, last = cut(all_of_them)
        return self._frame.show(
            call,
            "rules/addresses",
            "addresses",
            addresses=found,
            search=part,
            further=None if last is None else {"search": part, "after": last.network},
            typed={name: call.field(name) for name in ("network", "minutes", "reason")},
            **more,
        )

    async def _unblock_address(self, call: Call) -> Response:
        await self._operate.unblock_address(call.actor, call.field("network"))
        return go("/addresses", "removed")

    async def _cards(self, call: Call) -> Response:
        if not call.is_change:
            return await self._list_cards(call)
        try:
            wish = NewCards.model_validate({"count": call.field("count"), "credit": call.field("credit")})
            made = await self._operate.create_cards(call.actor, wish.count, to_milli(wish.credit))
        except Mistake as error:
            return await self._list_cards(call, **told(error, _MISTAKES))
        # Spreadsheets take it as it is.
        return await self._list_cards(call, made="\n".join(f"{card.number},{card.password}" for card in made))

    async def _list_cards(self, call: Call, **more: Any) -> Response:
        part, used = call.asked("search") or "", call.asked("used") or ""
        wanted = {"yes": True, "no": False}.get(used)
        found, last = cut(await self._ask.cards(wanted, PAGE + 1, call.asked("before"), part))
        return self._frame.show(
            call,
            "rules/cards",
            "cards",
            **{
                "cards": found,
                "search": part,
                "used": used,
                "further": None if last is None else {"search": part, "used": used, "before": last.number},
                "typed": {name: call.field(name) for name in ("count", "credit")},
                "made": "",
                **more,
            },
        )


def _pieces(text: str, hits: list[KeywordHit]) -> list[tuple[str, str]]:
    """``text`` cut at its hits: each piece, and the keyword that it is or nothing."""
    pieces, at = [], 0
    for hit in hits:
        pieces += [(text[at : hit.start], ""), (text[hit.start : hit.end], hit.keyword)]
        at = hit.end
    return [*pieces, (text[at:], "")]
