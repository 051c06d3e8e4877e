"""Print the registration of --dev: the manifest in deploy/, with the server's URL and CA."""

import base64
import io
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

_NAME: Final = "mutatingwebhookconfiguration.yaml"


def _manifest() -> Path:
    """Return the manifest's path: inside the installed package, or in a checkout next to it."""
    here = Path(__file__).parents[1]
    inside = here / _NAME
    return inside if inside.exists() else here.parent / "deploy" / _NAME


def registration(url: str, ca: bytes) -> str:
    """Return a MutatingWebhookConfiguration that sends reviews to *url*, as YAML."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    document = yaml.load(_manifest().read_text())
    for webhook in document["webhooks"]:
        path = webhook["clientConfig"].pop("service")["path"]
        webhook["clientConfig"] = {
            "url": url + path,
            "caBundle": base64.b64encode(ca).decode(),
        }
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()
