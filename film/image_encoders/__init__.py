"""Image encoders: one luminance image to a map of features."""
