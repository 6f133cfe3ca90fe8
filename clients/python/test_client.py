"""Tests the Python client against the sandbox at DRMHUB_GRPC ("host:port")."""

import json
import os
import re
import time
import unittest
import urllib.request
import uuid

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2

import client
from drmhub.v1 import (
    archive_service_pb2,
    archive_service_pb2_grpc,
    error_reason_pb2,
    license_service_pb2_grpc,
    mutation_service_pb2,
    mutation_service_pb2_grpc,
    site_service_pb2,
    site_service_pb2_grpc,
)
from drmhub.v1.license_service_pb2 import License, LicenseFilter, ListLicensesRequest, StreamLicensesRequest

DEMO = "vendors/pallycon/sites/DEMO"
KIDS = "vendors/ncp/sites/drm-20240304012233-WmRpa"

# The sandbox adds new licenses all the time. Those older than an hour do not change.
PAST = Timestamp(seconds=int(time.time()) - 3600)


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        channel = grpc.insecure_channel(os.environ["DRMHUB_GRPC"])
        cls.addClassCleanup(channel.close)
        cls.sites = site_service_pb2_grpc.SiteServiceStub(channel)
        cls.licenses = license_service_pb2_grpc.LicenseServiceStub(channel)
        cls.archive = archive_service_pb2_grpc.ArchiveServiceStub(channel)
        cls.mutations = mutation_service_pb2_grpc.MutationServiceStub(channel)

    def listed(self, page_size, **filter):
        request = ListLicensesRequest(parent=DEMO, page_size=page_size, filter=LicenseFilter(end_time=PAST, **filter))
        return [list(page.licenses) for page in client.pages(self.licenses.ListLicenses, request)]

    def test_lists_the_sites_of_all_vendors(self):
        answer = self.sites.ListSites(site_service_pb2.ListSitesRequest(parent="vendors/-"), timeout=client.TIMEOUT)
        demo = next(site for site in answer.sites if site.name == DEMO)
        self.assertEqual(demo.display_name, "Demo site")
        self.assertEqual(demo.state, site_service_pb2.Site.RUNNING)
        self.assertEqual(list(answer.unreachable), [])

    def test_pages_through_the_licenses_that_were_refused(self):
        pages = self.listed(50, status=License.FAILURE)
        self.assertGreater(len(pages), 1)
        self.assertLessEqual(max(len(page) for page in pages), 50)
        rows = [row for page in pages for row in page]
        self.assertTrue(all(row.status == License.FAILURE and row.error_code != "0000" for row in rows))
        [whole] = self.listed(1000, status=License.FAILURE)
        self.assertEqual(rows, whole)

    def test_streams_all_licenses_and_goes_on_where_a_stream_broke_off(self):
        listed = [row for page in self.listed(1000) for row in page]
        request = StreamLicensesRequest(parent=DEMO, filter=LicenseFilter(end_time=PAST))
        streamed = [row for message in self.licenses.StreamLicenses(request, timeout=60) for row in message.licenses]
        self.assertGreater(len(streamed), 1000)
        self.assertEqual(streamed, listed)

        cut = self.licenses.StreamLicenses(request, timeout=60)
        message = next(cut)
        cut.cancel()  # as a broken connection would
        pieced = list(message.licenses)
        self.assertLess(len(pieced), len(listed))
        request.page_token = message.next_page_token
        for message in self.licenses.StreamLicenses(request, timeout=60):
            pieced += message.licenses
        self.assertEqual(pieced, listed)

    def test_searches_and_exports_the_archive(self):
        self.archive.SyncArchive(archive_service_pb2.SyncArchiveRequest(name=DEMO + "/archive"), timeout=60)
        filter = archive_service_pb2.ArchiveFilter(end_time=PAST, user_id="tester13")
        search = archive_service_pb2.SearchLicensesRequest(parent=DEMO, page_size=50, filter=filter)
        pages = list(client.pages(self.archive.SearchLicenses, search))
        found = [row for page in pages for row in page.licenses]
        self.assertEqual(len(found), pages[0].total_size)
        self.assertEqual([coverage.site for coverage in pages[0].coverage], [DEMO])
        export = archive_service_pb2.ExportLicensesRequest(parent=DEMO, filter=filter)
        exported = [row for message in self.archive.ExportLicenses(export, timeout=60) for row in message.licenses]
        self.assertEqual(exported, found)

    def test_reads_why_a_call_failed(self):
        with self.assertRaises(grpc.RpcError) as failed:
            request = ListLicensesRequest(parent="vendors/pallycon/sites/NOPE")
            self.licenses.ListLicenses(request, timeout=client.TIMEOUT)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.NOT_FOUND)
        info = client.error_info(failed.exception)
        self.assertEqual(info.reason, error_reason_pb2.ErrorReason.Name(error_reason_pb2.RESOURCE_NOT_FOUND))
        self.assertEqual(info.domain, "drmhub.v1")
        self.assertEqual(info.metadata["vendor"], "pallycon")

    def test_reads_which_field_breaks_a_rule(self):
        with self.assertRaises(grpc.RpcError) as failed:
            self.licenses.ListLicenses(ListLicensesRequest(parent=DEMO, page_size=-1), timeout=client.TIMEOUT)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        request = client.detail(failed.exception, error_details_pb2.BadRequest)
        self.assertEqual([violation.field for violation in request.field_violations], ["page_size"])

    def test_repeats_a_change_without_making_it_twice(self):
        request = site_service_pb2.DisableSiteRequest(
            name="vendors/pallycon/sites/MOVI", message="rights ended", request_id=str(uuid.uuid4())
        )
        change = self.sites.DisableSite(request, timeout=client.TIMEOUT)
        self.assertEqual(change.type, site_service_pb2.StatusChange.SUSPEND)
        self.assertEqual(change.state, site_service_pb2.StatusChange.PENDING)
        self.assertEqual(self.sites.DisableSite(request, timeout=client.TIMEOUT), change)
        request.message = "another reason"
        with self.assertRaises(grpc.RpcError) as failed:
            self.sites.DisableSite(request, timeout=client.TIMEOUT)
        self.assertEqual(client.error_info(failed.exception).reason, "REQUEST_ID_REUSED")

    def test_tries_a_change_without_making_it(self):
        answer, planned = client.dry_run(self.sites.DisableSite, site_service_pb2.DisableSiteRequest(name=KIDS))
        self.assertFalse(answer.applied_site.enabled)
        self.assertEqual(len(planned), 1)
        self.assertRegex(planned[0], r"^curl --request PUT 'http:.*/off' .*\[redacted\]")
        site = self.sites.GetSite(site_service_pb2.GetSiteRequest(name=KIDS), timeout=client.TIMEOUT)
        self.assertTrue(site.enabled)

    def test_makes_a_change_once_although_its_answer_is_lost(self):
        _, planned = client.dry_run(self.sites.DisableSite, site_service_pb2.DisableSiteRequest(name=KIDS))
        vendor = re.search(r"'(http://[^/]*)/", planned[0])[1]  # the sandbox's twin, which takes orders to fail
        fault = json.dumps({"kind": "loseAnswer", "method": "PUT", "times": 1}).encode()
        order = urllib.request.Request(f"{vendor}/_twin/faults", fault, {"Content-Type": "application/json"})
        urllib.request.urlopen(order, timeout=client.TIMEOUT).close()

        answer, mutation = client.change(self.sites.DisableSite, site_service_pb2.DisableSiteRequest(name=KIDS))
        with urllib.request.urlopen(f"{vendor}/_twin/faults", timeout=client.TIMEOUT) as faults:
            self.assertEqual(json.load(faults), {"faults": []})  # the answer was lost
        self.assertEqual(answer.state, site_service_pb2.StatusChange.APPLIED)
        self.assertFalse(answer.applied_site.enabled)
        get = mutation_service_pb2.GetMutationRequest(name=mutation)
        record = self.mutations.GetMutation(get, timeout=client.TIMEOUT)
        self.assertEqual(record.state, mutation_service_pb2.Mutation.SUCCEEDED)
        self.assertEqual([step.id for step in record.steps], ["off"])

        client.change(self.sites.EnableSite, site_service_pb2.EnableSiteRequest(name=KIDS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
