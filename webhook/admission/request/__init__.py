"""What a pod asks for: its annotations over the platform's defaults.

declared     one field for each annotation: add one here
annotations  how an annotation is declared, read and documented
resolve      from names to models, with the help of the catalogue
model        a model that a pod asks for

Rule 1: the declaration of an annotation is also its row in the manual.
Rule 2: an annotation below modelcache.io/ that is not declared is a warning, never ignored.
"""
