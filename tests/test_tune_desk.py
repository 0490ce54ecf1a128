"""The folder of a training run: what a crash leaves of it is read rightly."""

from __future__ import annotations

from pathlib import Path

from touchstone_tuning.tune.local.desk import Desk
from touchstone_tuning.tune.provider import Loss


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.last_checkpoint() is None
    for step in (8, 10, 12):
        (desk.checkpoints / f"checkpoint-{step}").mkdir(parents=True)
        if step < 12:
            (desk.checkpoints / f"checkpoint-{step}/trainer_state.json").write_text("{}")
    found = desk.last_checkpoint()
    assert found is not None
    assert found.name == "checkpoint-10"


def test_tokens_go_on_from_the_checkpoint_and_not_from_what_was_lost(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.losses.write_text('{"step": 5, "tokens": 500}\n{"step": 8, "tokens": 800}\n{"step": 9, "tokens": 900}\n{"step')
    assert desk.tokens_at(None) == 0
    assert desk.tokens_at(desk.checkpoints / "checkpoint-8") == 800


def test_a_step_that_was_done_twice_counts_once_and_as_it_was_last(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    lines = [
        '{"step": 1, "train": 3}',
        '{"step": 2, "train": 2}',
        '{"step": 2, "validation": 4}',
        '{"step": 2, "train": 1}',
    ]
    desk.losses.write_text("\n".join(lines))
    assert desk.measured() == (Loss(1, 3), Loss(2, 1, 4))


def test_one_process_holds_a_desk(tmp_path: Path) -> None:
    """A lock of another process: locks of one process do not stop it itself."""
    import subprocess
    import sys

    code = "import sys; from pathlib import Path; from touchstone_tuning.tune.local.desk import Desk\n"
    asking = f"{code}print(Desk(Path(sys.argv[1])).held())"
    with Desk(tmp_path).hold() as mine:
        assert mine
        held = subprocess.run([sys.executable, "-c", asking, str(tmp_path)], capture_output=True, text=True, check=True)
        assert held.stdout.strip() == "True"
    free = subprocess.run([sys.executable, "-c", asking, str(tmp_path)], capture_output=True, text=True, check=True)
    assert free.stdout.strip() == "False"
