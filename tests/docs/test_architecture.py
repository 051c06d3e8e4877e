"""docs/architecture.md says how the code is."""

from tests.docs import picture
from tests.docs.manual import DOCS


def test_the_picture_shows_the_layers_of_the_contract(update: bool) -> None:
    path = DOCS / "architecture.svg"
    if update:
        path.write_text(picture.svg())
    assert path.read_text() == picture.svg(), "run this test with --update, and look at it"
