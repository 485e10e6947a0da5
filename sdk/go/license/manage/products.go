package manage

import (
	"context"
	"net/url"
	"time"
)

// Product is what licences are for.
type Product struct {
	ID     string    `json:"id" example:"prd_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Code   string    `json:"code" doc:"Its name in what clients send; it never changes." example:"press"`
	Name   string    `json:"name" example:"The Press"`
	Note   string    `json:"note"`
	MadeAt time.Time `json:"made_at"`
}

// ProductList is all products.
type ProductList struct {
	Products []Product `json:"products" nullable:"false"`
}

// ProductCreate is a product to make.
type ProductCreate struct {
	Code string `json:"code" maxLength:"40" doc:"Small letters, digits and dashes; it never changes." example:"press"`
	ProductFields
}

// ProductFields are what can be changed of a product.
type ProductFields struct {
	Name string `json:"name" maxLength:"400" doc:"Up to 100 characters." example:"The Press"`
	Note string `json:"note,omitempty" maxLength:"8000" doc:"Up to 2000 characters."`
}

// Release is a version of a product.
type Release struct {
	ID      string         `json:"id" example:"rel_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Version string         `json:"version" example:"2.1.0"`
	Note    string         `json:"note"`
	MadeAt  time.Time      `json:"made_at"`
	Keys    []HandshakeKey `json:"handshake_keys" nullable:"false" doc:"The current one first; export-handshake-key reads one."`
}

// HandshakeKey decrypts the core data of a release.
type HandshakeKey struct {
	ID        string    `json:"id" example:"hsk_06a4m8w3j5t2n7q1c9v0xkzgde"`
	MadeAt    time.Time `json:"made_at"`
	RetiredAt time.Time `json:"retired_at,omitzero" doc:"When another took its place; absent: it is the current one."`
}

// HandshakeSecret is a handshake key itself: 32 bytes for AES-256.
type HandshakeSecret struct {
	ID  string `json:"id" example:"hsk_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Key []byte `json:"key" doc:"32 bytes, in base64."`
}

// ReleaseList is the releases of a product, the newest first.
type ReleaseList struct {
	Releases []Release `json:"releases" nullable:"false"`
}

// ReleaseCreate is a release to make.
type ReleaseCreate struct {
	Version string `json:"version" maxLength:"64" doc:"Letters, digits, dots, dashes, + and _." example:"2.1.0"`
	Note    string `json:"note,omitempty" maxLength:"8000" doc:"Up to 2000 characters."`
}

// Products lists all products, by code.
func (c *Client) Products(ctx context.Context) (*ProductList, error) {
	return get[ProductList](ctx, c, "products")
}

// Product reads the product with the id or the code.
func (c *Client) Product(ctx context.Context, q string) (*Product, error) {
	return get[Product](ctx, c, product(q))
}

// CreateProduct makes a product.
func (c *Client) CreateProduct(ctx context.Context, p ProductCreate) (*Product, error) {
	return post[Product](ctx, c, "products", p)
}

// UpdateProduct gives a product another name and note.
func (c *Client) UpdateProduct(ctx context.Context, q string, f ProductFields) (*Product, error) {
	return put[Product](ctx, c, product(q), f)
}

// Releases lists the releases of a product, the newest first.
func (c *Client) Releases(ctx context.Context, q string) (*ReleaseList, error) {
	return get[ReleaseList](ctx, c, product(q)+"/releases")
}

// CreateRelease makes a release of a product, with a handshake key.
func (c *Client) CreateRelease(ctx context.Context, q string, r ReleaseCreate) (*Release, error) {
	return post[Release](ctx, c, product(q)+"/releases", r)
}

// RotateHandshakeKey gives a release another handshake key; those before go on for data
// that was encrypted under them.
func (c *Client) RotateHandshakeKey(ctx context.Context, q, version string) (*Release, error) {
	return post[Release](ctx, c, product(q)+"/releases/"+url.PathEscape(version)+"/rotate", nil)
}

// HandshakeKey reads a handshake key of a release: the one with the id, or without one
// the current one. Whoever has it needs no licence.
func (c *Client) HandshakeKey(ctx context.Context, q, version, id string) (*HandshakeSecret, error) {
	return get[HandshakeSecret](ctx, c, product(q)+"/releases/"+url.PathEscape(version)+"/handshake-key?key="+url.QueryEscape(id))
}

func product(q string) string { return "products/" + url.PathEscape(q) }
