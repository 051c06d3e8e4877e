"""What is wrong with an installation in a live cluster, and what mends it: modelcache doctor.

diagnosis           the checks, in their order; what a missing permission makes of one
report              findings as a table, or as JSON
server … order      a module for each check
installation        what the configuration leads to: Service, Deployment, replicas
served, bundle      a replica's certificate, and the bundle that it must be signed by
replica             a connection to a replica, through the API server
api                 requests to the API server
finding             how bad, what was seen, what mends it

It reads no Secret and changes nothing: what it creates is a dry run.
"""
