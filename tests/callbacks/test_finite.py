from pathlib import Path

import pytest
from tiny_runs import fit

from film.errors import FilmError
from film.task import read_checkpoint


@pytest.mark.parametrize("processes", [(), ("--trainer.devices=2", "--trainer.strategy=ddp_fork")], ids=["one", "two"])
def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, processes: tuple[str, ...]) -> None:
    """And the checkpoint of the epoch before stays the last."""
    fit(tmp_path, "--trainer.max_epochs=1")
    last = str(tmp_path / "checkpoints" / "last.ckpt")
    before = read_checkpoint(Path(last))["global_step"]
    diverge = ("--model.optimizer=SGD", "--model.optimizer.lr=1e30", "--trainer.gradient_clip_val=null")
    with pytest.raises(Exception, match="no longer a number at step") as caught:
        fit(tmp_path, *diverge, *processes, f"--model.weights={last}", "--model.scheduler=null")
    assert isinstance(caught.value, FilmError) == (not processes)
    assert read_checkpoint(Path(last))["global_step"] == before
