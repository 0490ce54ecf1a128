"""Bases other than the embedded one: a folder as transformers saves it, and `owner/name` of Hugging Face's cache."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from projects import Project
from tune_local import trains
from tune_tiny import as_gguf, tiny

from touchstone.cli import main
from touchstone.config import load_catalogue
from touchstone.errors import ModelUnavailable
from touchstone.models import identity, open_model
from touchstone.models.weights import SMOLLM2, packaged
from touchstone.places import PLACES, Places
from touchstone.records import Message, Request, RunConfig
from touchstone_tuning.tune.local.bases import Base, find_base
from touchstone_tuning.tune.local.desk import Desk
from touchstone_tuning.tune.local.shape import Shape, differences, of_gguf

TOLD = ("Peru", "Chad", "Oman", "Cuba", "Mali", "Fiji", "Laos", "Togo", "Iran", "Iraq", "Italy", "Spain")
SHORT = "parameters: {epochs: 6, batch_size: 4, rank: 4, learning_rate: 0.02, precision: float32, evaluations: 0}"


def tune(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "tune", *args])


def said(project: Project, *args: str, code: int = 0) -> str:
    result = tune(project, *args)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


@pytest.fixture
def project(project: Project) -> Project:
    """With rows to learn from."""
    rows = [{"id": name, "input": f"Where is {name} governed from?", "answer": f"From {name[::-1]}."} for name in TOLD]
    project.write("datasets/capitals.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return project


def sweep(project: Project, base: str, rest: str = SHORT) -> None:
    run = f"{{provider: local, base: {json.dumps(base)}, prompt: ask, {rest}}}"
    project.write("tuning/sweeps/first.yaml", f"data: {{train: capitals}}\nruns:\n  - {run}\n")


def trained(project: Project, job: str) -> Desk:
    """Through the command, from plan to the end."""
    assert "cannot be submitted" not in said(project, "plan", "first")
    said(project, "submit", "first")
    assert f"{job}: succeeded" in said(project, "wait", "first", "--every", "0.3", "--within", "400")
    (order,) = (project.root / ".touchstone/tunes").glob("*/order.json")
    return Desk(order.parent)


def weighed(config: RunConfig, root: Path, asked: str) -> dict[str, float]:
    async def ask() -> dict[str, float]:
        request = Request(identity(config, root), (Message("user", asked),), {"max_tokens": 1, "logprobs": 10})
        found = (await open_model(config, root).complete(request)).logprobs
        assert found
        return dict(found[0])

    return asyncio.run(ask())


@trains
def test_a_folder_is_tuned_and_served_on_its_gguf(project: Project) -> None:
    folder = project.root / "models/tiny"
    made = as_gguf(folder, tiny(folder), project.root / "models/Tiny.F32.gguf")
    sweep(project, "models/tiny")
    desk = trained(project, "tiny")
    assert (desk.peft / "adapter_config.json").is_file()
    assert (desk.peft / "adapter_model.safetensors").is_file()
    assert desk.adapter.is_file()

    told = said(project, "register", "first", "tiny", "--as", "tuned", code=1)
    assert "touchstone tune register first tiny --as tuned --weights FILE.gguf" in told
    smol = packaged()
    assert smol is not None
    refused = said(project, "register", "first", "tiny", "--as", "tuned", "--weights", str(smol), code=1)
    assert "is not models/tiny: layers: 30, the base's 2; hidden: 576, the base's 64" in refused
    assert not (project.root / "tuning/adapters").exists()
    assert "weights not found: no.gguf" in said(
        project, "register", "first", "tiny", "--as", "t", "--weights", "no.gguf", code=1
    )
    said(project, "register", "first", "tiny", "--as", "tuned", "--weights", str(made))

    config = load_catalogue(Places.of(project.root, lambda name: PLACES[name][0])).run_configs[-1]
    assert (config.model, config.weights) == ("gguf/tiny.f32", "models/Tiny.F32.gguf")
    assert config.sha256
    assert config.adapter_sha256
    script = Path(__file__).with_name("tune_laid.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder), str(desk.peft)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    ours = weighed(config, project.root, theirs["asked"])
    shared = [token for token in theirs["with"] if token in ours and token.isascii()]  # bytes alone are shown alike
    assert len(shared) >= 5
    assert max(abs(theirs["with"][token] - theirs["without"][token]) for token in shared) > 1
    assert max(abs(theirs["with"][token] - ours[token]) for token in shared) < 0.1, (theirs, ours)


@trains
def test_another_architecture_from_the_hubs_cache_is_kept_for_others_to_serve(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As huggingface_hub lays a repository down: with no network, its files are all that there is."""
    home, revision = project.root / "home", "0123456789abcdef0123456789abcdef01234567"
    repository = home / "hub/models--someone--Tiny-Qwen"
    tiny(repository / "snapshots" / revision, "qwen2")
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(revision)
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    sweep(project, "someone/Tiny-Qwen", SHORT.replace("rank: 4", "rank: 24, first_layer: 1"))
    desk = trained(project, "Tiny-Qwen")
    losses = [one.train for one in desk.measured() if one.train is not None]
    assert losses[-1] < losses[0]
    end = desk.ended()
    assert end is not None
    assert end.tokens > 100
    config = json.loads((desk.peft / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "someone/Tiny-Qwen"
    assert not desk.adapter.exists()
    told = said(project, "register", "first", "Tiny-Qwen", "--as", "tuned", code=1)
    assert "someone/Tiny-Qwen is no llama" in told
    assert "vllm serve someone/Tiny-Qwen --enable-lora --max-lora-rank 32 --lora-modules tuned=.touchstone" in told
    (line,) = [line for line in told.splitlines() if line.strip().startswith("- {")]
    (named,) = yaml.safe_load(line)
    assert RunConfig.model_validate(named).base_url == "http://127.0.0.1:8000/v1"


@trains
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("no template", "models/tiny has no chat template"),
        ("torn", "models/tiny cannot be loaded"),
        ("code", "models/tiny cannot be loaded"),
    ],
)
def test_a_folder_that_cannot_be_trained_fails_in_words(project: Project, change: str, why: str) -> None:
    folder = project.root / "models/tiny"
    tiny(folder, template=change != "no template")
    if change == "torn":
        (folder / "model.safetensors").write_bytes(b"torn")
    if change == "code":  # a model that brings code of its own: none of it is run
        config = json.loads((folder / "config.json").read_text())
        own = {"model_type": "its-own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
        (folder / "config.json").write_text(json.dumps({**config, **own}))
        (folder / "own.py").write_text(f"open({str(project.root / 'ran')!r}, 'w')\n")
    sweep(project, "models/tiny")
    said(project, "submit", "first")
    told = said(project, "wait", "first", "--every", "0.3", "--within", "300", code=1)
    assert f"failed: {why}" in told
    assert not (project.root / "ran").exists()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../../etc",
            "/etc/passwd",
            "~/nothing",
            "a/../b",
            "owner/..",
            "..",
            ".",
            "a/b/c",
            "owner/na me",
            "-x/y",
            "x/-y",
        ),
        *(
            "owner/na--me/",
            "$HOME/x",
            "owner/\x1b[31mred",
            "a\nb/c",
            "x" * 5000,
            "x/" + "y" * 300,
            "http://x/y",
            "x\x00y",
        ),
        *("embedded/other", "owner/a..b", "models--a--b/x/../../y", "ownér/name", "gone.gguf", "y" * 4000 + ".gguf"),
    ],
)
def test_hostile_names_are_refused_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelUnavailable) as error:
        find_base(name, tmp_path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("name", ["../..//\x1b[31mx", "x" * 5000, "y" * 4000 + ".gguf", "x\x00y", "x\x00.gguf"])
def test_a_hostile_name_is_told_by_plan(project: Project, name: str) -> None:
    sweep(project, name)
    told = said(project, "plan", "first")
    assert "cannot be submitted here: weights not found" in told
    assert "\x1b" not in told


def test_what_a_base_may_be(tmp_path: Path) -> None:
    assert find_base("meta-llama/Llama-3.2-1B-Instruct", tmp_path) == Base("meta-llama/Llama-3.2-1B-Instruct")
    assert find_base(SMOLLM2, tmp_path).gguf
    tiny(tmp_path / "owner/name")
    assert find_base("owner/name", tmp_path) == Base(str(tmp_path / "owner/name"))
    (tmp_path / "owner/name/model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"owner/name holds no model .* lacks \*\.safetensors"):
        find_base("owner/name", tmp_path)


def test_offline_only_what_is_in_the_cache_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match="nobody/nothing is not in Hugging Face's cache"):
        find_base("nobody/nothing", tmp_path)


def test_shapes_are_compared_by_what_differs() -> None:
    base = Shape(architecture="llama", layers=2, hidden=64, feed_forward=96, heads=4, key_heads=2, vocabulary=300)
    keys = {"block_count": 2, "embedding_length": 64, "feed_forward_length": 96, "attention.head_count": 4}
    told = {"general.architecture": "llama", **{f"llama.{name}": value for name, value in keys.items()}}
    told |= {"llama.attention.head_count_kv": 2, "tokenizer.ggml.tokens": ["x"] * 300}
    assert list(differences(base, of_gguf(told))) == []
    assert list(differences(base, of_gguf({**told, "tokenizer.ggml.tokens": ["x"]}))) == [
        "vocabulary: 1, the base's 300"
    ]
    other = of_gguf({**told, "general.architecture": "qwen2"})
    assert list(differences(base, other)) == ["it is a qwen2, the base a llama"]
    adapter = of_gguf({"general.architecture": "llama", "general.type": "adapter"})
    assert "layers: none, the base's 2" in list(differences(base, adapter))
