"""Functions from values to values: lint, plan."""
