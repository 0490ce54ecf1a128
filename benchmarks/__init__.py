"""How fast touchstone is, as ratios to what one would do without it: `python -m benchmarks [NAME ...]`."""
