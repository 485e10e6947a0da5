package ca

import (
	"encoding/pem"
	"io"
	"net/http"
	"strings"

	"guildhall/platform/fault"
	"guildhall/platform/web/form"
)

var errMalformedForm = fault.New(fault.Malformed, "malformed_form", "The form could not be read. Open the page again and send it once more.")

// readUpload reads a form whose text area may have come as a file instead. A
// file in DER is put into the text area as PEM of the type, so that everything
// goes on alike.
func readUpload(r *http.Request, text, file, pemType string) (*form.Form, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := r.ParseMultipartForm(1 << 20); err != nil { //nolint:gosec // web.Site bounds every body
			return nil, uploadFault(err)
		}
		content, err := uploaded(r, file)
		if err != nil {
			return nil, uploadFault(err)
		}
		if len(content) > 0 {
			r.PostForm.Set(text, asPEM(content, pemType))
		}
	}
	return form.Read(r)
}

func uploadFault(err error) error {
	if e := fault.As(err); e.Kind == fault.TooLarge {
		return e
	}
	return errMalformedForm.Because(err)
}

// uploaded is the content of a file field, empty when none was chosen.
func uploaded(r *http.Request, name string) ([]byte, error) {
	files := r.MultipartForm.File[name]
	if len(files) == 0 || files[0].Size == 0 {
		return nil, nil
	}
	f, err := files[0].Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content := make([]byte, files[0].Size)
	_, err = io.ReadFull(f, content)
	return content, err
}

func asPEM(content []byte, pemType string) string {
	if strings.Contains(string(content), "-----BEGIN") {
		return string(content)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: content}))
}
