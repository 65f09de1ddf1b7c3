"""From the configuration text of a published checkpoint to a ``ModelSpec``.

Closed world: a binding is either read here, or on the short list of those that cannot
change an answer, or an error that names it. What all known models have in common is
checked against ``invariants``, not assumed.
"""

import re
from typing import Any

from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.gin import Bindings, Ref, parse
from ngcm_cli.checkpoint.invariants import (
    COMMON,
    DECODER,
    INERT,
    MEMORY_ENCODER,
    MODEL,
    PHYSICS,
    PLAIN_ENCODER,
    STEP,
)
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.errors import CheckpointError
from ngcm_cli.physics.parameterization import STATE_FIELDS

_REPORT = "Report it with the name of the checkpoint."
_EQUATIONS = (
    Ref("MoistPrimitiveEquationsWithCloudMoisture"),
    Ref("MoistPrimitiveEquationsWithCloudMoisutre"),  # the published misspelling
)
_HARMONICS = Ref("RealSphericalHarmonics"), Ref("RealSphericalHarmonicsWithZeroImag")
_GRIDS = {Ref(f"GridTL{n}", call=True): n for n in (31, 47, 63, 95, 127, 159, 179, 255)}
_FILTERED = Ref("FilteredCustomOrography")
_LEARNED = Ref("LearnedOrography")
_NOISE = {
    Ref("BatchGaussianRandomFieldModule"): False,
    Ref("DictOfGaussianRandomFieldModules"): True,
    Ref("ZerosRandomField"): None,
}
_SURROUNDINGS = (
    Ref("RadiationFeatures"),
    Ref("LatitudeFeatures"),
    Ref("FloatDataFeatures", "with_grads"),
    Ref("FloatDataFeatures", "without_grads"),
    Ref("LearnedPositionalFeatures"),
)


def model_spec(config: str, pressure_levels: tuple[float, ...]) -> specs.ModelSpec:
    """Translate a published configuration.

    Args:
        config: the configuration text.
        pressure_levels: of the data, hPa, from the checkpoint's static fields.

    Raises:
        CheckpointError: a binding has an unknown value or an unknown name.
    """
    translation = _Translation(parse(config))
    spec = translation.spec(pressure_levels)
    translation.finish()
    return spec


def _plain(value: Any) -> Any:
    """Lists as tuples, so that the two compare equal."""
    if isinstance(value, list | tuple):
        return tuple(_plain(x) for x in value)
    if isinstance(value, dict):
        return {k: _plain(x) for k, x in value.items()}
    return value


def _shown(value: Any) -> str:
    if not isinstance(value, Ref):
        return repr(value)
    scope = f"{value.scope}/" if value.scope else ""
    return f"@{scope}{value.name}{'()' if value.call else ''}"


def _number(value: str, units: dict[str, float]) -> float:
    """A published quantity such as '4 minutes' in the unit that has factor 1."""
    match = re.fullmatch(r"([\d.]+) (\w+?)s?", value)
    if match is None or match.group(2) not in units:
        raise CheckpointError(
            f"The model's configuration has an unknown quantity {value!r}.", _REPORT
        )
    return float(match.group(1)) * units[match.group(2)]


def _minutes(value: str) -> float:
    return _number(value, {"minute": 1, "hour": 60, "day": 1440})


class _Translation:
    """Reads every binding of one configuration."""

    def __init__(self, bindings: Bindings):
        self.bindings = bindings
        for name, value in COMMON.items():
            if self.get(name, value) != _plain(value):
                self.choose(name, value)

    def get(self, name: str, *default: Any) -> Any:
        """The value of ``scope/Class.parameter``."""
        path, parameter = name.rsplit(".", 1)
        scope, _, cls = path.rpartition("/")
        return _plain(self.bindings.get(scope, cls, parameter, *default))

    def choose(self, name: str, *known: Any) -> Any:
        """A value that must be one of those that are understood."""
        value = self.get(name)
        if value not in _plain(known):
            raise CheckpointError(
                f"The model's configuration has {name} = {_shown(value)}; "
                f"only {' or '.join(map(_shown, known))} is supported.",
                _REPORT,
            )
        return value

    def finish(self) -> None:
        """Check that every binding was read or is known to be inert."""
        unknown = [name for name in self.bindings.unread() if not INERT.fullmatch(name)]
        if unknown:
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            raise CheckpointError(
                f"The model's configuration has bindings of unknown effect: "
                f"{', '.join(unknown[:5])}{more}.",
                _REPORT,
            )

    def spec(self, pressure_levels: tuple[float, ...]) -> specs.ModelSpec:
        encoder = self.choose(
            f"{MODEL}.encoder_module", Ref(PLAIN_ENCODER), Ref(MEMORY_ENCODER)
        ).name
        noise = self.random_fields(encoder)
        memory = encoder == MEMORY_ENCODER
        positions = {
            self.get(f"{scope}/LearnedPositionalFeatures.latent_size")
            for scope in ("advance", "decoder_model", "encoder_data")
        }
        return specs.ModelSpec(
            truncation=_GRIDS[self.choose("CoordinateSystem.horizontal", *_GRIDS)],
            transform_precision=self.precision(),
            sigma_layers=self.layers(),
            pressure_levels=pressure_levels,
            reference_temperature=self.get("get_model_specs.reference_temperature"),
            step_minutes=_minutes(self.get("get_model_specs.model_time_step")),
            physics_substeps=self.get(f"{STEP}.num_substeps"),
            dycore=self.dycore(),
            orography_scale=self.get("LearnedOrography.correction_scale"),
            tower=self.tower(""),
            position_fields=self.only(positions, "LearnedPositionalFeatures.latent_size"),
            state_scales=self.state_scales(),
            data_scales=self.scales("encoder_data"),
            random_fields=noise,
            encoder=self.encoder(encoder, noise),
            physics=self.physics(memory, noise),
            decoder=self.decoder(),
        )

    def only(self, values: set, name: str) -> Any:
        """The one value that several scopes must agree on."""
        if len(values) != 1:
            raise CheckpointError(
                f"The model's configuration has different values of {name}: "
                f"{', '.join(sorted(map(_shown, values)))}; one is supported.",
                _REPORT,
            )
        return next(iter(values))

    def precision(self) -> str:
        precisions = set()
        for cls in (x.name for x in _HARMONICS):
            for scope in "", "orography/":
                name = f"{scope}{cls}"
                for inert in (
                    *("base_shape_multiple", "reverse_einsum_arg_order"),
                    "stacked_fourier_transforms",
                ):
                    if self.get(f"{name}.{inert}", None) is not None:
                        self.choose(f"{name}.{inert}", None)
                precisions.add(self.get(f"{name}.transform_precision", None))
        for n in _GRIDS.values():
            self.get(f"GridTL{n}.spherical_harmonics_impl", None)
        self.get("coordinate_system_from_dataset.spherical_harmonics_impl", None)
        return self.only(precisions - {None}, "transform_precision")

    def layers(self) -> int:
        layers = {
            self.get("SigmaCoordinatesEquidistant.layers"),
            self.get("custom_corrds/SigmaCoordinatesEquidistant.layers"),
        }
        return self.only(layers, "SigmaCoordinatesEquidistant.layers")

    def dycore(self) -> specs.Dycore:
        grid = self.get("custom_corrds/CoordinateSystem.horizontal")
        scope = f"{grid.scope}/GridWithWavenumbers"
        self.choose("custom_corrds/CoordinateSystem.horizontal", grid)
        self.choose(f"{scope}.dealiasing", "quadratic")
        self.choose(f"{scope}.latitude_spacing", "gauss")
        self.choose(f"{scope}.longitude_offset", 0.0)
        self.choose(f"{scope}.radius", None, 1.0)
        self.get(f"{scope}.spherical_harmonics_impl", None)
        equation = self.choose(
            "DycoreWithPhysicsCorrector.dycore_equation_module", *_EQUATIONS
        ).name
        self.choose(f"{equation}.include_vertical_advection", True)
        self.choose(f"{equation}.orography_module", _LEARNED)
        return specs.Dycore(
            wavenumbers=self.get(f"{scope}.longitude_wavenumbers"),
            substeps=self.get("DycoreWithPhysicsCorrector.dycore_substeps"),
            filters=self.dampings("dycore"),
        )

    def dampings(self, scope: str) -> tuple[specs.Damping, ...]:
        """The filters of a sequence that is applied in time."""
        found = []
        for ref in self.get(f"{scope}/SequentialStepFilter.filter_modules"):
            name = f"{ref.scope}/{ref.name}"
            if ref.name != "ExponentialFilter":
                self.choose(
                    f"{scope}/SequentialStepFilter.filter_modules",
                    (Ref("ExponentialFilter", "…"),),
                )
            found.append(
                specs.Damping(
                    timescale_minutes=_minutes(self.get(f"{name}.tau")),
                    order=self.get(f"{name}.order"),
                    cutoff=self.get(f"{name}.cutoff"),
                )
            )
        return tuple(found)

    def tower(self, prefix: str) -> specs.Tower:
        scope = "surface_model/" if prefix else ""
        process, decode = f"{prefix}process/MlpUniform", f"{prefix}decode/MlpUniform"
        latent = self.get(f"{scope}EpdTower.latent_size")
        decode_hidden = self.get(f"{decode}.num_hidden_layers")
        self.choose(f"{process}.num_hidden_units", latent)
        units = self.get(f"{decode}.num_hidden_units")
        if decode_hidden and units != latent:
            self.choose(f"{decode}.num_hidden_units", latent)
        return specs.Tower(
            latent=latent,
            blocks=self.get(f"{scope}EpdTower.num_process_blocks"),
            block_layers=self.get(f"{process}.num_hidden_layers") + 1,
            decode_layers=decode_hidden + 1,
        )

    def scales(self, scope: str) -> specs.Scales:
        shifts = self.get(f"{scope}/ShiftAndNormalize.shifts")
        scales = self.get(f"{scope}/ShiftAndNormalize.scales")
        return specs.Scales(
            features={k: (shifts[k], scales[k]) for k in sorted(scales)},
            humidity_profile=self.get(f"{scope}/InverseLevelScale.scales"),
        )

    def state_scales(self) -> specs.Scales:
        """Scales of features of the state: the same in all networks that see them."""
        scales = self.scales("advance")
        if self.scales("decoder_model") != scales:
            raise CheckpointError(
                "The model's configuration scales features differently in physics and "
                "decoder; this is not supported.",
                _REPORT,
            )
        for scope in "embedding", "encoder", "land", "sea", "sea_ice":
            for part in "shifts", "scales":
                name = f"{scope}_model/ShiftAndNormalize.{part}"
                expected = self.get(f"advance/ShiftAndNormalize.{part}")
                if self.get(name, expected) != expected:
                    self.choose(name, expected)
        for scope in "advance", "decoder_model":
            name = f"{scope}/TruncateSigmaLevels.sigma_ranges"
            if set(self.get(name).values()) != {(0.0, 1)}:
                self.choose(name, {"…": (0.0, 1)})
        features = dict(scales.features)
        channels = [features.pop(k) for k in scales.features if k.startswith("CNN1D_")]
        features["CNN1D"] = self.only(set(channels), "ShiftAndNormalize of CNN1D_*")
        return specs.Scales(
            features=dict(sorted(features.items())),
            humidity_profile=scales.humidity_profile,
        )

    def outputs(self, scope: str, transform: str, names: tuple[str, ...]):
        """Sizes of predictions; ``transform`` is the scope of the sequence."""
        self.choose(
            f"{transform}/SequentialTransform.transform_modules",
            (Ref("InverseShiftAndNormalize", scope), Ref("LevelScale", transform)),
        )
        self.choose(f"{transform}/LevelScale.keys_to_scale", ("specific_humidity",))
        scales = _flat(self.get(f"{scope}/InverseShiftAndNormalize.scales"))
        shifts = _flat(self.get(f"{scope}/InverseShiftAndNormalize.shifts"))
        if any(shifts.values()):
            self.choose(f"{scope}/InverseShiftAndNormalize.shifts", {"…": 0.0})
        return specs.Outputs(
            factor=self.get(f"{scope}/InverseShiftAndNormalize.global_scale"),
            scales={name: scales[name] for name in names},
            humidity_profile=self.get(f"{transform}/LevelScale.scales"),
        )

    def random_fields(self, encoder: str) -> specs.RandomFields | None:
        ref = self.choose(f"{STEP}.randomness_module", *_NOISE)
        if _NOISE[ref] is None:
            if encoder == PLAIN_ENCODER:
                self.choose(f"{encoder}.randomness_module", ref)
            return None
        cls = ref.name
        in_encoder = encoder == PLAIN_ENCODER and (
            self.get(f"{encoder}.modal_to_nodal_model_features_module")
            != Ref("NullFeatures")
        )
        if encoder == PLAIN_ENCODER:
            known = (ref, Ref("ZerosRandomField"), Ref("NoRandomField"))
            self.choose(f"{encoder}.randomness_module", *known[: 1 if in_encoder else 3])
        self.choose(f"{cls}.n_fixed_fields", None, 0) if self.get(
            f"{cls}.n_fixed_fields", None
        ) else None
        lengths = self.get(f"{cls}.initial_correlation_lengths")
        times = self.get(f"{cls}.initial_correlation_times")
        subset = self.get(f"{cls}.field_subset", None) or tuple(range(len(lengths)))
        self.choose(f"{cls}.variances", (1.0,) * len(lengths))
        names = self.get(f"{cls}.field_names") if _NOISE[ref] else None
        hours = {"hour": 1.0, "minute": 1 / 60, "day": 24.0}
        return specs.RandomFields(
            names=tuple(names[i] for i in subset) if names else None,
            correlation_hours=tuple(_number(times[i], hours) for i in subset),
            correlation_km=tuple(_number(lengths[i], {"km": 1.0}) for i in subset),
            clip=self.get(f"{cls}.clip", 6.0),
            in_encoder=in_encoder,
        )

    def encoder(
        self, encoder: str, noise: specs.RandomFields | None
    ) -> specs.Encoder:
        self.choose(
            "encoder_data/VelocityAndPrognostics.fields_to_include",
            ("u", "v", "t", "z", *(TRACERS[i] for i in (2, 1, 0))),
        )
        self.features("encoder_data", Ref("VelocityAndPrognostics", "encoder_data"))
        seen = f"{encoder}.modal_to_nodal_model_features_module"
        if noise is not None and noise.in_encoder:
            self.choose(seen, Ref("CombinedFeatures", "encoder_model"))
            self.choose(
                "encoder_model/CombinedFeatures.feature_modules",
                (Ref("RandomnessFeatures"),),
            )
        else:
            self.choose(seen, Ref("NullFeatures"))
        return specs.Encoder(
            learned_orography=self.orography(encoder),
            filters=self.encoder_filters(),
            clipped=self.get("InputClipTransform.wavenumbers_to_clip"),
            outputs=self.outputs(
                "encoder",
                "encode",
                (
                    *("vorticity", "divergence", "temperature_variation"),
                    *("log_surface_pressure", *TRACERS),
                ),
            ),
        )

    def encoder_filters(self) -> dict[str, specs.Filter] | None:
        clip, filters = Ref("InputClipTransform"), Ref("EncoderFilterTransform")
        transforms = self.choose(
            "EncoderCombinedTransform.transforms", (clip,), (clip, filters)
        )
        if filters not in transforms:
            return None
        variables = (*(x for x in STATE_FIELDS if x not in TRACERS), *TRACERS)
        (ref,) = self.choose(
            "EncoderFilterTransform.filter_modules",
            (Ref("PerVariableDataFilter"),),
            (Ref("DataExponentialFilter", "encoder"),),
        )
        if ref.name == "DataExponentialFilter":
            refs = dict.fromkeys(variables, ref)
        else:
            refs = _flat(self.get("PerVariableDataFilter.per_variable_filters"))
            if refs.pop("sim_time") != Ref("DataNoFilter"):
                self.choose("PerVariableDataFilter.per_variable_filters", "…")
        return {name: self.filter(refs[name]) for name in variables}

    def filter(self, ref: Ref) -> specs.Filter:
        name = f"{ref.scope}/{ref.name}"
        return specs.Filter(
            attenuation=self.get(f"{name}.attenuation"),
            order=self.get(f"{name}.order"),
            cutoff=self.get(f"{name}.cutoff"),
        )

    def orography(self, owner: str) -> bool:
        name = f"{owner}.orography_module"
        return self.choose(name, _FILTERED, _LEARNED) == _LEARNED

    def features(self, scope: str, *others: Ref) -> set[Ref]:
        """Check what a network sees: the surroundings, and the given features."""
        seen = set(self.get(f"{scope}/CombinedFeatures.feature_modules"))
        if seen != {*_SURROUNDINGS, *others}:
            self.choose(
                f"{scope}/CombinedFeatures.feature_modules", (*others, *_SURROUNDINGS)
            )
        return seen

    def physics(
        self, memory: bool, noise: specs.RandomFields | None
    ) -> specs.Physics:
        volume = ("EmbeddingSurfaceFeatures", "EmbeddingVolumeFeatures")
        extra = [Ref(x) for x in (*volume, "PressureFeatures")]
        extra += [Ref("MemoryVelocityAndValues")] if memory else []
        extra += [Ref("RandomnessFeatures")] if noise is not None else []
        self.features("advance", Ref("VelocityAndPrognostics", "advance"), *extra)
        self.fields("advance", STATE_FIELDS)
        profile = [x for x in STATE_FIELDS if x != "log_surface_pressure"]
        self.fields("embedding_model", profile)
        self.choose(
            "embedding_model/CombinedFeatures.feature_modules",
            (Ref("VelocityAndPrognostics", "embedding_model"), Ref("PressureFeatures")),
        )
        return specs.Physics(
            memory=memory,
            surface=self.surface(),
            convolutions=(
                *self.get("VerticalConvTower.channels"),
                self.get("advance/EmbeddingVolumeFeatures.output_size"),
            ),
            convolution_width=self.get("VerticalConvTower.kernel_shape"),
            soft_clip=self.get("advance/SoftClip.max_value"),
            filters=self.dampings("ml"),
            outputs=self.outputs(
                "div_curl_tendency_outputs",
                "div_curl_tendency_outputs",
                (*self.predicted_pressure(), "temperature_variation", *TRACERS, "u", "v"),
            ),
        )

    def predicted_pressure(self) -> tuple[str, ...]:
        """Whether the physics predicts a tendency of surface pressure, too."""
        name = "log_surface_pressure"
        mask = dict(self.get(f"{PHYSICS}.prediction_mask"))
        predicted = mask.pop(name)
        expected = {x: True for x in ("divergence", "temperature_variation", "vorticity")}
        expected |= {"sim_time": False, "tracers": dict.fromkeys(TRACERS, True)}
        if mask != expected:
            self.choose(f"{PHYSICS}.prediction_mask", expected | {name: predicted})
        return (name,) if predicted else ()

    def fields(self, scope: str, expected) -> None:
        """Check which state variables are features; wind always is."""
        name = f"{scope}/VelocityAndPrognostics.fields_to_include"
        if set(self.get(name)) != {"u", "v", *expected}:
            self.choose(name, ("u", "v", *expected))

    def surface(self) -> specs.Surface:
        at_surface = ("specific_humidity", "temperature_variation", "u", "v")
        known: dict[str, tuple[str, ...]] = {
            "land": at_surface,
            "sea": ("sea_surface_temperature",),
            "sea_ice": ("sea_ice_cover", *at_surface),
        }
        parts: dict[str, tuple[str, ...] | None] = {}
        for part, names in known.items():
            network = Ref("ModalToNodalEmbedding", f"{part}_model")
            binding = f"advance/NodalLandSeaIceEmbedding.{part}_embedding"
            uniform = self.choose(binding, network, None) is None
            parts[part] = None if uniform else names
            if not uniform:
                forcing = (Ref("ForcingFeatures", f"{part}_model"),)
                state = (Ref("VelocityAndPrognostics", f"{part}_model"),)
                modules = {"land": state, "sea": forcing, "sea_ice": state + forcing}
                self.choose(
                    f"{part}_model/CombinedFeatures.feature_modules", modules[part]
                )
        return specs.Surface(
            channels=self.get("advance/EmbeddingSurfaceFeatures.output_size"),
            tower=self.tower("surface_model_"),
            **parts,
        )

    def decoder(self) -> specs.Decoder:
        known = Ref("RandomnessFeatures")  # listed by some, but without random fields
        modules = self.get("decoder_model/CombinedFeatures.feature_modules")
        states = [x for x in modules if x.name == "VelocityAndPrognostics"]
        seen = set(modules) - {known}
        if len(states) != 1 or seen != {*states, *_SURROUNDINGS}:
            self.features("decoder_model", Ref("VelocityAndPrognostics", "decoder_model"))
        state = f"{states[0].scope}/VelocityAndPrognostics"
        fields = self.get(f"{state}.fields_to_include")
        operators = Ref("ToModalDiffOperators")
        gradients = self.get(f"{state}.compute_gradients_module", None)
        if gradients is not None:
            self.choose(f"{state}.compute_gradients_module", operators)
        return specs.Decoder(
            learned_orography=self.orography(DECODER),
            fields=tuple(x for x in STATE_FIELDS if fields is None or x in fields),
            gradients=gradients is not None,
            outputs=self.outputs("decoder", "decoder", ("t", *TRACERS, "u", "v", "z")),
        )


def _flat(mapping: dict[str, Any]) -> dict[str, Any]:
    """The mapping with its tracers on the same level as the rest."""
    return {k: x for k, x in mapping.items() if k != "tracers"} | mapping["tracers"]
