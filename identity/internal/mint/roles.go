package mint

import (
	"context"
	"slices"
	"strings"

	"guildhall/identity/internal/client"
)

// ServiceClient begins the ids of the applications that our own services are:
// "guildhall-ca".
const ServiceClient = "guildhall-"

// roles are what the account may do, as far as it concerns the application: a
// service of ours is told its own, another trusted application all, any other
// none.
func (m *Minter) roles(ctx context.Context, account string, c *client.Client) ([]string, error) {
	if m.Roles == nil || !c.Trusted {
		return []string{}, nil
	}
	all, err := m.Roles.Of(ctx, account)
	if err != nil {
		return nil, err
	}
	service, ours := strings.CutPrefix(c.ID, ServiceClient)
	return slices.DeleteFunc(append([]string{}, all...), func(r string) bool { return ours && !strings.HasPrefix(r, service+".") }), nil
}
