"""Fuse the pairs with models before they are measured."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from film.commands.evaluation.words import PairWords
from film.describers.base import Describer
from film.errors import FilmError
from film.imaging.files import read_image, write_image
from film.pipeline import FusionPipeline

Sources = Mapping[str, tuple[Path, Path]]


def fuse_with(
    model: str,
    sources: Sources,
    folder: Path,
    *,
    task: str | None,
    texts: Path | None,
    device: str,
    describer: Describer | None = None,
    set_name: str | None = None,
) -> tuple[str, dict[str, Path], list[str]]:
    """Fuse every pair in grey, as `<folder>/<model>/<stem>.png`; what an earlier run of the same model wrote is kept.

    Args:
        model: Name of a shipped model, or a file.
        sources: Files of A and B by stem.
        folder: Where the model's folder goes.
        task: Task whose sentence the model is told; None for the neutral one.
        texts: Where the texts lie that are read beside the sentence, see `PairWords`.
        device: As of `FusionPipeline`.
        describer: Describes every pair on the fly instead.
        set_name: `TASK/SET` of the pairs, if they are of one.

    Returns:
        The model's name, the fused files by stem, and one line for each pair that failed.

    Raises:
        FilmError: The model can't be loaded, or there is no such folder of texts.
    """
    pipeline = FusionPipeline.load(model, device=device, describer=describer)
    words = PairWords(pipeline, sources, task=task, texts=texts, set_name=set_name)
    target = folder / pipeline.model.name
    made_by = {"model": fingerprint(pipeline), "task": task, "texts": str(texts) if texts else None}
    described = {"describer": describer.identity()} if describer else {}
    _start_afresh_if_changed(target, made_by | described)
    fused: dict[str, Path] = {}
    failures = []
    for stem, (a, b) in tqdm(sources.items(), unit=" pairs", leave=False, desc=f"fusing with {pipeline.model.name}"):
        path = target / f"{stem}.png"
        try:
            if not path.is_file():
                said = words.of(stem)
                picture = pipeline.fuse(read_image(a), read_image(b), words=said, grey=True, names=(str(a), str(b)))
                write_image(path, picture)
            fused[stem] = path
        except (FilmError, RuntimeError) as error:
            failures.append(f"{pipeline.model.name}, {stem}: {error}")
    return pipeline.model.name, fused, failures


def fingerprint(pipeline: FusionPipeline) -> str:
    """Hash of all weights of a model."""
    digest = hashlib.sha256()
    for name, tensor in sorted(pipeline.model.network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()


def _start_afresh_if_changed(folder: Path, made_by: Mapping[str, Any]) -> None:
    """Remove what another model or other words of the same name had written."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "made_by.json"
    text = json.dumps(made_by)
    if not note.is_file() or note.read_text() != text:
        for path in folder.glob("*.png"):
            path.unlink()
        note.write_text(text)
