"""CATALOGUE of origins: what a download source has, and its bytes.

sources       from the name of a source to its origin, by the table in models/schemes.py
origin        what every origin answers
hub, https, s3, gs, oci, directory    the origins
xet           the hub's Xet storage
registry, docker_config               the registry that oci asks, and our account there
bucket, http_body, http_status        what several origins share
authorities   the certificate authorities that we trust
file_names    which file names are refused

Rule 1: an origin knows nothing of stores. It lists files and gives bytes from an offset.
Rule 2: an error says whether another attempt may help, and never holds a token.
"""
