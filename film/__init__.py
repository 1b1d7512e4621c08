"""Text-guided image fusion."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["FusionPipeline", "__version__", "load_network"]

if TYPE_CHECKING:
    from film.checkpoint import load_network
    from film.pipeline import FusionPipeline


def __getattr__(name: str) -> Any:
    """Import what needs torch only when it is asked for: `import film` and `film --help` stay fast."""
    if name == "FusionPipeline":
        from film.pipeline import FusionPipeline

        return FusionPipeline
    if name == "load_network":
        from film.checkpoint import load_network

        return load_network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
