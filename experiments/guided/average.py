"""Weights between those before and after more training: often better than either (WiSE-FT: Wortsman et al., CVPR 2022).

    python experiments/guided/average.py before.safetensors after.safetensors --share 0.65 --output between.safetensors

What reads the text is taken from the second file, unless `--ears` says otherwise; so is what the first one lacks or
has in another shape. Words that weren't learnt from are heard better with a little less of what the adapter changes of
the text encoder (`--adapter 0.9`).
"""

import argparse
from pathlib import Path

from safetensors.torch import load_file

from film.checkpoint import Model, load_model, save_model

EARS = ("text_encoder.", "text_reader.concept", "text_reader.norm")
CHANGES = "text_encoder.adapter.outward."  # linear in what the adapter changes


def main() -> None:
    """Average and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a model file")
    parser.add_argument("after", type=Path, help="a model file of the same network, trained on from there")
    parser.add_argument("--share", type=float, default=0.65, help="of the weights after; default: %(default)s")
    parser.add_argument(
        "--ears", type=float, default=1.0, help="the same for what reads the text; default: %(default)s"
    )
    parser.add_argument(
        "--adapter", type=float, default=1.0, help="share of the adapter's changes that stays; default: %(default)s"
    )
    parser.add_argument("--output", type=Path, default=Path("outputs/guided/between.safetensors"))
    args = parser.parse_args()
    before, after = load_file(args.before), load_model(args.after)
    weights = after.network.state_dict()
    for name, weight in weights.items():
        if name in before and before[name].shape == weight.shape:
            weight.lerp_(before[name], 1 - (args.ears if name.startswith(EARS) else args.share))
        if name.startswith(CHANGES):
            weight.mul_(args.adapter)
    save_model(Model(args.output.stem, after.network, after.config, after.sentences), args.output)


if __name__ == "__main__":
    main()
