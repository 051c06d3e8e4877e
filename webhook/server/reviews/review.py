"""Decode an AdmissionReview, v1 or v1beta1.

A body that is not a review, or whose object can't be a pod, raises BadReview. The answer is then
HTTP 400, so that failurePolicy decides.
"""

from typing import Any, Final, Generic, TypeVar

import msgspec

from webhook.admission.authorship import Change
from webhook.objects.json import Json
from webhook.objects.pod import Pod
from webhook.objects.template_search import searched_kind
from webhook.objects.workload import MisfitError, Workload, read_workload
from webhook.objects.workload_kinds import WorkloadKind, kind_of

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


class Options(_Wire, frozen=True):
    """The options of a request (meta/v1 CreateOptions, UpdateOptions)."""

    field_manager: str = ""


class WorkloadRequest(Request[msgspec.Raw], frozen=True):
    """The request of a review of a workload, with the object before it."""

    old_object: msgspec.Raw = msgspec.Raw(b"null")
    options: Options | None = None


class Review(_Wire, Generic[T], frozen=True):
    """An AdmissionReview."""

    api_version: str
    kind: str
    request: Request[T]


class WorkloadReview(_Wire, frozen=True):
    """An AdmissionReview of a workload."""

    api_version: str
    kind: str
    request: WorkloadRequest


R = TypeVar("R", Review[Pod], Review[msgspec.Raw], WorkloadReview)
_PODS: Final = msgspec.json.Decoder(Review[Pod])
_WORKLOADS: Final = msgspec.json.Decoder(WorkloadReview)
_ANY: Final = msgspec.json.Decoder(Review[msgspec.Raw])
_UNDECODABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


def is_pod_creation(request: Request[Any]) -> bool:
    """Whether the request creates a pod: an UPDATE or a subresource is not injected."""
    resource = request.resource
    return (
        resource.resource == "pods"
        and not resource.group
        and request.operation == "CREATE"
        and not request.sub_resource
    )


def is_workload_change(request: WorkloadRequest) -> bool:
    """Whether the request creates or updates an object that is not a pod."""
    resource = request.resource
    return (
        (resource.group, resource.resource) != ("", "pods")
        and request.operation in ("CREATE", "UPDATE")
        and not request.sub_resource
    )


def decode_pod(body: bytes) -> Review[Pod] | Review[msgspec.Raw]:
    """Return the review of a pod, or of another kind with its object not decoded."""
    try:
        return _checked(body, _PODS.decode(body))
    except _UNDECODABLE as error:
        try:
            review = _checked(body, _ANY.decode(body))
        except _UNDECODABLE as other:
            raise BadReview(str(other)) from other
        if is_pod_creation(review.request):
            raise BadReview(f"the object is not a pod: {error}") from error
        return review


def decode_workload(body: bytes) -> WorkloadReview:
    """Return the review of a workload, its objects not decoded."""
    try:
        return _checked(body, _WORKLOADS.decode(body))
    except _UNDECODABLE as error:
        raise BadReview(str(error)) from error


def workload_of(request: WorkloadRequest) -> tuple[WorkloadKind, Workload, Change]:
    """Return what *request* changes: its kind, the object, and the change.

    Raises BadReview if the object can't be one of its kind.
    """
    try:
        content = _json(request.object)
        old = _json(request.old_object) if bytes(request.old_object) != b"null" else None
        name = (request.resource.group, request.kind.kind)
        kind = kind_of(*name) or searched_kind(content, *name, request.resource.resource)
        workload = read_workload(content, kind)
    except (*_UNDECODABLE, MisfitError) as error:
        raise BadReview(f"the object is not a workload: {error}") from error
    options = request.options or Options()
    change = Change(
        operation=request.operation,
        old=_old(old, kind),
        field_manager=options.field_manager,
    )
    return kind, workload, change


_decode: Final = msgspec.json.Decoder(Json).decode


def _json(raw: msgspec.Raw) -> Json:
    return _decode(raw)


def _old(content: Json | None, kind: WorkloadKind) -> Workload | None:
    """Return the object before an update; None if it was not one of its kind."""
    try:
        return read_workload(content, kind) if content else None
    except MisfitError:
        return None


def _checked(body: bytes, review: R) -> R:
    if not body.isascii():
        body.decode()  # skipped fields are not decoded, but they too must be UTF-8
    if review.api_version not in VERSIONS or review.kind != "AdmissionReview":
        raise BadReview("the body must be an AdmissionReview of admission.k8s.io/v1 or v1beta1")
    if not 0 < len(review.request.uid) <= _LONGEST_UID:
        raise BadReview(f"request.uid must have 1 to {_LONGEST_UID} characters")
    return review
