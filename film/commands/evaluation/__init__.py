"""The parts of `film evaluate`: what is measured, baselines, measuring, tables and the report."""
