"""Render Kubernetes objects as YAML: those that fill a store, and policies that need no server.

render                    the requested objects as one stream: begin here
kinds, options, readers   what can be rendered; the options and their values
wanted                    the model to load
environment, pod_fields   where variables come from, and where pods run
claim, job, daemon_set    one kind of object each
prune                     a CronJob that removes models, with its permissions
node_labels, lease        permissions of loaders, with the objects that they use
loader, pod, identity     the container, its pod, its ServiceAccount
admission_policy/         policies that inject models without a server
noted                     YAML with comments that give reasons

Rule 1: an unusual field has its reason with it, which becomes a comment in the YAML.
Rule 2: every mistake in the options is reported at once, and nothing is printed then.
"""
