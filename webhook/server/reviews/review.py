"""Decode an AdmissionReview, v1 or v1beta1.

A body that is not a review, or whose object can't be a pod, raises BadReview. The answer is then
HTTP 400, so that failurePolicy decides.
"""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec

from webhook.objects.pod import Pod
from webhook.objects.workload import Workload

T = TypeVar("T")
VERSIONS: Final = ("admission.k8s.io/v1", "admission.k8s.io/v1beta1")
_LONGEST_UID: Final = 256


class BadReview(Exception):
    """The body is not an AdmissionReview that can be answered; the text names the fault."""


class _Wire(msgspec.Struct, frozen=True, rename="camel", gc=False):
    pass


class GroupVersionResource(_Wire, frozen=True):
    """The resource of the object under review."""

    group: str = ""
    version: str = ""
    resource: str = ""


class GroupVersionKind(_Wire, frozen=True):
    """The kind of the object under review."""

    kind: str = ""


class Request(_Wire, Generic[T], frozen=True):
    """The request of a review; of its object, only the fields that are read are decoded."""

    uid: str
    object: T
    kind: GroupVersionKind = GroupVersionKind()
    resource: GroupVersionResource = GroupVersionResource()
    sub_resource: str | None = None
    name: str | None = None
    namespace: str | None = None
    operation: str = ""
    dry_run: bool | None = None


class Review(_Wire, Generic[T], frozen=True):
    """An AdmissionReview."""

    api_version: str
    kind: str
    request: Request[T]


_PODS: Final = msgspec.json.Decoder(Review[Pod])
_WORKLOADS: Final = msgspec.json.Decoder(Review[Workload])
_ANY: Final = msgspec.json.Decoder(Review[msgspec.Raw])
_UNDECODABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_WORKLOAD_RESOURCES: Final = {
    ("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"),
    ("apps", "replicasets"), ("batch", "jobs"), ("batch", "cronjobs"),
}  # fmt: skip


def is_pod_creation(request: Request[Any]) -> bool:
    """Whether the request creates a pod: an UPDATE or a subresource is not injected."""
    resource = request.resource
    return (
        resource.resource == "pods"
        and not resource.group
        and request.operation == "CREATE"
        and not request.sub_resource
    )


def is_workload_change(request: Request[Any]) -> bool:
    """Whether the request creates or updates a workload that has a pod template."""
    resource = request.resource
    return (
        (resource.group, resource.resource) in _WORKLOAD_RESOURCES
        and request.operation in ("CREATE", "UPDATE")
        and not request.sub_resource
    )


def decode_pod(body: bytes) -> Review[Pod] | Review[msgspec.Raw]:
    """Return the review of a pod, or of another kind with its object not decoded."""
    try:
        return _checked(body, _PODS.decode(body))
    except _UNDECODABLE as error:
        return _unread(body, error, is_pod_creation, "a pod")


def decode_workload(body: bytes) -> Review[Workload] | Review[msgspec.Raw]:
    """Return the review of a workload, or of another kind with its object not decoded."""
    try:
        return _checked(body, _WORKLOADS.decode(body))
    except _UNDECODABLE as error:
        return _unread(body, error, is_workload_change, "a workload")


def _unread(
    body: bytes, error: Exception, is_ours: Callable[[Request[Any]], bool], what: str
) -> Review[msgspec.Raw]:
    """Return the review of another kind; BadReview if *is_ours* says that it is about *what*."""
    review = _foreign(body)
    if is_ours(review.request):
        raise BadReview(f"the object is not {what}: {error}") from error
    return review


def _foreign(body: bytes) -> Review[msgspec.Raw]:
    try:
        return _checked(body, _ANY.decode(body))
    except _UNDECODABLE as error:
        raise BadReview(str(error)) from error


def _checked(body: bytes, review: Review[T]) -> Review[T]:
    if not body.isascii():
        body.decode()  # skipped fields are not decoded, but they too must be UTF-8
    if review.api_version not in VERSIONS or review.kind != "AdmissionReview":
        raise BadReview("the body must be an AdmissionReview of admission.k8s.io/v1 or v1beta1")
    if not 0 < len(review.request.uid) <= _LONGEST_UID:
        raise BadReview(f"request.uid must have 1 to {_LONGEST_UID} characters")
    return review
