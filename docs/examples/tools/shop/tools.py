"""What the assistant of a shop can do. Each function is a tool: its docstring and types are what the model is told."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from touchstone import Row, ToolError

OrderId = Annotated[str, Field(description="As the customer writes it, for example A-17.")]


def find_order(row: Row, order_id: OrderId) -> dict[str, Any]:
    """Look up an order: what was bought, for how much, and where it is."""
    return _order(row, order_id)


def refund(row: Row, order_id: OrderId, amount: Annotated[float, Field(gt=0)]) -> str:
    """Pay back money for an order, in US dollars."""
    if amount > _order(row, order_id)["paid"]:
        raise ToolError("that is more than was paid")
    return f"{amount:.2f} paid back"


def _order(row: Row, order_id: str) -> dict[str, Any]:
    """`row` is the dataset's row: each has a world of its own. The model never sees this parameter."""
    orders: dict[str, dict[str, Any]] = row.model_extra["orders"] if row.model_extra else {}
    if order_id not in orders:
        raise ToolError(f"there is no order {order_id}")
    return orders[order_id]
