"""Fusion metrics, one file each: a pure function that gives one value an image and a torchmetrics class."""
