package license

import (
	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/journal"
	"guildhall/platform/app"
)

// operations registers the REST API of those who administer licences.
func (s *service) operations(api huma.API) {
	app.AuditOperations(api, s.journal, journal.Actions())
}
