"""Run IOOS' compliance checker on files, and print what it has against each, as JSON.

A program of its own: the checker loads pyproj, and xarray, when it guesses at a file,
eccodes; both bring a libproj, and a process that has loaded the two crashes when it
ends. It also warns of its own deprecated checkers.
"""

import json
import sys
import warnings

from compliance_checker.runner import CheckSuite


def failed(result):
    """The messages of a result that is not whole, and of those within it."""
    value = result.value
    whole = value[0] == value[1] if isinstance(value, tuple) else bool(value)
    own = [] if whole else [f"{result.name}: {' '.join(result.msgs)}"]
    return own + [text for child in result.children or () for text in failed(child)]


def main(paths):
    """Check files against CF 1.11, with every check, of whatever priority."""
    warnings.simplefilter("ignore")
    CheckSuite.load_all_available_checkers()
    suite = CheckSuite()
    found = {}
    for path in paths:
        dataset = suite.load_dataset(path)
        groups, errors = suite.run_all(dataset, ["cf:1.11"])["cf:1.11"]
        dataset.close()
        found[path] = {
            "checks": len(groups),
            "not run": sorted(errors),
            "complaints": [text for group in groups for text in failed(group)],
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
