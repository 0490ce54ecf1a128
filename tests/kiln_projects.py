"""A small Kiln project of our own making: its folders and files as Kiln writes them, for tests of the import."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WHO = {"v": 1, "created_at": "2026-03-01T10:00:00.123456", "created_by": "ada"}
TASK = "tasks/100 - Greeter"
HOSTILE = '{{ 7*7 }} {% raw %} {# no #} {{{ \'"""\n---\nimport os #'


@dataclass
class Kiln:
    """A project in a folder."""

    root: Path

    def write(self, path: str, kind: str, **fields: Any) -> Path:
        """A record's file, in `path` below the project."""
        file = self.root / path / f"{kind}.kiln"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**WHO, "model_type": kind, **fields}, ensure_ascii=True, indent=2))
        return file

    def run(self, of: str, asked: str, said: str, *tags: str, **fields: Any) -> Path:
        """A task run: an input, its output, its tags; `rated`: requirement -> (type, value)."""
        rated, stars = fields.pop("rated", None), fields.pop("stars", None)
        rating = None
        if rated is not None or stars is not None:
            marks = {name: {"type": kind, "value": value} for name, (kind, value) in (rated or {}).items()}
            rating = {**WHO, "id": f"r{of}", "type": "five_star", "value": stars, "requirement_ratings": marks}
        source = {"type": "synthetic", "properties": fields.pop("source", SOURCE)}
        output = {**WHO, "id": f"o{of}", "output": said, "source": source, "rating": rating}
        asked_by = {"type": "human", "properties": {"created_by": "ada"}}
        extra = {"usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10, "cost": 0.5}, **fields}
        place = f"{TASK}/runs/{of}"
        return self.write(
            place, "task_run", id=of, input=asked, input_source=asked_by, output=output, tags=tags, **extra
        )

    def config(self, of: str, name: str, prompt_id: str = "simple_prompt_builder", **fields: Any) -> Path:
        """A run-config."""
        how = {"model_name": "gpt_x", "model_provider_name": "openrouter", "prompt_id": prompt_id, "temperature": 0.5}
        place = f"{TASK}/run_configs/{of} - x"
        return self.write(place, "task_run_config", id=of, name=name, run_config_properties={**how, **fields})

    def eval(self, of: str, name: str, scores: list[dict[str, Any]], **fields: Any) -> Path:
        """An eval, its rows tagged `eval_OF` and `golden_OF`."""
        filters = {"eval_set_filter_id": f"tag::eval_{of}", "eval_configs_filter_id": f"tag::golden_{of}"}
        return self.write(f"{TASK}/evals/{of} - e", "eval", id=of, name=name, output_scores=scores, **filters, **fields)

    def judge(self, of: str, eval_id: str, name: str, **fields: Any) -> Path:
        """A judge of an eval."""
        how = {"config_type": "llm_as_judge", "model_name": "judge_x", "model_provider": "openai"}
        steps = {"eval_steps": ["Look at it.", HOSTILE], "task_description": "Greet."}
        place = f"{TASK}/evals/{eval_id} - e/configs/{of} - j"
        return self.write(place, "eval_config", id=of, name=name, **{**how, "properties": steps, **fields})

    def verdict(
        self, of: str, place: tuple[str, str], row: tuple[str, str, str], config: str | None, **scores: float
    ) -> Path:
        """A verdict of the judge `place` (eval, judge) on `row` (id, input, output)."""
        eval_id, judge = place
        said = {"dataset_id": row[0], "input": row[1], "output": row[2], "scores": scores}
        whose = {"task_run_config_id": config, "eval_config_eval": config is None}
        more = {"intermediate_outputs": {"chain_of_thought": f"because {of}"}, "task_run_usage": None}
        folder = f"{TASK}/evals/{eval_id} - e/configs/{judge} - j/runs/{of}"
        return self.write(folder, "eval_run", id=of, **said, **whose, **more)


SOURCE = {
    "model_name": "gpt_x",
    "model_provider": "openrouter",
    "prompt_id": "simple_prompt_builder",
    "temperature": 1.0,
}
POLITE = [{"name": "Politeness", "instruction": "Be polite.", "type": "pass_fail"}]


def small(root: Path) -> Kiln:
    """One task, an eval of four rows and four golden ones, two judges, two run-configs, a tune, a split, a prompt."""
    kiln = Kiln(root)
    kiln.write("", "project", id="1", name="Small", description="")
    kiln.write(TASK, "task", id="100", name="Greeter", instruction="Greet {{ nobody }}.", requirements=[], wish="new")
    for n in range(4):
        asked = "hello again" if n == 3 else f"hello {n}"
        kiln.run(f"10{n}", asked, f"own {n}", "eval_5")
        mark = {"named::Politeness": ("pass_fail", float(n % 2))}
        kiln.run(f"20{n}", f"golden {n}", f"gold {n}", "golden_5", rated=mark)
    kiln.run("104", "hello again", "own 4", "eval_5", stars=4.0)
    kiln.write(f"{TASK}/prompts/300 - p", "prompt", id="300", name=HOSTILE, prompt=HOSTILE, description="d")
    kiln.config("400", "Brave Fox", "id::300")
    kiln.config("401", "../../etc/passwd\n", structured_output_mode="json")
    kiln.eval("5", "Is it polite?", POLITE, current_config_id="60")
    kiln.judge("60", "5", "Main Judge")
    kiln.judge("61", "5", "Main Judge", config_type="g_eval")
    for n in range(5):
        row = (f"10{n}", "hello again" if n > 2 else f"hello {n}", f"made {n}")
        kiln.verdict(f"70{n}", ("5", "60"), row, "400", politeness=float(n > 0))
        kiln.verdict(f"71{n}", ("5", "61"), (*row[:2], f"other {n}"), "400", politeness=0.1 * n)
    for n in range(4):
        kiln.verdict(
            f"72{n}", ("5", "61"), (f"20{n}", f"golden {n}", f"gold {n}"), None, politeness=[0.25, 0.5, 0.125, 1.0][n]
        )
    contents = {"train": ["100", "101", "gone"], "val": ["102"]}
    split = {"name": "All", "splits": [{"name": "train", "percentage": 0.8}], "split_contents": contents}
    kiln.write(f"{TASK}/dataset_splits/800 - s", "dataset_split", id="800", **split)
    tune = {
        "name": "Tune",
        "provider": "x",
        "base_model_id": "b",
        "dataset_split_id": "800",
        "train_split_name": "train",
    }
    kiln.write(
        f"{TASK}/finetunes/900 - f", "finetune", id="900", system_message="Greet!", parameters={"epochs": 2}, **tune
    )
    return kiln
