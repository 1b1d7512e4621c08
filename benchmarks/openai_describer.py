"""How near the OpenAI describer comes to the rate that a server allows.

    python benchmarks/openai_describer.py

A server in a process of its own waits half a second before each answer, however many calls are open. With 64 calls in
flight the ideal is 128 images a second; what is measured is the share of it, from the first image drawn to the last
text, images being drawn, encoded, sent and read back.
"""

import argparse
import asyncio
import importlib
import json
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized

import cv2
import numpy as np

from film.describers.base import Description, Subject
from film.describers.openai import OpenAIDescriber
from film.imaging.picture import Picture

ANSWER = {
    "id": "bench",
    "object": "chat.completion",
    "model": "bench",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "A dark road with two people beside parked cars. " * 6},
        }
    ],
    "usage": {"prompt_tokens": 400, "completion_tokens": 70, "total_tokens": 470},
}


def serve(seconds: float, ready: Connection, most: Synchronized) -> None:
    """Answer every POST after a while, until the process is ended.

    Args:
        seconds: How long a call takes.
        ready: Is told the port.
        most: Is told how many calls were open at once.
    """
    body = json.dumps(ANSWER).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    open_calls = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_calls
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(request.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                open_calls += 1
                most.value = max(most.value, open_calls)
                await asyncio.sleep(seconds)
                open_calls -= 1
                writer.write(head + body)
        except asyncio.IncompleteReadError:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**20)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def images(count: int, side: int) -> Iterator[Subject]:
    """Draw different pictures with the detail of a photo."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (side // 8 + 32, side // 8 + 32, 3), dtype=np.uint8)
    for index in range(count):
        part = coarse[index % 32 :, index // 32 % 32 :][: side // 8, : side // 8]
        yield Subject(str(index), Picture(cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC)))


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--side", type=int, default=256, help="of the images, in pixels")
    parser.add_argument("--wait", type=float, default=0.5, help="seconds that the server takes for a call")
    parser.add_argument("--images", type=int, default=2560)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    importlib.import_module("openai")  # takes a second, once
    here, there = multiprocessing.Pipe()
    most = multiprocessing.Value("i", 0)
    server = multiprocessing.Process(target=serve, args=(options.wait, there, most), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}/v1"
    ideal = options.concurrency / options.wait
    try:
        for _ in range(options.rounds):
            describer = OpenAIDescriber("bench", base_url=url, concurrency=options.concurrency, retries=0)
            start, cpu = time.perf_counter(), time.process_time()
            outcomes = describer.describe(images(options.images, options.side))
            texts = sum(isinstance(outcome, Description) for _, outcome in outcomes)
            seconds = time.perf_counter() - start
            cpu = (time.process_time() - cpu) / texts * 1000
            rate = texts / seconds
            print(
                f"{texts} images of {options.side} px, at most {most.value} calls open: "
                f"{rate:6.1f} images/s of {ideal:.0f}, {rate / ideal:.1%}; {cpu:.1f} ms of CPU each"
            )
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
