"""What a Python client of drmhub needs beside the generated stubs."""

import copy

from google.rpc import error_details_pb2, status_pb2

TIMEOUT = 10  # seconds; without one a call may wait for ever


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
