"""Which members a run computes, and the numbers in their random keys."""

from collections.abc import Callable

from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.interface import Model
from ngcm_cli.simulation.distributed import Processes
from ngcm_cli.simulation.existing_run import ExistingRun


def check_members(config: Settings, model: Model) -> None:
    """Raise if all members would be the same.

    Raises:
        ConfigError: they would.
    """
    numbered = isinstance(config, EnsembleConfig) or (
        isinstance(config, ForecastConfig) and config.member is not None
    )
    perturbed = getattr(config, "perturb", "none") != "none"
    if numbered and not perturbed and not model.stochastic:
        raise ConfigError(
            f"All members of {model.name} are the same: it is deterministic.",
            "Perturb the initial state, as with --perturb gaussian --amplitude 0.5K.",
        )


def find_members(
    config: Settings, existing: ExistingRun | None, resume: bool, processes: Processes
) -> tuple[tuple[int, ...], frozenset[int]]:
    """Return all members of the output, and those that are complete already.

    Args:
        config: the settings.
        existing: the run whose output exists, if any.
        resume: whether that is resumed, rather than extended.
        processes: that share the run.

    Raises:
        ConfigError: a statistic of so few members is not defined.
    """
    if not isinstance(config, EnsembleConfig):
        return tuple(range(getattr(config, "members", 1))), frozenset()
    if existing is None:
        if "std" in config.statistics and len(config.members) <= config.ddof:
            raise ConfigError(
                "The standard deviation of one member is not defined.",
                "Give more --members, leave out std, or give --ddof 0.",
            )
        return tuple(config.members), frozenset()
    if resume or existing.run == processes.run:
        return existing.members, existing.complete
    return (*existing.members, *config.members), frozenset(existing.members)


def member_keys(config: Settings, inits: int) -> Callable[[int, int], int | None]:
    """Return the numbers that are folded into the random keys of members."""
    if isinstance(config, EnsembleConfig):
        return lambda init, member: member
    if isinstance(config, AmipConfig):
        if config.members * inits == 1:
            return lambda init, member: None
        return lambda init, member: init * config.members + member
    return lambda init, member: getattr(config, "member", None)
