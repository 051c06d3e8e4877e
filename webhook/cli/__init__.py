"""Read the command line: one module for each command, with its options and help.

Rule 1: a command imports what it runs inside its function, so that every command starts fast.
Rule 2: no command knows another; what several share is in options and cluster_options.
"""

from webhook.cli.app import main

__all__ = ["main"]
