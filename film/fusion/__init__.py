"""Fusion stages: the text-guided exchange between the features of both sources."""
