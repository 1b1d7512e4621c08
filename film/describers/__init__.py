"""Describers: an image to a paragraph of words."""
