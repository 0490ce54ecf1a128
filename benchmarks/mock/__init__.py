"""A local provider that can be told to be slow, to refuse, to fail and to lie, and that counts all it was sent.

`python -m benchmarks.mock --help`. An instrument, so it is tested: `tests/test_mock*.py`.
"""
