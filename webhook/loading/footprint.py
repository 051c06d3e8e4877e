"""How much memory a loader is given.

What it holds does not grow with the model: each file is passed on in blocks as it arrives.
"""

from typing import Final

from webhook.quantity import MI, Quantity

PEAK: Final = Quantity(150 * MI)
"""The most that the process has of its own, its libraries included, with the usual --parallel."""
WRITING: Final = Quantity(256 * MI)
"""Pages of files that wait to be written: until then the kernel can't take them back."""
MEMORY: Final = PEAK.plus(WRITING).up_to(128 * MI)
"""The limit of a container that loads."""
