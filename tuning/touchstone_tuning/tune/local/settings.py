"""What a training run on this machine can be told. Owns the names, in peft's and trl's terms; trains nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Module = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LINEAR: tuple[Module, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers of a llama, as transformers names them."""


class Settings(BaseModel):
    """Parameters of one LoRA run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float = Field(default=3, gt=0, le=100)
    """Times that every example is seen."""
    rank: int = Field(default=16, ge=1, le=512)
    """Of the two matrices that are added to a layer."""
    alpha: int | None = Field(default=None, ge=1, le=2048)
    """What is added is scaled by alpha / rank; default: twice the rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the adapter's inputs that is left out at each step."""
    modules: tuple[Module, ...] = Field(default=LINEAR, min_length=1)
    """Layers that get an adapter."""
    first_layer: int = Field(default=0, ge=0)
    """Blocks below this one are left as they are: nothing flows back through them, which is faster."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """The highest one."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """How it falls after the warm-up."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps in which it rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's."""
    batch_size: int = Field(default=16, ge=1, le=4096)
    """Examples a step."""
    max_tokens: int = Field(default=512, ge=16)
    """Longer examples are cut."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Of the base's weights; the adapter and its optimiser are float32."""
    seed: int = 1
    """Of the adapter's first values and of the order of the examples."""
    evaluations: int = Field(default=6, ge=0, le=1000)
    """Times that the validation loss is measured and a checkpoint kept."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after so many validation losses that are no better than the best; None: never."""
    report_to: tuple[Literal["wandb", "tensorboard", "trackio"], ...] = ()
    """Where losses go besides the job's own JSON lines."""

    @property
    def scale(self) -> int:
        """Alpha, as given or as its default."""
        return self.alpha if self.alpha is not None else 2 * self.rank
