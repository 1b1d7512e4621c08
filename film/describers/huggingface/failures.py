"""What an exception of torch or transformers means, in a line."""

import re

_OUT_OF_MEMORY = re.compile("out of memory|allocate memory", re.IGNORECASE)


def is_lack_of_memory(error: Exception) -> bool:
    """Whether a device or the machine ran out of memory; only the message tells, as the types differ."""
    return isinstance(error, MemoryError) or bool(_OUT_OF_MEMORY.search(str(error)))


def reason(error: Exception) -> str:
    """The first sentence of what transformers says over many lines."""
    line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return re.split(r"(?<=\w[.!])\s", " ".join(line.split()))[0][:300].rstrip(" .:;")
