"""Two processes of Lightning share the batches of one, and no validation pair is counted twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "distributed_run.py"


@pytest.mark.slow
def test_two_processes_are_shown_what_one_is(tmp_path):
    runs = {
        1: [sys.executable, str(SCRIPT)],
        2: [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(SCRIPT)],
    }
    for devices, command in runs.items():
        done = subprocess.run([*command, str(tmp_path), str(devices)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    alone, *ranks = (json.loads((tmp_path / name).read_text()) for name in ("1_0.json", "2_0.json", "2_1.json"))
    assert len(alone["train"]) == 4  # two epochs of 11 pairs in whole batches of 4
    for whole, parts in zip(alone["train"], zip(*(rank["train"] for rank in ranks), strict=True), strict=True):
        assert sorted(parts[0] + parts[1]) == sorted(whole)
    seen = [[sample for batch in rank["val"] for sample in batch] for rank in ranks]
    assert [len(part) for part in seen] == [6, 4]  # twice 5 pairs
    assert sorted(seen[0] + seen[1]) == sorted(sample for batch in alone["val"] for sample in batch)
