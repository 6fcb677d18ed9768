"""What operators do with webhooks."""

import secrets

from yizhan.flow.office import Deed, NotFound, Office
from yizhan.model.views import WebhookView
from yizhan.policy.destinations import check_url
from yizhan.store import pushes
from yizhan.store.database import Session
from yizhan.wire.webhook import read_secret, write_secret

_SECRET_BYTES = 32


class WebhookActions(Office):
    """Every change an operator can make to a webhook."""

    async def set_webhook(
        self, actor: str, corp_id: str, url: str, secret: str | None = None
    ) -> tuple[WebhookView, str]:
        """Push an account's events to ``url``, signed with ``secret`` (or one made now): both.

        ValueError for an address or a secret of the wrong form.
        """
        account, at_ms = self._account(corp_id), self._clock.now_ms()
        url = check_url(url)
        if secret is None:
            secret = write_secret(secrets.token_bytes(_SECRET_BYTES))
        else:
            read_secret(secret)
        kept = secret
        deed = Deed(actor, "webhook set", corp_id, {}, {"url": url, "secret": "changed"})

        def act(session: Session) -> None:
            if former := pushes.webhook_url(session, account.id):
                deed.before["url"] = former
            pushes.set_webhook(session, account.id, url, kept, at_ms)

        await self._carry_out(deed, act)
        (view,) = await self._database.read(lambda session: pushes.view_webhooks(session, account.id))
        return view, kept

    async def remove_webhook(self, actor: str, corp_id: str) -> None:
        """Let the account fetch its events again. NotFound when it has no webhook."""
        account = self._account(corp_id)
        deed = Deed(actor, "webhook remove", corp_id, {}, {})

        def act(session: Session) -> bool:
            deed.before["url"] = pushes.webhook_url(session, account.id)
            return pushes.remove_webhook(session, account.id)

        if not await self._carry_out(deed, act):
            raise NotFound(f"{corp_id} has no webhook")

    async def replay_pushes(self, actor: str, *, corp_id: str | None = None, push_id: int | None = None) -> int:
        """Send parked events again: how many."""
        account_id = None if corp_id is None else self._account(corp_id).id
        now_ms, subject = self._clock.now_ms(), corp_id or ("all" if push_id is None else str(push_id))
        deed = Deed(actor, "webhook replay", subject, {}, {})

        def act(session: Session) -> int:
            count = pushes.replay(session, account_id, push_id, now_ms)
            deed.before["parked"] = deed.after["sent_again"] = count
            return count

        return await self._carry_out(deed, act)
