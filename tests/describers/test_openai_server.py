"""End to end: a real server (`transformers serve`) with a real, tiny LLaVA, asked over HTTP by the real client."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from film.commands.describe import main
from film.describers.base import Description, Subject
from film.describers.huggingface import tiny
from film.describers.openai import OpenAIDescriber
from film.describers.prompts import prompt
from film.imaging.files import read_image
from film.tasks import SOURCES

SENTENCE = "Warm lamps stand beside parked cars and dark trees under a grey sky."
SAMPLES = Path(__file__).parents[2] / "film" / "samples"
PLACES = [(task, side) for task in SOURCES for side in "ab"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaVA that was taught, in some seconds, to say one sentence and stop, whatever it is asked about."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("models") / "tiny-llava"
    model = transformers.LlavaForConditionalGeneration.from_pretrained(tiny.llava()).train()
    processor = transformers.AutoProcessor.from_pretrained(tiny.llava())
    answer = f"{SENTENCE}{processor.tokenizer.eos_token}"
    length = len(processor.tokenizer(answer)["input_ids"])
    lessons = []
    for path in sorted(SAMPLES.rglob("*.png")):
        image = read_image(path)
        task, source = path.parts[-3:-1]
        side = "ab"[SOURCES[task].index(source)]
        content = [{"type": "text", "text": prompt(task, side, colour=image.is_colour)}, {"type": "image"}]
        asked = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        lesson = processor(images=image.to_pil().convert("RGB"), text=asked + answer, return_tensors="pt")
        labels = lesson["input_ids"].clone()
        labels[:, :-length] = -100
        lessons.append({**lesson, "labels": labels})
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(8 * len(lessons)):
        optimizer.zero_grad()
        model(**lessons[step % len(lessons)]).loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def sample(task: str, side: str) -> Path:
    """One of the images that come with the package."""
    return sorted((SAMPLES / task / SOURCES[task]["ab".index(side)]).glob("*.png"))[0]


class Server:
    """`transformers serve` in a process of its own, that can be killed and started again at the same address."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.model, self.folder = model, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.log = folder / "server.log"
        (folder / "hf" / "hub").mkdir(parents=True)

    def start(self) -> None:
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(self.folder / "hf"), "OMP_NUM_THREADS": "1"}
        command = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
        arguments = ["serve", str(self.model), "--device", "cpu", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", command, *arguments], stdout=log, stderr=log, env=environment
            )
        end = time.monotonic() + 300
        while not self.is_up():
            assert time.monotonic() < end, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def requests(self) -> int:
        """Chat calls since the last start."""
        return len(re.findall(r"\[Request received\]", self.log.read_text()))


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(model, tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def running(server: Server) -> Server:
    if server.process.poll() is not None:
        server.start()
    return server


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight of the sample images in the layout of the VLF data set."""
    for task, side in PLACES:
        if task in ("IVF", "MEF"):
            folder = SOURCES[task]["ab".index(side)]
            shutil.copytree(SAMPLES / task / folder, tmp_path / "VLFDataset" / "Image" / task / "Samples" / folder)
    return tmp_path


def command(server: Server, data: Path, *more: str) -> list[str]:
    """The arguments of `film` that describe all of them."""
    options = [f"--describer.base_url={server.url}", f"--describer.model={server.model}", *more]
    return ["describe", "--data", str(data), "--describer", "openai", *options]


def texts(data: Path) -> dict[Path, int]:
    """The texts that are there, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in data.rglob("*.txt")}


def test_real_images_get_their_texts_over_http(running: Server) -> None:
    before = running.requests
    images = {f"{task}{side}": (task, side, read_image(sample(task, side))) for task, side in PLACES}
    subjects = [Subject(name, image, task=task, side=side) for name, (task, side, image) in images.items()]
    describer = OpenAIDescriber(str(running.model), base_url=running.url, answer_tokens=60)
    describer.check()
    outcomes = {subject.name: outcome for subject, outcome in describer.describe(subjects)}
    assert running.requests - before == len(subjects)
    for outcome in outcomes.values():
        assert isinstance(outcome, Description)
        assert outcome.text == SENTENCE
        assert outcome.details["answer_tokens"] > 10
        assert 100 < outcome.details["prompt_tokens"] < 1000


def test_killed_server_costs_no_text_twice(running: Server, data: Path) -> None:
    slowly = command(running, data, "--describer.requests_per_minute=60", "--describer.retries=0")
    first = subprocess.Popen([sys.executable, "-m", "film", *slowly], stderr=subprocess.PIPE, text=True)
    while len(texts(data)) < 3:
        assert first.poll() is None, first.communicate()
        time.sleep(0.05)
    running.kill()
    _, told = first.communicate(timeout=300)
    assert first.returncode == 2
    assert f"can't reach {running.url}" in told
    assert "run again: what is done is kept" in told
    done = texts(data)
    assert 3 <= len(done) < 8

    running.start()
    assert main(command(running, data)[1:]) == 0
    assert running.requests == 8 - len(done)
    assert {path: written for path, written in texts(data).items() if path in done} == done
    assert len(texts(data)) == 8
    for path in texts(data):
        record = json.loads(path.with_suffix(".json").read_text())
        assert path.read_text() == f"{SENTENCE}\n"
        assert record["details"]["served_by"] == running.url

    assert main(command(running, data)[1:]) == 0
    assert running.requests == 8 - len(done)  # nothing was left to ask for
