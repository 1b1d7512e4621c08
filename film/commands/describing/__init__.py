"""The parts of `film describe`."""
