package manage

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Function is one on the server that licensed programs call by its name.
type Function struct {
	ID      string `json:"id" example:"fun_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Name    string `json:"name" example:"price"`
	Current int64  `json:"current" doc:"The version that runs."`
	Enabled bool   `json:"enabled" doc:"Whether programs may call it."`
	FunctionFields
	MadeAt time.Time `json:"made_at"`
	// Versions are the last first; a list of functions has none of them.
	Versions []FunctionVersion `json:"versions,omitempty" doc:"The last first; only where one function is read."`
}

// FunctionFields are what can be changed of a function without another module.
type FunctionFields struct {
	TimeMS      int64  `json:"time_ms" doc:"How long a call may take, in milliseconds: 1 to 10000." example:"1000"`
	MemoryMiB   int64  `json:"memory_mib" doc:"How much memory it may have: 1 to 512." example:"64"`
	OutputBytes int64  `json:"output_bytes" doc:"How much it may write: 1 to 131072." example:"131072"`
	Note        string `json:"note,omitempty" maxLength:"8000" doc:"Up to 2000 characters."`
}

// FunctionVersion is a module that was uploaded.
type FunctionVersion struct {
	Version int64     `json:"version" example:"3"`
	SHA256  string    `json:"sha256" doc:"Of the module, in hexadecimal digits."`
	Size    int64     `json:"size" doc:"Of the module, in bytes."`
	Note    string    `json:"note"`
	MadeBy  string    `json:"made_by"`
	MadeAt  time.Time `json:"made_at"`
}

// FunctionList is the functions of a product.
type FunctionList struct {
	Functions []Function `json:"functions" nullable:"false"`
}

// FunctionChoice names a version.
type FunctionChoice struct {
	Version int64 `json:"version" example:"2"`
}

// FunctionFailure is a call that came to nothing.
type FunctionFailure struct {
	At      time.Time `json:"at"`
	Version int64     `json:"version"`
	Card    string    `json:"card" example:"crd_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Code    string    `json:"code" doc:"function_time, function_memory, function_output, function_stack, function_trap or function_exit."`
	Exit    int64     `json:"exit_code"`
	TookMS  float64   `json:"took_ms"`
	Cause   string    `json:"cause" doc:"What the server knows of it."`
	Log     string    `json:"log" doc:"The end of what it wrote to standard error."`
}

// FunctionFailureList is the last failures of a function, the last first.
type FunctionFailureList struct {
	Failures []FunctionFailure `json:"failures" nullable:"false"`
}

// Functions lists the functions of a product, by name.
func (c *Client) Functions(ctx context.Context, product string) (*FunctionList, error) {
	return get[FunctionList](ctx, c, functions(product))
}

// Function reads a function with its versions.
func (c *Client) Function(ctx context.Context, product, name string) (*Function, error) {
	return get[Function](ctx, c, function(product, name))
}

// UploadFunction makes a module the next version of a function, which runs from now on.
// The first upload makes the function.
func (c *Client) UploadFunction(ctx context.Context, product, name string, module []byte, note string) (*Function, error) {
	return api.Upload[Function](ctx, c.Client, function(product, name)+"/versions?note="+url.QueryEscape(note), "application/wasm", bytes.NewReader(module), int64(len(module)))
}

// UpdateFunction gives a function other limits and another note.
func (c *Client) UpdateFunction(ctx context.Context, product, name string, f FunctionFields) (*Function, error) {
	return put[Function](ctx, c, function(product, name), f)
}

// UseFunctionVersion makes another version the one that runs.
func (c *Client) UseFunctionVersion(ctx context.Context, product, name string, version int64) (*Function, error) {
	return post[Function](ctx, c, function(product, name)+"/use", FunctionChoice{version})
}

// EnableFunction lets programs call a function.
func (c *Client) EnableFunction(ctx context.Context, product, name string) (*Function, error) {
	return post[Function](ctx, c, function(product, name)+"/enable", nil)
}

// DisableFunction lets no program call a function, until it is enabled.
func (c *Client) DisableFunction(ctx context.Context, product, name string) (*Function, error) {
	return post[Function](ctx, c, function(product, name)+"/disable", nil)
}

// RemoveFunction removes a function with all its versions.
func (c *Client) RemoveFunction(ctx context.Context, product, name string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, function(product, name), nil)
	return err
}

// RemoveFunctionVersion removes a version that does not run.
func (c *Client) RemoveFunctionVersion(ctx context.Context, product, name string, version int64) error {
	_, err := c.Bytes(ctx, http.MethodDelete, fmt.Sprintf("%s/versions/%d", function(product, name), version), nil)
	return err
}

// FunctionFailures lists the last calls of a function that came to nothing, the last first.
func (c *Client) FunctionFailures(ctx context.Context, product, name string) (*FunctionFailureList, error) {
	return get[FunctionFailureList](ctx, c, function(product, name)+"/failures")
}

func functions(q string) string { return product(q) + "/functions" }

func function(q, name string) string { return functions(q) + "/" + url.PathEscape(name) }
