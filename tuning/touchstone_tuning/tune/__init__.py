"""Fine-tuning: sweeps of jobs at providers or on this machine, from proven rows to a run-config like any other."""
