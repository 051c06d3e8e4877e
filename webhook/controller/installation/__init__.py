"""What the controller keeps up to date: certificates, the registration, policies, Events.

reconciler     one look at all our objects, and what follows from it
secret         the Secret of the authorities
configuration  caBundle and failurePolicy of the registration
trust          since when API servers trust an authority
enforcement    when the cluster may refuse pods that the webhook missed
binding        one ValidatingAdmissionPolicyBinding
endpoints      whether the Service has a ready replica
events         Events about what somebody must fix

Rule 1: look first, then write what differs. Each write names the version that was read.
Rule 2: write our fields, and no others.
"""
