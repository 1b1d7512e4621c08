"""The offline describer: what it says is measured, and nothing else is said."""

import re

import numpy as np
import pytest

from film.describers.base import Description, Subject
from film.describers.statistics import StatisticsDescriber
from film.imaging.picture import Picture
from film.tasks import TASKS

KINDS = [(None, None), *((task, side) for task in TASKS for side in "ab")]


def say(pixels: np.ndarray, task: str | None = None, side: str | None = None, other: np.ndarray | None = None) -> str:
    """The text of one image."""
    partner = None if other is None else Picture(other)
    [(_, made)] = StatisticsDescriber().describe([Subject("drawn", Picture(pixels), task, side, partner)])
    assert isinstance(made, Description)
    return made.text


@pytest.mark.parametrize(("task", "side"), KINDS)
def test_constant_images_are_described(task: str | None, side: str | None) -> None:
    for value in (0, 128, 255):
        text = say(np.full((16, 16), value, np.uint8), task, side)
        assert 40 <= len(text.split()) <= 100
        assert not re.search(r"[\d\n]", text)
