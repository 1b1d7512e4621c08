"""Image pairs: data sets, simulation of pairs from single photos, rendered pairs."""
