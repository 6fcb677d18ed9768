"""What all sections of the configuration share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1)]
# Marks a key whose value is never shown: not in a mistake, not by repr. JSON Schema's own word for it.
SECRET = {"writeOnly": True}


class Section(BaseModel):
    """A section of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
