"""Infrared + visible pairs (IVF): MSRS, M3FD, RoadScene, TNO, VIFB, LLVIP and their like."""

from film.data.base import FusionDataModule


class InfraredVisibleDataModule(FusionDataModule):
    """A is infrared, B visible; arguments as `FusionDataModule`."""

    task = "IVF"
