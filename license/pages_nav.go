package license

import "guildhall/platform/web"

// nav is the navigation of those who administer, in the order of a working day: cards
// and who has them first, what they are made from next, what is looked at now and then
// last. What belongs to one product is a tab of its page (views.ProductTabs).
func nav() []web.NavItem {
	return []web.NavItem{
		{Path: "/", Key: "license.nav.home", Icon: "home", Role: viewerRole},
		{Path: "/cards", Key: "license.nav.cards", Icon: "key", Role: viewerRole},
		{Path: "/batches", Key: "license.nav.batches", Icon: "list", Role: viewerRole},
		{Path: "/customers", Key: "license.nav.customers", Icon: "users", Role: viewerRole},
		{Path: "/machines", Key: "license.nav.machines", Icon: "device", Role: viewerRole},
		{Path: "/mismatches", Key: "license.nav.mismatches", Icon: "alert", Role: viewerRole},
		{Path: "/downloads", Key: "license.nav.downloads", Icon: "download", Role: viewerRole},
		{Path: "/alarms", Key: "license.nav.alarms", Icon: "bell", Role: viewerRole},
		{Path: "/products", Key: "license.nav.products", Icon: "ticket", Role: viewerRole},
		{Path: "/policies", Key: "license.nav.policies", Icon: "shield", Role: viewerRole},
		{Path: "/offline", Key: "license.nav.offline", Icon: "file", Role: viewerRole},
		{Path: "/audit", Key: "web.audit.title", Icon: "log", Role: adminRole},
		{Path: "/api", Key: "app.api.title", Icon: "code"},
	}
}
