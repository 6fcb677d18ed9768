"""What every admin call needs: who acts."""

from typing import Annotated

from fastapi import Depends, Header


def _actor(x_yizhan_actor: Annotated[str, Header(max_length=200)] = "api") -> str:
    return x_yizhan_actor.strip() or "api"


# The header X-Yizhan-Actor names the actor for the audit log; the socket's file mode is what keeps strangers out.
Actor = Annotated[str, Depends(_actor)]
