"""Text encoders: words to token features."""
