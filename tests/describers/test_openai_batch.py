"""The Batch API, against a stand-in that keeps its rules and outlives the runs."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest

from film.describers.base import Description, Outcome, Subject
from film.describers.openai import OpenAIDescriber, batch
from film.errors import FilmError
from film.imaging.picture import Picture


class BatchServer:
    """Files and batches in memory; a batch makes a step each time it is looked at."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict] = {}
        self.steps = ["validating", "in_progress", "completed"]
        self.queue: int | None = None  # requests that may be queued at once
        self.answers: dict[int, dict] = {}  # by number of the line, in place of a text
        self.log: list[str] = []
        self.gone = False

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        route = re.sub(r"(file|batch)-\d+", r"\1", f"{request.method} {request.url.path.removeprefix('/v1')}")
        self.log.append(route)
        if route == "POST /files":
            data = request.content.split(b"\r\n\r\n")
            (part,) = [part for part in data if part.startswith(b"{")]
            return httpx2.Response(200, json={"id": self.store(part.split(b"\r\n--")[0]), "object": "file"})
        if route == "POST /batches":
            return httpx2.Response(200, json=self.start(json.loads(request.content)))
        if route == "GET /batches":
            return httpx2.Response(200, json={"data": list(self.batches.values()), "has_more": False})
        if self.gone:
            return httpx2.Response(404, json={"error": {"message": "No such object"}})
        if route == "GET /batches/batch":
            return httpx2.Response(200, json=self.step(request.url.path.split("/")[-1]))
        assert route == "GET /files/file/content"
        return httpx2.Response(200, content=self.files[request.url.path.split("/")[-2]])

    def store(self, content: bytes) -> str:
        self.files[f"file-{len(self.files)}"] = content
        return f"file-{len(self.files) - 1}"

    def lines(self, file: str) -> list[dict]:
        lines = [json.loads(line) for line in self.files[file].splitlines()]
        assert len({line["custom_id"] for line in lines}) == len(lines)
        assert all(line["method"] == "POST" and line["url"] == "/v1/chat/completions" for line in lines)
        assert all(len(line["custom_id"]) <= 64 for line in lines)
        return lines

    def start(self, asked: dict) -> dict:
        assert asked == {
            "input_file_id": asked["input_file_id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        made = {
            "id": f"batch-{len(self.batches)}",
            "object": "batch",
            "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"],
            "completion_window": "24h",
            "created_at": 0,
            "status": self.steps[0],
        }
        queued = sum(
            len(self.lines(other["input_file_id"]))
            for other in [*self.batches.values(), made]
            if other["status"] in self.steps[:-1]
        )
        if self.queue is not None and queued > self.queue:
            error = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None}
            made |= {"status": "failed", "errors": {"object": "list", "data": [error]}}
        self.batches[made["id"]] = made
        return made

    def step(self, name: str) -> dict:
        made = self.batches[name]
        if made["status"] in self.steps[:-1]:
            made["status"] = self.steps[self.steps.index(made["status"]) + 1]
            if made["status"] in ("completed", "expired"):
                self.finish(made)
        return made

    def finish(self, made: dict) -> None:
        good, bad = [], []
        for number, line in enumerate(self.lines(made["input_file_id"])):
            answer = self.answers.get(number, {"text": f"Text {number}."})
            if not answer:
                continue
            done = {"id": "x", "custom_id": line["custom_id"], "error": answer.get("error"), "response": None}
            if "text" in answer:
                body = {
                    "model": line["body"]["model"],
                    "choices": [{"finish_reason": "stop", "message": {"content": answer["text"]}}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 10},
                }
                done["response"] = {"status_code": 200, "body": body}
            elif "status" in answer:
                done["response"] = {"status_code": answer["status"], "body": {"error": {"message": "too\u2028bad"}}}
            (good if "text" in answer else bad).append(json.dumps(done, ensure_ascii=False))
        made["output_file_id"] = self.store("\n".join(good).encode()) if good else None
        made["error_file_id"] = self.store("\n".join(bad).encode()) if bad else None
        made["request_counts"] = {"total": len(good) + len(bad), "completed": len(good), "failed": len(bad)}


def subjects(*numbers: int) -> Iterator[Subject]:
    for number in numbers:
        yield Subject(f"image {number}", Picture(np.full((32, 32), number, np.uint8)), task="MEF", side="a")


@pytest.fixture
def server() -> BatchServer:
    return BatchServer()


@pytest.fixture
def make(server: BatchServer, tmp_path: Path):
    def build(**options) -> OpenAIDescriber:
        options = {"batch_poll": 0.01, "retries": 0} | options
        made = OpenAIDescriber(
            "m", base_url="http://localhost:1/v1", batch=True, batch_folder=str(tmp_path / "state"), **options
        )
        made._server = dataclasses.replace(made._server, transport=httpx2.MockTransport(server))
        return made

    return build


def texts(outcomes: Iterator[Outcome]) -> dict[str, str]:
    return {one.name: answer.text if isinstance(answer, Description) else str(answer) for one, answer in outcomes}


def test_hands_in_waits_and_collects(server, make, tmp_path):
    made = make()
    found = {}
    for one, answer in made.describe(subjects(1, 2, 3)):
        assert one.task == "MEF"
        assert one.picture.size == (1, 1)  # let go
        found[one.name] = answer
    assert {name: answer.text for name, answer in found.items()} == {
        "image 1": "Text 0.",
        "image 2": "Text 1.",
        "image 3": "Text 2.",
    }
    assert found["image 1"].details["batch"] is True
    assert found["image 1"].details["prompt_tokens"] == 100
    assert server.log.count("POST /files") == server.log.count("POST /batches") == 1
    (line, *_) = server.lines("file-0")
    assert "over-exposed" in line["body"]["messages"][0]["content"][0]["text"]
    assert list((tmp_path / "state").iterdir()) == []  # nothing left to wait for


def test_large_sets_become_several_batches(server, make, monkeypatch):
    assert len(texts(make(batch_requests=2).describe(subjects(*range(5))))) == 5
    assert [len(server.lines(made["input_file_id"])) for made in server.batches.values()] == [2, 2, 1]
    monkeypatch.setattr(batch, "MOST_BYTES", 7000)
    assert len(texts(make().describe(subjects(*range(10, 17))))) == 7
    later = [made["input_file_id"] for made in server.batches.values()][3:]
    assert len(later) > 1
    assert all(len(server.files[file]) <= 7000 for file in later)
    assert sum(len(server.lines(file)) for file in later) == 7


def test_same_image_is_paid_for_once(server, make):
    twins = (dataclasses.replace(one, name=name) for name, one in zip("ab", subjects(7, 7), strict=True))
    assert texts(make().describe(twins)) == {"a": "Text 0.", "b": "Text 0."}
    assert len(server.lines("file-0")) == 1


def test_interrupted_run_waits_for_the_same_batch(server, make):
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch.time, "sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(make().describe(subjects(1, 2, 3)))
    assert texts(make().describe(subjects(1, 2, 3, 4))) == {
        "image 1": "Text 0.",
        "image 2": "Text 1.",
        "image 3": "Text 2.",
        "image 4": "Text 0.",  # the only one of a new batch
    }
    assert [len(server.lines(made["input_file_id"])) for made in server.batches.values()] == [3, 1]


def test_batch_that_started_unnoticed_is_found_again(server, make, monkeypatch):
    save = batch.Part.save

    def killed(part: batch.Part) -> None:
        if part.batch:
            raise KeyboardInterrupt
        save(part)

    monkeypatch.setattr(batch.Part, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        list(make().describe(subjects(1)))
    monkeypatch.undo()
    assert texts(make().describe(subjects(1))) == {"image 1": "Text 0."}
    assert server.log.count("POST /batches") == server.log.count("POST /files") == 1


def test_half_collected_batch_is_not_asked_for_again(server, make):
    outcomes = make().describe(subjects(1, 2, 3))
    first = {next(outcomes)[0].name}
    outcomes.close()
    rest = [number for number in (1, 2, 3) if f"image {number}" not in first]
    assert len(texts(make().describe(subjects(*rest)))) == 2
    assert server.log.count("POST /batches") == 1


def test_batch_that_is_gone_is_handed_in_anew(server, make):
    outcomes = make(batch_poll=0.0).describe(subjects(1))
    server.gone = True
    with pytest.raises(
        FilmError, match="batch-0 is gone from http://localhost:1/v1; run again to hand its images in anew"
    ):
        list(outcomes)
    server.gone = False
    assert texts(make().describe(subjects(1))) == {"image 1": "Text 0."}
    assert server.log.count("POST /batches") == 2


def test_server_without_batches(make):
    made = make()
    handler = lambda _: httpx2.Response(404, text="Not Found")  # noqa: E731
    made._server = dataclasses.replace(made._server, transport=httpx2.MockTransport(handler))
    with pytest.raises(FilmError, match=r"http://localhost:1/v1 has no Batch API \(404\); leave batch out"):
        list(made.describe(subjects(1)))


def test_errors_of_one_image_stop_no_other(server, make):
    server.answers = {
        1: {"status": 400},
        2: {"text": "I'm sorry, I can't help with that."},
        3: {"error": {"code": "batch_expired", "message": "This request could not be executed."}},
        4: {},
    }
    server.steps[-1] = "expired"
    found = texts(make().describe(subjects(0, 1, 2, 3, 4)))
    assert found["image 0"] == "Text 0."
    assert found["image 1"] == "400: too bad; run again"
    assert "the model refused" in found["image 2"]
    assert found["image 3"] == "batch_expired: This request could not be executed.; run again"
    assert "expired without an answer to it; run again" in found["image 4"]
    server.answers.clear()
    assert texts(make().describe(subjects(1, 4))) == {"image 1": "Text 0.", "image 4": "Text 1."}  # asked anew


def test_crowded_queue_is_filled_bit_by_bit(server, make):
    server.queue = 2
    assert len(texts(make(batch_requests=2).describe(subjects(*range(5))))) == 5
    done = [made for made in server.batches.values() if made["status"] == "completed"]
    assert sorted(len(server.lines(made["input_file_id"])) for made in done) == [1, 2, 2]
    assert server.log.count("POST /files") == 3  # what was refused is not uploaded again


def test_batch_that_never_fits_is_said(server, make, tmp_path):
    server.queue = 2
    with pytest.raises(
        FilmError, match="refused batch batch-0: Enqueued token limit reached; choose fewer batch_requests"
    ):
        list(make().describe(subjects(1, 2, 3)))
    assert list((tmp_path / "state").iterdir()) == []
    assert len(texts(make(batch_requests=1).describe(subjects(1, 2, 3)))) == 3


def test_budget_stops_handing_in_and_keeps_what_is_handed_in(make):
    made = make(max_tokens=2000, answer_tokens=300)
    most = made._form.most(next(subjects(1))).total
    found: dict[str, str] = {}

    def run() -> None:
        for one, answer in made.describe(subjects(*range(9))):
            found[one.name] = answer.text

    with pytest.raises(FilmError, match=r"max_tokens of 2000 would be exceeded: .* tokens spent"):
        run()
    assert len(found) == 2000 // most >= 2


def test_state_that_is_none_is_said(make, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/x.json").write_text("[]")
    with pytest.raises(FilmError, match=r"x\.json does not hold the state of a batch"):
        list(make().describe(subjects(1)))


def test_unreachable_server_while_waiting(server, make, monkeypatch):
    made = make()
    outcomes = made.describe(subjects(1))
    monkeypatch.setattr(BatchServer, "step", lambda *_: (_ for _ in ()).throw(httpx2.ConnectError("refused")))
    with pytest.raises(
        FilmError, match=r"can't reach http://localhost:1/v1: refused; run again to go on with the same"
    ):
        list(outcomes)
    monkeypatch.undo()
    assert texts(make().describe(subjects(1))) == {"image 1": "Text 0."}
    assert server.log.count("POST /batches") == 1
