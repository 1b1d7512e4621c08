"""Against scripted answers of every bad kind, and, end to end, against a real server with a real (tiny) model."""

import base64
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate

import cv2
import httpx2
import numpy as np
import pytest

from film.describers.base import Description, Outcome, Subject
from film.describers.openai import OpenAIDescriber, chat
from film.errors import FilmError
from film.imaging.picture import Picture

KEY = "sk-very-secret-0123456789"
Handler = Callable[[httpx2.Request], httpx2.Response]


def subject(name: str = "one", size: tuple[int, int] = (48, 64), **known) -> Subject:
    pixels = np.random.default_rng(len(name)).integers(0, 256, size, dtype=np.uint8)
    return Subject(name, Picture(pixels), **known)


def subjects(count: int) -> list[Subject]:
    return [subject(str(index)) for index in range(count)]


def completion(
    text: str | None = "A dark road.", *, finish: str = "stop", prompt: int = 300, answer: int = 9, **message
):
    return {
        "id": "x",
        "object": "chat.completion",
        "model": "served",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer},
    }


def reply(*args, **kwargs) -> httpx2.Response:
    return httpx2.Response(200, json=completion(*args, **kwargs))


def failure(status: int, message: str = "no", code: str | None = None, **headers: str) -> httpx2.Response:
    body = {"error": {"message": message, "type": "error", "code": code}}
    return httpx2.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def describer(handler: Handler, **options) -> OpenAIDescriber:
    """Talk to a function in place of a server, through the real client."""
    options = {"model": "tiny", "base_url": "http://localhost:1/v1", "retries": 2} | options
    made = OpenAIDescriber(**options)
    made._server = dataclasses.replace(made._server, transport=httpx2.MockTransport(handler))
    return made


def script(*responses: httpx2.Response | Exception, seen: list[httpx2.Request] | None = None) -> Handler:
    """Give one answer after the other, the last for ever."""
    left = list(responses)

    def handler(request: httpx2.Request) -> httpx2.Response:
        if seen is not None:
            seen.append(request)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, content=answer.content, headers=answer.headers)

    return handler


def only(made: OpenAIDescriber, one: Subject | None = None) -> Description | FilmError:
    (outcome,) = made.describe([one or subject()])
    return outcome[1]


def keep(into: list[Outcome], outcomes: Iterator[Outcome]) -> None:
    """What came before an error stays, which `list` would lose."""
    for outcome in outcomes:
        into.append(outcome)  # noqa: PERF402


@pytest.fixture(autouse=True)
def _quick_and_keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "FIRST_WAIT", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class TestRequest:
    def body(self, one: Subject, **options) -> dict:
        seen: list[httpx2.Request] = []
        assert isinstance(only(describer(script(reply(), seen=seen), **options), one), Description)
        (request,) = seen
        assert request.url == "http://localhost:1/v1/chat/completions"
        return json.loads(request.content)

    def image(self, part: dict) -> np.ndarray:
        head, data = part["image_url"]["url"].split(",")
        assert head in ("data:image/jpeg;base64", "data:image/png;base64")
        return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_UNCHANGED)

    def test_says_what_the_image_is_and_shows_it_shrunk(self):
        one = subject(size=(300, 400), task="IVF", side="a")
        body = self.body(one, max_side=100, image_format="png", temperature=0.5, seed=3, extra_body={"top_k": 4})
        text, picture = body.pop("messages")[0]["content"]
        assert body == {"model": "tiny", "max_tokens": 400, "temperature": 0.5, "seed": 3, "top_k": 4}
        assert "infrared" in text["text"]
        expected = cv2.resize(one.picture.pixels, (100, 75), interpolation=cv2.INTER_AREA)
        assert np.array_equal(self.image(picture), expected)

    def test_colours_and_sixteen_bits_arrive(self):
        pixels = np.zeros((32, 32, 3), np.uint16)
        pixels[..., 0] = 65535
        (_, picture) = self.body(Subject("red", Picture(pixels)))["messages"][0]["content"]
        blue, green, red = self.image(picture).mean((0, 1))
        assert red > 250
        assert max(blue, green) < 5

    def test_partner_is_sent_when_asked_for(self):
        one = subject(task="MFF", side="b", partner=Picture(np.full((48, 64), 9, np.uint8)))
        assert len(self.body(one)["messages"][0]["content"]) == 2
        text, _, partner = self.body(one, compare=True, detail="low")["messages"][0]["content"]
        assert "second image, a near-focus image" in text["text"]
        assert partner["image_url"]["detail"] == "low"
        assert (self.image(partner) == 9).all()

    def test_official_endpoint_gets_its_own_names(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        seen: list[httpx2.Request] = []
        made = describer(script(reply(), seen=seen), base_url="https://api.openai.com/v1", reasoning_effort="none")
        assert isinstance(only(made), Description)
        body = json.loads(seen[0].content)
        assert body["max_completion_tokens"] == 400
        assert body["reasoning_effort"] == "none"
        assert "max_tokens" not in body
        assert "reasoning_effort" not in self.body(subject(), reasoning_effort="none")  # no standard elsewhere

    def test_too_large_image_is_said_before_it_is_sent(self, monkeypatch):
        monkeypatch.setattr("film.describers.openai.requests.MAX_BYTES", 1000)
        seen: list[httpx2.Request] = []
        error = only(describer(script(reply(), seen=seen)))
        assert "image too large" in str(error)
        assert "max_side below 768" in str(error)
        assert seen == []


class TestAnswers:
    def test_text_and_record(self):
        answer = only(describer(script(reply("A dark\n\nroad."))))
        assert answer.text == "A dark road."
        seconds = answer.details["seconds"]
        assert 0 <= seconds < 10
        assert dict(answer.details) == {
            "served_by": "http://localhost:1/v1",
            "served_model": "served",
            "prompt_tokens": 300,
            "answer_tokens": 9,
            "seconds": seconds,
            "repeated": 0,
        }

    def test_answer_in_parts_and_without_usage(self):
        body = completion()
        body["choices"][0]["message"]["content"] = [
            {"type": "text", "text": "A dark"},
            {"type": "text", "text": "road."},
        ]
        del body["usage"]
        answer = only(describer(script(httpx2.Response(200, json=body))))
        assert answer.text == "A dark road."
        assert "prompt_tokens" not in answer.details

    @pytest.mark.parametrize(
        ("response", "message"),
        [
            (reply(""), "answer is empty"),
            (reply(None), "answer is empty"),
            (reply("A dark", finish="length"), "over the limit of answer_tokens; raise"),
            (reply("", finish="length"), "all of it on thoughts"),
            (reply("", finish="content_filter"), "content filter of http://localhost:1/v1 stopped the answer"),
            (reply(None, refusal="I won't."), "the model refused: «I won't.»"),
            (reply("I'm sorry, I can't help with that."), "the model refused: «I'm sorry"),
            (failure(400, "blocked by our content management policy", "content_filter"), "content filter"),
            (failure(413, "entity too large"), "image too large for http://localhost:1/v1: entity too large; choose a"),
            (failure(400, "This model's maximum context length is 4096 tokens"), "too large.*smaller max_side"),
            (failure(400, "could not decode the image"), "answered 400: could not decode the image"),
        ],
    )
    def test_errors_of_one_image_stop_no_other(self, response, message):
        seen: list[httpx2.Request] = []
        made = describer(script(response, reply("Fine."), seen=seen), concurrency=1)
        (_, first), (_, second) = made.describe(subjects(2))
        with pytest.raises(FilmError, match=message):
            raise first
        assert second.text == "Fine."
        assert len(seen) == 2  # none of these is asked for again


class TestRepetition:
    @pytest.mark.parametrize(
        ("trouble", "message"),
        [
            (failure(429, "slow down"), "429: slow down"),
            (failure(500, "oops"), "500: oops"),
            (failure(503, "loading"), "503: loading"),
            (httpx2.Response(502, text="<html>Bad gateway</html>"), "502: <html>Bad gateway"),
            (httpx2.ReadTimeout("slow"), "no answer within 120 s; raise timeout or lower concurrency"),
            (httpx2.RemoteProtocolError("peer closed connection"), "answer was cut short: peer closed"),
            (
                httpx2.Response(200, content=b'{"choices": [{"mess', headers={"content-type": "application/json"}),
                "broken JSON",
            ),
            (httpx2.Response(200, text="<html>hello</html>"), "without a text: <html>"),
            (httpx2.Response(200, json={"error": {"message": "upstream died"}}), "without a text:.*upstream died"),
            (httpx2.Response(200, json={"choices": []}), "without a text"),
        ],
    )
    def test_passing_trouble_is_repeated_and_then_given_up(self, trouble, message):
        seen: list[httpx2.Request] = []
        answer = only(describer(script(trouble, trouble, reply("Fine."), seen=seen)))
        assert answer.text == "Fine."
        assert answer.details["repeated"] == 2
        assert len(seen) == 3
        seen.clear()
        with pytest.raises(FilmError, match=f"{message}.*\\(asked 3 times\\)"):
            raise only(describer(script(trouble, seen=seen)))
        assert len(seen) == 3

    @pytest.mark.parametrize(
        "headers",
        [{"retry_after": "1"}, {"retry_after_ms": "700"}, {"retry_after": "DATE"}],
    )
    def test_retry_after_is_kept_by_every_call(self, headers):
        times: list[float] = []
        said: list[float] = []

        def handler(_: httpx2.Request) -> httpx2.Response:
            times.append(time.monotonic())
            if said:
                return reply()
            said.append(time.monotonic())
            dated = {name: value.replace("DATE", formatdate(time.time() + 2)) for name, value in headers.items()}
            return failure(429, **dated)

        made = describer(handler, concurrency=1)
        assert all(isinstance(answer, Description) for _, answer in made.describe(subjects(3)))
        assert len(times) == 4
        assert times[1] - said[0] >= 0.69

    def test_too_long_a_wait_ends_the_run(self):
        with pytest.raises(FilmError, match=r"no room for 90000 s .429: daily limit.; run again later"):
            only(describer(script(failure(429, "daily limit", retry_after="90000"))))

    def test_server_that_always_fails_ends_the_run(self):
        seen: list[httpx2.Request] = []
        made = describer(script(failure(500, "out of memory"), seen=seen), retries=0, concurrency=2)
        with pytest.raises(FilmError, match="20 images in a row failed, the last one with: 500: out of memory"):
            keep([], made.describe(subjects(100)))
        assert 20 <= len(seen) < 30


class TestFatal:
    @pytest.mark.parametrize(
        ("response", "message"),
        [
            (failure(401, f"Incorrect key {KEY}"), "refuses access .401.; name the key's variable with key_variable"),
            (failure(403, "country not supported"), "refuses access .403: country not supported"),
            (failure(404, "The model `tiny` does not exist", "model_not_found"), "can't describe with model 'tiny'"),
            (failure(404, "Not Found"), "check model and base_url"),
            (
                failure(400, "Server is pinned to model 'a'; 'tiny' is not available"),
                "can't describe with model 'tiny'",
            ),
            (failure(400, "tiny is not a multimodal model"), "can't describe with model 'tiny'"),
            (failure(429, "check your billing", "insufficient_quota"), "has no credit left"),
            (
                failure(400, "Unsupported value: temperature", "unsupported_value"),
                "doesn't take a field of the request",
            ),
            (httpx2.ConnectError("Connection refused"), "can't reach http://localhost:1/v1: Connection refused; start"),
        ],
    )
    def test_what_every_image_would_meet_ends_the_run(self, response, message):
        seen: list[httpx2.Request] = []
        made = describer(script(reply("Fine."), response, seen=seen), concurrency=1, retries=1)
        outcomes: list[Outcome] = []
        with pytest.raises(FilmError, match=message):
            keep(outcomes, made.describe(subjects(50)))
        assert [answer.text for _, answer in outcomes] == ["Fine."]
        assert len(seen) <= 3
