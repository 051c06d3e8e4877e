"""What a pod requests: its annotations, and the models that they name.

declared     one field per annotation: add one here
annotations  how an annotation is declared, read and documented
resolve      find the models that annotations name, in the catalogue
model        a model that a pod requests

Rule 1: the declaration of an annotation is also its row in the manual.
Rule 2: an annotation below modelcache.io/ that is not declared gives a warning.
"""
