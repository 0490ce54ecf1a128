"""Gates: rules over the samples of one eval and one run-config. Reads records, and decides; never runs anything.

    meets_expectations >= 0.80     the mean of that score; also written mean(meets_expectations)
    lower(executes) >= 0.9         the lower end of its 95 % interval
    passed >= 90%                  the share of samples whose test body passed
    executes no worse than baseline by more than 0.02     than evals/baseline.json, row by row
    no worse than baseline by more than 2%                the same of `passed`
    every row                      every sample passed
    every row: keeps_files         that score is 1.0 on every sample
    errors <= 3                    at most so many samples may give no answer; without this rule, none
    cost <= $0.50                  US dollars of all calls of these samples
    p95 latency <= 3 s             seconds; any percentile from p1 to p99

A rule about a mean or a share has three outcomes. It **passes** where it holds of what was measured. It **fails** where
even the favourable end of the 95 % interval would not satisfy it. Otherwise the rows **cannot tell**, and the verdict
says how many more would.

A sample that errs is no measurement: it is left out of every mean, and a gate that misses more answers than
`errors <= N` allows cannot tell either. Skipped samples do not count.
"""

from .judging import judge, judge_all, passed
from .rules import FORMS, Rule, Subject, parse_rule
from .verdict import Kept, Kind, Standing, Verdict, kept_mean

__all__ = [
    "FORMS",
    "Kept",
    "Kind",
    "Rule",
    "Standing",
    "Subject",
    "Verdict",
    "judge",
    "judge_all",
    "kept_mean",
    "parse_rule",
    "passed",
]
