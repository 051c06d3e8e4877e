"""Owns `python -m tests.cluster.manifests`: writes the kustomize base from the chart."""

from tests.cluster import helm
from tests.cluster.registration import DEPLOY


def main() -> None:
    """Write every file that the chart yields with its default values."""
    for name, text in helm.base().items():
        (DEPLOY / name).write_text(text)


if __name__ == "__main__":
    main()
