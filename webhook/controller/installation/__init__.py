"""What the controller keeps of an installation: certificates, the registration, strictness, Events.

reconciler     one look at everything that is ours, and what follows from it
secret         the Secret of the authorities
configuration  caBundle and failurePolicy of the registration
trust          for how long API servers have trusted an authority
enforcement    when the cluster may refuse what we missed
binding        one ValidatingAdmissionPolicyBinding
endpoints      the replicas behind the Service
events         Events that tell what somebody must fix

Rule 1: look first, then write what differs. Each write names the version that it was made for.
Rule 2: write the fields that are ours and no others.
"""
