"""Sets of several tasks in one training, each with its share."""

from collections.abc import Mapping, Sequence
from typing import Literal

from film.data.augment import Augmentation
from film.data.base import FusionDataModule, OnError
from film.data.guidance import Guidance, Guide
from film.data.source import PairSource, Words
from film.data.splits import Split
from film.errors import FilmError
from film.tasks import TASKS

Sets = Mapping[str, Sequence[str]]


class MultiTaskDataModule(FusionDataModule):
    """Pairs of several tasks, mixed in every batch.

    Args:
        root: The folder that holds `VLFDataset`, that folder, or one that `film data prepare` has written.
        train: Sets to train on, by task.
        val: Sets to validate on, by task; null takes the validation part of what is trained on.
        test: Sets to test on and to predict, by task, each with a loader of its own.
        photos: Folders of sharp photos to make training pairs of, by task: MEF and MFF.
        weights: Share of each task in an epoch, or of a set or folder of photos as `MEF/FusionDN30`; what has none of
            its own takes part in that of its task, by its number of pairs. Null draws every pair once.
        words: `words` (texts of A and B joined, the task's sentence where there is none), `features` (text features)
            or `task` (the task's sentence only).
        texts: Folder that holds `Text/{TASK}/{SET}/{side}`, or with features `TextFeature/{TASK}/{SET}`; null for the
            texts in the root, or those that were prepared with the pairs.
        text_dim: Width of the text features; null takes that of the first of each set.
        val_share: How much of a train list validates if there is no list for that.
        test_share: How much of a set without any list is test.
        crop: Side of the random squares to train on; null for whole images.
        resize: Height and width to train on; portrait images are turned over their diagonal.
        augment: How training pairs vary, by task; a task that isn't named doesn't.
        guidance: What training and validation texts say, so that a network learns to follow them; null for the texts
            of the pairs, or the sentence of their task.
        batch_size: Training pairs a batch, in each process.
        eval_batch_size: Pairs a batch otherwise; more than 1 needs images of one size.
        epoch_size: Training pairs an epoch, in all processes; null for as many as there are.
        num_workers: Processes that read; null takes the cores this process may use, 8 at most; 0 reads in this one.
        on_error: `raise` stops at a pair that can't be read; `skip` leaves it out, reports and counts it.
        split_seed: Of the splits that no list makes.
        seed: Of order and augmentation; null takes that of `seed_everything`, or 0.
        compact: See `FusionDataModule`.
        vary_in: See `FusionDataModule`.
    """

    def __init__(
        self,
        root: str,
        train: Sets,
        *,
        val: Sets | None = None,
        test: Sets | None = None,
        photos: Sets | None = None,
        weights: Mapping[str, float] | None = None,
        words: Words = "words",
        texts: str | None = None,
        text_dim: int | None = None,
        val_share: float = 0.05,
        test_share: float = 0.1,
        crop: int | None = None,
        resize: tuple[int, int] | None = None,
        augment: Mapping[str, Augmentation] | None = None,
        guidance: Guidance | None = None,
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
        super().__init__(
            root,
            words=words,
            texts=texts,
            text_dim=text_dim,
            val_share=val_share,
            test_share=test_share,
            crop=crop,
            resize=resize,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            epoch_size=epoch_size,
            num_workers=num_workers,
            on_error=on_error,
            split_seed=split_seed,
            seed=seed,
            compact=compact,
            vary_in=vary_in,
        )
        self.sets = {"train": train, "val": val, "test": test or {}}
        self.photos_of_task = photos or {}
        self.weights_by_name = weights
        self.augmentations = dict(augment or {})
        self.guide = Guide(guidance, texts) if guidance else None
        if guidance and words == "features":
            raise FilmError("guidance says something new about every pair: it needs words: words or words: task")
        for given in (train, val or {}, test or {}, photos or {}, augment or {}):
            if unknown := set(given) - set(TASKS):
                raise FilmError(f"unknown task {min(unknown)!r}; choose from {', '.join(TASKS)}")

    def sources(self, split: Split) -> dict[str, PairSource]:
        """Open the sets of all tasks, named `{TASK}/{SET}`; no image is read."""
        given = self.sets[split]
        photos = {} if split == "test" or (given is not None and split == "val") else self.photos_of_task
        sets = self.sets["train"] or {} if given is None else given
        tasks = [task for task in TASKS if sets.get(task) or photos.get(task)]
        opened = {
            f"{task}/{name}": source
            for task in tasks
            for name, source in self._open(task, split, sets=sets.get(task, ()), photos=photos.get(task, ())).items()
        }
        if not opened:
            raise FilmError(
                f"MultiTaskDataModule names no sets for {split}; give some by task, as {split}: {{IVF: [MSRS]}}"
            )
        return opened

    def shares(self) -> Sequence[float] | None:
        """Share of each training source: its own, or its part of that of its task, by the number of pairs.

        Raises:
            FilmError: A share names no source.
        """
        weights = self.weights_by_name
        if weights is None:
            return None
        sources = self._opened("train")
        idle = set(TASKS) - {source.task for source in sources.values()}  # a config may know shares of more tasks
        named = {name for name in weights if name not in TASKS and name.partition("/")[0] not in idle}
        if unknown := named - set(sources):
            raise FilmError(f"weights name {min(unknown)!r}, which isn't trained on; there are {', '.join(sources)}")
        sharing = [source for name, source in sources.items() if name not in weights]
        totals = {task: sum(len(source) for source in sharing if source.task == task) for task in TASKS}
        return [
            weights[name] if name in weights else weights.get(source.task, 0.0) * len(source) / totals[source.task]
            for name, source in sources.items()
        ]
