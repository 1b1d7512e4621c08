"""Against scripted answers of every bad kind, and, end to end, against a real server with a real (tiny) model."""

import asyncio
import base64
import dataclasses
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate

import cv2
import httpx2
import numpy as np
import pytest

from film.config import compose
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
            (httpx2.Response(200, json={"choices": [{"message": "Hello"}]}), "without a text"),
            (httpx2.Response(200, json=["choices"]), "without a text"),
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

    def test_answer_cut_short_on_a_real_connection(self):
        body = json.dumps(completion("Fine.")).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        calls: list[int] = []

        def serve(listening: socket.socket) -> None:
            for end in (len(body) // 2, len(body)):
                connection, _ = listening.accept()
                with connection, connection.makefile("rb") as request:
                    lines = iter(request.readline, b"\r\n")
                    length = next(int(line[15:]) for line in lines if line.lower().startswith(b"content-length:"))
                    calls.append(len(b"".join(lines)) and len(request.read(length)))
                    connection.sendall(head + body[:end])

        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=serve, args=(listening,), daemon=True)
            thread.start()
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
            answer = only(OpenAIDescriber("x", base_url=url, retries=1, timeout=20))
            thread.join()
        assert answer.text == "Fine."
        assert answer.details["repeated"] == 1
        assert len(calls) == 2

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


class TestFlow:
    def test_as_many_calls_at_once_as_allowed_and_images_are_drawn_lazily(self):
        state = {"open": 0, "most": 0, "drawn": 0, "ahead": 0}
        done: list[str] = []

        async def handler(_: httpx2.Request) -> httpx2.Response:
            state["open"] += 1
            state["most"] = max(state["most"], state["open"])
            await asyncio.sleep(0.2)
            state["open"] -= 1
            return reply()

        def drawn() -> Iterator[Subject]:
            for one in subjects(300):
                state["drawn"] += 1
                state["ahead"] = max(state["ahead"], state["drawn"] - len(done))
                yield one

        for one, answer in describer(handler, concurrency=64).describe(drawn()):
            assert isinstance(answer, Description)
            done.append(one.name)
        assert sorted(done) == sorted(str(index) for index in range(300))
        assert state["most"] == 64
        assert 64 < state["ahead"] <= 128

    def test_ready_ones_come_first(self):
        waits = iter([0.3, 0.0, 0.0, 0.0])

        async def handler(_: httpx2.Request) -> httpx2.Response:
            await asyncio.sleep(next(waits))
            return reply()

        names = [one.name for one, _ in describer(handler, concurrency=4).describe(subjects(4))]
        assert names[-1] == "0"

    def test_works_where_a_loop_runs_already(self):
        async def notebook() -> Description | FilmError:
            return only(describer(script(reply("Fine."))))

        assert asyncio.run(notebook()).text == "Fine."

    def test_stopping_early_leaves_nothing_behind(self):
        async def handler(_: httpx2.Request) -> httpx2.Response:
            await asyncio.sleep(0.01)
            return reply()

        outcomes = describer(handler).describe(subjects(100))
        next(outcomes)
        outcomes.close()
        assert "film-describer" not in [thread.name for thread in threading.enumerate()]

    def test_error_of_the_images_comes_through(self):
        def broken() -> Iterator[Subject]:
            yield subject()
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(describer(script(reply())).describe(broken()))
        assert "film-describer" not in [thread.name for thread in threading.enumerate()]

    @pytest.mark.parametrize("limit", [{"requests_per_minute": 600}, {"tokens_per_minute": 600 * 600}])
    def test_pace_is_kept(self, limit):
        times: list[float] = []

        def handler(_: httpx2.Request) -> httpx2.Response:
            times.append(time.monotonic())
            return reply()

        made = describer(handler, concurrency=64, **limit)
        tokens = made._form.most(subject()).total
        assert len(list(made.describe(subjects(8)))) == 8
        expected = 0.1 if "requests_per_minute" in limit else tokens / (600 * 600) * 60
        gaps = np.diff(times)
        assert gaps.mean() == pytest.approx(expected, rel=0.3)
        assert times[-1] - times[0] >= 7 * expected * 0.95


class TestBudget:
    PRICES = {"tiny": {"input": 1.0, "output": 10.0}}  # noqa: RUF012

    def run(self, made: OpenAIDescriber, count: int = 40) -> tuple[int, str]:
        outcomes: list[Outcome] = []
        try:
            keep(outcomes, made.describe(subjects(count)))
        except FilmError as error:
            return len(outcomes), str(error)
        return len(outcomes), ""

    @pytest.mark.parametrize("concurrency", [1, 64])
    def test_tokens_are_never_exceeded_and_well_used(self, concurrency):
        seen: list[httpx2.Request] = []
        made = describer(
            script(reply(prompt=900, answer=100), seen=seen),
            max_tokens=10_500,
            answer_tokens=400,
            concurrency=concurrency,
        )
        done, message = self.run(made)
        assert done == len(seen) == 10  # 10,000 spent; the eleventh could take 1,300
        assert "max_tokens of 10500 would be exceeded: 10000 tokens spent" in message
        assert self.run(made) == (0, message)  # one budget for the life of a describer

    def test_cost_is_never_exceeded(self):
        made = describer(script(reply(prompt=1000, answer=100)), max_cost=0.0205, answer_tokens=100, prices=self.PRICES)
        done, message = self.run(made)
        assert done == 10  # of 0.002 USD each
        assert "max_cost of 0.0205 USD would be exceeded: 11000 tokens, 0.0200 USD spent" in message
        assert "run again for the rest" in message

    def test_enough_budget_is_no_hindrance(self):
        made = describer(script(reply()), max_tokens=10**6, max_cost=100, prices=self.PRICES)
        assert self.run(made) == (40, "")

    def test_servers_that_count_more_than_was_guessed_are_believed(self):
        seen: list[httpx2.Request] = []
        made = describer(script(reply(prompt=3000, answer=0), seen=seen), max_tokens=10_000, concurrency=64)
        assert made._form.most(subject()).prompt < 500
        assert self.run(made)[0] == len(seen) == 3

    def test_calls_lost_on_the_way_count_as_spent_and_refused_ones_do_not(self):
        lost = describer(script(httpx2.ReadTimeout("slow")), max_tokens=2000, retries=0, concurrency=1)
        most = lost._form.most(subject()).total
        assert self.run(lost)[0] == 2000 // most
        refused = describer(script(failure(500)), max_tokens=2000, retries=0, concurrency=1)
        assert self.run(refused, 10) == (10, "")

    def test_unknown_price_is_said_at_once(self):
        with pytest.raises(
            FilmError, match=r"max_cost needs the price of model 'tiny': add it under prices.*prices\.yaml"
        ):
            describer(script(reply()), max_cost=1.0)
        with pytest.raises(FilmError, match="needs input and output"):
            describer(script(reply()), prices={"tiny": {"input": 1.0}})

    def test_estimate_sends_nothing_and_fits(self):
        seen: list[httpx2.Request] = []
        made = describer(script(reply(), seen=seen), prices={"tiny": {"input": 1.0, "output": 10.0, "per_patch": 1.0}})
        one = subject(size=(480, 640))
        said = made.estimate([one, one])
        prompt = made._form.most(one).prompt
        assert 20 * 15 < prompt < 20 * 15 + 300  # patches, and the words
        cost = 2 * (prompt * 1e-6 + 130 * 1e-5)
        most = 2 * (prompt * 1e-6 + 400 * 1e-5)
        assert said.startswith(
            f"2 images for tiny: about {2 * prompt} + 260 tokens, about {cost:.4f} USD, at most {most:.4f}"
        )
        assert "price of this model isn't known" in describer(script(reply())).estimate([one])
        assert seen == []

    def test_shipped_prices_know_the_shipped_model(self):
        arguments = compose(["describer/openai.yaml"])["describer"]["init_args"]
        made = OpenAIDescriber(**arguments, max_cost=1.0)
        thousand = made.estimate([subject(size=(480, 640))] * 1000)
        assert "USD" in thousand
        assert OpenAIDescriber(**arguments, batch=True)._price.answer == made._price.answer / 2


class TestSecrets:
    def test_key_is_sent_and_shown_nowhere(self, monkeypatch, caplog):
        caplog.set_level(logging.DEBUG)
        monkeypatch.setenv("MY_KEY", KEY)
        seen: list[httpx2.Request] = []
        made = describer(
            script(reply(), failure(400, f"bad key {KEY}"), failure(403, f"bad key {KEY}"), seen=seen),
            key_variable="MY_KEY",
            concurrency=1,
        )
        outcomes: list[Outcome] = []
        with pytest.raises(FilmError, match="check the key in MY_KEY") as caught:
            keep(outcomes, made.describe(subjects(5)))
        assert {request.headers["authorization"] for request in seen} == {f"Bearer {KEY}"}
        assert "bad key ***" in str(outcomes[1][1])
        shown = [caplog.text, caught.value, outcomes[0][1].details, made.identity(), vars(made), str(caught.getrepr())]
        assert KEY not in " ".join(map(str, shown))

    def test_password_in_the_address_is_sent_and_shown_nowhere(self, caplog):
        caplog.set_level(logging.DEBUG)
        seen: list[httpx2.Request] = []
        made = describer(
            script(reply(), failure(404), seen=seen), base_url="http://me:s3cr%40t@localhost:1/v1/", concurrency=1
        )
        outcomes: list[Outcome] = []
        with pytest.raises(FilmError, match="http://localhost:1/v1 can't describe") as caught:
            keep(outcomes, made.describe(subjects(2)))
        assert seen[0].headers["authorization"] == "Basic " + base64.b64encode(b"me:s3cr@t").decode()
        shown = [caplog.text, caught.value, outcomes[0][1].details, made.identity(), vars(made)]
        assert "s3cr" not in " ".join(map(str, shown))

    def test_key_that_can_be_none(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nX-Other: 1")
        with pytest.raises(FilmError, match="OPENAI_API_KEY holds letters that no key has") as caught:
            OpenAIDescriber().check()
        assert KEY not in str(caught.value)

    def test_openais_key_goes_to_openai_only(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        seen: list[httpx2.Request] = []
        assert isinstance(only(describer(script(reply(), seen=seen))), Description)
        assert KEY not in str(seen[0].headers.raw)


class TestCheck:
    def test_official_endpoint_needs_a_key(self):
        with pytest.raises(FilmError, match=r"set the environment variable OPENAI_API_KEY.*describer/statistics\.yaml"):
            OpenAIDescriber().check()
        with pytest.raises(FilmError, match="set the environment variable MY_KEY"):
            OpenAIDescriber(base_url="http://localhost:1/v1", key_variable="MY_KEY").check()

    def test_unreachable_server_is_found_before_any_image(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(FilmError, match=f"can't reach {url}.*start the server or correct base_url"):
            OpenAIDescriber("x", base_url=url).check()

    @pytest.mark.parametrize(
        ("response", "message"),
        [(failure(401), "refuses access"), (failure(404, "no such model", "model_not_found"), "with model 'gpt-9'")],
    )
    def test_official_endpoint_is_asked_for_key_and_model(self, monkeypatch, response, message):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        seen: list[httpx2.Request] = []
        made = describer(script(response, seen=seen), model="gpt-9", base_url="https://api.openai.com/v1")
        with pytest.raises(FilmError, match=message):
            made.check()
        assert [(request.method, request.url.path) for request in seen] == [("GET", "/v1/models/gpt-9")]

    @pytest.mark.parametrize("response", [failure(404), failure(503), httpx2.Response(200, json={"data": []})])
    def test_other_servers_need_only_be_there(self, response):
        describer(script(response)).check()

    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://", "", "http://[x/v1", "http://x:y/v1"])
    def test_address_must_be_one(self, url):
        with pytest.raises(FilmError, match="is no address; write it like"):
            OpenAIDescriber("x", base_url=url)

    @pytest.mark.parametrize(
        "options",
        [
            {"concurrency": 0},
            {"concurrency": 1001},
            {"max_side": -1},
            {"quality": 101},
            {"retries": -1},
            {"max_cost": 0},
        ],
    )
    def test_numbers_are_checked(self, options):
        (name,) = options
        with pytest.raises(FilmError, match=name):
            OpenAIDescriber(**options)

    def test_identity_changes_with_what_matters(self):
        base = OpenAIDescriber("m").identity()
        for changed in ({"max_side": 5}, {"image_format": "png"}, {"compare": True}, {"seed": 1}, {"temperature": 0.5}):
            assert OpenAIDescriber("m", **changed).identity() != base
        assert OpenAIDescriber("n").identity() != base
        for same in ({"concurrency": 64}, {"timeout": 5}, {"base_url": "http://localhost:1/v1"}, {"batch": True}):
            assert OpenAIDescriber("m", **same).identity() == base
        assert json.loads(json.dumps(base)) == base
