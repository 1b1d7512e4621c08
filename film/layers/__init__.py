"""Bricks that several components use."""
