import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from film.samples import FOLDER, pairs
from film.tasks import SOURCES, TASKS

IDS = [f"{pair.task}-{pair.a.stem}" for pair in pairs()]


def load(path):
    return np.asarray(Image.open(path).convert("L"), np.float32)


def test_every_task_has_one_to_three_pairs():
    tasks = [pair.task for pair in pairs()]
    assert {task: 1 <= tasks.count(task) <= 3 for task in TASKS} == dict.fromkeys(TASKS, True)


def test_every_image_belongs_to_a_pair():
    listed = {path for pair in pairs() for path in (pair.a, pair.b)}
    assert listed == set(FOLDER.rglob("*.png"))


def test_together_they_stay_below_two_megabytes():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.suffix == ".png") < 2_000_000


@pytest.mark.parametrize("pair", pairs(), ids=IDS)
def test_both_sources_have_one_size_and_something_to_see(pair):
    a, b = load(pair.a), load(pair.b)
    assert (pair.a.parent.name, pair.b.parent.name) == SOURCES[pair.task]
    assert a.shape == b.shape
    assert min(a.shape) >= 128
    assert a.std() > 10
    assert b.std() > 10
    assert np.abs(a - b).mean() > 5


@pytest.mark.parametrize("pair", pairs(), ids=IDS)
def test_the_readme_names_every_pair(pair):
    assert f"`{pair.task}/{pair.a.stem}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_listing_them_needs_no_torch():
    code = "import sys, film.samples; film.samples.pairs(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
