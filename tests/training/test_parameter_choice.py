"""Groups and patterns of parameters."""

import pytest

from ngcm_cli.errors import ConfigError
from ngcm_cli.training.parameter_choice import choose_parameters

NAMES = (
    *("encoder.tower.weight", "memory_encoder.tower.weight", "decoder.tower.weight"),
    *("decoder.surroundings.position", "step.dycore.orography.correction"),
    *("step.parameterization.tower.weight", "step.random_fields.raw_times"),
)


def test_groups_and_patterns():
    assert choose_parameters(NAMES, ["all"], "m") == set(NAMES)
    assert choose_parameters(NAMES, ["encoder"], "m") == set(NAMES[:2])
    assert choose_parameters(NAMES, ["physics"], "m") == set(NAMES[4:])
    both = choose_parameters(NAMES, ["*.position", "step.dyc*"], "m")
    assert both == {NAMES[3], NAMES[4]}


def test_parameters_that_no_loss_depends_on():
    """Those of outputs without a truth, and of precipitation, are not trained."""
    new, old = "outputs.t2m.tower.weight", "outputs.t2m_old.tower.weight"
    names = (*NAMES, new, old, "step.water_budget.network.tower.weight")
    assert choose_parameters(names, ["all"], "m") == set(NAMES)
    assert choose_parameters(names, ["all"], "m", ["t2m"]) == {*NAMES, new}
    assert choose_parameters(names, ["outputs"], "m", ["t2m"]) == {new}
    for choice in ("outputs", "step.water_budget.*", old):
        with pytest.raises(ConfigError, match=f"no loss depends on '{choice}'"):
            choose_parameters(names, [choice], "m")


def test_unknown_names():
    with pytest.raises(ConfigError, match=r"Did you mean 'decoder.tower.weight'"):
        choose_parameters(NAMES, ["decoder.tower.wieght"], "m")
    with pytest.raises(ConfigError, match="Did you mean 'decoder'"):
        choose_parameters(NAMES, ["decodr"], "m")
    with pytest.raises(ConfigError, match="m has no parameters of the group 'outputs'"):
        choose_parameters(NAMES, ["outputs"], "m")
