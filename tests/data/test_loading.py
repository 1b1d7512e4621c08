"""Batches: shapes, padding, what is left out, and memory that is used again."""

import logging

import numpy as np
import pytest
import torch

from film.data.base import FusionDataset
from film.data.loading import Collate, PairLoader, Sample
from film.data.sampling import EachOnce
from film.data.source import Images
from film.errors import FilmError
from film.layers.text import TextFeatures


def sample(name="pair", *, size=(8, 10), text="words", value=51):
    plane = np.full(size, value, np.uint8)
    return Sample(Images(plane, plane.astype(np.float32) / 255), text, name, "IVF", 1, None, ())


def test_a_batch_has_what_the_task_needs():
    batch = Collate()([sample("one"), sample("two", value=255)])
    assert batch["a"].shape == batch["b"].shape == (2, 1, 8, 10)
    assert batch["a"].dtype == batch["b"].dtype == torch.float32
    torch.testing.assert_close(batch["a"], batch["b"])
    assert batch["a"].amax((1, 2, 3)).tolist() == pytest.approx([0.2, 1.0])
    assert (batch["name"], batch["text"], batch["task"]) == (["one", "two"], ["words"] * 2, ["IVF"] * 2)


def test_text_features_are_padded_with_their_mask():
    texts = [TextFeatures.unpadded(torch.randn(1, length, 4)) for length in (2, 5)]
    collate = Collate()
    for _ in range(2):  # the second time in memory that has been used
        batch = collate([sample(text=text) for text in texts])
        expected = TextFeatures.stack(texts)
        torch.testing.assert_close(batch["text"].tokens, expected.tokens)
        assert batch["text"].mask.equal(expected.mask)
        del batch


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([sample("one"), sample("two", size=(6, 10))], "one is 10x8, two is 10x6"),
        ([sample(), sample(text=TextFeatures.wordless(1, 4))], "choose one kind"),
        ([sample(text=TextFeatures.wordless(1, 4)), sample(text=TextFeatures.wordless(1, 6))], r"\[4, 6\] wide"),
    ],
)
def test_pairs_that_do_not_go_together_are_refused(samples, message):
    with pytest.raises(FilmError, match=message):
        Collate()(samples)


def test_memory_is_used_again_but_not_under_a_batch_that_is_held():
    collate = Collate()
    held = collate([sample(value=10)])
    view = held["a"][0, 0]
    del held
    for value in (20, 30):
        collate([sample(value=value)])
    assert view.unique().tolist() == pytest.approx([10 / 255])
    del view
    places = {collate([sample(value=value)])["a"].data_ptr() for value in range(20)}
    assert len(places) <= 4


def loader(source, *, on_error="skip", workers=0, batch_size=2):
    dataset = FusionDataset(source, on_error=on_error)
    return PairLoader(
        dataset,
        batch_size=batch_size,
        sampler=EachOnce(dataset, processes=1, rank=0),
        collate_fn=Collate(),
        num_workers=workers,
    )


@pytest.fixture
def spoiled(counted):
    """Eight pairs of which numbers 1, 4 and 5 can't be read."""

    class Spoiled(counted):
        def read(self, index):
            if index in (1, 4, 5):
                raise FilmError(f"file{index}.png is broken")
            return super().read(index)

    return Spoiled(8)


@pytest.mark.parametrize("workers", [0, 2])
def test_skip_leaves_out_and_reports_each_once(spoiled, workers, caplog):
    ours = loader(spoiled, workers=workers)
    with caplog.at_level(logging.WARNING, logger="film"):
        names = [batch["name"] for batch in ours]
        assert names == [["pair0"], ["pair2", "pair3"], ["pair6", "pair7"]]
        assert len(list(ours)) == 3
    assert ours.problems == {f"file{index}.png is broken" for index in (1, 4, 5)}
    assert [record.getMessage() for record in caplog.records] == [
        "left out: file1.png is broken (1 so far)",
        "left out: file4.png is broken (2 so far)",
        "left out: file5.png is broken (3 so far)",
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_raise_says_the_path_in_one_line(spoiled, workers):
    with pytest.raises(FilmError) as caught:
        list(loader(spoiled, on_error="raise", workers=workers))
    assert str(caught.value) == "file1.png is broken"


def test_nothing_that_can_be_read_is_an_error(counted):
    class Broken(counted):
        def read(self, index):
            raise FilmError("broken.png")

    with pytest.raises(FilmError, match=r"none of the pairs could be read; the first: broken\.png"):
        list(loader(Broken(3)))


def test_training_puts_the_next_pair_in_place_of_a_bad_one(spoiled):
    dataset = FusionDataset(spoiled, on_error="skip", substitute=True)
    got = dataset[4]
    assert (got.name, got.problems) == ("pair6", ("file4.png is broken", "file5.png is broken"))
