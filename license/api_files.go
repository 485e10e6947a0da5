package license

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/file"
	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

const filesPath = "/api/v1/products/{product}/releases/{version}/files"

// streams bounds the uploads, which are taken while they come. A form adds a little.
func (s *service) streams() map[string]int64 {
	return map[string]int64{"POST " + filesPath: s.files.Most() + 1, "POST " + releasePage + "/files": s.files.Most() + noteBody}
}

type newFileInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Version string `path:"version" maxLength:"64" doc:"The version." example:"2.1.0"`
	Name    string `query:"name" required:"true" maxLength:"400" doc:"Its name for whoever downloads it, up to 60 characters." example:"press-2.1.0-setup.zip"`
	Note    string `query:"note" maxLength:"8000" doc:"Up to 2000 characters. Who downloads the file does not see it."`
	SHA256  string `query:"sha256" maxLength:"64" doc:"What the content must have, in hexadecimal digits; without it, whatever it has."`
	Type    string `header:"Content-Type" maxLength:"200" doc:"The media type that whoever downloads the file is told." example:"application/zip"`
	content io.Reader
}

// Resolve takes the body as it comes.
func (in *newFileInput) Resolve(ctx huma.Context) []error {
	in.content = ctx.BodyReader()
	return nil
}

type fileInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Version string `path:"version" maxLength:"64" doc:"The version." example:"2.1.0"`
	File    string `path:"file" maxLength:"100" doc:"The id of the file." example:"fil_06a4m8w3j5t2n7q1c9v0xkzgde"`
}

func (s *service) fileOperations(api huma.API) {
	tags := []string{"Files"}
	register(api, huma.Operation{OperationID: "list-release-files", Method: http.MethodGet, Path: filesPath, Tags: tags,
		Summary: "List the files of a release", Description: "By name. Error codes: product_not_found, release_not_found."},
		s.listFiles, http.StatusNotFound)
	binary := &huma.Schema{Type: "string", Format: "binary"}
	register(api, huma.Operation{OperationID: "create-release-file", Method: http.MethodPost, Path: filesPath, Tags: tags, DefaultStatus: http.StatusCreated,
		RequestBody: &huma.RequestBody{Required: true, Description: "The content as it is.", Content: map[string]*huma.MediaType{file.Unknown: {Schema: binary}}},
		Summary:     "Upload a file of a release",
		Description: "The body is the content, of any size up to the bound of the configuration (license.files.max_size). Error codes: product_not_found, release_not_found, file_too_large, file_broken_off, file_being_removed, disk_full, blob_unavailable, invalid_fields (errors[].code: file_exists, required, file_name, too_long, not_text, form, sum_differs)."},
		s.createFile, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "delete-release-file", Method: http.MethodDelete, Path: filesPath + "/{file}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Remove a file of a release", Description: "Its content goes a day later, unless another file has the same. Error codes: product_not_found, release_not_found, file_not_found."},
		s.deleteFile, http.StatusNotFound)
}

// release is the one of a product with just the version.
func (s *service) release(ctx context.Context, product, version string) (store.Release, error) {
	p, err := s.store.Product(ctx, product)
	if err != nil {
		return store.Release{}, err
	}
	if version == "" {
		return store.Release{}, store.ErrRelease
	}
	return s.store.Release(ctx, p.ID, version)
}

func (s *service) listFiles(ctx context.Context, in *releaseInput) (*app.Output[wire.FileList], error) {
	r, err := s.release(ctx, in.Product, in.Version)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Files(ctx, r.ID)
	return output(wire.FileList{Files: each(all, wireFile)}, err)
}

func (s *service) createFile(ctx context.Context, in *newFileInput) (*app.Output[wire.File], error) {
	r, err := s.release(ctx, in.Product, in.Version)
	if err != nil {
		return nil, err
	}
	f, err := s.files.Add(ctx, r, file.Draft{Name: in.Name, Note: in.Note, MediaType: in.Type, SHA256: in.SHA256}, in.content,
		func() error { return app.CheckAgain(ctx, adminRole) }, app.Caller(ctx))
	return output(wireFile(f), err)
}

func (s *service) deleteFile(ctx context.Context, in *fileInput) (*struct{}, error) {
	r, err := s.release(ctx, in.Product, in.Version)
	if err != nil {
		return nil, err
	}
	return nil, s.files.Remove(ctx, r, in.File, app.Caller(ctx))
}

func wireFile(f store.File) wire.File {
	return wire.File{ID: f.ID, Name: f.Name, Size: f.Size, SHA256: f.SHA256, MediaType: f.MediaType, Note: f.Note, MadeAt: f.MadeAt}
}
