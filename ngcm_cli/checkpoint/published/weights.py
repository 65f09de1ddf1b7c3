"""Named arrays of our format from the parameters of a published checkpoint.

Strict: every published parameter finds its place in the model by the table below.
"""

import re

import numpy as np

from ngcm_cli.checkpoint.spec import ModelSpec, SurfaceSpec
from ngcm_cli.checkpoint.weights import STATIC
from ngcm_cli.errors import CheckpointError

_HINT = "The file does not belong to this model, or is of another version."

_ROOT = "stochastic_modular_step_model/~/"
_MEMORY = "dimensional_learned_weatherbench_to_primitive_with_memory_encoder/~/"
_PHYSICS = "stochastic_physics_parameterization_step/~/div_curl_neural_parameterization"
_WATER = "precipitation_diagnostics_constrained/~/modal_to_nodal_embedding"
_CORRECTOR = "custom_coords_corrector/~/dycore_with_physics_corrector"
_STEP = "stochastic_physics_parameterization_step"
_OWNERS = {
    "dimensional_learned_weatherbench_to_primitive_encoder": "encoder",
    _MEMORY + "learned_weatherbench_to_primitive_encoder_1": "encoder",
    _MEMORY + "learned_weatherbench_to_primitive_encoder": "memory_encoder",
    "dimensional_learned_primitive_to_weatherbench_decoder": "decoder",
    _PHYSICS: "step.parameterization",
    f"{_STEP}/~/{_CORRECTOR}": "step.dycore",
    f"{_STEP}/~/{_WATER}": "step.water_budget.network",
    _STEP: "step",
}
_NOISE = {"encoder": "encoder_noise", "step": "step.random_fields"}
_SURFACE = (
    "~/combined_features/~/embedding_surface_features/~/nodal_land_sea_ice_embedding"
)
_PROFILE = (
    "~/combined_features/~/embedding_volume_features/~/modal_to_nodal_embedding"
    "/nodal_volume_mapping/~/vertical_conv_tower/~/conv_level"
)
_TOWER = re.compile(
    r"nodal_mapping/~/epd_tower/(?:\w+_)?(encode|process|decode)_tower"
    r"(?:_(\d+))?/~/mlp_uniform/~/linear_(\d+)"
)
_RANDOM = re.compile(
    r"~/(?:batch_gaussian_random_field_module"
    r"|dict_of_gaussian_random_field_modules/~/(\w+))"
)


def from_published(
    params: dict[str, dict[str, np.ndarray]],
    static: dict[str, np.ndarray],
    spec: ModelSpec,
) -> dict[str, np.ndarray]:
    """Return arrays by their place in our model from those of a published checkpoint.

    Args:
        params: haiku module path → parameter name → array.
        static: static fields by name.
        spec: of the model, which says what the numbered networks of its surface
            embeddings are.

    Raises:
        CheckpointError: a parameter that no place is known for.
    """
    surfaces = {"step.parameterization": _surface_parts(spec.physics.surface)}
    if spec.water_budget is not None:
        parts = _surface_parts(spec.water_budget.network.surface)
        surfaces["step.water_budget.network"] = parts
    arrays = {STATIC + name: x for name, x in static.items()}
    scalars: dict[str, list[tuple[str, np.ndarray]]] = {}
    for module, leaves in params.items():
        for leaf, x in leaves.items():
            name = _place(module, leaf, surfaces)
            if x.ndim == 0:  # one of several named random fields
                scalars.setdefault(name, []).append((module, x))
            elif name in arrays:
                raise CheckpointError(f"Two parameters claim the place {name}.", _HINT)
            else:
                arrays[name] = _arrange(name, x)
    for name, found in scalars.items():
        arrays[name] = np.stack([x for _, x in sorted(found, key=lambda f: f[0])])
    return arrays


def _arrange(name: str, x: np.ndarray) -> np.ndarray:
    """Return the array in our order: published ones are [in, out], [width, in, out]."""
    if ".profile." in name:
        return x[:, 0] if name.endswith("bias") else np.ascontiguousarray(x.T)
    return np.ascontiguousarray(x.T) if name.endswith(".weight") else x


def _surface_parts(surface: SurfaceSpec | None) -> list[str]:
    """Return the parts of a surface embedding that have a network, in its order."""
    parts = "land", "sea", "sea_ice"
    return [part for part in parts if getattr(surface, part, None) is not None]


def _place(module: str, leaf: str, surfaces: dict[str, list[str]]) -> str:
    """Return where a published parameter belongs."""
    path = module.removeprefix(_ROOT)
    for published, ours in _OWNERS.items():
        if path.startswith(published + "/"):
            below = path.removeprefix(published + "/")
            rest = _within(below, leaf, surfaces.get(ours, []))
            if rest is not None:
                owner = _NOISE[ours] if rest.startswith("raw_") else ours
                return f"{owner}.{rest}"
    raise CheckpointError(
        f"The checkpoint has a parameter of unknown use: {module} {leaf}.",
        "Report it with the name of the checkpoint.",
    )


def _within(path: str, leaf: str, surface_parts: list[str]) -> str | None:
    """Return the place of a parameter below its owner, or None."""
    kind = {"w": "weight", "b": "bias"}.get(leaf)
    if kind and (match := _TOWER.fullmatch(path)):
        part, block, layer = match.groups()
        part = f"process.{block or 0}" if part == "process" else part
        return f"tower.{part}.layers.{layer}.{kind}"
    if kind and path.startswith(_PROFILE):
        number = path.removeprefix(_PROFILE).removeprefix("_") or "0"
        return f"profile.layers.{number}.{kind}"
    if path == "~/combined_features/~/learned_positional_features":
        return "surroundings.position"
    if path == "~/learned_orography":
        return "orography.correction"
    if path == _SURFACE:
        part = leaf.removesuffix("_params")
        return f"surface.{part}.vector"
    if path.startswith(_SURFACE + "/~/modal_to_nodal_embedding"):
        number, _, below = path.removeprefix(
            _SURFACE + "/~/modal_to_nodal_embedding"
        ).partition("/")
        index = number.removeprefix("_") or "0"
        inner = _within(below, leaf, [])
        if inner is None or not index.isdecimal() or int(index) >= len(surface_parts):
            return None
        return f"surface.{surface_parts[int(index)]}.{inner}"
    if _RANDOM.fullmatch(path):
        field = leaf.removeprefix("correlation_").removesuffix("_raw")
        return f"raw_{field.removesuffix('s')}s"
    return None
