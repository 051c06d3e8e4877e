"""CATALOGUE of origins: they list the files of a download source, and read their bytes.

sources       finds the origin of a source, in the table of webhook/models/schemes.py
origin        the interface of every origin, and its errors
hub, https, s3, gs, oci, ollama, directory    the origins
xet           the Xet storage of the hub
hub_token     the token for the hub, and where it comes from
registry, docker_config, oci_manifest the client of a registry, its credentials and answers
bucket, http_body, http_status        shared by several origins
credentials   whether credentials can be sent
addresses     whether addresses of servers and proxies can be used
tls           faults of TLS that last
authorities   one file of trusted certificate authorities for all libraries
file_names    which file names are refused

Rule 1: an origin does not know the store. It lists files, and reads bytes from an offset.
Rule 2: an error says whether another attempt may help, and never contains a token.
"""
