"""What a sweep may say to Together, in its API's terms. Owns ranges and defaults of ours; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LORA = ("lora_r", "lora_alpha", "lora_dropout", "lora_trainable_modules")
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Parameters(BaseModel):
    """What is not said is Together's to choose. Its limits for a model are asked for and kept by its SDK."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    n_epochs: Count | None = None
    """Passes over the examples."""
    batch_size: Literal["max"] | Count | None = None
    """Examples in a step, or `max` for as many as the model takes."""
    gradient_accumulation_steps: Count | None = None
    """Steps whose gradients make one."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    """At its highest."""
    lr_scheduler_type: Literal["linear", "cosine"] | None = None
    """How the learning rate falls."""
    min_lr_ratio: Share | None = None
    """The learning rate at the end, as a share of the highest."""
    scheduler_num_cycles: Annotated[float, Field(gt=0)] | None = None
    """Cycles of the cosine; half a one falls once."""
    warmup_ratio: Share | None = None
    """The share of steps over which the learning rate rises."""
    max_grad_norm: Annotated[float, Field(ge=0)] | None = None
    """Gradients are clipped to it; 0 for not at all."""
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    """Of the weights, a step."""
    n_checkpoints: Count | None = None
    """Checkpoints to keep."""
    n_evals: Annotated[int, Field(ge=0)] | None = None
    """Measurements on the validation file; one an epoch where there is such a file and this is not said."""
    lora: bool | None = None
    """LoRA, or all weights; LoRA where any of its parameters is given."""
    lora_r: Count | None = None
    """Rank of the adapters."""
    lora_alpha: Count | None = None
    """Scale of the adapters; twice the rank where not said."""
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of adapter inputs dropped."""
    lora_trainable_modules: Annotated[str, Field(min_length=1)] | None = None
    """Modules with adapters, with commas between, or `all-linear`."""
    packing: bool | None = None
    """Whether short examples share a sequence."""
    max_seq_length: Count | None = None
    """Tokens of an example; the model's most where not said."""
    train_on_inputs: bool | Literal["auto"] | None = None
    """Whether prompts are learnt too; `auto` for answers only, in chats."""
    early_stopping_enabled: bool | None = None
    """Stop when the validation loss falls no more; needs a validation file and `n_evals`."""
    early_stopping_patience: Count | None = None
    """Measurements without a fall before the stop."""
    early_stopping_min_delta: Annotated[float, Field(ge=0)] | None = None
    """What counts as a fall."""
    early_stopping_warmup_evals: Annotated[int, Field(ge=0)] | None = None
    """Measurements before patience is counted."""
    random_seed: Annotated[int, Field(ge=0)] | None = None
    """For the order of the examples and the first weights."""
    suffix: Annotated[str, Field(min_length=1, max_length=19)] | None = None
    """A part of the tuned model's name, before the tag."""

    @model_validator(mode="after")
    def _lora_is_one_thing(self) -> Self:
        if self.lora is False and any(getattr(self, name) is not None for name in LORA):
            raise ValueError(f"lora is false, and yet one of {', '.join(LORA)} is given")
        return self


def said(parameters: Parameters, tag: str, validation: str | None) -> Mapping[str, Any]:
    """The parameters as arguments of the SDK, with what follows from them. The tag ends the suffix, to be found by."""
    given = parameters.model_dump(exclude_none=True)
    if given.keys() & set(LORA):
        given["lora"] = True
    if validation is not None:
        given.setdefault("n_evals", given.get("n_epochs", 1))
    given.setdefault("train_on_inputs", "auto")  # the SDK's own default, which it warns of
    return {**given, "suffix": f"{given['suffix']}-{tag}" if "suffix" in given else tag}
