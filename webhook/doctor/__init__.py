"""What is wrong with an installation in a live cluster, and how to fix it: modelcache doctor.

diagnosis           the checks in their order, and what a missing right makes of one
check               what every check declares; a module for each: server, clock, registration,
                    service, deployment, replicas, facts, certificate, reachability, policies,
                    rules, gates, namespaces, later_webhooks
report              findings as a table, or as JSON
installation        what the checks read: registration, Service, Deployment, replicas
replica, bundle     what a replica serves on its ports; certificates, and how long they last
probe               the objects that are created as dry runs
finding             how bad, what was seen, how to fix it

Rule 1: it reads no Secret and changes nothing. What it creates is a dry run.
Rule 2: a check that lacks a right is reported as such, and the others continue.
"""
