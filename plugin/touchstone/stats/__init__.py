"""Numbers about numbers. Pure: owns no record, no rule and no wording, reads no file.

What every run needs is exported here and imports nothing heavy; the rest (`agreement`, `paired`, `corrected`,
`repeats`, `power`) imports scipy and numpy inside its functions, or is imported by those who need it.
"""

from .intervals import Z95, Estimate, Interval, by_row, estimate, quantile, wilson

__all__ = ["Z95", "Estimate", "Interval", "by_row", "estimate", "quantile", "wilson"]
