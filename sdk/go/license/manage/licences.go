package manage

import (
	"context"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
	"guildhall/sdk/go/license/offline"
)

// LicenceOrder is an offline licence to issue.
type LicenceOrder struct {
	Request     string    `json:"request" maxLength:"65536" doc:"The request as the customer sent it: the JSON that his machine made, or YAML." example:"product: press\ncompany: Printers Ltd\ncontact: office@printers.example\nnodes: [{name: plant, identifiers: {mac: 00:1b:44:11:3a:b7}}]"`
	Product     string    `json:"product,omitempty" maxLength:"100" doc:"The id or the code of the product, which the request must not contradict."`
	Modules     *[]string `json:"modules,omitempty" maxItems:"200" doc:"Those that are granted; absent: those that the request asks for."`
	Users       *int      `json:"users,omitempty" minimum:"0" maximum:"2000000000" doc:"How many there may be, 0: any number; absent: as the request asks."`
	From        time.Time `json:"from,omitzero" doc:"When it begins; absent: at once."`
	To          time.Time `json:"to" doc:"When it is over."`
	VersionFrom string    `json:"version_from,omitempty" maxLength:"100" doc:"First version of the program." example:"2.0"`
	VersionTo   string    `json:"version_to,omitempty" maxLength:"100" doc:"Last version: 2 includes 2.9.1." example:"2"`
	AnyMachine  bool      `json:"any_machine,omitempty" doc:"Bound to no machine: whoever has the licence can use it."`
	Release     string    `json:"release,omitempty" maxLength:"64" doc:"The version whose handshake key is the confidential part." example:"2.1.0"`
	Value       []byte    `json:"value,omitempty" doc:"Or the confidential part itself, up to 4096 bytes, in base64."`
	Again       bool      `json:"again,omitempty" doc:"Issue another licence for a request that had one before."`
	Customer    string    `json:"customer,omitempty" maxLength:"100" doc:"The id of a customer."`
	Note        string    `json:"note,omitempty" maxLength:"8000" doc:"For yourselves, up to 2000 characters; not in the licence."`
}

// LicenceDraft is a licence that could be issued.
type LicenceDraft struct {
	Claims       offline.Claims `json:"claims" doc:"What it would say; its id is another one then."`
	SigningKey   string         `json:"signing_key" doc:"The key that would sign it."`
	Confidential string         `json:"confidential,omitempty" doc:"The id of the handshake key in it, or \"value\"."`
	SealedTo     []string       `json:"sealed_to" nullable:"false" doc:"The machines to whose install keys it is sealed."`
	Code         bool           `json:"code" doc:"It is under a code, for machines without an install key."`
	KeyOnly      []string       `json:"key_only,omitempty" doc:"The machines that nothing but their install keys identify: whoever has the file of such a key uses the licence on any machine."`
	Earlier      string         `json:"earlier,omitempty" doc:"The id of the last licence that was issued for the same request: to issue it needs again."`
}

// Licence is an offline licence as it was issued.
type Licence struct {
	ID           string    `json:"id" example:"lic_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Product      string    `json:"product"`
	SigningKey   string    `json:"signing_key"`
	Customer     string    `json:"customer,omitempty"`
	Company      string    `json:"company"`
	Contact      string    `json:"contact"`
	Confidential string    `json:"confidential,omitempty" doc:"The id of the handshake key in it, or \"value\"."`
	Note         string    `json:"note"`
	IssuedAt     time.Time `json:"issued_at"`
	ExpiresAt    time.Time `json:"expires_at"`
	IssuedBy     string    `json:"issued_by"`
}

// LicenceIssued is a licence with what its customer gets.
type LicenceIssued struct {
	Licence
	KeyOnly []string `json:"key_only,omitempty" doc:"The machines that nothing but their install keys identify: whoever has the file of such a key uses the licence on any machine."`
	Text    string   `json:"text" doc:"The licence in the form for letters: all of it is to be copied."`
	Code    string   `json:"code,omitempty" doc:"Opens the confidential part on machines without an install key. It is kept nowhere: tell it to the customer by another way than the licence."`
}

// LicenceText is a licence in both forms.
type LicenceText struct {
	Text     string `json:"text" doc:"For letters."`
	OneLine  string `json:"one_line" doc:"The same in one line."`
	FileName string `json:"file_name" example:"lic_06a4m8w3j5t2n7q1c9v0xkzgde.txt"`
}

// LicenceNote is what can be changed of a licence that was issued.
type LicenceNote struct {
	Note string `json:"note" maxLength:"8000" doc:"Up to 2000 characters."`
}

// LicenceList is one page of licences.
type LicenceList struct {
	Licences []Licence `json:"licences" nullable:"false"`
	Total    int       `json:"total" doc:"How many there are in all."`
}

// LicenceRequest chooses licences; what is empty or zero is any.
type LicenceRequest struct {
	Text                                   string
	Product, Customer                      string
	IssuedFrom, IssuedTo, EndsFrom, EndsTo time.Time
	Limit, Offset                          int
}

// PreviewLicence says what IssueLicence would issue.
func (c *Client) PreviewLicence(ctx context.Context, o LicenceOrder) (*LicenceDraft, error) {
	return post[LicenceDraft](ctx, c, "licences/preview", o)
}

// IssueLicence signs and records a licence.
func (c *Client) IssueLicence(ctx context.Context, o LicenceOrder) (*LicenceIssued, error) {
	return post[LicenceIssued](ctx, c, "licences", o)
}

// Licences reads one page of licences, the last issued first.
func (c *Client) Licences(ctx context.Context, r LicenceRequest) (*LicenceList, error) {
	q := api.Query(map[string]string{"q": r.Text, "product": r.Product, "customer": r.Customer}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	for name, at := range map[string]time.Time{"issued_from": r.IssuedFrom, "issued_to": r.IssuedTo, "ends_from": r.EndsFrom, "ends_to": r.EndsTo} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return get[LicenceList](ctx, c, "licences?"+q.Encode())
}

// Licence reads a licence without its text.
func (c *Client) Licence(ctx context.Context, id string) (*Licence, error) {
	return get[Licence](ctx, c, licence(id))
}

// LicenceText reads what the customer of a licence got.
func (c *Client) LicenceText(ctx context.Context, id string) (*LicenceText, error) {
	return get[LicenceText](ctx, c, licence(id)+"/text")
}

// UpdateLicence replaces the note of a licence.
func (c *Client) UpdateLicence(ctx context.Context, id string, n LicenceNote) (*Licence, error) {
	return put[Licence](ctx, c, licence(id), n)
}

func licence(id string) string { return "licences/" + url.PathEscape(id) }
