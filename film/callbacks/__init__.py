"""Callbacks of the Trainer: pictures, curves, speed, and what is said at the end of a run."""
