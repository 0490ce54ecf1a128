"""Projects of other tools as projects of ours. A folder each for the tools; what they share lies here."""
