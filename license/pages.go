package license

import (
	"net/http"

	"guildhall/platform/web"
)

// pageOptions is what the pages stand on.
type pageOptions struct {
	Site    *web.Site
	Service *service
}

// pages are the HTML pages of license.
type pages struct {
	pageOptions
	// shell is the frame for those who administer; public has no navigation, because a
	// visitor could open nothing in it.
	shell, public *web.Shell
}

func newPages(o pageOptions) *pages {
	return &pages{pageOptions: o, public: o.Site.Shell(Name, nil), shell: o.Site.Shell(Name, []web.NavItem{
		{Path: "/api", Key: "app.api.title", Icon: "code"},
	})}
}

// Shell is the frame of the pages, for the host's own error pages.
func (p *pages) Shell() *web.Shell { return p.shell }

// Mount registers the pages.
func (p *pages) Mount(*http.ServeMux) {}
