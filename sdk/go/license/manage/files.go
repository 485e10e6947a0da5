package manage

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// File is a file of a release.
type File struct {
	ID        string    `json:"id" example:"fil_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Name      string    `json:"name" example:"press-2.1.0-setup.zip"`
	Size      int64     `json:"size" doc:"In bytes." example:"73400320"`
	SHA256    string    `json:"sha256" doc:"In hexadecimal digits." example:"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`
	MediaType string    `json:"media_type" example:"application/zip"`
	Note      string    `json:"note"`
	MadeAt    time.Time `json:"made_at"`
}

// FileList is the files of a release, by name.
type FileList struct {
	Files []File `json:"files" nullable:"false"`
}

// FileUpload is a file to upload.
type FileUpload struct {
	// Name is for whoever downloads it; Note is not.
	Name, Note string
	// MediaType may be empty.
	MediaType string
	// SHA256 is what the content must have when it arrives, in hexadecimal digits; empty:
	// whatever it has.
	SHA256 string
	// Size is how many bytes Content has.
	Size    int64
	Content io.Reader
}

// Files lists the files of a release, by name.
func (c *Client) Files(ctx context.Context, q, version string) (*FileList, error) {
	return get[FileList](ctx, c, files(q, version))
}

// UploadFile uploads a file of a release. The client's timeout does not bound it.
func (c *Client) UploadFile(ctx context.Context, q, version string, f FileUpload) (*File, error) {
	values := url.Values{"name": {f.Name}}
	for name, value := range map[string]string{"note": f.Note, "sha256": f.SHA256} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return api.Upload[File](ctx, c.Client, files(q, version)+"?"+values.Encode(), f.MediaType, f.Content, f.Size)
}

// RemoveFile removes a file of a release.
func (c *Client) RemoveFile(ctx context.Context, q, version, id string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, files(q, version)+"/"+url.PathEscape(id), nil)
	return err
}

func files(q, version string) string {
	return product(q) + "/releases/" + url.PathEscape(version) + "/files"
}
