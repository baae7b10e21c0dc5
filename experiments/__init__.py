"""Long runs and faults, one command each: `python -m experiments.NAME [--quick] [--json]`."""
