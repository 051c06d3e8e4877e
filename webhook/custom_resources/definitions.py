"""Both CustomResourceDefinitions."""

from webhook.custom_resources.cache_policies import cache_policies
from webhook.custom_resources.cached_models import cached_models
from webhook.objects.json import Json


def definitions() -> list[Json]:
    """Return them in the order in which they are applied."""
    return [kind.definition() for kind in (cached_models(), cache_policies())]
