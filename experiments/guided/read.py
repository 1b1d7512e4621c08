"""Teach the text reader of film-small to hear what is asked, from texts alone; `film fit` then goes on with images.

    python experiments/guided/read.py --texts outputs/guided --output outputs/guided/reader.safetensors

The reader learns to say which of `film.concepts.CONCEPTS` a training text names, and the adapter of MiniLM to tell
apart what means the opposite. How much a network hears of the wordings kept for validation:

    python experiments/guided/read.py --images film-small --steps 0

and how well words are heard that no wording had that was learnt from:

    python experiments/guided/read.py --unheard 0.2 --output outputs/guided/unheard.safetensors
"""

import argparse
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Parameter
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from film.checkpoint import Model, build_network, save_model
from film.concepts import CONCEPTS, INSTRUCTIONS, OPPOSITES
from film.config import compose
from film.data.guidance import Guidance, Guide
from film.data.wordings import Wordings, content_words, load_wordings
from film.devices import DEVICES, choose_device
from film.layers.text import TextFeatures, split_sentences
from film.network import FusionNetwork
from film.task import begin_from
from film.tasks import SENTENCES, TASKS
from film.text_encoders.minilm import MiniLM

ASKING = [CONCEPTS.index(key) for key in INSTRUCTIONS]
SAID = {"emphasise_a": "first", "emphasise_b": "second"}  # what their wordings name that suit every task
OTHERS = OPPOSITES | {"first": "second", "second": "first"}
NOISE = 5.0  # as much as NEFTune puts on embeddings (Jain et al., ICLR 2024)


def draw(guide: Guide, seed: int, *, validating: bool = False) -> tuple[str, Tensor]:
    """A training text, and for each concept whether the text names it."""
    task = TASKS[seed % len(TASKS)]
    name = ("ct", "pet", "spect")[seed // len(TASKS) % 3] + "_0"
    return guide.say(task=task, text=SENTENCES[task], name=name, seed=seed, validating=validating)


def draw_batch(guide: Guide, seeds: range, *, validating: bool = False) -> tuple[list[str], Tensor]:
    """Texts, and what they name (B, concepts)."""
    texts, named = zip(*(draw(guide, seed, validating=validating) for seed in seeds), strict=True)
    return list(texts), torch.stack(named)


class Batches(Dataset):
    """Every step's texts; all the long ones, with descriptions, come together in every eighth."""

    def __init__(self, guide: Guide, *, steps: int, size: int, seed: int) -> None:
        self.steps, self.size, self.seed = steps, size, seed
        self.terse, self.wordy = (
            Guide(replace(guide.guidance, described=share), guide.texts, guide.wordings) for share in (0.0, 1.0)
        )

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[list[str], Tensor]:
        says, size = (self.wordy, self.size // 4) if step % 8 == 0 else (self.terse, self.size)
        begin = (self.seed * 10**5 + step) * self.size
        return draw_batch(says, range(begin, begin + size))


def accuracy(network: FusionNetwork, guide: Guide, *, texts: int = 300) -> str:
    """How often the instruction, and how often its opposite, is heard best in wordings kept for validation."""
    said, named = draw_batch(guide, range(10**9, 10**9 + texts), validating=True)
    heard, named = listen(network, said)[:, ASKING], named[:, ASKING].bool()
    silent, one, two = (named.sum(1) == count for count in range(3))
    wanted = [INSTRUCTIONS[i] for i in named[one].float().argmax(1)]
    false = (heard[silent] > 0).any(1).float().mean()
    both = (heard[two] > 0)[named[two]].float().mean()
    return f"{verdict(heard[one], wanted)}; heard of two {both:.3f}; heard where nothing is asked {false:.3f}"


def accuracy_alone(network: FusionNetwork) -> str:
    """The same for every instruction kept for validation, with nothing else said, and for those of rare words."""
    splits = load_wordings().instructions
    pairs = [(key, said) for key in splits for said in splits[key].part(validating=True)]
    heard = listen(network, [said for _, said in pairs])[:, ASKING]
    wanted = [SAID.get(key, key) for key, _ in pairs]
    rare = [i for i, new in enumerate(map(Novelty(), *zip(*pairs, strict=True))) if new]
    few = verdict(heard[rare], [wanted[i] for i in rare])
    return f"{verdict(heard, wanted)}; {len(pairs)} wordings; of rare words: {few}; {len(rare)} wordings"


def leave_out(wordings: Wordings, share: float) -> tuple[Wordings, dict[str, list[str]]]:
    """Take a share of the words out of what is learnt from, to see how words are heard that weren't.

    They are drawn from the content words of an instruction and its opposite, but for the most common ones.

    Returns:
        The wordings without them, and by what they name those which share no content word with what is left of their
        meaning and its opposite: such wordings as those that are held out.
    """
    random, rare = Random(100), 60
    gone: dict[str, set[str]] = {}
    for key, opposite in OPPOSITES.items():
        if key in gone:
            continue
        both = (*wordings.pooled(key).train, *wordings.pooled(opposite).train)
        times = Counter(word for said in both for word in content_words([said]))
        gone[key] = gone[opposite] = {word for word in sorted(times) if times[word] <= rare and random.random() < share}
    left = wordings.filtered(lambda key, said: content_words([said]).isdisjoint(gone[key]))
    unheard: dict[str, list[str]] = {}
    for key, opposite in OPPOSITES.items():
        known = content_words((*left.pooled(key).train, *left.pooled(opposite).train))
        for said in wordings.pooled(key).train:
            rest = content_words([said])
            if rest and rest.isdisjoint(known):
                general = said in wordings.instructions[key].train
                unheard.setdefault(SAID.get(key, key) if general else key, []).append(said)
    return left, unheard


def accuracy_unheard(network: FusionNetwork, unheard: dict[str, list[str]]) -> str:
    """How often instructions in words that weren't learnt from are heard best, or their opposites; the mean of all."""
    each = [judge(listen(network, texts)[:, ASKING], [named] * len(texts)) for named, texts in unheard.items()]
    right, opposite = (sum(shares) / len(each) for shares in zip(*each, strict=True))
    return f"right {right:.3f}, opposite {opposite:.3f}; {sum(map(len, unheard.values()))} wordings"


class Novelty:
    """Tells instructions of words that are hardly learnt from, as those of a user may be.

    Called with a key and a wording, it says whether no word of it but the most common ones stands in more than five
    training wordings of the same meaning or the opposite one.
    """

    def __init__(self) -> None:
        splits = load_wordings().instructions
        self.times = {
            key: Counter(word for said in split.part(validating=False) for word in words(said))
            for key, split in splits.items()
        }
        self.common = {word for word, _ in sum(self.times.values(), Counter()).most_common(150)}

    def __call__(self, key: str, wording: str) -> bool:
        """Judge one."""
        own, opposite = self.times[key], self.times[OPPOSITES[key]]
        return all(own[word] + opposite[word] <= 5 for word in words(wording) - self.common)


def words(text: str) -> set[str]:
    """The words of a text, in small letters."""
    return set(re.findall(r"[^\W\d_]+", text.lower()))


def verdict(heard: Tensor, wanted: list[str]) -> str:
    """`judge` in words."""
    return "right {:.3f}, opposite {:.3f}".format(*judge(heard, wanted))


def judge(heard: Tensor, wanted: list[str]) -> tuple[float, float]:
    """How often the instruction heard best, of log-odds (B, instructions), is what was asked for, or its opposite."""
    best = [INSTRUCTIONS[i] for i in heard.argmax(1)]
    right = sum(key == one for key, one in zip(best, wanted, strict=True)) / len(wanted)
    opposite = sum(key == OTHERS[one] for key, one in zip(best, wanted, strict=True)) / len(wanted)
    return right, opposite


def listen(network: FusionNetwork, texts: list[str]) -> Tensor:
    """Log-odds (texts, concepts), without learning from them."""
    switch(network, training=False)
    with torch.no_grad():
        heard = [hear(network, texts[i : i + 50]) for i in range(0, len(texts), 50)]
    switch(network, training=True)
    return torch.cat(heard).cpu()


def switch(network: FusionNetwork, *, training: bool) -> None:
    """Let the network train, or not, and so the dropout of the language model, which isn't part of it."""
    assert isinstance(network.text_encoder, MiniLM)
    network.train(training)
    network.text_encoder.language.model.train(training)


def blur(module: torch.nn.Module, _: object, words: Tensor) -> Tensor:
    """Noise on the embeddings of words (B, L, D), so that others near them are heard alike."""
    if not module.training:
        return words
    return words + (torch.rand_like(words) * 2 - 1) * NOISE / (words.shape[1] * words.shape[2]) ** 0.5


def hear(network: FusionNetwork, texts: list[str]) -> Tensor:
    """Log-odds (B, concepts): what `TextReader.logits` says of the texts, of which it needs only the embeddings."""
    encoder, reader = network.text_encoder, network.text_reader
    assert isinstance(encoder, MiniLM)
    assert reader is not None
    cut = [split_sentences(text) for text in texts]
    sentences = sorted({sentence for parts in cut for sentence in parts}, key=len)
    row = {sentence: i for i, sentence in enumerate(sentences)}
    rows = [torch.tensor([row[sentence] for sentence in parts], dtype=torch.long) for parts in cut]
    device = reader.concept.weight.device
    index = pad_sequence(rows, batch_first=True, padding_value=-1).to(device)
    size = len(sentences) if device.type == "cuda" else 64  # a processor gains by less padding, a GPU by fewer calls
    embedded = torch.cat([embed(encoder, sentences[i : i + size], device) for i in range(0, len(sentences), size)])
    mask = (index >= 0).repeat_interleave(embedded.shape[1], 1)
    return reader.logits(TextFeatures(embedded[index.clamp_min(0)].flatten(1, 2), mask))


def embed(encoder: MiniLM, sentences: list[str], device: torch.device) -> Tensor:
    """Embeddings (B, layers, 385) of sentences, as `MiniLM` begins them with."""
    assert encoder.adapter is not None
    given = encoder.language.tokenizer(sentences, padding=True, return_tensors="pt").to(device)
    with encoder.adapter.applied(encoder.language.model.to(device)):
        states = encoder.language.model(given["input_ids"], given["attention_mask"], output_hidden_states=True)
    layers = torch.stack([states.hidden_states[layer] for layer in encoder.layers], 1).float()
    mask = given["attention_mask"].view(len(sentences), 1, -1, 1)
    tokens = F.pad((layers * mask).sum(2) / mask.sum(2), (0, 1), value=-1.0)
    tokens[:, 0, -1] = 1.0
    return tokens


def missed(heard: Tensor, named: Tensor) -> Tensor:
    """The loss of log-odds (B, concepts): each concept by itself, and which of all instructions it is."""
    each = F.binary_cross_entropy_with_logits(heard, named, reduction="none").sum(1).mean()
    asking = named[:, ASKING].sum(1) == 1
    scores, wanted = heard[asking][:, ASKING], named[asking][:, ASKING].argmax(1)
    which = F.cross_entropy(scores, wanted, label_smoothing=0.05, reduction="sum") / max(1, len(wanted))
    return each + 2 * which


def main(argv: Sequence[str] | None = None) -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", default="outputs/guided", help="folder with Text/{TASK}/{SET}/{side}")
    parser.add_argument("--output", type=Path, default=Path("outputs/guided/reader.safetensors"))
    parser.add_argument(
        "--images", metavar="FILE", help="a network that knows images already; it keeps all but what hears"
    )
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--seed", type=int, default=0, help="of the texts that are drawn; another one to average with")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate; default: %(default)s")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument(
        "--unheard",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the words that aren't learnt from, to report how they are heard",
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that draw texts; a GPU needs several")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: %(default)s")
    parser.add_argument(
        "--bf16", action="store_true", help="MiniLM computes in bfloat16: faster on processors that know it"
    )
    args = parser.parse_args(argv)

    torch.manual_seed(args.seed)
    config = compose(["network/film_small.yaml"])["model"]["network"]
    args.device = choose_device(args.device)
    network = build_network(config).to(args.device)
    assert network.text_reader is not None
    assert isinstance(network.text_encoder, MiniLM)
    if args.images:
        begin_from(network, args.images)
    switch(network, training=True)
    network.text_encoder.language.model.embeddings.register_forward_hook(blur)
    if args.bf16:
        network.text_encoder.language.model.bfloat16()
    wordings, unheard = leave_out(load_wordings(), args.unheard) if args.unheard else (None, {})
    guidance = Guidance(instruction=0.85, second=0.2, joined=0.8, region=0.3, described=0.3)
    mixed = Guide(guidance, args.texts, wordings)
    ears = [*network.text_encoder.parameters(), *network.text_reader.concept.parameters()]
    if args.steps:
        train(network, ears, args, mixed, lambda: save_model(Model("reader", network, config), args.output))
    tqdm.write(f"texts: {accuracy(network, mixed, texts=2000)}")
    tqdm.write(f"alone: {accuracy_alone(network)}")
    if unheard:
        tqdm.write(f"in words not learnt from: {accuracy_unheard(network, unheard)}")


def train(
    network: FusionNetwork, ears: list[Parameter], args: argparse.Namespace, guide: Guide, save: Callable[[], None]
) -> None:
    """Train these weights, which hear, and save now and then."""
    optimizer = torch.optim.AdamW(ears, lr=args.rate, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, args.steps, pct_start=0.08)
    batches = Batches(guide, steps=args.steps, size=args.batch, seed=args.seed)
    bar = tqdm(DataLoader(batches, batch_size=None, num_workers=args.workers), mininterval=10, unit=" batches")
    for step, (texts, named) in enumerate(bar):
        optimizer.zero_grad()
        with sdpa_kernel(SDPBackend.MATH) if args.bf16 else nullcontext():  # flash attention is slow back on processors
            loss = missed(hear(network, texts), named.to(args.device))
            loss.backward()
        optimizer.step()
        schedule.step()
        if step % 200 == 199:
            bar.write(f"step {step + 1}: loss {loss:.3f}; {accuracy(network, guide)}")
        if step % 200 == 199 or step == args.steps - 1:
            save()


if __name__ == "__main__":
    main()
