"""A sweep's jobs beside each other: what each learnt, what it took, what it is worth. Asks nobody, runs nothing."""
