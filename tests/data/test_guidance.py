"""Training texts: they say what is wanted, in the wordings of their stage, and the same seed says the same."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from film.concepts import OPPOSITES
from film.data import rules
from film.data.guidance import Guidance, Guide, described, region_mask
from film.data.wordings import load_wordings
from film.errors import FilmError
from film.layers.text import split_sentences
from film.tasks import SENTENCES

NEVER = dict.fromkeys(
    (
        "instruction",
        "second",
        "joined",
        "region",
        "degree",
        "described",
        "another_task",
        "swapped",
        "nonsense",
        "wordless",
        "noise",
    ),
    0.0,
)


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def images() -> tuple[Tensor, Tensor]:
    a, b = torch.rand(2, 1, 1, 48, 64, generator=torch.Generator().manual_seed(0))
    return a, b


def guided(seed: int, task: str = "IVF", texts: str | None = None, text: str | None = None, **shares: float):
    """What a guide with only these shares makes of a pair."""
    guide = Guide(Guidance(**(NEVER | shares)), texts)
    return guide(*images(), task=task, text=text or SENTENCES[task], name="MIF/Harvard/pet_1", seed=seed)


def test_without_any_share_the_task_is_named_and_its_rule_holds() -> None:
    pair = guided(0)
    a, b = images()
    assert torch.equal(pair.a, a)
    assert torch.equal(pair.aim.image, rules.neutral("IVF", a, b).image)
    allowed = {SENTENCES["IVF"], SENTENCES["neutral"], *load_wordings().tasks["IVF"].sentences.train}
    assert all(any(start in guided(seed).text for start in allowed) for seed in range(20))


def test_the_same_seed_says_the_same() -> None:
    shares = {"instruction": 0.7, "region": 0.5, "nonsense": 0.3, "noise": 0.5, "swapped": 0.5}
    for seed in range(10):
        first, second = guided(seed, **shares), guided(seed, **shares)
        assert first.text == second.text
        assert all(torch.equal(x, y) for x, y in zip(first.aim, second.aim, strict=True))
    assert len({guided(seed, **shares).text for seed in range(20)}) > 15


def test_instructions_change_what_is_wanted() -> None:
    neutral = rules.neutral("IVF", *images()).image
    changed = [(guided(seed, instruction=1.0).aim.image - neutral).abs().mean() > 1e-3 for seed in range(30)]
    assert sum(changed) > 25


def test_two_instructions_are_said_in_one_sentence_as_in_two() -> None:
    for seed in range(20):
        apart, joined = (guided(seed, instruction=1.0, second=1.0, joined=share) for share in (0.0, 1.0))
        assert apart.asked == joined.asked
        assert torch.equal(apart.aim.image, joined.aim.image)
        assert len(split_sentences(joined.text)) < len(split_sentences(apart.text))
        assert words(joined.text) - {"and"} == words(apart.text) - {"and"}
        assert "and" in words(joined.text)


def test_held_out_wordings_are_never_said_and_validation_has_its_own() -> None:
    guide = Guide(Guidance(**(NEVER | {"instruction": 1.0})), None)
    wordings = load_wordings().instructions
    held_out = {text for split in wordings.values() for text in split.held_out}
    said = {stage: set() for stage in (False, True)}
    for stage in said:
        for seed in range(150):
            pair = guide(*images(), task="MEF", text=SENTENCES["MEF"], name="x", seed=seed, validating=stage)
            said[stage] |= {text for split in wordings.values() for text in split.train if text in pair.text}
            assert not [text for text in held_out if len(text) > 12 and text in pair.text]
    first = {text for split in wordings.values() for text in split.train[::8]}
    assert len(said[False]) > 50 < 3 * len(said[True])
    assert len([text for text in said[False] if text in first]) < 0.1 * len(said[False])  # parts of longer ones


def test_another_tasks_text_brings_its_rule() -> None:
    a, b = images()
    for seed in range(10):
        pair = guided(seed, another_task=1.0)
        wanted = {task: rules.neutral(task, a, b).image for task in ("MEF", "MFF")}
        assert any(torch.equal(pair.aim.image, image) for image in wanted.values())


def test_no_text_and_nonsense_change_nothing() -> None:
    neutral = rules.neutral("IVF", *images()).image
    assert guided(0, wordless=1.0).text == ""
    for seed in range(10):
        pair = guided(seed, nonsense=1.0, instruction=0.0)
        assert torch.equal(pair.aim.image, neutral)
        assert any(text in pair.text for text in load_wordings().nonsense.train)


def test_what_is_said_can_be_had_without_images() -> None:
    shares = NEVER | {"instruction": 0.8, "second": 0.3, "region": 0.5, "nonsense": 0.3, "noise": 0.5, "swapped": 0.5}
    for seed in range(30):
        said = {"task": "MIF", "text": SENTENCES["MIF"], "name": "pet_1", "seed": seed}
        guide = Guide(Guidance(**shares), None)
        pair = guide(*images(), **said)
        text, named = guide.say(**said)
        assert text == pair.text
        assert torch.equal(named, pair.named)


def test_swapped_sources_are_announced() -> None:
    a, b = images()
    for seed in range(10):
        pair = guided(seed, swapped=1.0)
        assert torch.equal(pair.a, b)
        assert torch.equal(pair.b, a)
        assert any(text.rstrip(".") in pair.text for text in load_wordings().tasks["IVF"].order_ba.train)


def test_noise_is_kept_unless_it_is_to_go() -> None:
    a, _ = images()
    noisy = [guided(seed, noise=1.0) for seed in range(5)]
    assert all(not torch.equal(pair.a, a) for pair in noisy)
    assert all(torch.equal(pair.aim.image, rules.neutral("IVF", pair.a, pair.b).image) for pair in noisy)


def test_descriptions_come_from_the_pair_or_from_the_pool(tmp_path: Path) -> None:
    for side, text in (("NEAR", "Near words."), ("FAR", "Far words.")):
        folder = tmp_path / "Text/MFF/Simulated" / side
        folder.mkdir(parents=True)
        (folder / "one.txt").write_text(text)
    assert described(str(tmp_path), "MFF") == ("Near words. Far words.",)
    pooled = [guided(seed, task="MFF", texts=str(tmp_path), described=1.0).text for seed in range(10)]
    assert all("Near words." in text or "Far words." in text for text in pooled)
    assert {text.count(" words.") for text in pooled} == {1, 2}  # all of it, or a part
    assert "My own words." in guided(1, text="My own words.", described=1.0).text


def test_the_place_of_what_an_instruction_is_about_is_known() -> None:
    """Where that source is bright; nowhere for instructions about all of the image, and for two of them."""
    _, b = images()
    places = {
        name: pair.place
        for seed in range(80)
        for pair in [guided(seed, "MIF", instruction=1.0)]
        for name in pair.asked
        if name in OPPOSITES
    }
    for name, place in places.items():
        expected = rules.bright_regions(b) if name in ("uptake", "less_uptake", "bone") else torch.zeros_like(b)
        assert torch.equal(place, expected), name
    assert {"uptake", "less_uptake", "brighter"} <= places.keys()
    assert not any(guided(seed, "MIF", instruction=1.0, second=1.0).place.any() for seed in range(20))
    local = [guided(seed, "MIF", instruction=1.0, region=1.0) for seed in range(40)]
    parts = [pair.place for pair in local if "left" in pair.asked and pair.place.any()]
    assert parts
    assert all(place[..., :24].sum() > 10 * place[..., 40:].sum() for place in parts)


def test_medical_wordings_suit_the_scan() -> None:
    texts = [guided(seed, task="MIF", instruction=1.0).text for seed in range(60)]
    own = [text.replace(SENTENCES["MIF"], "") for text in texts]
    assert not [text for text in own if "bone" in text.lower()]


@pytest.mark.parametrize("region", ["left", "right", "top", "bottom", "centre"])
def test_regions_lie_where_they_say(region: str) -> None:
    mask = region_mask(region, torch.zeros(1, 1, 40, 60))[0, 0]
    inside = {
        "left": mask[:, :20],
        "right": mask[:, 40:],
        "top": mask[:12],
        "bottom": mask[28:],
        "centre": mask[16:24, 25:35],
    }
    assert inside[region].mean() > 0.9
    assert mask.mean() < 0.6


def test_a_share_outside_of_0_to_1_is_refused() -> None:
    with pytest.raises(FilmError, match=r"nonsense: 1.5 .* must be between 0 and 1"):
        Guidance(nonsense=1.5)
