"""Images: read and write them, part them into luminance and colour, cut them into tiles."""
