"""Read what a server answered: the words, and the tokens it counted."""

from collections.abc import Mapping
from typing import Any

from film.describers.openai.requests import Tokens
from film.describers.openai.server import Server, Transient
from film.describers.prompts import paragraph
from film.errors import FilmError


def text_of(answer: Any, server: Server) -> str:
    """Give the paragraph of a chat completion.

    Args:
        answer: The completion as decoded JSON.
        server: Who gave it.

    Raises:
        Transient: It is no chat completion.
        FilmError: It is empty, cut off at its limit, or a refusal.
    """
    choice, message = _first_choice(answer, server)
    content, finish = message.get("content"), choice.get("finish_reason")
    if message.get("refusal"):
        raise FilmError(f"the model refused: «{server.public(str(message['refusal']))}»; try another model")
    if finish == "content_filter":
        raise FilmError(f"the content filter of {server.address} stopped the answer; try another model")
    if finish == "length":
        spent = "" if content else ", all of it on thoughts (set a lower reasoning_effort)"
        raise FilmError(
            f"the answer is over the limit of answer_tokens{spent}; raise answer_tokens, or try another model"
        )
    if isinstance(content, list):  # some servers answer in parts
        content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return paragraph(content if isinstance(content, str) else None)


def tokens_of(answer: Any) -> Tokens | None:
    """Give the tokens that the server counted; None if it doesn't say."""
    usage = answer.get("usage") if isinstance(answer, Mapping) else None
    try:
        return Tokens(int(usage["prompt_tokens"]), int(usage["completion_tokens"]))  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None


def details_of(answer: Any, server: Server) -> dict[str, Any]:
    """Give what belongs in the record beside a text."""
    tokens = tokens_of(answer)
    counted = {"prompt_tokens": tokens.prompt, "answer_tokens": tokens.answer} if tokens else {}
    return {"served_by": server.address, "served_model": answer.get("model"), **counted}


def _first_choice(answer: Any, server: Server) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        return choice, message.items() and message
    except (AttributeError, KeyError, IndexError, TypeError):
        error = answer.get("error") if isinstance(answer, Mapping) else None
        said = server.public(str(error or answer))
        raise Transient(f"{server.address} answered without a text: {said}", charged=error is None) from None
