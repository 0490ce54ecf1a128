"""What is wanted of an invoice, as a pydantic model."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Invoice(BaseModel):
    """An invoice as the accounts take it."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(pattern=r"^INV-\d+$")
    due: date
    total: float = Field(gt=0)
    currency: Literal["EUR", "USD"]
