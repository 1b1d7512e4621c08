"""The data modules: what their loaders give, from Python and from YAML."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser
from lightning import LightningDataModule

from film.config import CONFIGS, compose
from film.data.augment import Augmentation
from film.data.generated import SyntheticDataModule
from film.data.infrared_visible import InfraredVisibleDataModule
from film.data.medical import MedicalDataModule
from film.data.multi_exposure import MultiExposureDataModule
from film.data.multi_focus import MultiFocusDataModule
from film.data.multi_task import MultiTaskDataModule
from film.errors import FilmError
from film.tasks import SENTENCES, TASKS

NAMES = [f"{index}.png" for index in range(8)]
MODULES = {
    "IVF": InfraredVisibleDataModule,
    "MIF": MedicalDataModule,
    "MEF": MultiExposureDataModule,
    "MFF": MultiFocusDataModule,
}


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_its_module(make_vlf, task):
    root = make_vlf({"train": NAMES, "test": ["x.png"]}, task=task)
    module = MODULES[task](str(root), ["Tiny"], test=["Tiny"], crop=16, batch_size=4, num_workers=0, val_share=0.2)
    module.setup("fit")
    batch = next(iter(module.train_dataloader()))
    assert batch["a"].shape == batch["b"].shape == (4, 1, 16, 16)
    assert batch["text"] == [SENTENCES[task]] * 4
    whole = next(iter(module.val_dataloader()))
    assert whole["a"].shape == (1, 1, 24, 32)
    module.setup("test")
    assert [batch["name"] for batch in module.test_dataloader()] == [["x"]]
    assert [batch["name"] for batch in module.predict_dataloader()] == [["x"]]
    assert module.test_names == ["Tiny"]


def test_several_sets_are_joined_for_training_and_apart_for_test(make_vlf):
    make_vlf({"train": NAMES, "test": ["x.png"]}, name="One")
    root = make_vlf({"train": NAMES[:4], "test": ["y.png", "z.png"]}, name="Two", first_seed=50)
    sets = ["One", "Two"]
    module = InfraredVisibleDataModule(
        str(root), sets, test=sets, weights=[1, 3], epoch_size=16, batch_size=4, num_workers=0
    )
    names = [name for batch in module.train_dataloader() for name in batch["name"]]
    assert [sum(name.startswith(f"{name_of_set}/") for name in names) for name_of_set in sets] == [4, 12]
    assert module.test_names == sets
    assert [[batch["name"] for batch in loader] for loader in module.test_dataloader()] == [[["x"]], [["y"], ["z"]]]


def test_photos_become_pairs_and_test_photos_are_left_alone(make_vlf):
    root = make_vlf({"train": NAMES, "test": ["x.png"]})
    module = MultiFocusDataModule(str(root), photos=["IVF/Tiny/VI"], crop=16, batch_size=4, num_workers=0)
    batches = [module.on_after_batch_transfer(batch, 0) for batch in module.train_dataloader()]
    assert not any("x" in batch["name"] for batch in batches)
    assert all(batch["target"].shape == batch["a"].shape == (4, 1, 16, 16) for batch in batches)
    validation = [module.on_after_batch_transfer(batch, 0) for batch in module.val_dataloader()]
    again = [module.on_after_batch_transfer(batch, 0) for batch in module.val_dataloader()]
    assert validation[0]["a"].equal(again[0]["a"])
    assert not validation[0]["a"].equal(validation[0]["b"])


def test_workers_vary_pairs_as_the_device_does(make_vlf):
    root = make_vlf({"train": NAMES})
    modules = [
        MultiFocusDataModule(
            str(root),
            photos=["IVF/Tiny/VI"],
            crop=16,
            batch_size=4,
            num_workers=workers,
            vary_in=place,
            augment=Augmentation(exposure=0.3),
        )
        for place, workers in (("device", 0), ("workers", 1))
    ]
    later, earlier = (list(module.train_dataloader()) for module in modules)
    for waiting, done in zip(later, earlier, strict=True):
        varied = modules[0].varied(waiting)
        assert modules[1].on_after_batch_transfer(done, 0) is done
        assert done["name"] == varied["name"]
        for key in ("a", "b", "target"):
            assert done[key].equal(varied[key])


def test_photos_make_no_infrared_pairs(make_vlf):
    root = make_vlf({"train": NAMES})
    with pytest.raises(FilmError, match="pairs of IVF can't be made of single photos"):
        InfraredVisibleDataModule(str(root), photos=["IVF/Tiny/VI"]).setup("fit")


@pytest.fixture
def multi_task(make_vlf):
    make_vlf({"train": NAMES, "test": ["x.png"]}, task="IVF", name="Streets")
    root = make_vlf({"train": NAMES[:4]}, task="MIF", name="Heads")
    return MultiTaskDataModule(
        str(root),
        {"IVF": ["Streets"], "MIF": ["Heads"]},
        test={"IVF": ["Streets"]},
        photos={"MFF": ["IVF/Streets/VI"]},
        weights={"IVF": 1, "MIF": 1, "MFF": 2},
        augment={"MFF": Augmentation(exposure=0.3)},
        crop=16,
        epoch_size=32,
        batch_size=8,
        num_workers=0,
    )


def test_tasks_are_mixed_by_their_weights(multi_task):
    batches = [multi_task.on_after_batch_transfer(batch, 0) for batch in multi_task.train_dataloader()]
    tasks = [task for batch in batches for task in batch["task"]]
    assert {task: tasks.count(task) for task in TASKS} == {"IVF": 8, "MIF": 8, "MEF": 0, "MFF": 16}
    assert len(set(batches[0]["task"])) > 1
    for batch in batches:
        assert batch["text"] == [SENTENCES[task] for task in batch["task"]]
    assert multi_task.test_names == ["IVF/Streets"]
    assert {batch["task"][0] for batch in multi_task.val_dataloader()} == {"IVF", "MIF", "MFF"}


def test_unknown_tasks_are_refused():
    with pytest.raises(FilmError, match="unknown task 'IFV'; choose from IVF"):
        MultiTaskDataModule("data", {"IFV": ["MSRS"]})


def test_drawn_pairs_need_no_data():
    module = SyntheticDataModule(("IVF", "MEF"), (16, 20), train_pairs=4, val_pairs=1, test_pairs=1, batch_size=4)
    module.setup("fit")
    first, second = module.train_dataloader()
    assert first["a"].shape == (4, 1, 16, 20)
    assert set(first["task"] + second["task"]) == {"IVF", "MEF"}
    assert all(text.startswith("Synthetic") for text in first["text"])
    validation = next(iter(module.val_dataloader()))
    assert not any(image.equal(validation["a"][0]) for image in torch.cat([first["a"], second["a"]]))
    assert module.test_names == ["IVF", "MEF"]


def test_missing_sets_and_roots_are_named(tmp_path):
    with pytest.raises(FilmError, match="MedicalDataModule names no sets for train; give some, or folders"):
        MedicalDataModule(str(tmp_path)).setup("fit")
    with pytest.raises(FilmError, match=r"no data folder .*--data\.init_args\.root"):
        MedicalDataModule(None, ["Harvard"]).setup("fit")


def test_hyperparameters_are_kept_for_checkpoints(multi_task):
    for module in (multi_task, SyntheticDataModule(size=(32, 32))):
        assert pickle.loads(pickle.dumps(module.hparams)) == module.hparams
    assert SyntheticDataModule(size=(32, 32)).hparams["size"] == (32, 32)


def test_the_seed_of_the_run_orders_training_but_not_the_splits(make_vlf, monkeypatch):
    root = make_vlf({"train": NAMES})
    orders, splits = [], []
    for seed in ("1", "2"):
        monkeypatch.setenv("PL_GLOBAL_SEED", seed)
        module = InfraredVisibleDataModule(str(root), ["Tiny"], batch_size=1, num_workers=0)
        orders.append([name for batch in module.train_dataloader() for name in batch["name"]])
        splits.append([name for batch in module.val_dataloader() for name in batch["name"]])
    assert orders[0] != orders[1]
    assert splits[0] == splits[1]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("data/*.yaml")), ids=lambda path: path.stem)
def test_every_config_builds_its_module(path, monkeypatch, tmp_path):
    monkeypatch.setenv("FILM_DATA", str(tmp_path / "elsewhere"))
    parser = ArgumentParser()
    parser.add_subclass_arguments(LightningDataModule, "data")
    module = parser.instantiate(parser.parse_object(compose([path]))).data
    if path.stem == "synthetic":
        module.setup("fit")
    else:
        with pytest.raises(FilmError, match=r"no data folder .*elsewhere; set FILM_DATA"):
            module.setup("test")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["msrs", "roadscene", "harvard", "mff_simulated", "multi_task"])
def test_configs_read_the_real_sets(name, film_data, monkeypatch):
    monkeypatch.setenv("FILM_DATA", str(film_data))
    parser = ArgumentParser()
    parser.add_subclass_arguments(LightningDataModule, "data")
    config = compose([f"data/{name}.yaml"])
    config["data"]["init_args"]["num_workers"] = 0
    module = parser.instantiate(parser.parse_object(config)).data
    module.setup("fit")
    batch = module.on_after_batch_transfer(next(iter(module.train_dataloader())), 0)
    assert batch["a"].shape == batch["b"].shape == (8, 1, 128, 128)
    assert 0 <= batch["a"].min() < batch["a"].max() <= 1
    module.setup("test")
    loaders = module.test_dataloader()
    first = next(iter(loaders[0] if isinstance(loaders, list) else loaders))
    assert first["a"].shape == first["b"].shape


def test_a_set_can_have_a_share_of_its_own(make_vlf: Callable[..., Path]) -> None:
    """What has none takes part in that of its task."""
    for task, name in (("IVF", "One"), ("IVF", "Two"), ("MIF", "Three")):
        root = make_vlf({"train": [f"{i}.png" for i in range(4)]}, task=task, name=name)
    train = {"IVF": ["One", "Two"], "MIF": ["Three"]}

    def shares(train: dict[str, list[str]], weights: dict[str, float]) -> Sequence[float] | None:
        return MultiTaskDataModule(str(root), train, weights=weights, num_workers=0).shares()

    assert shares(train, {"IVF/One": 0.2, "IVF": 0.3, "MIF": 0.5}) == [0.2, 0.3, 0.5]
    assert shares({"MIF": ["Three"]}, {"IVF/One": 0.2, "MIF": 0.5}) == [0.5]
    with pytest.raises(FilmError, match="weights name 'IVF/Won', which isn't trained on; there are IVF/One"):
        shares(train, {"IVF/Won": 1.0})
