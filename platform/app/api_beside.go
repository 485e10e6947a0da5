package app

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Beside is the API for operations that are reached through mux: where a page has the
// same address, and somebody decides which of the two is meant.
func Beside(api huma.API, mux *http.ServeMux) huma.API {
	return beside{api, humago.NewAdapter(mux, "")}
}

type beside struct {
	huma.API

	adapter huma.Adapter
}

// Adapter is where operations are registered.
func (b beside) Adapter() huma.Adapter { return b.adapter }
