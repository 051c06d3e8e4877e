"""What is wrong with an installation in a live cluster, and what mends it: modelcache doctor.

report              findings as a table, or as JSON
diagnosis           the checks, in their order; what a missing permission makes of one
server … order      a module for each check, all of which say what check declares
installation        what the configuration leads to: Service, Deployment, replicas
replica, bundle     a connection to a replica; certificates, and how long they last
probe               what is created as a dry run
finding             how bad, what was seen, what mends it

It reads no Secret and changes nothing: what it creates is a dry run.
"""
