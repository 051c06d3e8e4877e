"""Compare copy, load and verify with the commands that people use instead."""
