"""Compare the API server's clock, which decides on certificates, with ours."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from webhook.doctor.check import ANYBODY_MAY, Check
from webhook.doctor.finding import Finding, ok, warning
from webhook.doctor.installation import Installation

_MOST: Final = timedelta(seconds=30)


def _run(installation: Installation) -> Iterator[Finding]:
    ahead = installation.clock_ahead
    if installation.version.server_time is None:
        yield warning(
            "the API server's answer has no Date", "connect to it directly, not through a proxy"
        )
    elif abs(ahead) <= _MOST:
        yield ok("the API server's clock agrees with ours")
    else:
        seconds = abs(round(ahead.total_seconds()))
        direction = "ahead of" if ahead > timedelta() else "behind"
        yield warning(
            f"the API server's clock is {seconds} s {direction} ours: certificates may be refused "
            "as expired, or as not valid yet",
            "let both machines take their time from NTP; see timedatectl",
        )


CHECK: Final = Check(
    name="clock",
    looks_at="the API server's clock, compared with ours",
    may=(ANYBODY_MAY,),
    run=_run,
)
