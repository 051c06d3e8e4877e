"""The webhook's TLS certificates.

served        the certificate that is served, and how it is replaced
context       TLS contexts
files         a certificate in files that someone else renews
dev           a certificate made in memory, for modelcache serve --dev
rotation      which authorities the Secret should hold
authorities   the content of the Secret
authority     a certificate authority, and the leaves that it signs
bundle        compares bundles of CA certificates
lifetime      lifetimes, and when a certificate is renewed

Rule 1: nothing here imports the webhook, or talks to an API server.
Rule 2: a private key that is made here is written to the Secret only: not to a file, and not into
a log or an exception.
"""
