"""Order of training, and every validation pair once."""

import pytest

from film.data.base import FusionDataset
from film.data.sampling import EachOnce, EpochSampler


def sampler(dataset, *, processes=1, rank=0, batch_size=4, weights=None, groups=None, epoch_size=None, seed=0):
    return EpochSampler(
        dataset,
        groups or [range(len(dataset))],
        weights=weights,
        batch_size=batch_size,
        epoch_size=epoch_size,
        seed=seed,
        processes=processes,
        rank=rank,
    )


@pytest.fixture
def dataset(counted):
    return FusionDataset(counted(22))


def test_an_epoch_draws_every_pair_once_in_whole_batches(dataset):
    draws = list(sampler(dataset))
    assert len(draws) == len(sampler(dataset)) == 20
    assert len({draw.at for draw in draws}) == 20
    assert len({draw.seed for draw in draws}) == 20


def test_order_and_seeds_follow_from_seed_and_epoch(dataset):
    one, other = sampler(dataset), sampler(dataset)
    assert list(one) == list(other)
    other.set_epoch(1)
    second = list(other)
    assert second != list(one)
    one.set_epoch(1)
    assert list(one) == second
    assert list(sampler(dataset, seed=1)) != list(sampler(dataset))


def test_processes_share_out_the_batches_of_one(dataset):
    alone = list(sampler(dataset, batch_size=8))
    ranks = [list(sampler(dataset, processes=2, rank=rank)) for rank in (0, 1)]
    for batch in range(len(alone) // 8):
        together = [draw for rank in ranks for draw in rank[4 * batch : 4 * batch + 4]]
        assert sorted(together) == sorted(alone[8 * batch : 8 * batch + 8])


def test_start_leaves_out_what_was_drawn(dataset):
    resumed = sampler(dataset, processes=2, rank=1)
    everything = list(resumed)
    resumed.start = 4
    assert list(resumed) == everything[4:]


def test_a_small_set_is_repeated_to_fill_a_batch(counted):
    draws = list(sampler(FusionDataset(counted(3)), batch_size=8))
    assert len(draws) == 8
    assert {draw.at for draw in draws} == {0, 1, 2}
    assert len({draw.seed for draw in draws}) == 8


def test_weights_are_kept_and_no_pair_is_preferred(dataset):
    groups = [range(20), range(20, 22)]
    draws = [draw.at for draw in sampler(dataset, groups=groups, weights=[1.0, 3.0], epoch_size=40)]
    assert sum(at < 20 for at in draws) == 10
    assert draws.count(20) == draws.count(21) == 15
    assert draws[:10] != sorted(draws[:10])


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_each_pair_is_validated_by_one_process(dataset, processes):
    parts = [list(EachOnce(dataset, processes=processes, rank=rank)) for rank in range(processes)]
    assert sorted(index for part in parts for index in part) == list(range(22))
    assert [len(part) for part in parts] == [
        len(EachOnce(dataset, processes=processes, rank=rank)) for rank in range(processes)
    ]
