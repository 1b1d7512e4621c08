"""Multi-exposure pairs (MEF): SICE, MEFB, FusionDN30 and their like, and brackets simulated from single photos."""

from film.data.base import FusionDataModule


class MultiExposureDataModule(FusionDataModule):
    """A is over-exposed, B under-exposed; arguments as `FusionDataModule`."""

    task = "MEF"
