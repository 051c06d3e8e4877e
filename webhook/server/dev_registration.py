"""The registration that trusts a development server: the file of deploy/ with URL and CA put in."""

import base64
import io
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

_NAME: Final = "mutatingwebhookconfiguration.yaml"


def _manifest() -> Path:
    """Return the manifest: inside the installed package, or in a checkout beside it."""
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
