"""What operators and accounts do with recharge cards."""

import secrets

from yizhan.flow.office import Deed, Office
from yizhan.model.money import as_number
from yizhan.model.views import NewCard
from yizhan.policy.cards import NUMBER_DIGITS, PASSWORD_DIGITS, digest_of, draw
from yizhan.store.accounts import balance_of
from yizhan.store.cards import insert_cards, use_card
from yizhan.store.database import Session

_MOST_CARDS = 10_000


class CardActions(Office):
    """Cards are made by an operator, and used by an account (ChargeUp)."""

    async def create_cards(self, actor: str, count: int, credit_milli: int) -> list[NewCard]:
        """``count`` cards worth so much each. Their passwords are shown this once."""
        if not 1 <= count <= _MOST_CARDS:
            raise ValueError(f"between 1 and {_MOST_CARDS} cards at a time")
        if credit_milli <= 0:
            raise ValueError("a card is worth more than 0")
        at_ms, made, rows = self._clock.now_ms(), [], []
        for _ in range(count):
            number, password = (draw(digits, secrets.randbelow) for digits in (NUMBER_DIGITS, PASSWORD_DIGITS))
            made.append(NewCard(number, password, as_number(credit_milli)))
            secret = {"number": number, "secret_hash": digest_of(number, password)}
            rows.append({**secret, "credit_milli": credit_milli, "created_at_ms": at_ms})
        deed = Deed(actor, "card create", f"{count} cards", {}, {"count": count, "credit_milli": credit_milli})
        await self._carry_out(deed, lambda session: insert_cards(session, rows))
        return made

    async def use_card(self, actor: str, corp_id: str, number: str, password: str) -> bool:
        """Give an account what a card is worth; False when the card is wrong or used."""
        account, at_ms, digest = self._account(corp_id), self._clock.now_ms(), digest_of(number, password)
        deed = Deed(actor, "card use", number, {}, {"account": corp_id})

        def act(session: Session) -> bool:
            deed.before["balance_milli"] = balance_of(session, account.id)
            used = use_card(session, number, digest, account.id, at_ms)
            deed.after["balance_milli"] = balance_of(session, account.id)
            return used

        return await self._carry_out(deed, act)
