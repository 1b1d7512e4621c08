"""The parts of `film texts check`."""
