"""Where requests go, with which key, and what a failed one means."""

import base64
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from film.errors import FilmError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

OFFICIAL = "https://api.openai.com/v1"
_LONGEST_WAIT = 600.0  # seconds; whoever asks for more has no room today
_QUOTED = 300  # letters of a server's message
_NO_MODEL = re.compile(
    r"model.{0,120}(not found|not exist|unknown|not served|not available|not supported|not loaded|no access|pinned)"
    r"|(unknown|invalid|no such|not a valid) model|not a multimodal model|(does not|doesn't) support (image|vision)",
    re.IGNORECASE | re.DOTALL,
)
_FILTERED = re.compile(r"content.?(filter|policy|management)|safety system|moderation", re.IGNORECASE)
_TOO_LARGE = re.compile(
    r"(image|request|payload|body|entity|context|input).{0,60}too (large|long|big)|context.?length", re.IGNORECASE
)
_FAULTY_FIELD = {"unsupported_parameter", "unsupported_value", "unknown_parameter", "invalid_parameter"}


class Transient(Exception):  # noqa: N818 - not an error yet
    """A call that may succeed if it is made again.

    Args:
        message: What happened.
        wait: Seconds that the server asks to wait, None if it doesn't say.
        crowded: The server said that there are too many calls (429).
        charged: The call may have cost something.
        unreachable: No connection came about at all.
    """

    def __init__(
        self,
        message: str,
        *,
        wait: float | None = None,
        crowded: bool = False,
        charged: bool = False,
        unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.wait, self.crowded, self.charged, self.unreachable = wait, crowded, charged, unreachable


class Fatal(FilmError):  # noqa: N818 - the others are errors of one image
    """An error that the next image would meet as well."""


@dataclass(frozen=True)
class Server:
    """An endpoint that speaks the OpenAI protocol.

    Attributes:
        base_url: Up to and with `/v1`; may carry `user:password@`, which is sent as basic authentication.
        key_variable: Environment variable that holds the key; None: `OPENAI_API_KEY` for OpenAI, none elsewhere, so
            that a key never goes to a server it wasn't meant for.
        timeout: Seconds for one call.
        transport: HTTP transport of the client; None for the usual one.
    """

    base_url: str = field(repr=False)
    key_variable: str | None
    timeout: float
    transport: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse an address that is none."""
        with suppress(ValueError):
            parts = urlsplit(self.base_url)
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:  # reading the port checks it
                return
        shown = self.base_url.rpartition("@")[2]
        raise FilmError(f"base_url {shown!r} is no address; write it like http://localhost:8000/v1")

    @property
    def official(self) -> bool:
        """Whether it is OpenAI's own endpoint, of any region."""
        return f".{urlsplit(self.base_url).hostname}".endswith(f".{urlsplit(OFFICIAL).hostname}")

    @property
    def address(self) -> str:
        """The address without user, password and query."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")).rstrip("/")

    @property
    def variable(self) -> str | None:
        """The environment variable that the key is read from."""
        return self.key_variable or ("OPENAI_API_KEY" if self.official else None)

    def check_key(self) -> None:
        """Refuse to start without the key that the endpoint needs.

        Raises:
            FilmError: The variable is not set, or holds what can't be a key.
        """
        if self.variable and not self._key():
            raise FilmError(
                f"no key for {self.address}: set the environment variable {self.variable}, name another with "
                "key_variable, or describe offline with describer/statistics.yaml or describer/local.yaml"
            )

    def client(self, retries: int = 0) -> "AsyncOpenAI":
        """Build a client for many calls at once; to be closed.

        Args:
            retries: How often it repeats a failed call by itself.
        """
        import openai  # takes a second

        http_client = openai.DefaultAsyncHttpxClient(transport=self.transport) if self.transport else None
        return openai.AsyncOpenAI(http_client=http_client, max_retries=retries, **self._arguments())

    def patient_client(self, retries: int) -> "OpenAI":
        """Build a client for one call after the other; to be closed.

        Args:
            retries: How often it repeats a failed call.
        """
        import openai

        http_client = openai.DefaultHttpxClient(transport=self.transport) if self.transport else None
        return openai.OpenAI(http_client=http_client, max_retries=retries, **self._arguments())

    def _arguments(self) -> dict[str, Any]:
        parts = urlsplit(self.base_url)
        headers = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return {
            "base_url": self.address,
            "api_key": self._key() or "none",  # the client insists on one
            "timeout": self.timeout,
            "default_headers": headers,
        }

    def greet(self, model: str) -> None:
        """Find out whether the server is there, takes the key and, at OpenAI, knows the model; costs nothing.

        Raises:
            FilmError: It isn't, or doesn't.
        """
        import openai

        path = f"/models/{quote(model)}" if self.official else "/models"
        with self.patient_client(retries=2).with_options(timeout=min(self.timeout, 30.0)) as client:
            try:
                client.get(path, cast_to=object)
            except (openai.OpenAIError, ValueError) as error:
                verdict = self.judge(error, model)
                status = getattr(error, "status_code", None)
                if isinstance(verdict, Transient) and verdict.unreachable:
                    raise FilmError(f"{verdict}; start the server or correct base_url") from None
                if isinstance(verdict, Fatal) and (self.official or status in (401, 403)):  # others may list no models
                    raise verdict from None

    def public(self, message: str) -> str:
        """Make a message from elsewhere fit to be shown: one line, not too long, without the key and password."""
        password = unquote(urlsplit(self.base_url).password or "")
        for secret in filter(None, (self._key(), password)):
            message = message.replace(secret, "***")
        line = " ".join(message.split())
        return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}…"

    def _key(self) -> str:
        key = os.environ.get(self.variable, "").strip() if self.variable else ""
        if not key.isascii() or any(not letter.isprintable() or letter.isspace() for letter in key):
            raise FilmError(f"the environment variable {self.variable} holds letters that no key has; set it anew")
        return key

    def judge(self, error: Exception, model: str) -> Exception:
        """Say what a failed call means: `Transient`, `Fatal`, or a FilmError of this image alone.

        Args:
            error: What the client raised.
            model: The model that was asked for.
        """
        import openai

        if isinstance(error, openai.APIStatusError):
            return self._judge_status(error, model)
        if isinstance(error, openai.APIConnectionError):
            cause = error.__cause__ or error
            name = type(cause).__name__
            unreachable = name in ("ConnectError", "ConnectTimeout")
            if unreachable:
                return Transient(f"can't reach {self.address}: {self.public(str(cause)) or name}", unreachable=True)
            if isinstance(error, openai.APITimeoutError):
                return Transient(
                    f"no answer within {self.timeout:g} s; raise timeout or lower concurrency", charged=True
                )
            return Transient(f"the answer was cut short: {self.public(str(cause)) or name}", charged=True)
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | openai.APIResponseValidationError):
            return Transient(
                f"{self.address} answered with broken JSON; is it an OpenAI-compatible server?", charged=True
            )
        return FilmError(self.public(str(error)) or type(error).__name__)

    def _judge_status(self, error: Any, model: str) -> Exception:
        status, code = error.status_code, str(error.code or "")
        text = self.public(_message(error))
        if status in (401, 403):
            way_out = (
                f"check the key in {self.variable}" if self.variable else "name the key's variable with key_variable"
            )
            reason = f": {text}" if status == 403 else ""  # with 401 servers like to quote the key
            return Fatal(f"{self.address} refuses access ({status}{reason}); {way_out}")
        if status == 402 or code == "insufficient_quota":
            return Fatal(f"the account at {self.address} has no credit left ({status}: {text})")
        if code == "content_filter" or (status in (400, 422) and _FILTERED.search(f"{code} {text}")):
            return FilmError(f"the content filter of {self.address} refused the image: {text}")
        if status == 413 or (status in (400, 422) and _TOO_LARGE.search(text)):
            return FilmError(f"image too large for {self.address}: {text}; choose a smaller max_side")
        if status == 404 or code == "model_not_found" or (status in (400, 422) and _NO_MODEL.search(text)):
            return Fatal(
                f"{self.address} can't describe with model {model!r} ({status}: {text}); check model and base_url"
            )
        if code in _FAULTY_FIELD:
            return Fatal(
                f"model {model!r} doesn't take a field of the request ({status}: {text}); change the describer's"
            )
        if status in (408, 409, 425, 429) or status >= 500:
            wait = retry_after(error.response.headers)
            if wait is not None and wait > _LONGEST_WAIT:
                return Fatal(f"{self.address} has no room for {wait:.0f} s ({status}: {text}); run again later")
            return Transient(f"{status}: {text}", wait=wait, crowded=status == 429)
        return FilmError(f"{self.address} answered {status}: {text}")


def _message(error: Any) -> str:
    body = error.body
    inner = body.get("message") or body.get("detail") or body if isinstance(body, Mapping) else body
    return str(inner or error.message)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    said = headers.get("retry-after", "")
    with suppress(ValueError):
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
    with suppress(ValueError):
        return max(0.0, float(said))
    with suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(said).timestamp() - time())
    return None
