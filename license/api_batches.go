package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type batchesInput struct {
	Product string `query:"product" maxLength:"100" doc:"The id or the code of a product."`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset  int    `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type batchInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the batch."`
}

type newBatchInput struct{ Body wire.BatchOrder }

// csvOutput is a table that holds secrets.
type csvOutput struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	CacheControl       string `header:"Cache-Control"`
	Body               []byte
}

func (s *service) batchOperations(api huma.API) {
	const path, one = "/api/v1/batches", "/api/v1/batches/{id}"
	const codes = "Error codes: batch_not_found, batch_not_made (its cards are still being made), batch_exported."
	tags := []string{"Batches"}
	register(api, huma.Operation{OperationID: "list-batches", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List batches", Description: "The last first. Error code: product_not_found."}, s.listBatches, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "order-batch", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: noteBody,
		Summary:     "Make cards",
		Description: "Up to a thousand are there at once, more are made by and by: made says how many there are. Error codes: policy_not_found, customer_not_found, invalid_fields (count, days, ends_at, note)."},
		s.orderBatch, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "get-batch", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read a batch", Description: "Its cards are listed by list-cards. Error code: batch_not_found."}, s.getBatch, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "export-batch", Method: http.MethodPost, Path: one + "/export", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary: "Export the keys of a batch", Description: "Once: a quarter of an hour later they are kept nowhere. " + codes},
		s.exportBatch, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "export-batch-csv", Method: http.MethodPost, Path: one + "/export.csv", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary: "Export the keys of a batch as CSV", Description: "Like export-batch, for spreadsheets: the columns are number and key. " + codes},
		s.exportBatchCSV, http.StatusNotFound, http.StatusConflict)
}

func (s *service) listBatches(ctx context.Context, in *batchesInput) (*app.Output[wire.BatchList], error) {
	product, err := s.productID(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	all, total, err := s.store.Batches(ctx, store.BatchQuery{Product: product, Limit: in.Limit, Offset: in.Offset})
	return output(wire.BatchList{Batches: each(all, wireBatch), Total: total}, err)
}

func (s *service) orderBatch(ctx context.Context, in *newBatchInput) (*app.Output[wire.Batch], error) {
	b, err := s.cards.Order(ctx, card.Order{Policy: in.Body.Policy, Customer: in.Body.Customer, Count: in.Body.Count, Days: in.Body.Days,
		EndsAt: in.Body.EndsAt, Note: in.Body.Note}, app.Caller(ctx))
	return output(wireBatch(b), err)
}

func (s *service) getBatch(ctx context.Context, in *batchInput) (*app.Output[wire.Batch], error) {
	b, err := s.store.Batch(ctx, in.ID)
	return output(wireBatch(b), err)
}

func (s *service) exportBatch(ctx context.Context, in *batchInput) (*app.SecretOutput[wire.BatchExport], error) {
	keys, err := s.export(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusOK, &wire.BatchExport{Batch: in.ID, Keys: each(keys, func(k card.Key) wire.CardKey {
		return wire.CardKey{Number: k.Number, Key: k.Key}
	})}), nil
}

func (s *service) exportBatchCSV(ctx context.Context, in *batchInput) (*csvOutput, error) {
	keys, err := s.export(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &csvOutput{ContentType: "text/csv; charset=utf-8", ContentDisposition: `attachment; filename="` + in.ID + `.csv"`, CacheControl: "no-store",
		Body: []byte(card.CSV(keys))}, nil
}

func (s *service) export(ctx context.Context, batch string) ([]card.Key, error) {
	if err := recent().Check(ctx, s.now()); err != nil {
		return nil, err
	}
	return s.cards.Export(ctx, batch, app.Caller(ctx))
}

func wireBatch(b store.Batch) wire.Batch {
	return wire.Batch{ID: b.ID, Product: b.Product, Policy: b.Policy, Customer: b.Customer, Days: b.Days, EndsAt: b.EndsAt, Note: b.Note,
		Count: b.Wanted, Made: b.Made, MadeBy: b.MadeBy, MadeAt: b.MadeAt, ExportedAt: b.ExportedAt}
}
