"""The water budget of a published configuration: precipitation and evaporation."""

import dataclasses
from typing import Any

from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.networks import GRADIENTS
from ngcm_cli.checkpoint.published.gin import Ref
from ngcm_cli.checkpoint.published.shared_bindings import (
    BESIDE_DIAGNOSTICS,
    DECODER,
    STEP,
)
from ngcm_cli.checkpoint.published.strict_reader import StrictReader, plain, shown
from ngcm_cli.checkpoint.published.translate_networks import surface_embedding, tower
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.physics.parameterization import STATE_FIELDS

_CONSTRAINED = "PrecipitationDiagnosticsConstrained"
_NET = "PrecipitationMinusEvaporationDiagnostics"
# Known for every model at every output, whether a configuration asks or not.
_ALWAYS = {"NoDiagnostics", "SurfacePressureDiagnostics", _NET}

_GROUND = {"land_sea_mask", *(f"geopotential_at_surface{x}" for x in GRADIENTS)}


def water_budget(
    read: StrictReader, noise: specs.RandomFieldsSpec | None
) -> specs.WaterBudgetSpec | None:
    """Return the learned precipitation or evaporation of a model, where it has one."""
    read.choose_if_bound(
        f"{DECODER}.diagnostics_module",
        Ref("NoDiagnostics"),
        Ref("NodalModelDiagnosticsDecoder"),
    )
    for name, value in BESIDE_DIAGNOSTICS.items():
        if name in read.bindings:
            _check_beside(read, name, value)
    budget = None
    for module in _modules(read):
        if module.name == _CONSTRAINED:
            budget = _constrained(read, module.scope, noise)
        elif module.name == _NET:
            name = _in(module.scope, _NET)
            read.choose_if_bound(f"{name}.method", "rate", "cumulative")
            _all_species(read, name)
        elif module.name not in _ALWAYS:
            read.refuse(
                f"has {STEP}.diagnostics_module with {shown(module)}: not supported"
            )
    return budget


def _check_beside(read: StrictReader, name: str, expected: dict[str, Any]) -> None:
    """Check a mapping that may also have diagnostics, of which nothing is predicted.

    The units that the reference reports them in do not matter: ours are fixed.
    """
    found = dict(read.get(name))
    diagnostics = found.pop("diagnostics", {})
    predicted = name.endswith("prediction_mask") and _any(diagnostics)
    if found != plain(expected) or predicted:
        read.choose(name, expected)


def _any(mask: Any) -> bool:
    return any(mask.values()) if isinstance(mask, dict) else bool(mask)


def _modules(read: StrictReader) -> tuple[Ref, ...]:
    module = read.get(f"{STEP}.diagnostics_module", Ref("NoDiagnostics"))
    if module.name != "CombinedDiagnostics":
        return (module,)
    modules = read.get(f"{_in(module.scope, module.name)}.diagnostic_modules")
    return tuple(dataclasses.replace(x, scope=x.scope or module.scope) for x in modules)


def _all_species(read: StrictReader, name: str) -> None:
    species = read.get(f"{name}.moisture_species", TRACERS)
    if set(species) != set(TRACERS):
        read.choose(f"{name}.moisture_species", TRACERS)


def _constrained(
    read: StrictReader, scope: str, noise: specs.RandomFieldsSpec | None
) -> specs.WaterBudgetSpec:
    name = _in(scope, _CONSTRAINED)
    _all_species(read, name)
    # How the reference reports what it computes; ours gives rates and sums of both.
    read.choose_if_bound(f"{name}.method_precipitation", "cumulative", "rate")
    read.choose_if_bound(f"{name}.method_evaporation", "cumulative", "rate")
    fields = "total_precipitation", "precipitation_cumulative_mean"
    read.choose_if_bound(f"{name}.field_name", *fields)
    learned = read.get(f"{name}.is_precipitation", True)
    predicts = "precipitation" if learned else "evaporation"
    read.choose_if_bound(f"{name}.is_precipitation", True, False)
    embedding = read.get(f"{name}.embedding_module")
    if embedding.name != "ModalToNodalEmbedding":
        read.refuse(f"predicts {predicts} by a {embedding.name}: not supported")
    network = _Network(read, embedding.scope or scope, noise).flux(predicts)
    return specs.WaterBudgetSpec(predicts=predicts, network=network)


class _Network:
    """Reads the embedding that predicts a flux.

    Modules made while another one is constructed inherit its scope, those made when it
    is called do not: its features and their transform are of the first kind, its
    mapping and the towers in it of the second.
    """

    def __init__(
        self, read: StrictReader, scope: str, noise: specs.RandomFieldsSpec | None
    ):
        self.read = read
        self.scope = scope
        self.noise = noise
        self.features: list[str] = []
        self.lowest_level: list[str] = []
        self.position_fields = 0
        self.surface: specs.SurfaceSpec | None = None

    def flux(self, predicts: str) -> specs.SurfaceFluxSpec:
        read, name = self.read, _in(self.scope, "ModalToNodalEmbedding")
        combined = read.get(f"{name}.modal_to_nodal_features_module")
        if combined.name != "CombinedFeatures":
            read.refuse(f"has a {combined.name} for the features of {predicts}")
        scope = combined.scope or self.scope
        scales, soft_clip = self._combined(scope)
        mapping = read.get(f"{name}.nodal_mapping_module")
        if mapping.name != "NodalMapping":
            read.refuse(f"predicts {predicts} by a {mapping.name}: not supported")
        factory = read.get(f"{_in(mapping.scope, 'NodalMapping')}.tower_factory")
        if factory.name != "EpdTower":
            read.refuse(f"predicts {predicts} by a {factory.name}: not supported")
        network, activation = tower(read, factory.scope or mapping.scope)
        scale, shift, clip = self._output(name, predicts)
        return specs.SurfaceFluxSpec(
            features=tuple(sorted(self.features)),
            lowest_level=tuple(sorted(self.lowest_level)),
            position_fields=self.position_fields,
            surface=self.surface,
            scales=scales,
            soft_clip=soft_clip,
            tower=network,
            final_activation=activation,
            scale=scale,
            shift=shift,
            clip=clip,
        )

    def _combined(self, scope: str) -> tuple[specs.ScalesSpec, float | None]:
        """Return the features of the network, and how they are scaled."""
        name = _in(scope, "CombinedFeatures")
        for nothing in "feature_module_names_to_exclude", "features_to_exclude":
            self.read.choose_if_bound(f"{name}.{nothing}", ())
        for module in self.read.get(f"{name}.feature_modules"):
            self._feature(module, module.scope or scope)
        transform = self.read.get(f"{name}.features_transform_module")
        return self._scales(transform, transform.scope or scope)

    def _feature(self, module: Ref, scope: str) -> None:
        read, name = self.read, _in(scope, module.name)
        transform = read.get(f"{name}.features_transform_module", None)
        lowest = transform == Ref("TakeSurfaceAdjacentSigmaLevel")
        if transform not in (None, Ref("IdentityTransform")) and not lowest:
            read.choose(f"{name}.features_transform_module", Ref("IdentityTransform"))
        match module.name:
            case "RadiationFeatures":
                names = ["radiation"]
            case "LatitudeFeatures":
                names = ["cos_latitude", "sin_latitude"]
            case "PressureFeatures":
                names = ["pressure"]
            case "RandomnessFeatures":
                if self.noise is None:
                    read.refuse("predicts water from random fields that it has not")
                names = list(self.noise.names or ("randomness",))
            case "ForcingFeatures":
                known = "sea_ice_cover", "sea_surface_temperature"
                names = list(read.get(f"{name}.forcing_to_include", ()))
                if not set(names) <= set(known):
                    read.choose(f"{name}.forcing_to_include", known)
            case "FloatDataFeatures":
                names = self._derived(name, read.get(f"{name}.covariate_keys"))
                if unknown := set(names) - _GROUND:
                    read.refuse(f"has unknown features {sorted(unknown)} in {name}")
            case "VelocityAndPrognostics":
                names = self._state(name)
            case "LearnedPositionalFeatures":
                read.choose_if_bound(f"{name}.scale", 1.0)
                self.position_fields = read.get(f"{name}.latent_size")
                return
            case "EmbeddingSurfaceFeatures":
                self.surface = surface_embedding(read, scope)
                return
            case _:
                read.refuse(f"predicts water from {module.name}: not supported")
        self.features += names
        self.lowest_level += names if lowest else []

    def _state(self, name: str) -> list[str]:
        """Return wind, always, and the state variables that are included."""
        fields = self.read.get(f"{name}.fields_to_include", None)
        chosen = [x for x in STATE_FIELDS if fields is None or x in fields]
        if unknown := set(fields or ()) - {"u", "v", *chosen}:
            self.read.refuse(f"includes unknown fields {sorted(unknown)} in {name}")
        return self._derived(name, ("u", "v", *chosen))

    def _derived(self, name: str, fields: tuple[str, ...]) -> list[str]:
        """Return the fields of a feature module and, on request, derivatives."""
        operators = Ref("ToModalDiffOperators")
        found = self.read.choose_if_bound(
            f"{name}.compute_gradients_module", operators, Ref("EmptyTransform")
        )
        suffixes = GRADIENTS if found == operators else ("",)
        return [field + suffix for field in fields for suffix in suffixes]

    def _scales(self, ref: Ref, scope: str) -> tuple[specs.ScalesSpec, float | None]:
        """Return shifts and scales, those of the levels, and the features' bound."""
        read, steps = self.read, [ref]
        if ref.name == "SequentialTransform":
            steps = list(read.get(f"{_in(scope, ref.name)}.transform_modules"))
        if [x.name for x in steps[:1]] != ["ShiftAndNormalize"]:
            read.refuse(f"does not scale the features of {scope} first")
        profile, soft_clip = None, None
        for step in steps[1:]:
            name = _in(step.scope or scope, step.name)
            match step.name:
                case "InverseLevelScale":
                    keys = read.get(f"{name}.keys_to_scale")
                    humidity = {f"specific_humidity{x}" for x in GRADIENTS}
                    if set(keys) != humidity:
                        read.choose(f"{name}.keys_to_scale", sorted(humidity))
                    profile = read.get(f"{name}.scales")
                case "TruncateSigmaLevels":
                    ranges = read.get(f"{name}.sigma_ranges")
                    if set(ranges.values()) - {(0.0, 1)}:
                        read.refuse(f"leaves out sigma levels of features in {scope}")
                case "SoftClip" if step is steps[-1]:
                    soft_clip = read.get(f"{name}.max_value")
                    read.choose_if_bound(f"{name}.hinge_softness", 1.0)
                case _:
                    read.refuse(f"transforms the features of {scope} by a {step.name}")
        name = _in(steps[0].scope or scope, "ShiftAndNormalize")
        read.choose_if_bound(f"{name}.global_scale", None)
        read.choose_if_bound(f"{name}.features_to_exclude", ())
        shifts, sizes = read.get(f"{name}.shifts"), read.get(f"{name}.scales")
        used = list(self.features)
        used += ["learned_positional_features"] if self.position_fields else []
        used += ["surface_embedding"] if self.surface else []
        if missing := sorted(set(used) - set(sizes)):
            read.refuse(f"has no scale for {', '.join(missing)} in {scope}")
        features = {x: (shifts[x], sizes[x]) for x in sorted(used)}
        return specs.ScalesSpec(features=features, humidity_profile=profile), soft_clip

    def _output(self, name: str, predicts: str) -> tuple[float, float, float | None]:
        """Return scale, shift and bound of the prediction."""
        read = self.read
        ref = read.get(f"{name}.output_transform_module", Ref("IdentityTransform"))
        scope = ref.scope or self.scope
        steps = [ref]
        if ref.name == "SequentialTransform":
            steps = list(read.get(f"{_in(scope, ref.name)}.transform_modules"))
        scale, shift, clip = None, 0.0, None
        for step in steps:
            inner = _in(step.scope or scope, step.name)
            match step.name:
                case "IdentityTransform":
                    pass
                case "InverseShiftAndNormalize" if scale is None and clip is None:
                    factor = read.get(f"{inner}.global_scale", None)
                    scale = read.get(f"{inner}.scales")[predicts]
                    scale *= 1.0 if factor is None else factor
                    shift = read.get(f"{inner}.shifts")[predicts]
                case "HardClip" if clip is None:
                    clip = read.get(f"{inner}.max_value")
                case _:
                    read.refuse(f"transforms the predicted {predicts} by a {step.name}")
        return 1.0 if scale is None else scale, shift, clip


def _in(scope: str, cls: str) -> str:
    return f"{scope}/{cls}" if scope else cls
