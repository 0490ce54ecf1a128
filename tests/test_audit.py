"""The audit: each thing it must find in made-up ratings, and that it accuses no honest rater."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import comb

import pytest

from touchstone.labels import Item, Label, Rating, Trust
from touchstone.records import Score
from touchstone.trust.audit import Audit, Case, Finding, Material, audit, chance
from touchstone.trust.audit.show import as_json, markdown, terminal

START = 1_780_000_000.0
HOSTILE = "Eve\x1b[31m\u202e `x` | <img src=x> @team\n::error::" + "e\u0301\u0301\u0301\u0301" * 400


@dataclass
class Golden:
    """A golden set in the making: what each output is in truth, and who said what of it, when."""

    truth: Sequence[bool]
    configs: Sequence[str] = ()
    rows: Sequence[str] = ()
    tags: Sequence[tuple[str, ...]] = ()
    judges: dict[str, tuple[Trust, Sequence[float]]] = field(default_factory=dict)
    ratings: list[list[Rating]] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.truth)
        rows = self.rows or [f"row{i:03}" for i in range(n)]
        configs = self.configs or ["main"] * n
        self.items = [Item(rows[i], "h", f"request {i}\nmore", f"answer {i}", configs[i]) for i in range(n)]
        self.ratings = [[] for _ in range(n)]

    def rate(
        self,
        rater: str,
        labels: Sequence[Label | None],
        *,
        seconds: Callable[[int], float | None] = lambda i: 9.0,
        when: Callable[[int], float] = lambda i: START + 20.0 * i,
        **more: object,
    ) -> Golden:
        """One person's labels, in the order of the outputs."""
        for i, label in enumerate(labels):
            if label is not None:
                at = f"{datetime.fromtimestamp(when(i), UTC):%Y-%m-%dT%H:%M:%SZ}"
                one = Rating(self.items[i].row, self.items[i].answer, rater, label, at, seconds=seconds(i))
                self.ratings[i].append(replace(one, **more))  # type: ignore[arg-type]
        return self

    def judge(self, name: str, values: Sequence[float], state: str = "certified") -> Golden:
        """One judge's scores."""
        self.judges[name] = (Trust(name, state, ""), values)  # type: ignore[arg-type]
        return self

    def material(self, *, executed: bool = True) -> Material:
        """As an audit takes it."""
        cases = []
        for i, item in enumerate(self.items):
            seen = {"runs": Score(float(self.truth[i]), "" if self.truth[i] else "exit 1: no such filter")}
            scores = {name: Score(values[i], "so it says") for name, (_, values) in self.judges.items()}
            said = {rating.rater: rating for rating in self.ratings[i]}
            tags = self.tags[i] if self.tags else ()
            cases.append(Case(item, said, scores | (seen if executed else {}), tags))
        history = tuple(rating for one in self.ratings for rating in one)
        judges = tuple(trust for trust, _ in self.judges.values())
        return Material(tuple(cases), history, "runs" if executed else "", judges)

    def audit(self, *, executed: bool = True) -> Audit:
        """Audited."""
        return audit(self.material(executed=executed))


def labels_of(passes: Sequence[bool]) -> list[Label | None]:
    return ["pass" if one else "fail" for one in passes]


def mixed(n: int, seed: int = 1, share: float = 0.5) -> list[bool]:
    rng = random.Random(seed)
    return [rng.random() < share for _ in range(n)]


def kinds(found: Audit, *wanted: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.kind in wanted]


def words(found: Audit) -> str:
    return "\n".join(finding.words for finding in found.findings)


# Contradictions


def test_a_label_that_execution_contradicts_is_found_with_its_evidence() -> None:
    found = Golden([False, True, False]).rate("Ann", ["pass", "pass", "fail"], note="looks fine").audit()
    (one,) = kinds(found, "contradiction")
    assert one.about.startswith("row000@")
    assert one.words == '"pass" by Ann, but execution fails it'
    assert (one.severity, one.score) == ("high", 1.0)
    assert one.evidence[:2] == (("request", "request 0"), ("answer", "answer 0"))
    assert ("execution", "fails (0): exit 1: no such filter") in one.evidence
    assert ("Ann", '"pass" on 2026-05-28, after 9 s: looks fine') in one.evidence
    assert found.summary[1] == (
        "beside execution: 2 labels of a pass, 1 of which it fails; 1 label of a fail, 0 of which it passes"
    )


def test_the_worst_contradiction_comes_first() -> None:
    """Output 0: two raters differ. Output 1: execution too. Output 2: execution, raters and a certified judge."""
    golden = Golden([True, False, False, True])
    golden.rate("Ann", ["pass", "pass", "pass", "pass"]).rate("Bo", ["fail", "fail", "fail", "pass"])
    golden.judge("certain", [1.0, 1.0, 0.0, 1.0])
    found = kinds(golden.audit(), "contradiction")
    assert [(f.about[:6], f.score) for f in found] == [("row000", 2.0), ("row002", 2.0), ("row001", 1.5)]
    by_row = {f.about[:6]: f for f in found}
    expected = '"pass" by Ann, but execution fails it; Bo says "fail"; the certified judge certain fails it'
    assert by_row["row002"].words == expected
    assert by_row["row000"].words.startswith('"fail" by Bo, but execution passes it')
    assert by_row["row001"].words == '"pass" by Ann, but execution fails it; Bo says "fail"'


def test_one_rater_against_the_majority_of_the_others() -> None:
    golden = Golden([True, True]).rate("Ann", ["fail", "pass"])
    for who in ("Bo", "Cy", "Di"):
        golden.rate(who, ["pass", "pass"])
    golden.rate("Ed", ["fail", None])
    (one,) = kinds(golden.audit(executed=False), "contradiction")
    assert one.words == '"fail" by Ann and Ed, but Bo, Cy and Di say "pass"'
    assert one.score == pytest.approx(0.5 * 3 / 4)


@pytest.mark.parametrize(
    ("states", "values", "score"),
    [
        (["certified"], [0.0], 0.5),
        (["certified"], [0.4], None),
        (["no evidence"], [0.0], None),
        (["missing", "missing"], [0.0, 0.0], None),
        (["missing", "missing", "no evidence"], [0.0, 0.0, 0.0], 0.25),
        (["missing", "missing", "missing"], [0.0, 0.0, 1.0], None),
    ],
)
def test_only_certified_judges_or_several_alike_contradict_people(
    states: Sequence[str], values: Sequence[float], score: float | None
) -> None:
    golden = Golden([True]).rate("Ann", ["pass"])
    for index, (state, value) in enumerate(zip(states, values, strict=True)):
        golden.judge(f"j{index}", [value], state)
    found = kinds(golden.audit(), "contradiction")
    assert [one.score for one in found] == ([] if score is None else [score])


def test_three_stars_contradict_nothing_and_one_does() -> None:
    found = kinds(Golden([True, True, False]).rate("Ann", [3, 1, 4]).audit(), "contradiction")
    assert [(f.about[:6], f.score, f.words) for f in found] == [
        ("row001", 1.0, "1 star by Ann, but execution passes it"),
        ("row002", 0.75, "4 stars by Ann, but execution fails it"),
    ]


def test_fail_and_critical_both_contradict_a_pass() -> None:
    found = kinds(Golden([True, True]).rate("Ann", ["fail", "critical"]).audit(), "contradiction")
    assert [f.score for f in found] == [1.0, 0.5]


def test_unsure_is_no_label() -> None:
    found = Golden([True, False]).rate("Ann", ["unsure", "unsure"]).audit()
    assert (found.labels, found.findings, found.of) == (0, (), "nothing")


def test_without_ratings_the_judges_are_audited() -> None:
    golden = Golden([True, False, True]).judge("one", [0.0, 1.0, 0.5]).judge("two", [0.1, 0.0, 1.0], "missing")
    found = golden.audit()
    assert found.of == "judges"
    assert "the judges' confident contradictions of execution are audited instead" in found.summary[0]
    assert [(f.about[:6], f.words) for f in found.findings] == [
        ("row000", "execution passes it, but the judges one and two fail it"),
        ("row001", "execution fails it, but the judge one passes it"),
    ]


# Raters


def test_labels_that_are_chance_carry_no_information() -> None:
    truth = mixed(60, 1)
    found = Golden(truth).rate("Ann", labels_of(mixed(60, 2))).audit()
    (one,) = kinds(found, "rater")
    assert one.words.startswith("labels by Ann carry no information about what execution saw: kappa ")
    assert "always saying" in one.words
    assert one.severity == "high"
    assert one.figures["low"] <= 0 <= one.figures["high"]


def test_labels_the_wrong_way_round_are_said_to_be_so() -> None:
    truth = mixed(40, 1)
    found = Golden(truth).rate("Ann", labels_of([not one for one in truth])).audit()
    assert "labels by Ann are the wrong way round for what execution saw: kappa -0.83 [-1.00, -0.47]" in words(found)


def test_whoever_agrees_with_other_raters_carries_information() -> None:
    """About something that execution does not see."""
    said = mixed(60, 2)
    golden = Golden(mixed(60, 1)).rate("Ann", labels_of(said)).rate("Bo", labels_of(said))
    assert kinds(golden.audit(), "rater") == []


def test_too_few_labels_to_tell_is_a_note() -> None:
    truth = [True, False] * 6
    said = [True, False] * 4 + [False, True, True, True]
    found = Golden(truth).rate("Ann", labels_of(said)).rate("Bo", ["pass"]).audit()
    assert kinds(found, "rater") == []
    assert any(note.startswith("Ann: too few labels to tell") for note in found.notes)
    assert any(note.startswith("Bo: 1 label, too few") for note in found.notes)


def test_a_constant_rater_is_found() -> None:
    truth = mixed(30, 1)
    (one,) = kinds(Golden(truth).rate("Ann", ["pass"] * 30).audit(), "rater")
    assert one.words == (
        'Ann says "pass" of all 30 outputs: such labels carry no information; '
        f"what execution saw agrees on {sum(truth)} of 30"
    )


def test_a_constant_rater_of_outputs_that_all_pass_is_right() -> None:
    assert Golden([True] * 30).rate("Ann", ["pass"] * 30).audit().findings == ()


def test_a_constant_judge_is_found_and_contradicts_nobody() -> None:
    golden = Golden(mixed(20, 1)).rate("Ann", labels_of(mixed(20, 1))).judge("yes", [1.0] * 20)
    (one,) = golden.audit().findings
    assert one.words == "the judge yes says the same (1) of all 20 outputs: it tells nothing"


def test_a_rater_who_always_looked_first() -> None:
    truth = mixed(30, 1)
    (one,) = Golden(truth).rate("Ann", labels_of(truth), peeked=True).audit().findings
    assert one.words.startswith("Ann looked at what execution saw before 30 of 30 labels")


# Batches


def test_labels_that_equal_the_batch_are_found() -> None:
    """The walkthrough's golden set: what came first passes, what came later fails, whatever it does."""
    truth = mixed(40, 3)
    configs = ["first"] * 26 + ["second"] * 14
    golden = Golden(truth, configs).rate("Ann", labels_of([one == "first" for one in configs]))
    found = golden.audit()
    (one,) = [f for f in kinds(found, "batch") if "follow the batch" in f.words]
    assert one.words.startswith("labels by Ann follow the batch: the run-config explains 100 % of them")
    assert one.evidence == (("first", "26 pass"), ("second", "14 fail"))
    assert "carry no information about what execution saw" in words(found)
    assert '"pass" 26 times in a row' in words(found)


def test_batches_are_found_by_their_tags_and_without_execution() -> None:
    tags = [(f"batch{i % 4}",) for i in range(48)]
    said = labels_of([tag[0] in ("batch0", "batch3") for tag in tags])
    found = Golden(mixed(48, 3), tags=tags).rate("Ann", said).audit(executed=False)
    (one,) = kinds(found, "batch")
    assert "follow the batch: the set of tags explains 100 %" in one.words


def test_labels_that_follow_what_execution_saw_follow_no_batch() -> None:
    """One run-config is good and one is bad, and the rater says so."""
    truth = [True] * 20 + [False] * 20
    golden = Golden(truth, ["good"] * 20 + ["bad"] * 20).rate("Ann", labels_of(truth))
    assert golden.audit().findings == ()


def test_a_long_run_of_one_label_is_found() -> None:
    truth = mixed(60, 5)
    said = labels_of(truth[:20]) + labels_of([True] * 25) + labels_of(truth[45:])
    (one,) = [f for f in kinds(Golden(truth).rate("Ann", said).audit(), "batch") if "in a row" in f.words]
    assert one.words.startswith('Ann said "pass" 2')
    assert one.figures["p"] < 0.01
    assert dict(one.evidence)["all labels"].count(",") == 1


def test_a_session_all_alike_is_found() -> None:
    truth = mixed(80, 6)
    order = list(range(80))
    random.Random(1).shuffle(order)
    said = labels_of([order[i] < 60 if order[i] >= 40 else truth[i] for i in range(80)])
    when = [START + 20.0 * place + 7200.0 * (place // 20) for place in order]
    found = Golden(truth).rate("Ann", said, when=lambda i: when[i]).audit()
    (one,) = [f for f in kinds(found, "batch") if "in the session of" in f.words]
    assert "of all 20 outputs in the session of 2026-05-2" in one.words
    assert [who for who, _ in one.evidence] == ["also", "at other times"]


def test_a_sheet_has_no_order_and_no_speed() -> None:
    """Sorted by label, as spreadsheets are, and all in one second."""
    truth = [True] * 20 + [False] * 20
    golden = Golden(truth).rate("Ann", labels_of(truth), seconds=lambda i: None, when=lambda i: START)
    found = golden.audit()
    assert found.findings == ()
    assert found.notes == ("Ann: 40 ratings came in at once, so nobody knows how long they took",)


def test_the_exact_test_of_a_session_is_fishers() -> None:
    from scipy.stats import fisher_exact

    labels = [1.0] * 5 + [1.0] * 3 + [0.0] * 12
    inside = [i < 5 for i in range(20)]
    p = chance.all_alike(1.0, inside, labels, [None] * 20)
    assert p == pytest.approx(fisher_exact([[5, 0], [3, 12]], alternative="greater").pvalue)
    assert p == pytest.approx(comb(8, 5) / comb(20, 5))


def test_runs_within_what_execution_saw_are_no_surprise() -> None:
    labels = [1.0] * 30 + [0.0] * 30
    assert chance.longest_run(chance.shuffled(labels, labels)) == (0, 30, 1.0)
    start, length, p = chance.longest_run(chance.shuffled(labels, [None] * 60))
    assert (start, length) == (0, 30)
    assert p < 0.001


def test_shuffling_keeps_the_labels_of_each_stratum() -> None:
    labels, strata = [0.0, 0.25, 1.0, 1.0, 0.0, 0.25], ["a", "a", "a", "b", "b", "b"]
    found = chance.shuffled(labels, strata)
    assert found[0].tolist() == [0, 1, 2, 2, 0, 1]
    assert {tuple(sorted(row[:3])) for row in found.tolist()} == {(0, 1, 2)}
    assert len({tuple(row) for row in found.tolist()}) == 36


# Speed, and what cannot be used


def test_ratings_too_fast_to_have_read() -> None:
    truth = mixed(30, 1)
    slow_and_fast = Golden(truth).rate("Ann", labels_of(truth), seconds=lambda i: 0.4 if i % 3 == 0 else 12.0)
    (one,) = kinds(slow_and_fast.audit(), "speed")
    assert one.words == ("Ann rated 10 of 30 outputs faster than 10 words a second (median of all: 12.0 s an output)")
    assert one.evidence[-1] == ("", "... and 5 more")


def test_reading_time_counts_the_words() -> None:
    golden = Golden([True, False] * 10)
    golden.items = [replace(item, output=f"{item.output} " + "word " * 100) for item in golden.items]
    golden.rate("Ann", labels_of([True, False] * 10), seconds=lambda i: 8.0)
    (one,) = golden.audit().findings
    assert "rated 20 of 20 outputs faster" in one.words
    assert one.severity == "high"
    assert one.evidence[0][1] == "8.0 s for 105 words: reading takes at least 10.5 s"


def test_times_between_ratings_count_where_nobody_measured() -> None:
    truth = mixed(30, 1)
    golden = Golden(truth)
    golden.items = [replace(item, output=f"{item.output} " + "word " * 100) for item in golden.items]
    golden.rate("Ann", labels_of(truth), seconds=lambda i: None, when=lambda i: START + 3.0 * i)
    (one,) = kinds(golden.audit(), "speed")
    assert "rated 29 of 29 outputs faster" in one.words


def test_a_second_thought_is_not_too_fast() -> None:
    truth = mixed(30, 1)
    golden = Golden(truth).rate("Ann", labels_of([not one for one in truth]))
    again = Golden(truth).rate("Ann", labels_of(truth), seconds=lambda i: 0.5, when=lambda i: START + 9000 + 5.0 * i)
    for first, second in zip(golden.ratings, again.ratings, strict=True):
        first.extend(second)
    assert golden.audit().findings == ()


def test_stale_unreadable_and_impossible_ratings() -> None:
    truth = mixed(20, 1)
    golden = Golden(truth).rate("Ann", labels_of(truth))
    golden.rate("Bo", [5, *[None] * 19])
    golden.ratings[0].append(replace(golden.ratings[0][0], rater="Cy", when="2026-99-99T99:99:99Z"))
    stale = (Rating("gone", "0" * 16, "Ann", "pass", "2026-01-01T00:00:00Z"),)
    found = audit(replace(golden.material(), stale=stale, problems=tuple(f"a.jsonl:{i}: no JSON" for i in range(8))))
    told = words(found)
    assert "1 rating by Ann stale" in told
    assert "8 lines of ratings cannot be read" in told
    assert "1 rating of another scale than most" in told
    assert "1 rating from a time that is on no calendar" in told
    assert ("", "... and 3 more") in [line for f in found.findings for line in f.evidence]


# Honest raters


def honest(seed: int, n: int = 48, raters: int = 2) -> Golden:
    """Raters who are right 85 times in a hundred, in an order of their own, in sessions of thirty, reading as one does.

    Run-configs differ in how good they are, and rows in how hard.
    """
    rng = random.Random(seed)
    configs = [rng.choice("abc") for _ in range(n)]
    truth = [rng.random() < {"a": 0.8, "b": 0.5, "c": 0.25}[config] for config in configs]
    rows, tags = [f"row{i // 2:03}" for i in range(n)], [(f"topic{i // 2 % 5}",) for i in range(n)]
    golden = Golden(truth, configs, rows, tags)
    golden.items = [replace(i, output=i.output + " word" * rng.randint(5, 60)) for i in golden.items]
    for index in range(raters):
        _rate(golden, f"rater {index}", rng)
    return golden


def _rate(golden: Golden, rater: str, rng: random.Random) -> None:
    n = len(golden.items)
    order, now = rng.sample(range(n), n), START
    when, took = [0.0] * n, [0.0] * n
    for place, i in enumerate(order):
        took[i] = round(2 + len(golden.items[i].output.split()) / 4 * rng.lognormvariate(0, 0.3), 1)
        now += took[i] + (5000 if place % 30 == 29 else 0)
        when[i] = now
    said = labels_of([one == (rng.random() < 0.85) for one in golden.truth])
    golden.rate(rater, said, seconds=lambda i: took[i], when=lambda i: when[i])


def test_honest_raters_are_accused_in_at_most_one_case_in_twenty() -> None:
    accused = [f.words for seed in range(200) for f in honest(seed).audit().findings if f.kind != "contradiction"]
    assert len(accused) <= 10, accused


def test_honest_raters_without_execution_are_hardly_ever_accused() -> None:
    found = [honest(seed).audit(executed=False) for seed in range(40)]
    accused = [f.words for one in found for f in one.findings if f.kind != "contradiction"]
    assert len(accused) <= 2, accused


def test_five_hundred_outputs_by_five_raters_take_seconds() -> None:
    material = honest(1, 500, 5).material()
    start = time.process_time()
    found = audit(material)
    assert time.process_time() - start < 3
    assert found.labels == 2500
    assert kinds(found, "rater", "batch", "speed") == []


def test_an_audit_says_the_same_twice() -> None:
    assert honest(3).audit() == honest(3).audit()


# What is shown


@pytest.fixture
def hostile() -> Audit:
    truth = mixed(40, 3)
    golden = Golden(truth, [HOSTILE] * 20 + ["b"] * 20, tags=[(HOSTILE,)] * 20 + [()] * 20)
    golden.items = [
        replace(item, input={HOSTILE: item.input}, output=HOSTILE * 3 + item.output) for item in golden.items
    ]
    golden.rate(HOSTILE, labels_of([i < 20 for i in range(40)]), note=HOSTILE, seconds=lambda i: 0.1)
    golden.rate("\u202e", labels_of(mixed(40, 9)))
    stale = (Rating("gone", "0" * 16, HOSTILE, "pass", "2026-01-01T00:00:00Z"),)
    return audit(replace(golden.material(), stale=stale, problems=(HOSTILE,)))


def test_hostile_names_and_notes_are_harmless_on_a_terminal(hostile: Audit) -> None:
    from rich.cells import cell_len

    text = terminal(hostile, HOSTILE, 50)
    assert {finding.kind for finding in hostile.findings} == {"contradiction", "rater", "batch", "speed", "unusable"}
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.startswith("::")]


def test_hostile_names_and_notes_are_code_in_markdown(hostile: Audit) -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown(hostile, HOSTILE, 50))
    inline = [child for token in tokens for child in token.children or []]
    assert {"html_inline", "link_open", "image"}.isdisjoint({child.type for child in inline})
    assert not [token for token in tokens if token.type in ("html_block", "table_open")]
    assert not [
        child for child in inline if child.type == "text" and ("@team" in child.content or "<" in child.content)
    ]


def test_json_holds_everything(hostile: Audit) -> None:
    data: Mapping[str, object] = as_json(hostile, "words")
    assert (data["schema"], data["eval"], data["labels"]) == (1, "words", 80)
    assert len(data["findings"]) == len(hostile.findings)  # type: ignore[arg-type]


def test_what_is_not_shown_is_counted() -> None:
    truth = mixed(40, 1)
    golden = Golden(truth).rate("Ann", labels_of([one if i > 5 else not one for i, one in enumerate(truth)]))
    found = golden.audit()
    assert len(found.findings) == 6
    assert "... and 4 more: --top 6" in terminal(found, "words", 2)
    assert "... and 4 more: --top 6" in markdown(found, "words", 2)
    assert "more:" not in terminal(found, "words", 6)


def test_all_well_is_said_in_words() -> None:
    truth = mixed(42, 1)
    golden = Golden(truth).rate("Ann", labels_of(truth)).rate("Bo", labels_of(truth))
    assert terminal(golden.audit(), "words", 10).endswith("nothing found in 84 labels by 2 raters\n")


def test_colours_only_where_wanted() -> None:
    found = Golden([False]).rate("Ann", ["pass"]).audit()
    assert "\x1b[" in terminal(found, "words", 10, color=True)
    assert "\x1b[" not in terminal(found, "words", 10)
