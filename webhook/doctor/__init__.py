"""What is wrong with an installation in a live cluster, and how to fix it: modelcache doctor.

diagnosis           the checks, in their order; what a missing permission makes of one
check               what every check declares; a module for each: server, clock, registration,
                    certificate, service, replicas, deployment, reachability, policies, namespaces,
                    gates, later_webhooks
report              findings as a table, or as JSON
installation        what the registration leads to: Service, Deployment, replicas
replica, bundle     a connection to a replica; certificates, and how long they last
probe               what is created as a dry run
finding             how bad, what was seen, how to fix it

Rule 1: it reads no Secret and changes nothing. What it creates is a dry run.
Rule 2: a check that may not look is reported as such, and the others go on.
"""
