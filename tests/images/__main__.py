"""Run `python -m tests.images build`: build the missing images of the tests, and show that."""

import argparse
import sys

from tests.images import again, archives
from tests.images.recipe import CannotBuildError
from tests.kubernetes.packages import CannotInstallError


def main() -> None:
    """Run the action that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.images", description=__doc__)
    parser.add_argument("action", choices=["build", "list"], help="list also prints the archives")
    action = parser.parse_args().action
    try:
        for recipe in archives.ALL:
            path = recipe.path()
            if action == "list":
                sys.stdout.write(f"{recipe.reference}\t{path}\n")
        again.digests()
    except (CannotBuildError, CannotInstallError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
