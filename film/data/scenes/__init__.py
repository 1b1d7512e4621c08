"""Drawn scenes, one kind in a module: what `film.data.synthetic` renders its pairs from."""
