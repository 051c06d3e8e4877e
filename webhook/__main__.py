"""Run the command modelcache as `python -m webhook`."""

from webhook.cli.app import main

if __name__ == "__main__":
    main()
