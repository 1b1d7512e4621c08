"""Terms of the training loss: one file each, weighted and summed by `film.losses.base.TotalLoss`."""
