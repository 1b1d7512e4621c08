"""Multi-focus pairs (MFF): RealMFF, Lytro, MFFW and their like, and focus simulated in sharp photos."""

from film.data.base import FusionDataModule


class MultiFocusDataModule(FusionDataModule):
    """A is focused near, B far; arguments as `FusionDataModule`."""

    task = "MFF"
