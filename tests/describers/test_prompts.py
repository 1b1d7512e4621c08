import re

import pytest

from film.describers.prompts import RULES, name_of, paragraph, prompt
from film.errors import FilmError
from film.tasks import TASKS

KINDS = [(None, None), *((task, side) for task in TASKS for side in "ab")]
WORDS = {
    ("IVF", "a"): "thermal|hot",
    ("IVF", "b"): "visible light",
    ("MIF", "a"): "MRI|white matter",
    ("MIF", "b"): "CT|PET|SPECT|uptake|skull",
    ("MEF", "a"): "over-exposed|washed out",
    ("MEF", "b"): "under-exposed|darkness",
    ("MFF", "a"): "near focus|foreground are sharp",
    ("MFF", "b"): "far focus|background are sharp",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_has_its_own_words(kind):
    words = prompt(*kind, colour=False)
    assert words.startswith(f"This is {name_of(*kind, colour=False)}")
    assert words.endswith(RULES)
    assert all(word in words for word in WORDS.get(kind, "grey image").split("|"))
    assert "\n" not in words
    others = {prompt(*other, colour=False) for other in KINDS}
    assert len(others) == len(KINDS)


def test_colours_are_asked_for_only_where_there_are_any():
    for task, side in KINDS:
        assert re.search("no colours", prompt(task, side, colour=False))
        assert bool(re.search("no colours", prompt(task, side, colour=True))) == ((task, side) == ("IVF", "a"))


def test_partner_is_named_and_not_to_be_described():
    words = prompt("IVF", "a", colour=False, compared=True)
    assert "The second image, a visible image, shows the same scene. Describe the first one only" in words
    assert "The second image shows" in prompt(None, None, colour=True, compared=True)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (" A dark road.\n\nTwo people stand\tleft. ", "A dark road. Two people stand left."),
        ("“A dark road.”", "A dark road."),
        ('"Stop" and "go" signs', '"Stop" and "go" signs'),
        ("<think>They want\na text.</think>\nA dark road.", "A dark road."),
        ("They want a text.</think>A dark road.", "A dark road."),
        ("## Scene\n- **A dark** road\n* two people", "Scene A dark road two people"),
        ("```\nA dark road.\n```", "A dark road."),
        ("I see a dark road.", "I see a dark road."),
    ],
)
def test_answer_becomes_one_paragraph(answer, text):
    assert paragraph(answer) == text


@pytest.mark.parametrize("answer", [None, "", " \n", "<think>hm</think>", "**", '""'])
def test_empty_answers_are_errors(answer):
    with pytest.raises(FilmError, match="answer is empty"):
        paragraph(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I can’t describe this.",  # noqa: RUF001
        "I cannot assist with this request.",
        "As an AI, I …",
        "I don't see an image. Please upload it.",
    ],
)
def test_refusals_are_errors(answer):
    with pytest.raises(FilmError, match="refused: «"):
        paragraph(answer)
