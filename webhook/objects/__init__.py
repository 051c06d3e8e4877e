"""Every field of every Kubernetes object that is read, and nothing else.

What is not listed here is skipped by the decoder and can't be lost, because
nothing is written back but a patch. None means absent or null: the patch needs
to tell that from an empty list. A decision may read only what is here, since
the key of the decision cache is made of it.
"""
