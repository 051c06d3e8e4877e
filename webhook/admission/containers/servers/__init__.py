"""CATALOGUE of inference servers: add one here.

A row says by which images and commands a server is recognised, which variables make it read a
model from a directory, which arguments name a model, where it looks for a Hugging Face cache,
and which argument sets the name that it answers to. To add a server, add a row.

vllm          vLLM and its forks
engines       other engines whose command names the model
hugging_face  servers of Hugging Face, their forks, and servers of embeddings
files         servers that read one file, or a store of their own
platforms     servers whose models are named in files, in variables or by clients
not_servers   CATALOGUE of images and commands that look like servers, and serve no model
recognition   which row a container runs

Rule 1: a row says what is true of the server, and where that was read.
Rule 2: no module outside this package knows a server by its name.
"""

from typing import Final

from webhook.admission.containers.server import Server
from webhook.admission.containers.servers import engines, files, hugging_face, platforms, vllm

SERVERS: Final = (
    *vllm.ROWS,
    *engines.ROWS,
    *hugging_face.ROWS,
    *files.ROWS,
    *platforms.ROWS,
)
"""The first row whose image or command fits is taken."""
UNKNOWN: Final = Server(name="")
OTHER: Final = "other"
"""The value of the annotation `server` that says: none of them."""
BY_KEY: Final = {row.key: row for row in SERVERS}
