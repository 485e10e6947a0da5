package manage

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Batch is cards that were made together.
type Batch struct {
	ID         string    `json:"id" example:"bat_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Product    string    `json:"product" doc:"The id of the product."`
	Policy     string    `json:"policy" doc:"The id of the policy."`
	Customer   string    `json:"customer,omitempty" doc:"The id of the customer; absent: none."`
	Days       int       `json:"days,omitempty" doc:"From the first use; absent: what the policy says."`
	EndsAt     time.Time `json:"ends_at,omitzero" doc:"The fixed end; absent: none."`
	Note       string    `json:"note"`
	Count      int       `json:"count" doc:"How many cards were ordered."`
	Made       int       `json:"made" doc:"How many of them there are."`
	MadeBy     string    `json:"made_by"`
	MadeAt     time.Time `json:"made_at"`
	ExportedAt time.Time `json:"exported_at,omitzero" doc:"When the keys were exported first. A quarter of an hour later they are gone."`
}

// BatchOrder is a batch to make.
type BatchOrder struct {
	Policy   string    `json:"policy" maxLength:"100" doc:"The id of the policy."`
	Customer string    `json:"customer,omitempty" maxLength:"100" doc:"The id of the customer."`
	Count    int       `json:"count" doc:"How many cards, at most 100000." example:"1000"`
	Days     int       `json:"days,omitempty" doc:"Days from the first use; absent: what the policy says." example:"365"`
	EndsAt   time.Time `json:"ends_at,omitzero" doc:"A fixed end."`
	Note     string    `json:"note,omitempty" maxLength:"8000" doc:"Up to 2000 characters."`
}

// BatchRequest chooses batches; its zero value means all, the last first.
type BatchRequest struct {
	// Product is an id or a code.
	Product string
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// BatchList is one page of batches.
type BatchList struct {
	Batches []Batch `json:"batches" nullable:"false"`
	Total   int     `json:"total" doc:"How many there are in all pages."`
}

// BatchExport is the keys of a batch.
type BatchExport struct {
	Batch string    `json:"batch" doc:"The id of the batch."`
	Keys  []CardKey `json:"keys" nullable:"false"`
}

// CardKey is a key: a secret, whose one copy this is.
type CardKey struct {
	Number int    `json:"number" doc:"From 1."`
	Key    string `json:"key" doc:"In groups of four." example:"7G3K-..."`
}

// Batches reads one page of batches.
func (c *Client) Batches(ctx context.Context, r BatchRequest) (*BatchList, error) {
	q := api.Query(map[string]string{"product": r.Product}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	return get[BatchList](ctx, c, "batches?"+q.Encode())
}

// Batch reads a batch.
func (c *Client) Batch(ctx context.Context, id string) (*Batch, error) {
	return get[Batch](ctx, c, batch(id))
}

// OrderBatch makes a batch. More than a thousand cards are made by and by: Batch.Made
// says how many there are.
func (c *Client) OrderBatch(ctx context.Context, o BatchOrder) (*Batch, error) {
	return post[Batch](ctx, c, "batches", o)
}

// ExportBatch reads the keys of a batch, once: a quarter of an hour later they are gone.
func (c *Client) ExportBatch(ctx context.Context, id string) (*BatchExport, error) {
	return post[BatchExport](ctx, c, batch(id)+"/export", nil)
}

// ExportBatchCSV is ExportBatch for spreadsheets.
func (c *Client) ExportBatchCSV(ctx context.Context, id string) ([]byte, error) {
	return c.Bytes(ctx, http.MethodPost, batch(id)+"/export.csv", nil)
}

func batch(id string) string { return "batches/" + url.PathEscape(id) }
