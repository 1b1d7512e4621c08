"""Medical pairs (MIF): the Harvard set of MRI with CT, PET or SPECT, and its like."""

from film.data.base import FusionDataModule


class MedicalDataModule(FusionDataModule):
    """A is MRI, B is CT, PET or SPECT; arguments as `FusionDataModule`."""

    task = "MIF"
