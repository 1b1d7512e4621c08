"""The data set and the data module that all tasks share."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from lightning import LightningDataModule
from torch.utils.data import Dataset

from film.data.augment import Augmentation, Range, finish_batch
from film.data.folders import PairFolders
from film.data.guidance import Guide
from film.data.joined import JoinedPairs
from film.data.loading import Batch, Collate, PairLoader, Sample
from film.data.photos import PhotoPairs, photos_of
from film.data.sampling import Draw, EachOnce, EpochSampler
from film.data.sets import find_root, open_folders, open_set
from film.data.source import Images, PairSource, Reading, Words
from film.data.splits import Split, stable_number
from film.data.windows import random_window, resized, whole
from film.errors import FilmError

OnError = Literal["raise", "skip"]


class FusionDataset(Dataset[Sample]):
    """Pairs of a source, cut and brought to size.

    Args:
        source: Where the pairs come from.
        crop: Side of a random square cut out of every pair; None shows whole images.
        resize: Height and width that every pair is brought to; None leaves it as it is.
        zooms: By how much a crop is enlarged, from and to, by task; a task that isn't named isn't enlarged.
        on_error: `raise`, or `skip` to leave out pairs that can't be read and say so in the sample.
        substitute: Give the next pair that can be read in place of one that can't.
    """

    def __init__(
        self,
        source: PairSource,
        *,
        crop: int | None = None,
        resize: tuple[int, int] | None = None,
        zooms: Mapping[str, Range] | None = None,
        on_error: OnError = "raise",
        substitute: bool = False,
    ) -> None:
        if crop is not None and resize is not None:
            raise FilmError(f"crop {crop} and resize {resize} exclude each other; give one of them")
        self.source = source
        self.crop = crop
        self.resize = resize
        self.zooms = zooms or {}
        self.on_error = on_error
        self.substitute = substitute

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, draw: int | Draw) -> Sample:
        """Read one pair; without a `Draw` its seed comes from its name.

        Raises:
            FilmError: It can't be read, and `on_error` is `raise`.
        """
        index, seed = draw if isinstance(draw, Draw) else (draw, stable_number(self.source.names[draw]))
        if self.on_error == "raise":
            return self._sample(index, seed, ())
        problems: list[str] = []
        for other in range(index, index + (len(self) if self.substitute else 1)):
            sample = self._try(other % len(self), seed, problems)
            if sample:
                return sample
        return Sample(None, "", self.source.names[index], self.source.task_of(index), seed, None, tuple(problems))

    def _try(self, index: int, seed: int, problems: list[str]) -> Sample | None:
        try:
            return self._sample(index, seed, tuple(problems))
        except FilmError as error:
            problems.append(str(error))
            return None

    def _sample(self, index: int, seed: int, problems: tuple[str, ...]) -> Sample:
        source = self.source
        return Sample(
            self._window(source.read(index), source.task_of(index), seed),
            source.text(index),
            source.names[index],
            source.task_of(index),
            seed,
            source.simulation_of(index),
            problems,
        )

    def _window(self, images: Images, task: str, seed: int) -> Images:
        if self.crop is not None:
            zoom = self.zooms.get(task, (1.0, 1.0))
            return random_window(images, self.crop, zoom=zoom, random=np.random.default_rng(seed))
        return whole(images) if self.resize is None else resized(images, self.resize)


class FusionDataModule(LightningDataModule):
    """Training, validation, test and prediction pairs of one task.

    A batch has `a` and `b` (B, 1, H, W) float32 luminance in [0, 1], `text` (B strings, or TextFeatures), `name` and
    `task` (B strings each), and `target` (B, 1, H, W) if all its pairs were made of sharp photos. Validation, test and
    prediction show whole images.

    Args:
        root: The folder that holds `VLFDataset`, that folder, or one that `film data prepare` has written.
        train: Sets to train on: names in the root, or HDF5 files.
        val: Sets to validate on; none takes the validation part of each training set.
        test: Sets to test on and to predict, each with a loader of its own if there are several.
        folders: Two folders of images with the same names, in place of sets.
        photos: Folders of sharp photos, from `Image` in the root (`IVF/MSRS/VI`) or from the working directory, of
            which training pairs are made besides those of the sets; for multi-exposure and multi-focus only.
        weights: Share of each training set, then of each folder of photos, in an epoch; none draws every pair once.
        words: `words` (texts of A and B joined, the task's sentence where there is none), `features` (text features)
            or `task` (the task's sentence only).
        texts: Folder that holds `Text/{TASK}/{SET}/{side}`, or with features `TextFeature/{TASK}/{SET}`; null for the
            texts in the root, or those that were prepared with the pairs.
        text_dim: Width of the text features; null takes that of the first.
        val_share: How much of a train list validates if there is no list for that.
        test_share: How much of a set without any list is test.
        crop: Side of the random squares to train on; null for whole images.
        resize: Height and width to train on; portrait images are turned over their diagonal.
        augment: How training pairs vary; null for not at all.
        batch_size: Training pairs a batch, in each process.
        eval_batch_size: Pairs a batch otherwise; more than 1 needs images of one size.
        epoch_size: Training pairs an epoch, in all processes; null for as many as there are.
        num_workers: Processes that read; null takes the cores this process may use, 8 at most; 0 reads in this one.
        on_error: `raise` stops at a pair that can't be read; `skip` leaves it out, reports and counts it.
        split_seed: Of the splits that no list makes.
        seed: Of order and augmentation; null takes that of `seed_everything`, or 0.
        compact: Hand out 8- and 16-bit numbers, which become float32 in [0, 1] after the transfer to the device; for
            the Trainer, not for loops that take batches straight from a loader.
        vary_in: Where training pairs are varied, simulated and guided: `device`, after the transfer to it, or
            `workers`, the processes that read, so that a fast device need not wait for many small steps.
    """

    task: ClassVar[str] = "IVF"

    def __init__(
        self,
        root: str | None = None,
        train: Sequence[str] = (),
        *,
        val: Sequence[str] = (),
        test: Sequence[str] = (),
        folders: PairFolders | None = None,
        photos: Sequence[str] = (),
        weights: Sequence[float] = (),
        words: Words = "words",
        texts: str | None = None,
        text_dim: int | None = None,
        val_share: float = 0.05,
        test_share: float = 0.1,
        crop: int | None = None,
        resize: tuple[int, int] | None = None,
        augment: Augmentation | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 1,
        epoch_size: int | None = None,
        num_workers: int | None = None,
        on_error: OnError = "raise",
        split_seed: int = 0,
        seed: int | None = None,
        compact: bool = False,
        vary_in: Literal["device", "workers"] = "device",
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.compact, self.vary_in = compact, vary_in
        self.root, self.train_sets, self.val_sets, self.test_sets = root, train, val, test
        self.folders, self.photos, self.weights = folders, photos, weights
        self.reading = Reading(words, text_dim, texts, seed=split_seed, val_share=val_share, test_share=test_share)
        self.crop, self.resize = crop, resize
        self.augmentations = {self.task: augment} if augment else {}
        self.batch_size, self.eval_batch_size, self.epoch_size = batch_size, eval_batch_size, epoch_size
        self.num_workers = _cores() if num_workers is None else num_workers
        self.on_error: OnError = on_error
        self.seed = int(os.environ.get("PL_GLOBAL_SEED", "0")) if seed is None else seed
        self.guide: Guide | None = None
        self._sources: dict[Split, dict[str, PairSource]] = {}

    def sources(self, split: Split) -> dict[str, PairSource]:
        """Open what one split consists of, by name; no image is read.

        Raises:
            FilmError: There is nothing to open, or something is missing.
        """
        if self.folders:
            if self.reading.texts:
                raise FilmError("texts belongs to sets; folders have their own text_a_dir and text_b_dir")
            return {"folders": open_folders(self.folders, self.task, split=split, reading=self.reading)}
        if split == "test":
            return self._open(self.task, "test", sets=self.test_sets)
        if split == "val" and self.val_sets:
            return self._open(self.task, "val", sets=self.val_sets)
        return self._open(self.task, split, sets=self.train_sets, photos=self.photos)

    def _open(
        self, task: str, split: Split, *, sets: Sequence[str], photos: Sequence[str] = ()
    ) -> dict[str, PairSource]:
        if not sets and not photos:
            raise FilmError(
                f"{type(self).__name__} names no sets for {split}; give some, or folders with a_dir and b_dir"
            )
        if self.root is None:
            raise FilmError("no data folder is given; set --data.init_args.root to the folder that holds VLFDataset")
        root, reading = self.root, self.reading
        sources = {name: open_set(root, task, name=name, split=split, reading=reading) for name in sets}
        return sources | {name: self._photos(name, task, split) for name in photos}

    def _photos(self, name: str, task: str, split: Split) -> PairSource:
        image_root = find_root(self.root or ".") / "Image"
        folder = image_root / name if (image_root / name).is_dir() else Path(name)
        return PhotoPairs(photos_of(folder, split, seed=self.reading.seed, val_share=self.reading.val_share), task)

    def shares(self) -> Sequence[float] | None:
        """Share of each training source in an epoch; None draws every pair once."""
        return self.weights or None

    def setup(self, stage: str | None = None) -> None:
        """Open what a stage needs, so that whatever is missing is known before the work starts."""
        splits: dict[str, tuple[Split, ...]] = {"fit": ("train", "val"), "validate": ("val",)}
        for split in splits.get(stage or "", ("test",)):
            self._sources[split] = self.sources(split)

    def train_dataloader(self) -> PairLoader:
        """Give the loader of shuffled, augmented training pairs."""
        source = _join(self._opened("train"))
        zooms = {task: augmentation.zoom for task, augmentation in self.augmentations.items()}
        dataset = FusionDataset(
            source, crop=self.crop, resize=self.resize, zooms=zooms, on_error=self.on_error, substitute=True
        )
        sampler = EpochSampler(
            dataset,
            source.groups if isinstance(source, JoinedPairs) else [range(len(source))],
            weights=self.shares(),
            batch_size=self.batch_size,
            epoch_size=self.epoch_size,
            seed=self.seed,
            **self._processes(),
        )
        return self._loader(dataset, sampler, self.batch_size, self.varied if self.vary_in == "workers" else None)

    def val_dataloader(self) -> PairLoader:
        """Give one loader of all validation pairs."""
        return self._once(_join(self._opened("val")), "validation")

    def test_dataloader(self) -> PairLoader | list[PairLoader]:
        """Give the loader of the test pairs, or one for each set if there are several."""
        loaders = [self._once(source, "test") for source in self._opened("test").values()]
        return loaders if len(loaders) > 1 else loaders[0]

    @property
    def test_names(self) -> list[str]:
        """Names of what the test loaders hold, in their order."""
        return list(self._opened("test"))

    def predict_dataloader(self) -> PairLoader | list[PairLoader]:
        """Give what is tested."""
        return self.test_dataloader()

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Make pairs of photos, and vary pairs in training, on the device, unless the workers did."""
        if "seed" not in batch:
            return batch
        if self.trainer is not None and self.trainer.training:
            return self.varied(batch)
        validating = self.trainer is not None and (self.trainer.validating or self.trainer.sanity_checking)
        return finish_batch(batch, {}, guide=self.guide if validating else None, validating=validating)

    def varied(self, batch: Batch) -> Batch:
        """Make training pairs of photos, vary all, and say what is wanted of each, see `finish_batch`."""
        return finish_batch(batch, self.augmentations, guide=self.guide)

    def _opened(self, split: Split) -> dict[str, PairSource]:
        if split not in self._sources:
            self._sources[split] = self.sources(split)
        return self._sources[split]

    def _once(self, source: PairSource, what: str) -> PairLoader:
        processes = self._processes()
        if len(source) < processes["processes"]:
            raise FilmError(
                f"{len(source)} pairs for {what} don't go round {processes['processes']} processes; add pairs"
            )
        dataset = FusionDataset(source, on_error=self.on_error)
        return self._loader(dataset, EachOnce(dataset, **processes), self.eval_batch_size)

    def _processes(self) -> dict[str, int]:
        if self.trainer is None:
            return {"processes": 1, "rank": 0}
        return {"processes": self.trainer.world_size, "rank": self.trainer.global_rank}

    def _loader(
        self,
        dataset: FusionDataset,
        sampler: EpochSampler | EachOnce,
        batch_size: int,
        finish: Callable[[Batch], Batch] | None = None,
    ) -> PairLoader:
        return PairLoader(
            dataset,
            batch_size=batch_size,
            sampler=sampler,
            collate_fn=Collate(compact=self.compact, finish=finish),
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_one_thread,
        )


def _join(sources: Mapping[str, PairSource]) -> PairSource:
    return next(iter(sources.values())) if len(sources) == 1 else JoinedPairs(list(sources.values()), list(sources))


def _cores() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, available // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def _one_thread(worker: Any) -> None:
    import cv2

    cv2.setNumThreads(0)  # the workers are the threads
