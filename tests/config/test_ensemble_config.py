"""Settings of ensembles: members, statistics, text and back."""

import pytest

from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import ConfigError


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"members": "0"}, "members: '0' is not a positive whole number."),
        ({"members": "many"}, "members: 'many' is not a positive whole number."),
        ({"members": "5:5"}, "members: The range '5:5' has no members."),
        ({"members": "5:x"}, "members: 'x' is not the number of a member."),
        ({"statistics": "medium"}, "statistics: There is no statistic 'medium'."),
        ({"statistics": "p0"}, "statistics: There is no statistic 'p0'. Give perc"),
        ({"ddof": 2}, "ddof: '2' is neither 0 nor 1."),
        ({"ddof": True}, "ddof: 'True' is neither 0 nor 1."),
        ({"statistics": "meen"}, "statistics: There is no statistic 'meen'. Did you"),
        ({"keep_members": "no"}, "Nothing would be written: neither members nor st"),
        ({"member": 1}, "Unknown setting 'member'. Did you mean 'members'"),
    ],
)
def test_every_bad_setting_is_a_sentence(settings, sentence):
    with pytest.raises(ConfigError) as caught:
        EnsembleConfig(**settings)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "value, members",
    [
        (3, range(3)),
        ("50", range(50)),
        ("50:100", range(50, 100)),
        (range(2), range(2)),
    ],
)
def test_members(value, members):
    assert EnsembleConfig(members=value).members == members


@pytest.mark.parametrize(
    "value, statistics",
    [
        *[("none", ()), ("mean,P10", ("mean", "p10")), (["std", "std"], ("std",))],
        *[("spread,std", ("std",)), ("median", ("p50",)), ("p05", ("p5",))],
    ],
)
def test_statistics(value, statistics):
    assert EnsembleConfig(statistics=value).statistics == statistics


def test_settings_as_flags_and_back():
    config = EnsembleConfig(
        init="2020-01-01/2020-01-03/12h",
        members="50:100",
        statistics="mean,p10",
        perturb="gaussian",
        amplitude="1K",
        batch=4,
        ddof="0",
        keep_members=False,
    )
    for defaults in (False, True):
        assert EnsembleConfig(**config.as_flags(defaults)) == config
    line = config.command_line()
    assert line.startswith("ngcm ensemble --init 2020-01-01T00/2020-01-03T00/12h")
    assert "--members 50:100" in line and "--no-keep-members" in line
