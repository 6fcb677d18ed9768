"""Admin API: the gateway itself, its nodes and its configuration."""

from fastapi import APIRouter

from yizhan.console.api.document import errors
from yizhan.console.desk import of_node
from yizhan.flow.about import About
from yizhan.model.views import NodesView, SettingView


def gateway_router(about: About | None) -> APIRouter:
    """``/nodes`` and ``/settings``."""
    router = APIRouter(tags=["watch"])

    @router.get("/nodes", responses=errors(409))
    async def list_nodes() -> NodesView:
        return await of_node(about).nodes()

    @router.get("/settings", responses=errors(409))
    async def list_settings() -> list[SettingView]:
        return of_node(about).settings()

    return router
