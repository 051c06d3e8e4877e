"""Owns `python -m tests.images`: builds what is missing, and prints where it is."""

import sys

from tests.images import archives


def main() -> None:
    """Build every image, in sight."""
    for recipe in archives.ALL:
        sys.stdout.write(f"{recipe.reference}\t{recipe.path()}\n")


if __name__ == "__main__":
    main()
