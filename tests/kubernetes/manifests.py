"""Owns `python -m tests.kubernetes.manifests`: writes the kustomize base from the chart."""

from tests.kubernetes import helm
from tests.kubernetes.registration import DEPLOY


def main() -> None:
    """Write every file that the chart yields with its default values."""
    for name, text in helm.base().items():
        (DEPLOY / name).write_text(text)


if __name__ == "__main__":
    main()
