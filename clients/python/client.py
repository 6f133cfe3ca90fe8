"""Helpers for a Python client of drmhub, beside the generated stubs."""

import copy
import itertools
import time
import uuid

import grpc
from google.rpc import error_details_pb2, status_pb2

TIMEOUT = 10  # seconds; without a timeout, a call may wait forever

PASSING = (
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


def pages(method, request):
    """Yields the responses of a List method.

    A page can be short or empty without being the last: an empty token ends the list.
    """
    request = copy.deepcopy(request)
    while True:
        page = method(request, timeout=TIMEOUT)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def change(method, request, attempts=6, pause=0.5):
    """Makes a change once, also if its response is lost.

    It repeats the call with the same request_id while the outcome is unknown, or while the reason for the failure may
    pass. A program that may end during this stores the request_id first, and sets it in the request.

    It returns the method's response and the name of drmhub's record of the change.
    """
    request = copy.deepcopy(request)
    request.request_id = request.request_id or str(uuid.uuid4())
    for attempt in itertools.count(1):
        try:
            answer, call = method.with_call(request, timeout=TIMEOUT)
            return answer, dict(call.initial_metadata())["drmhub-mutation"]
        except grpc.RpcError as error:
            if attempt == attempts or not may_pass(error):
                raise
            retry = detail(error, error_details_pb2.RetryInfo)
            time.sleep(retry.retry_delay.ToTimedelta().total_seconds() if retry else pause * 2 ** (attempt - 1))


def may_pass(error):
    """Reports whether another call with the same request_id may succeed."""
    info = error_info(error)
    return error.code() in PASSING or info is not None and info.reason == "MUTATION_IN_PROGRESS"


def dry_run(method, request):
    """Makes a dry run, which changes nothing.

    It returns the response that the change would have, and the requests that it would send to the vendor, as curl
    commands without secrets.
    """
    request = copy.deepcopy(request)
    request.validate_only = True
    answer, call = method.with_call(request, timeout=TIMEOUT)
    return answer, [value for key, value in call.initial_metadata() if key == "drmhub-planned-request"]


def detail(error, kind):
    """Returns the detail of an error whose class is kind, such as BadRequest, or None."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                found = kind()
                if packed.Unpack(found):
                    return found
    return None


def error_info(error):
    """Returns the ErrorInfo of an error: its reason, domain and metadata. Every error from drmhub has one."""
    return detail(error, error_details_pb2.ErrorInfo)
