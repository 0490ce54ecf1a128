"""Prompts: each text becomes one file, whoever uses it. Finds what Kiln's prompt ids mean; renders nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..names import Names
from ..templates import prompt
from ..unplaced import Leftovers
from .reading import Everything
from .shapes import Finetune, Frozen, Prompt, Task

_PLAIN = ("", "simple_prompt_builder", "short_prompt_builder")


@dataclass
class Prompting:
    """The prompts of one task."""

    task: Task
    prefix: str
    names: Names
    left: Leftovers
    saved: dict[str, Prompt] = field(default_factory=dict)
    tunes: dict[str, Finetune] = field(default_factory=dict)
    frozen: dict[str, Frozen] = field(default_factory=dict)
    """Run-config's id -> the prompt that was kept with it."""
    files: dict[str, str] = field(default_factory=dict)
    """Text -> the file's name, without its end."""
    _unknown: dict[str, str] = field(default_factory=dict)

    def named(self, words: str, text: str) -> str:
        """The prompt with this text, made where there is none."""
        if text not in self.files:
            self.files[text] = self.names.new(f"{self.prefix}{words}", "prompt")
        return self.files[text]

    def of(self, prompt_id: str, where: str) -> str:
        """The prompt that an id of Kiln's means. Where its text is not in the project, the task's own stands in."""
        kind, _, rest = prompt_id.partition("::")
        last = rest.rpartition("::")[2]
        if kind == "id" and rest in self.saved:
            return self.named(self.saved[rest].name, self.saved[rest].prompt)
        if kind == "fine_tune_prompt" and last in self.tunes:
            return self.named(f"tune {self.tunes[last].name}", self.tunes[last].system_message)
        if kind == "task_run_config" and last in self.frozen:
            return self.named(self.frozen[last].name, self.frozen[last].prompt)
        if prompt_id not in _PLAIN and prompt_id not in self._unknown:
            self._unknown[prompt_id] = where
            why = "its text is not in the project: the task's own prompt stands in"
            self.left.add("prompt", "prompt_id", where, why, prompt_id)
        return self.named(self.task.name, own_prompt(self.task))

    def contents(self) -> dict[str, bytes]:
        """Path -> content."""
        return {f"evals/prompts/{name}.j2": prompt(text).encode("utf-8") for text, name in self.files.items()}


def own_prompt(task: Task) -> str:
    """The task's instruction, with its requirements as Kiln puts them."""
    if not task.requirements:
        return task.instruction
    listed = "".join(f"{n}) {one.instruction}\n" for n, one in enumerate(task.requirements, 1))
    return f"{task.instruction}\n\nYour response should respect the following requirements:\n{listed}"


def prompting(everything: Everything, task: Task, prefix: str, names: Names) -> Prompting:
    """All prompts of the task, the saved and the tunes' ones made."""
    found = Prompting(task, prefix, names, everything.left)
    found.named(task.name, own_prompt(task))
    for saved, at in everything.of(Prompt):
        if at.above(Task) is task:
            found.saved[saved.id] = saved
            found.named(saved.name, saved.prompt)
    for tune, at in everything.of(Finetune):
        if at.above(Task) is task:
            found.tunes[tune.id] = tune
            if tune.system_message:
                found.named(f"tune {tune.name}", tune.system_message)
    return found
