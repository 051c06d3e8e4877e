"""CATALOGUE of rules that a CachePolicy can have, one file each.

rule        the base of rules: mode, exempt pods, kinds of parameters
catalogue   RULES: add one here

Rule 1: the docstring of a class, its fields and their Meta are the row of the manual and the
schema of the CustomResourceDefinition. Nothing of them is said a second time.
"""
