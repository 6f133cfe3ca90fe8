"""What a Python client of drmhub needs beside the generated stubs."""

import copy
import itertools
import time
import uuid

import grpc
from google.rpc import error_details_pb2, status_pb2

TIMEOUT = 10  # seconds; without one a call may wait forever

PASSING = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)


def pages(method, request):
    """Yields the answers of a List method, page by page.

    A page can be short, even empty, and not be the last: only an empty token ends the list.
    """
    request = copy.deepcopy(request)
    while True:
        page = method(request, timeout=TIMEOUT)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def change(method, request, attempts=6, pause=0.5):
    """Makes a change, and makes it once. Answers what the method does, and the name of drmhub's record of the change.

    Under one request_id it is called again while nobody knows what became of it, or the reason why it failed may pass. A program that may end amid this
    keeps the request_id somewhere safe, and gives it in the request.
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
    """Whether calling again with the same request_id may lead further."""
    info = error_info(error)
    return error.code() in PASSING or info is not None and info.reason == "MUTATION_IN_PROGRESS"


def dry_run(method, request):
    """What a change would answer, and the requests that it would send to the vendor, as curl commands without secrets. Nothing is changed."""
    request = copy.deepcopy(request)
    request.validate_only = True
    answer, call = method.with_call(request, timeout=TIMEOUT)
    return answer, [value for key, value in call.initial_metadata() if key == "drmhub-planned-request"]


def detail(error, kind):
    """The detail of an error that is a message of the class kind, such as BadRequest; None where it has none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                found = kind()
                if packed.Unpack(found):
                    return found
    return None


def error_info(error):
    """The ErrorInfo of an error: its reason, its domain and its metadata. Every error that drmhub answers has one."""
    return detail(error, error_details_pb2.ErrorInfo)
