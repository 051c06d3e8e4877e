"""Render admission policies that inject models into pods without a server.

policies              the objects: begin here
matching              which pods and workloads they concern
accepted              CATALOGUE of the annotations and values that they read
limits                CATALOGUE of what they can't do, and what a refusal says
request               what a pod requests
containers, pod       which containers get it, and what else of the pod decides
injection             the patch, as the webhook would write it
workloads, remarks    the policies that see workloads, and that warn
defaults, catalogue   what the documents of the platform say

Rule 1: what they inject, the webhook would inject in the same way. All else is refused in words.
Rule 2: where only a warning of the webhook would say that a pod can't work, it is refused.
"""
