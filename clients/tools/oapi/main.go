// Command oapi calls a sandbox at a URL with the client that oapi-codegen made of the OpenAPI
// document. It exits with status 1 if a call returns something else than what it should.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/drmhub/drmhub/clients/tools/oapi/generated"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: oapi URL")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "oapi:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string) error {
	client, err := generated.NewClientWithResponses(url)
	if err != nil {
		return err
	}
	size := int32(3)
	page := &generated.SiteServiceListSitesParams{PageSize: &size}
	sites, err := client.SiteServiceListSitesWithResponse(ctx, "-", page)
	if err != nil {
		return err
	}
	if sites.JSON200 == nil || len(sites.JSON200.Sites) != int(size) || sites.JSON200.Sites[0].SiteId != "DEMO" {
		return fmt.Errorf("ListSites returned %s", sites.Body)
	}
	name := "kids_and_songs_5"
	renamed, err := client.SiteServiceUpdateSiteWithResponse(ctx, "ncp", "drm-20240304012233-WmRpa",
		&generated.SiteServiceUpdateSiteParams{}, generated.SitePatch{DisplayName: &name})
	if err != nil {
		return err
	}
	if renamed.JSON200 == nil || renamed.JSON200.DisplayName != name {
		return fmt.Errorf("UpdateSite returned %s", renamed.Body)
	}
	refused, err := client.SiteServiceGetSiteWithResponse(ctx, "pallycon", "nope")
	if err != nil {
		return err
	}
	if refused.JSONDefault == nil || refused.JSONDefault.Error.Code != http.StatusNotFound {
		return fmt.Errorf("GetSite of an unknown site returned %s", refused.Body)
	}
	return nil
}
