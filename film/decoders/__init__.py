"""Decoders: the features of both sources to one fused image."""
