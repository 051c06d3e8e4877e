"""What people type: a module for each command, with its options and help.

What a command does is imported when it runs, so that each starts fast.
"""

from webhook.cli.app import main

__all__ = ["main"]
