"""The bundled model on a quarter of its grid, at a sixteenth of its cost.

Its networks look at single columns and do not know how many there are; what belongs to
places is averaged, and the orography that it learned is cut off. Its weather is coarse,
its ground nearly flat, its physics weak and its diffusion strong: so it stays stable
for months.
"""

import pathlib

import numpy as np

from ngcm_cli.checkpoint.native import read_weights, write_native
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.zoo import bundled_folder
from ngcm_cli.zoo.loading import find_card

NAME = "tl15_reduced"
TRUNCATION = 15
# What was learned for another grid would blow up here within a week.
CALMED = {
    "step.parameterization.tower.decode.layers.0.weight": 0.1,
    "step.dycore.orography.correction": 0.1,
    "static.geopotential_at_surface": 0.1,
}


# Columns of the networks' first layers that see the random fields.
RANDOM = {
    "encoder.tower.encode.layers.0.weight": slice(8, 18),
    "step.parameterization.tower.encode.layers.0.weight": slice(428, 438),
}


def write_reduced_model(folder: pathlib.Path, stochastic: bool = True) -> pathlib.Path:
    """Write the model, with random fields or without, and return the card's path."""
    card = find_card("tl63_stochastic_mini")
    arrays = read_weights(card, bundled_folder())
    spec = card.spec.model_dump(mode="json")
    full = Grid.quadratic(spec["dycore"]["wavenumbers"])
    spec["truncation"] = TRUNCATION
    spec["dycore"]["wavenumbers"] = TRUNCATION
    spec["dycore"]["filters"][0] |= {"timescale_minutes": 120.0, "order": 1}
    small = Grid.quadratic(TRUNCATION)
    for name, x in arrays.items():
        if x.shape[-2:] == Grid.linear(63).nodal_shape:
            blocks = x.reshape(*x.shape[:-2], 32, 4, 16, 4)
            arrays[name] = blocks.mean((-3, -1), dtype=np.float64).astype(x.dtype)
    learned = np.zeros(full.modal_shape, np.float32)
    learned[full.mask] = arrays["step.dycore.orography.correction"]
    rows, columns = small.modal_shape
    arrays["step.dycore.orography.correction"] = learned[:rows, :columns][small.mask]
    for name, factor in CALMED.items():
        arrays[name] = arrays[name] * np.float32(factor)
    if not stochastic:
        for name, columns in RANDOM.items():
            arrays[name] = np.delete(arrays[name], columns, axis=1)
        for name in [name for name in arrays if name.endswith(("lengths", "_times"))]:
            del arrays[name]
        spec["random_fields"] = None
    description = {
        "name": NAME,
        "summary": "The bundled model on a coarse grid, for tests",
        "paper": card.paper,
        "source": card.source,
        "licence": card.licence,
        "stable_for": "not known",
    }
    write_native(folder, description, type(card.spec).model_validate(spec), arrays)
    return folder / f"{NAME}.yaml"
